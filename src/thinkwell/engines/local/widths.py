"""How much to draft: by what forwards of this model cost on this machine, and by how often drafts stood.

A node that stands with chance c adds c tokens to a step and the cost of one more token to its forward; it pays where c is above the tokens that the step writes for the time of
one more token. With so many paths at once that every token costs its full share of a forward, nothing is drafted at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from thinkwell.decoding.draft_tree import RANK_WORTH, heuristic_tree
from thinkwell.engines.local.cache import Slots
from thinkwell.engines.local.forest import Grown, forest_hidden
from thinkwell.engines.local.forward import decode_group
from thinkwell.engines.local.model import Batch, Decoder

MOST = 64  # draft tokens a path and step where the engine chooses
SIZES = (1, 8, 24, 64)  # tokens of the forwards that are timed, in one tree
TRIED_AT = 100  # cached positions of those
ROUNDS = 10
SLOW = 0.5  # seconds: when a forward takes this long, no larger one is timed
HOST, PLAIN_HOST = 1.5e-4, 5e-5  # seconds of a drafted step beside its forward, and of a plain one, roughly
OVERALL = 0.8  # of the mean slope over all timed sizes
WINDOW = 24  # steps that a running mean looks back on
ELASTIC = 0.4  # what one token more may cost, in shares of what a path's token costs in a forward without drafts


class Widths:
    """Decides for one engine. `worth`: the chance below which a node does not pay. `nodes`: the size of a static tree. `drafts`: whether to draft at all."""

    def __init__(self, decoder: Decoder) -> None:
        self.decoder = decoder
        self.costs: list[tuple[int, float]] = []
        self.one = 0.0  # seconds of a plain step of one path
        self.written: dict[int, float] = {}  # by paths at once (powers of two): tokens a path and step
        self.sizes: dict[int, float] = {}  # draft tokens a path and step

    def worth(self, rows: int) -> float:
        kind = rows.bit_length()
        tokens = rows * (1 + self.sizes.get(kind, 4.0))
        rate = rows * self.written.get(kind, 2.0) / (self.cost(tokens) + HOST)
        return min(0.95, max(0.01, self.slope(tokens) * rate))

    def nodes(self, rows: int) -> int:
        """Nodes of the heuristic tree whose standing pays, by the chance that its ranks stand on the whole."""
        worth = self.worth(rows)
        count = 0
        for node in heuristic_tree(MOST).nodes:
            chance = 1.0
            for rank in node:
                chance *= RANK_WORTH[rank]
            if chance < worth:
                break
            count += 1
        return count

    def drafts(self, rows: int) -> bool:
        """Whether drafting can pay with this many paths at once: one token more must cost clearly less than the paths' own tokens do."""
        return rows * self.slope(rows) < ELASTIC * self.cost(rows)

    def pays(self, rows: int, tokens: int, expected: float) -> bool:
        """Whether a forward over this many tokens, of which `rows` are the paths' own and of whose drafts `expected` will stand, writes more in its time than plain decoding."""
        return (rows + expected) * (self.plain(rows) + PLAIN_HOST) > rows * (self.cost(tokens) + HOST)

    def plain(self, rows: int) -> float:
        """Seconds of a plain step's forward."""
        return max(0.0, self.cost(rows) - self.cost(1) + self.one)

    def learn(self, rows: int, tokens: int, nodes: int) -> None:
        """A drafted step of `rows` paths wrote `tokens` with `nodes` draft tokens."""
        kind = rows.bit_length()
        for of, value in ((self.written, tokens / rows), (self.sizes, nodes / rows)):
            before = of.get(kind, value)
            of[kind] = before + (value - before) / WINDOW

    def cost(self, tokens: float) -> float:
        """Seconds of a forward over this many tokens."""
        before, after = self._around(tokens)
        return before[1] + (tokens - before[0]) * self._slope(before, after)

    def slope(self, tokens: float) -> float:
        """Seconds that one more token adds: between the timed sizes around, but not much less than on the whole, as single timings are noisy."""
        around = self._slope(*self._around(tokens))
        return max(around, OVERALL * self._slope(self.costs[0], self.costs[-1])) if len(self.costs) > 1 else around

    def _around(self, tokens: float) -> tuple[tuple[int, float], tuple[int, float]]:
        if not self.costs:
            self.costs, self.one = measure(self.decoder)
        if len(self.costs) == 1:
            return (0, 0.0), self.costs[0]
        at = next((i for i, (size, _) in enumerate(self.costs[1:-1], 1) if tokens <= size), len(self.costs) - 1)
        return self.costs[at - 1], self.costs[at]

    @staticmethod
    def _slope(before: tuple[int, float], after: tuple[int, float]) -> float:
        return max(0.0, after[1] - before[1]) / (after[0] - before[0])


@torch.inference_mode()
def measure(decoder: Decoder) -> tuple[list[tuple[int, float]], float]:
    """(tokens, seconds) of forwards over one tree each, and the seconds of a plain step of one path: the best of a few."""
    shape = decoder.shape
    slots = Slots(shape.layers, shape.kv_heads, shape.head_dim, decoder.dtype, decoder.device, 1, TRIED_AT + SIZES[-1])
    held = min(TRIED_AT, shape.context - 2)
    zero_N, at_N = torch.zeros(1, dtype=torch.int64, device=decoder.device), torch.full((1,), held, device=decoder.device)
    groups = [] if decoder.native is not None else [decode_group(shape, decoder.dtype, at_N, 0, 1, held + 1)]
    step = Batch(zero_N, at_N, (zero_N, at_N), 1, groups, dense=True)
    trees = [Grown(held, [0] * size, [-1, *[0] * (size - 1)]) for size in SIZES]
    forwards: list[Callable[[], Tensor]] = [lambda: decoder.hidden(step, slots)]
    forwards += [lambda tree=tree: forest_hidden(decoder, slots, [tree]).hidden_MH for tree in trees]  # type: ignore[misc]
    best = [float("inf")] * len(forwards)
    for _ in range(ROUNDS):  # all sizes in turn, so that what else the machine does slows all of them alike
        for i, forward in enumerate(forwards):
            started = time.perf_counter()
            decoder.logits(forward()).sum().item()
            best[i] = min(best[i], time.perf_counter() - started)
            if best[i] > SLOW:
                return list(zip(SIZES[: max(1, i)], best[1:] if i else best, strict=False)), best[0]
    return list(zip(SIZES, best[1:], strict=True)), best[0]
