"""One forward over trees of tokens: a tree after each of several paths, every node seeing its path and its own ancestors (a mask, not a batch of branches).

Axes: N paths, Q nodes of the largest tree, M nodes in this forward, T cached positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from thinkwell.engines.local.cache import Slots
from thinkwell.engines.local.forward import smallest_window, spread
from thinkwell.engines.local.model import Batch, Decoder, Group, Shape


@dataclass(frozen=True, slots=True)
class Grown:
    """A tree of tokens after the `held` cached positions of a row. Node 0 is its root; parents[i] < i for the others, parents[0] = -1. Node i is
    written at position held + i of the row."""

    held: int
    tokens: Sequence[int]
    parents: Sequence[int]

    def depths(self) -> list[int]:
        """Distance of each node from the root."""
        depths = [0] * len(self.tokens)
        for node in range(1, len(depths)):
            depths[node] = depths[self.parents[node]] + 1
        return depths


def check_parents(parents: Sequence[int]) -> None:
    """Raises ValueError unless every node hangs on an earlier one, or on the path's end (-1)."""
    for node, parent in enumerate(parents):
        if not -1 <= parent < node:
            raise ValueError(f"parent of tree node {node} is {parent}; expected -1 or an earlier node.")


@dataclass(frozen=True, slots=True)
class Forest:
    """What a forward over trees gives. first[t] + i is the place of tree t's node i in the tensors; trees_M: the tree of each node."""

    hidden_MH: Tensor
    trees_M: Tensor
    positions_M: Tensor
    first: Sequence[int]


def forest_hidden(decoder: Decoder, slots: Slots, trees: Sequence[Grown], rows: Sequence[int] | None = None) -> Forest:
    """Final hidden states of all nodes. rows: that of `slots` which each tree hangs on, by default the first ones in order; the compiled kernel alone can do
    with others. Writes keys and values."""
    depths = [tree.depths() for tree in trees]
    widest = max(len(tree.tokens) for tree in trees)
    slots.reserve(len(trees), max(tree.held for tree in trees) + widest)
    decoder.reserve(max(tree.held + max(deep) for tree, deep in zip(trees, depths, strict=True)) + 1)
    if decoder.native is None:
        return _padded(decoder, slots, trees, depths, widest)
    return _native(decoder, slots, trees, depths, range(len(trees)) if rows is None else rows)


def _native(decoder: Decoder, slots: Slots, trees: Sequence[Grown], depths: Sequence[Sequence[int]], rows: Sequence[int]) -> Forest:
    first, ids, owners, held_in, positions, places, parents = [], [], [], [], [], [], []  # type: ignore[var-annotated]
    for number, (tree, deep, row) in enumerate(zip(trees, depths, rows, strict=True)):
        start, size, held = len(ids), len(tree.tokens), tree.held
        first.append(start)
        ids += tree.tokens
        owners += [number] * size
        held_in += [row] * size
        positions += [held + depth for depth in deep]
        places += range(held, held + size)
        parents += [-1, *[start + parent for parent in tree.parents[1:]]]
    ids_M, trees_M, rows_M, positions_M, places_M, parents_M = torch.tensor([ids, owners, held_in, positions, places, parents]).unbind()
    hidden_MH = decoder.hidden(Batch(ids_M, positions_M, (rows_M, places_M), 1, (), parents_M=parents_M), slots)
    return Forest(hidden_MH, trees_M, positions_M, first)


def _padded(decoder: Decoder, slots: Slots, trees: Sequence[Grown], depths: Sequence[Sequence[int]], widest: int) -> Forest:
    """The same on torch operations: every tree is filled up to the widest. What the fillers write lies beyond the row's own nodes, where nothing looks
    before it is overwritten."""
    device, rows, queries = decoder.device, len(trees), widest
    fill = [queries - len(tree.tokens) for tree in trees]
    packed_3NQ = torch.tensor(
        [
            [[*tree.tokens, *[0] * extra] for tree, extra in zip(trees, fill, strict=True)],
            [[*deep, *[0] * extra] for deep, extra in zip(depths, fill, strict=True)],
            [[0, *tree.parents[1:], *[0] * extra] for tree, extra in zip(trees, fill, strict=True)],
        ]
    )
    held_N1 = torch.tensor([[tree.held] for tree in trees], device=device)
    related_NQQ = _related(packed_3NQ[2], max(map(max, depths))).to(device)
    ids_NQ, depth_NQ, _ = packed_3NQ.to(device)
    at_NQ = held_N1 + depth_NQ
    place_NQ = held_N1 + torch.arange(queries, device=device)
    rows_M = torch.arange(rows, device=device).repeat_interleave(queries)
    length = max(tree.held for tree in trees) + queries
    group = _group(decoder.shape, decoder.dtype, held_N1, at_NQ, place_NQ, related_NQQ, length)
    hidden_MH = decoder.hidden(Batch(ids_NQ.flatten(), at_NQ.flatten(), (rows_M, place_NQ.flatten()), queries, [group]), slots)
    return Forest(hidden_MH, rows_M, at_NQ.flatten(), range(0, rows * queries, queries))


def _related(parents_NQ: Tensor, deepest: int) -> Tensor:
    """[n, i, j]: whether node j of tree n is node i or one of its ancestors (roots are their own parents)."""
    rows, queries = parents_NQ.shape
    related_NQQ = torch.eye(queries, dtype=torch.bool).repeat(rows, 1, 1)
    above_NQ = parents_NQ
    for _ in range(deepest):
        related_NQQ.scatter_(2, above_NQ[:, :, None], True)
        above_NQ = parents_NQ.gather(1, above_NQ)
    return related_NQQ


def _group(shape: Shape, dtype: torch.dtype, held_N1: Tensor, at_NQ: Tensor, place_NQ: Tensor, related_NQQ: Tensor, length: int) -> Group:
    rows, queries = at_NQ.shape
    cached_T = torch.arange(length, device=at_NQ.device)
    hidden_NQT = (cached_T >= held_N1)[:, None].repeat(1, queries, 1)
    hidden_NQT.scatter_(2, place_NQ[:, None].expand(-1, queries, -1), ~related_NQQ)
    window, windowed = smallest_window(shape), None
    if window is not None and length > window:
        position_NT = cached_T.repeat(rows, 1).scatter_(1, place_NQ, at_NQ)
        windowed = spread(shape, dtype, hidden_NQT | (position_NT[:, None] <= at_NQ[:, :, None] - window))
    return Group(0, rows, length, spread(shape, dtype, hidden_NQT), windowed)


def keep_branches(decoder: Decoder, slots: Slots, moves: Sequence[tuple[int, int, int]]) -> None:
    """Moves cached positions within their rows: (row, from, to), each row's in rising order. What a branch wrote becomes what its path holds."""
    if not moves:
        return
    rows_I, from_I, to_I = torch.tensor(moves, device=decoder.device).t().contiguous()
    if decoder.native is not None:
        decoder.native.move_places(slots.data, rows_I, from_I, to_I)
    else:
        slots.data[:, :, rows_I, :, to_I] = slots.data[:, :, rows_I, :, from_I]
