"""STAND's table compiled (tables.c): the drafts of all paths of a step in one call, grown best first where the engine may choose their size.

A `StandDrafter` stays what the method sees; the first step that meets it under a rule that matches makes its compiled twin, and counts of look-ups flow back.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from thinkwell.core.sampling import Sampling
from thinkwell.decoding.draft_tree import DraftTree
from thinkwell.decoding.drafts import Draft
from thinkwell.decoding.stand import StandDrafter
from thinkwell.engines.local.native import Native
from thinkwell.engines.local.run import Run
from thinkwell.engines.local.sampling import filtered, filters_of

CELLS = 17 * 6 * 16  # orders, counts, margins: as tables.c has them
MEMORY = 0.9  # of a step, in the next one
WIDTH = 16  # ids of context: the longest key


class Twin:
    """The compiled table of a drafter."""

    def __init__(self, native: Native, drafter: StandDrafter) -> None:
        table = drafter.table
        self.library, self.table, self.tree = native.library, table, drafter.tree
        self.pointer = int(native.library.table_new(table.max_order, table.min_order, table.top, table.average))
        self._counts = (ctypes.c_int64 * 2).from_address(self.pointer)
        weakref.finalize(self, native.library.table_free, self.pointer)
        self.hoped = self.stood = 0.0  # nodes of late drafts: that should have stood, and that did

    @property
    def trust(self) -> float:
        """What to make of estimates that a node stands: they come from all tables, and a young one knows less than it seems to."""
        return (self.stood + 1.0) / (self.hoped + 2.0)

    def compare(self, hoped: float, stood: int) -> None:
        """A draft whose nodes should have stood so often, and did; (0, 0) after a step without, that a new try may come."""
        self.hoped, self.stood = MEMORY * self.hoped + hoped, MEMORY * self.stood + stood

    def report(self) -> None:
        self.table.lookups, self.table.hits = self._counts


@dataclass(frozen=True, slots=True)
class Proposed:
    """Drafts of the rows of one step: (R, 4, nodes) of tokens, parents, places in the static tree, cells; and how many nodes each has."""

    drafts_R4N: Tensor
    counts_R: Tensor

    def drafts(self) -> list[Draft]:
        counts = self.counts_R.tolist()
        widest = max(counts)
        rows = self.drafts_R4N[:, :3, :widest].tolist()
        return [Draft(row[0][:n], row[1][:n], {}, row[2][:n]) for row, n in zip(rows, counts, strict=True)]


class Tables:
    """The compiled tables of an engine and what it has learnt about when drafts stand."""

    def __init__(self, native: Native) -> None:
        self.native = native
        self.cells = torch.zeros((CELLS, 2))
        self._twins: weakref.WeakKeyDictionary[StandDrafter, Twin] = weakref.WeakKeyDictionary()

    def twin(self, run: Run) -> Twin | None:
        """The compiled table for a path, if it has one: STAND's under a rule that matches, no hook, tokens drawn in float32."""
        drafter, request = run.drafter, run.request
        if type(drafter) is not StandDrafter or request.draft is None or not request.draft.rule.matches or request.hook is not None:
            return None
        found = self._twins.get(drafter)
        if found is None:
            found = self._twins[drafter] = Twin(self.native, drafter)
        return found

    def propose(self, runs: Sequence[Run], twins: Sequence[Twin], nodes: int, worth: float, tree: DraftTree | None) -> Proposed:
        """Drafts of at most `nodes` tokens: of a static tree, or grown as long as a node stands with a chance above `worth`."""
        rows = len(runs)
        numbers: list[Any] = []
        for run in runs:
            tail = run.ids[-WIDTH:]
            coupled = run.request.draft is not None and run.request.draft.rule.value == "gumbel_coupled" and not run.request.sampling.greedy
            numbers.append([*run.noise, run.limit - len(run.ids) - 1, len(run.ids), int(coupled), *[-1] * (WIDTH - len(tail)), *tail])
        packed = torch.tensor(numbers)
        keys, depths, positions, noisy, contexts = (part.contiguous() for part in packed.split([4, 1, 1, 1, WIDTH], 1))
        out = torch.empty((rows, 4, nodes), dtype=torch.int64)
        counts = torch.zeros(rows, dtype=torch.int64)
        parents = None if tree is None else torch.tensor(tree.parents[:nodes])
        pointers = (ctypes.c_void_p * rows)(*[twin.pointer for twin in twins])
        self.native.library.table_propose(
            pointers, contexts.data_ptr(), depths.data_ptr(), keys.data_ptr(), positions.data_ptr(), noisy.data_ptr(),
            None if parents is None else parents.data_ptr(), self.cells.data_ptr(), out.data_ptr(), counts.data_ptr(), None, rows, WIDTH, nodes, worth,
        )  # fmt: skip
        return Proposed(out, counts)

    def walk(self, proposed: Proposed, drawn_M: Tensor, first: Sequence[int]) -> list[list[int]]:
        """The accepted nodes of each row, parent first."""
        rows, _, nodes = proposed.drafts_R4N.shape
        accepted = torch.empty((rows, nodes), dtype=torch.int64)
        kept = torch.empty(rows, dtype=torch.int64)
        starts = torch.tensor(first)
        self.native.library.table_walk(
            proposed.drafts_R4N.data_ptr(), proposed.counts_R.data_ptr(), drawn_M.data_ptr(), starts.data_ptr(), self.cells.data_ptr(),
            accepted.data_ptr(), kept.data_ptr(), rows, nodes,
        )  # fmt: skip
        counts = kept.tolist()
        return [row[:n] for row, n in zip(accepted[:, : max(counts)].tolist(), counts, strict=True)]

    def learn(
        self,
        twins: Sequence[Twin],
        logits_MV: Tensor,
        places: Sequence[int],
        sampling: Sequence[Sampling],
        contexts: Sequence[Sequence[int]],
    ) -> None:
        """What the model thought after each context: its logits in row places[i], under sampling[i]."""
        logits_MV = logits_MV.float().contiguous()
        filters = filters_of(sampling, logits_MV.device, torch.float32)
        if filters is not None:
            logits_MV = logits_MV[list(places)]
            logits_MV.index_copy_(0, filters.rows, filtered(logits_MV[filters.rows], filters))
            places = range(len(places))
        numbers = torch.tensor(
            [
                [place, *[-1] * (WIDTH - len(tail)), *tail]
                for place, tail in zip(places, (context[-WIDTH:] for context in contexts), strict=True)
            ]
        )
        rows, tails = numbers[:, 0].contiguous(), numbers[:, 1:].contiguous()
        temperatures = torch.tensor([s.temperature or 1.0 for s in sampling])
        pointers = (ctypes.c_void_p * len(twins))(*[twin.pointer for twin in twins])
        self.native.library.table_learn(
            pointers,
            logits_MV.data_ptr(),
            rows.data_ptr(),
            temperatures.data_ptr(),
            tails.data_ptr(),
            len(twins),
            logits_MV.shape[1],
            WIDTH,
        )
        for twin in set(twins):
            twin.report()
