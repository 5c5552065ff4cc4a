"""What a method needs to reach an accuracy, read off its results at a ladder of budgets: pure functions on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Bound = Literal["at least", "at most"]
Floats = NDArray[np.float64]
RESAMPLES = 2000


@dataclass(frozen=True)
class Needed:
    """The mean cost at which an accuracy is reached. bound: the ladder ends before it does ("at least") or begins above it ("at most")."""

    cost: float
    bound: Bound | None = None


@dataclass(frozen=True)
class Ratio:
    """Our cost over the rival's at equal accuracy, with its 95 % interval; an end is None where it lies outside of what the ladder shows. bound: of the ratio."""

    value: float
    low: float | None
    high: float | None
    ours: float
    rival: float
    bound: Bound | None


def never_falling(accuracies: Sequence[float]) -> list[float]:
    """The nearest values, by least squares, that do not fall: neighbours out of order are pooled. So a lucky rung alone reaches nothing."""
    pools: list[tuple[float, int]] = []
    for accuracy in accuracies:
        pools.append((accuracy, 1))
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            (last, n), (before, m) = pools.pop(), pools.pop()
            pools.append(((last * n + before * m) / (n + m), n + m))
    return [value for value, count in pools for _ in range(count)]


def needed(costs: Sequence[float], accuracies: Sequence[float], accuracy: float) -> Needed:
    """Where the curve through the rungs, straight between them, first reaches `accuracy`. costs: means, rising."""
    order = sorted(range(len(costs)), key=lambda rung: costs[rung])
    curve = never_falling([accuracies[rung] for rung in order])
    x = [costs[rung] for rung in order]
    for rung, height in enumerate(curve):
        if height >= accuracy - 1e-12:
            if rung == 0:
                return Needed(x[0], "at most")
            below = curve[rung - 1]
            return Needed(x[rung - 1] + (x[rung] - x[rung - 1]) * (accuracy - below) / (height - below))
    return Needed(x[-1], "at least")


def ratio_at_equal_accuracy(ours_right_P: Floats, ours_cost_P: Floats, right_RP: Floats, cost_RP: Floats, seed: int = 0) -> Ratio:
    """Our mean cost over what the rival needs for our accuracy. Problems are resampled for all methods and rungs together. R: rungs, P: problems."""

    def measure(chosen: NDArray[np.int64]) -> tuple[float, Needed]:
        rival = needed(
            list(cost_RP[:, chosen].mean(axis=1)), list(right_RP[:, chosen].mean(axis=1)), float(ours_right_P[chosen].mean())
        )  # fmt: skip
        return float(ours_cost_P[chosen].mean()), rival

    problems = len(ours_right_P)
    ours, rival = measure(np.arange(problems))
    rng = np.random.Generator(np.random.Philox(seed))
    drawn = []
    for _ in range(RESAMPLES):
        cost, found = measure(rng.integers(0, problems, problems))
        drawn.append(-np.inf if found.bound == "at least" else np.inf if found.bound == "at most" else cost / found.cost)
    drawn.sort()
    low, high = drawn[round(0.025 * (RESAMPLES - 1))], drawn[round(0.975 * (RESAMPLES - 1))]
    turned: dict[Bound | None, Bound | None] = {"at least": "at most", "at most": "at least", None: None}  # the cost is below the line
    return Ratio(ours / rival.cost, _inside(low), _inside(high), ours, rival.cost, turned[rival.bound])


def _inside(end: float) -> float | None:
    return float(end) if np.isfinite(end) else None
