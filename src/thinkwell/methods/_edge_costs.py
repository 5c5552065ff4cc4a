"""How A* measures a state: the cost g of the way to it and the heuristic h of what is left, from the reward model's scores along its path.

A state's *trail* is 1 - r of the prompt (a convention: no scorer judges a prompt), of its first step, and so on to itself. All sums are exact fractions: under
`consistent` every path that only improves has the same f, and rounding must not choose among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from statistics import median_low


class EdgeCost(StrEnum):
    """What a step costs."""

    CONSISTENT = "consistent"
    RISE = "rise"
    ZERO = "zero"
    UNIFORM = "uniform"


class Calibrate(StrEnum):
    """What a score is compared with."""

    NONE = "none"
    DRIFT = "drift"


def edge(kind: EdgeCost, before: Fraction, after: Fraction, step_cost: float = 0.0, *, first: bool = False) -> Fraction:
    """c(s, s') from the heuristics of the two states; `first` is the step from the prompt."""
    match kind:
        case EdgeCost.CONSISTENT:
            return max(Fraction(0), before - after)
        case EdgeCost.RISE:
            return Fraction(0) if first else max(Fraction(0), after - before)
        case EdgeCost.ZERO:
            return Fraction(0)
        case EdgeCost.UNIFORM:
            return Fraction(step_cost)


class Yardstick:
    """Measures trails. Under `calibrate=drift` it learns from every expansion how much h rises in a step that is as good as any: many reward models
    give a longer path a lower score however right it is, and then shallow states would always come first and no end would be reached.
    """

    def __init__(self, kind: EdgeCost, step_cost: float = 0.0, calibrate: Calibrate = Calibrate.NONE) -> None:
        self.kind, self.step_cost, self.calibrate = kind, step_cost, calibrate
        self.drift = Fraction(0)
        self._rises = [Fraction(0)]  # of h, to the best child; begins with a zero, so that one bad step alone is not taken for the rule

    def saw(self, parent: Sequence[Fraction], children: Sequence[Sequence[Fraction]]) -> None:
        """An expansion, as trails. The drift is the median of the least rises so far (the lower of two), at least 0: where most steps find a child as good, it stays 0."""
        if self.calibrate is Calibrate.DRIFT and children and len(parent) > 1:
            self._rises.append(min(child[-1] for child in children) - parent[-1])
            self.drift = max(Fraction(0), median_low(self._rises))

    def measure(self, trail: Sequence[Fraction]) -> tuple[Fraction, Fraction]:
        """(g, h) of the state at the end of a trail."""
        h = [max(Fraction(0), raw - self.drift * max(0, depth - 1)) for depth, raw in enumerate(trail)] if self.drift else trail
        costs = (edge(self.kind, a, b, self.step_cost, first=i == 0) for i, (a, b) in enumerate(pairwise(h)))
        return sum(costs, Fraction(0)), h[-1]
