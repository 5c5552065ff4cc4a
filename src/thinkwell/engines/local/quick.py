"""Drafted steps in which every path has a compiled table of STAND's: all that lies between two forwards is three calls of compiled code (steps.c).

What is written, drafted and learnt is what `drafted` would write, draft and learn. A small model's forward takes less than a millisecond, so that lists of Python built for
every node would cost more than drafting gains.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from thinkwell.engines.local.cache import Slots
from thinkwell.engines.local.drafted import shape_of
from thinkwell.engines.local.model import Batch, Decoder
from thinkwell.engines.local.native import Native
from thinkwell.engines.local.run import Run
from thinkwell.engines.local.sampling import Sampler
from thinkwell.engines.local.tables import WIDTH, Tables, Twin
from thinkwell.engines.local.widths import Widths

LONGEST_REST = 6  # steps without a look at what could be drafted
AGAIN = 8  # steps after which the number of nodes that pays is looked up again


@dataclass(frozen=True, slots=True)
class Written:
    """What one path writes in a step: its tokens, how many were drafted for it, and the place in the static tree of each draft that stands."""

    tokens: list[int]
    proposed: int
    slots: list[int]


class QuickStep:
    """Steps of the same paths in the same order; made anew when paths join or leave."""

    def __init__(self, native: Native, tables: Tables, widths: Widths, twins: Sequence[Twin], runs: Sequence[Run]) -> None:
        self.native, self.tables, self.widths, self.twins, self.runs = native, tables, widths, tuple(twins), tuple(runs)
        rows = len(runs)
        self.pointers = (ctypes.c_void_p * rows)(*[twin.pointer for twin in twins])
        sampling = [run.request.sampling for run in runs]
        # Greedy paths teach the law at temperature 1, which ranks their next candidates.
        self.temperatures = (ctypes.c_float * rows)(*[1.0 if s.greedy else s.temperature for s in sampling])
        self.noisy = [
            run.request.draft is not None and run.request.draft.rule.value == "gumbel_coupled" and not run.request.sampling.greedy
            for run in runs
        ]
        self.expected = ctypes.c_float()
        self.sized = any(run.request.draft is not None and run.request.draft.nodes is not None for run in runs)
        self.vain = self.rest = 0  # drafts in a row that did not pay; steps until the next try
        self.age = 0
        self.nodes, self.parents, self.worth = 0, None, 0.0
        self.counts_R, self.first_R, self.kept_R = torch.zeros((3, rows), dtype=torch.int64).unbind()

    def size(self) -> int:
        """Draft nodes a path in the next step, at most."""
        if self.age % AGAIN == 0:
            rows = len(self.runs)
            tree, nodes = shape_of(self.runs[0], self.widths, rows)
            self.worth = self.widths.worth(rows)
            if tree is None:
                self.parents = None
            elif self.parents is None or nodes != self.nodes:
                self.parents = torch.tensor(tree.parents[:nodes])
            if nodes != self.nodes:
                self.nodes = nodes
                self.drafts_R4N = torch.empty((rows, 4, nodes), dtype=torch.int64)
                self.forest_7M = torch.empty((7, rows * (nodes + 1)), dtype=torch.int64)
                self.tokens_RN, self.slots_RN = torch.empty((2, rows, nodes + 1), dtype=torch.int64).unbind()
        self.age += 1
        return self.nodes

    def step(self, decoder: Decoder, slots: Slots, sampler: Sampler, places: Sequence[int]) -> list[Written] | None:
        """One forward; `size` was called, and slots have room. places: row of `slots` of each path. None: nothing was done, as drafts do not pay now."""
        if self.rest:
            self.rest -= 1
            return None
        packed, library, rows, nodes = self._packed(places), self.native.library, len(self.runs), self.nodes
        at = packed.buffer_info()[0]
        twin = self.twins[0]
        trust = min(1.0, twin.trust)
        made = library.step_propose(
            self.pointers, at, None if self.parents is None else self.parents.data_ptr(), self.tables.cells.data_ptr(), self.drafts_R4N.data_ptr(),
            self.counts_R.data_ptr(), self.forest_7M.data_ptr(), self.first_R.data_ptr(), ctypes.byref(self.expected),
            self.forest_7M.shape[1], rows, WIDTH, nodes, min(0.95, self.worth / trust),
        )  # fmt: skip
        expected = self.expected.value
        if not self.sized and not self.widths.pays(rows, made, trust * expected):
            twin.compare(0.0, 0)
            self.vain = min(self.vain + 1, LONGEST_REST)
            self.rest = self.vain - 1
            return None
        self.vain = 0
        ids_M, owners_M, rows_M, positions_M, places_M, parents_M, next_M = self.forest_7M[:, :made].unbind()
        batch = Batch(ids_M, positions_M, (rows_M, places_M), 1, (), parents_M=parents_M)
        logits_MV = decoder.logits(decoder.hidden(batch, slots))
        drawn_M = sampler.draw_of(logits_MV, owners_M, next_M)
        data = slots.data
        library.step_settle(
            self.pointers, at, self.drafts_R4N.data_ptr(), self.counts_R.data_ptr(), self.first_R.data_ptr(), drawn_M.data_ptr(), logits_MV.data_ptr(),
            self.temperatures, self.tables.cells.data_ptr(), data.data_ptr(), self.tokens_RN.data_ptr(), self.slots_RN.data_ptr(), self.kept_R.data_ptr(),
            rows, WIDTH, nodes, logits_MV.shape[1],
            data.shape[0] * 2, data.stride(1), data.shape[3], data.shape[5], data.stride(2), data.stride(3),
        )  # fmt: skip
        for twin in self.twins:
            twin.report()
        kept, proposed = self.kept_R.tolist(), self.counts_R.tolist()
        twin.compare(expected, sum(kept))
        widest = max(kept) + 1
        tokens, stood = self.tokens_RN[:, :widest].tolist(), self.slots_RN[:, :widest].tolist()
        return [Written(tokens[row][: count + 1], proposed[row], stood[row][:count]) for row, count in enumerate(kept)]

    def _packed(self, places: Sequence[int]) -> array[int]:
        """What steps.c is told of each path."""
        packed = array("q")
        for run, noisy, place in zip(self.runs, self.noisy, places, strict=True):
            ids = run.ids
            length = len(ids)
            packed.extend((*run.noise, run.limit - length - 1, length, noisy, place))
            if length < WIDTH:
                packed.extend([-1] * (WIDTH - length))
            packed.extend(ids[-WIDTH:])
        return packed


def quick_step(native: Native | None, tables: Tables | None, widths: Widths, sampler: Sampler, runs: Sequence[Run]) -> QuickStep | None:
    """The steps of these paths, if all of them are drafted alike by compiled tables and nothing has to be looked at between tree and text."""
    if native is None or tables is None or sampler.filters is not None:
        return None
    twins, shapes = [], set()
    for run in runs:
        request, twin = run.request, tables.twin(run) if run.peek is None else None
        if twin is None or request.draft is None or request.draft.all_nodes or request.logprobs or request.min_tokens:
            return None
        twins.append(twin)
        shapes.add((twin.tree, request.draft.nodes))
    return QuickStep(native, tables, widths, twins, runs) if len(shapes) == 1 else None
