"""Batches for the decoder: one new token of many paths, and many tokens of a few paths.

Axes: N paths, Q new tokens a path, T cached positions, K key-value heads, G query heads a key-value head.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from thinkwell.engines.local.cache import Slots
from thinkwell.engines.local.model import Batch, Decoder, Group, Shape

GROUP_ROWS = 16  # rows move between attention groups in blocks of this size
GROUP_COST = 1600  # what one more attention group costs, in row positions
SCORES = 1 << 24  # numbers in one block of attention scores: bounds the queries of a chunk


def decode_group(shape: Shape, dtype: torch.dtype, positions_N: Tensor, start: int, stop: int, length: int) -> Group:
    """Rows [start, stop), one query each, which see positions up to their own; `length` is the longest of them."""
    last_N1 = positions_N[start:stop, None]
    seen_T = torch.arange(length, device=positions_N.device)
    hidden_NT = seen_T > last_N1
    window = smallest_window(shape)

    def bias(hidden: Tensor) -> Tensor:
        bias_NT = torch.zeros(hidden.shape, dtype=dtype, device=hidden.device).masked_fill_(hidden, -torch.inf)
        heads, group = shape.kv_heads, shape.heads // shape.kv_heads
        return bias_NT[:, None].expand(-1, shape.heads, -1).reshape((stop - start) * heads, group, length)

    windowed = bias(hidden_NT | (seen_T <= last_N1 - window)) if window is not None and length > window else None
    return Group(start, stop, length, bias(hidden_NT), windowed)


def partition(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Splits rows into attention groups, each padded to its longest row: a split must save more padding than a group costs."""
    bounds: list[tuple[int, int]] = []
    longest = 0
    for start in range(0, len(lengths), GROUP_ROWS):
        stop = min(start + GROUP_ROWS, len(lengths))
        here = max(lengths[start:stop])
        if bounds:
            first = bounds[-1][0]
            waste = (start - first) * max(0, here - longest) + (stop - start) * max(0, longest - here)
            if waste < GROUP_COST:
                bounds[-1] = (first, stop)
                longest = max(longest, here)
                continue
        bounds.append((start, stop))
        longest = here
    return bounds


def prefill_group(shape: Shape, dtype: torch.dtype, done_N: Tensor, queries: int, length: int) -> Group:
    """All rows, `queries` new tokens each after `done_N` old ones, causal."""
    at_NQ1 = (done_N[:, None] + torch.arange(queries, device=done_N.device))[:, :, None]
    seen_T = torch.arange(length, device=done_N.device)
    hidden_NQT = seen_T > at_NQ1
    window = smallest_window(shape)
    windowed = None
    if window is not None and length > window:
        windowed = spread(shape, dtype, hidden_NQT | (seen_T <= at_NQ1 - window))
    return Group(0, len(done_N), length, spread(shape, dtype, hidden_NQT), windowed)


def spread(shape: Shape, dtype: torch.dtype, hidden_NQT: Tensor) -> Tensor:
    """A mask of hidden positions as a bias for grouped queries: (N, 1, G Q, T), or (N K, G, T) for one query."""
    rows, queries, length = hidden_NQT.shape
    group = shape.heads // shape.kv_heads
    bias = torch.zeros((rows, queries, length), dtype=dtype, device=hidden_NQT.device).masked_fill_(hidden_NQT, -torch.inf)
    if queries == 1:
        return bias.expand(-1, shape.heads, -1).reshape(rows * shape.kv_heads, group, length)
    return bias[:, None].repeat(1, 1, group, 1)


def smallest_window(shape: Shape) -> int | None:
    """The sliding window of the layers that have one."""
    windows = {window for window in shape.windows if window is not None}
    if len(windows) > 1:
        raise ValueError(f"layers with different sliding windows {sorted(windows)}; expected one size.")
    return windows.pop() if windows else None


def extend(
    decoder: Decoder, slots: Slots, tokens: Sequence[Sequence[int]], done: Sequence[int], queries: int, keep: list[Tensor] | None = None
) -> Tensor:
    """Forwards up to `queries` tokens of row i from tokens[i][done[i]] on, writing keys and values into `slots`: hidden states (N, Q, H).

    Rows with fewer tokens left are padded on the right: their extra states and cache entries are garbage, which nothing looks at before it is overwritten.
    """
    device, rows = decoder.device, len(tokens)
    length = max(done) + queries
    slots.reserve(rows, length)
    decoder.reserve(length)
    chunks = [list(row[first : first + queries]) for row, first in zip(tokens, done, strict=True)]
    ids_M = torch.tensor([chunk + [0] * (queries - len(chunk)) for chunk in chunks], device=device).flatten()
    done_N = torch.tensor(done, device=device)
    positions_M = (done_N[:, None] + torch.arange(queries, device=device)).flatten()
    rows_M = torch.arange(rows, device=device).repeat_interleave(queries)
    group = prefill_group(decoder.shape, decoder.dtype, done_N, queries, length)
    hidden_MH = decoder.hidden(Batch(ids_M, positions_M, (rows_M, positions_M), queries, [group]), slots, keep)
    return hidden_MH.view(rows, queries, -1)


def chunk_queries(shape: Shape, rows: int, length: int, wanted: int, chunk: int) -> int:
    """How many tokens a row to forward at once: at most `chunk` in all, and a bounded block of attention scores."""
    return max(1, min(wanted, chunk // rows, SCORES // max(1, rows * shape.heads * length)))
