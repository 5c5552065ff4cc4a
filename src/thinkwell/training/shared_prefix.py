"""The training forward without padding, and with a prompt computed once for all its samples.

A group's samples begin with the same prompt, and rows differ in length by ten times. Here the tokens of a micro-batch stand in one line, each prompt once, then what each
row adds to it; norms, projections and MLPs see nothing else. Attention alone works row by row: compiled (`engines/local/causal.c`) on CPUs in float32, which computes a
prompt's attention once and nothing above the diagonal; elsewhere by torch, which gathers each row's keys and values, in buckets of rows of like length. Tokens after the last
one that carries the loss are not computed at all. The numbers and gradients are those of the padded forward, but for rounding.

It needs a model whose attention goes through Hugging Face's attention interface, looks at all earlier tokens, and knows positions from `position_ids` alone: `possible`
says for which this is known. Other models take the padded forward.

Axes: B rows, T tokens of a row, N tokens in the line, R rows of a bucket, W its width, H heads, D numbers of a head.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from thinkwell.engines.local.native import CAUSAL_DIMS, Native, native_for

KNOWN = frozenset({"llama", "qwen2", "qwen3"})  # tested; one line in `tests/training/test_policy.py` each
NAME = "thinkwell-shared-prefix"
BUCKET = 2048  # padded tokens of a row bucket in attention; a longer row is alone


@dataclass(frozen=True)
class Line:
    """ids_N, positions_N: the line. buckets: for rows of like length, where each of their tokens stands in the line, (R, W); padding is 0. source_N: where each token
    of the line stands in the buckets laid end to end. places_BT: where the token stands that token t of a row is predicted from (t - 1); 0 where there is none.
    runs_R4: the same for the compiled attention, a run a row: the tokens [own, own + size) of the line, which attend to [shared, shared + known) and to their own."""

    ids_N: Tensor
    positions_N: Tensor
    buckets: tuple[Tensor, ...]
    source_N: Tensor
    places_BT: Tensor
    runs_R4: Tensor


def possible(body: Any) -> bool:
    """Whether the body of this causal LM may be given a line."""
    config = getattr(body, "config", None)
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    return (
        getattr(config, "model_type", None) in KNOWN
        and kinds == {"full_attention"}
        and not getattr(config, "attention_dropout", 0.0)
        and str(getattr(config, "rope_parameters", {}).get("rope_type", "default")) == "default"
    )


def starts(mask: Sequence[bool]) -> tuple[int, int]:
    """(first, last): the first and the last token that carry the loss, the first token of a row left out, for nothing predicts it; (0, 0) where there is none."""
    acting = [place for place, flag in enumerate(mask) if flag and place]
    return (acting[0], acting[-1]) if acting else (0, 0)


def bundles(rows: Sequence[Sequence[int]], masks: Sequence[Sequence[bool]], tokens: int) -> list[list[int]]:
    """Indices of rows in micro-batches whose lines have at most `tokens` tokens (a longer row is alone), rows with one prompt together; the longest prompt's rows first."""
    groups: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for index, (row, mask) in enumerate(zip(rows, masks, strict=True)):
        first, last = starts(mask)
        groups.setdefault(tuple(row[:first]), []).append((last - first, index))
    found: list[list[int]] = []
    left = 0
    for prompt, members in sorted(groups.items(), key=lambda item: (-max(item[1])[0] - len(item[0]), item[1][0][1])):
        paid = False
        for own, index in sorted(members, key=lambda member: (-member[0], member[1])):
            cost = own + (0 if paid else len(prompt))
            if not found or cost > left:
                found.append([])
                left, cost = tokens, own + len(prompt)
            found[-1].append(index)
            left, paid = left - cost, True
    return found


def line_of(ids_BT: Tensor, mask_BT: Tensor) -> Line:
    """The line of padded rows."""
    rows, masks = ids_BT.tolist(), mask_BT.tolist()
    ids: list[int] = []
    positions: list[int] = []
    prompts: dict[tuple[int, ...], int] = {}  # where each begins in the line
    owners: list[tuple[int, int, int]] = []  # runs of the line: row, its first token, one past its last
    row_places: list[list[int]] = []
    runs: list[tuple[int, int, int, int]] = []
    for index, (row, mask) in enumerate(zip(rows, masks, strict=True)):
        first, last = starts(mask)
        prompt = tuple(row[:first])
        if prompt not in prompts:
            prompts[prompt] = len(ids)
            runs.append((0, 0, len(ids), first))
            owners.append((index, 0, first))
            ids += prompt
            positions += range(first)
        begins = prompts[prompt]
        row_places.append([*range(begins, begins + first), *range(len(ids), len(ids) + last - first)])
        owners.append((index, first, last))
        runs.append((begins, first, len(ids), last - first))
        ids += row[first:last]
        positions += range(first, last)
    device = ids_BT.device
    order = sorted((index for index, places in enumerate(row_places) if places), key=lambda index: (-len(row_places[index]), index))
    buckets: list[Tensor] = []
    bases: dict[int, int] = {}  # where each row begins in the buckets laid end to end
    end = 0
    for chosen in _cut(order, row_places):
        width = len(row_places[chosen[0]])
        for place, index in enumerate(chosen):
            bases[index] = end + place * width
        end += width * len(chosen)
        buckets.append(torch.tensor([row_places[i] + [0] * (width - len(row_places[i])) for i in chosen], device=device))
    source = [base + place for index, low, high in owners if low < high for base in (bases[index],) for place in range(low, high)]
    places_BT = torch.zeros(ids_BT.shape, dtype=torch.int64)
    for index, places in enumerate(row_places):
        places_BT[index, 1 : len(places) + 1] = torch.tensor(places, dtype=torch.int64)
    whole = (torch.tensor(values, dtype=torch.int64, device=device) for values in (ids, positions, source))
    ids_N, positions_N, source_N = whole
    runs_R4 = torch.tensor([run for run in runs if run[3]], dtype=torch.int64).reshape(-1, 4)
    return Line(ids_N, positions_N, tuple(buckets), source_N, places_BT.to(device), runs_R4)


def hidden_states(body: Any, line: Line) -> Tensor:
    """(N, hidden) of the line's tokens."""
    with _attending(body.config):
        out = body(input_ids=line.ids_N[None], position_ids=line.positions_N[None], use_cache=False, line=line)
    hidden: Tensor = out.last_hidden_state[0]
    return hidden


def attend(
    module: nn.Module, query_1HND: Tensor, key_1HND: Tensor, value_1HND: Tensor, mask: None, *, scaling: float, line: Line, **_: Any
) -> tuple[Tensor, None]:
    """Causal attention of each row over its own tokens; Hugging Face's attention interface. Returns (1, N, H, D)."""
    heads, width = query_1HND.shape[1], query_1HND.shape[3]
    native = native_for(query_1HND.device, query_1HND.dtype, heads, key_1HND.shape[1], width) if width in CAUSAL_DIMS else None
    if native is not None:
        q_NHD, k_NKD, v_NKD = (states[0].transpose(0, 1).contiguous() for states in (query_1HND, key_1HND, value_1HND))
        return _Compiled.apply(q_NHD, k_NKD, v_NKD, line.runs_R4, scaling, native)[None], None
    flat = [states.transpose(1, 2).reshape(states.shape[2], -1) for states in (query_1HND, key_1HND, value_1HND)]
    found = []
    for index_RW in line.buckets:
        # An embedding, as its backward adds up rows; that of an index goes number by number on CPUs.
        q, k, v = (nn.functional.embedding(index_RW, states).unflatten(-1, (-1, width)).transpose(1, 2) for states in flat)
        out_RHWD = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scaling, enable_gqa=k.shape[1] != heads)
        found.append(out_RHWD.transpose(1, 2).reshape(-1, heads * width))
    out_N = nn.functional.embedding(line.source_N, torch.cat(found) if len(found) > 1 else found[0])
    return out_N.unflatten(-1, (heads, width))[None], None


class _Compiled(torch.autograd.Function):
    """`Native.causal_forward` with its gradient."""

    @staticmethod
    def forward(ctx: Any, q_NHD: Tensor, k_NKD: Tensor, v_NKD: Tensor, runs_R4: Tensor, scale: float, native: Native) -> Tensor:
        out_NHD, lse_NH = native.causal_forward(q_NHD, k_NKD, v_NKD, runs_R4, scale)
        ctx.save_for_backward(q_NHD, k_NKD, v_NKD, out_NHD, lse_NH, runs_R4)
        ctx.scale, ctx.native = scale, native
        return out_NHD

    @staticmethod
    def backward(ctx: Any, slope_NHD: Tensor) -> tuple[Tensor | None, ...]:
        *states, runs_R4 = ctx.saved_tensors
        return (*ctx.native.causal_backward(*states, slope_NHD.contiguous(), runs_R4, ctx.scale), None, None, None)


def _cut(order: Sequence[int], row_places: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Rows, longest first, in buckets of at most BUCKET padded tokens."""
    bucket: list[int] = []
    for index in order:
        if bucket and len(row_places[bucket[0]]) * (len(bucket) + 1) > BUCKET:
            yield bucket
            bucket = []
        bucket.append(index)
    if bucket:
        yield bucket


@contextmanager
def _attending(config: Any) -> Iterator[None]:
    """The model attends by `attend`; afterwards as before, for the engine that shares it."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, attend)
    before = config._attn_implementation
    config._attn_implementation = NAME
    try:
        yield
    finally:
        config._attn_implementation = before
