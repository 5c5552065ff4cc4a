"""Adaptive self-consistency: sample paths until the leading answer is unlikely to lose, then stop (Aggarwal et al. 2023, arXiv 2305.11860).

    until n_paths, or the budget is spent: sample `wave` more paths, count the votes v_1 >= v_2 >= ... and stop if
        beta         P(p_1 > p_2) = P(X > 1/2), X ~ Beta(v_1 + 1, v_2 + 1), is at least `threshold`
        dirichlet    P(p_1 > every other p), p ~ Dirichlet(v + 1) over the answers seen and one unseen, is at least `threshold`
        lead         v_1 - v_2 is more than the paths still to come: nothing can change the answer
        window       the last `window` answers are one and the same    (Li et al. 2024, arXiv 2401.10480)
    answer = that of most paths

Chosen differently: both probabilities are worked out, not sampled (beta: a binomial sum; dirichlet: one integral over gamma variables); paths without an answer do not vote
but count as paths; answers are grouped by canonical form; "paths still to come" follows the tokens left at the mean length seen.
Cost per problem: typical_tokens times 4 where the model always says the same (beta at 0.95), up to the whole budget where it does not. One wave after the other.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar, Self

import numpy as np
from pydantic import Field

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.method import METHODS, About, Outcome
from thinkwell.core.path import Origin, Path
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.methods._sampling import MOST_PATHS, paths_for
from thinkwell.methods._selection import carrier
from thinkwell.methods.self_consistency import Tie
from thinkwell.session import Session

GRID = 4000  # points of the integral


class Stop(StrEnum):
    """When the votes are clear enough."""

    BETA = "beta"
    DIRICHLET = "dirichlet"
    LEAD = "lead"
    WINDOW = "window"


class Config(Knobs):
    n_paths: int = Field(default=40, ge=1)
    """Paths at most; with a token budget so many that the tokens end the sampling, unless set."""
    stop: Stop = Stop.BETA
    """beta (against the second answer), dirichlet (against all others), lead (cannot be overtaken) or window (the last answers agree)."""
    threshold: float = Field(default=0.95, gt=0.5, lt=1)
    """Probability at which beta and dirichlet stop."""
    window: int = Field(default=4, ge=1)
    """Answers that must agree in a row under stop=window."""
    wave: int = Field(default=1, ge=1)
    """Paths sampled at the same time between two looks at the votes; more are faster and stop later."""
    tie: Tie = Tie.FIRST
    """Equal votes: the answer that occurred first, or one drawn uniformly (keyed by the seed)."""


class AdaptiveConsistency:
    name: ClassVar[str] = "adaptive_consistency"
    about: ClassVar[About] = About(
        "a majority vote that stops sampling once the votes are clear",
        "Let's Sample Step by Step: Adaptive-Consistency for Efficient Reasoning and Coding with LLMs (Aggarwal et al. 2023)",
        "2305.11860",
    )
    needs: ClassVar[frozenset[Capability]] = frozenset()
    scorers: ClassVar[tuple[str, ...]] = ()
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})

    def fit(self, budget: Budget, preset: Preset) -> Self:
        if budget.tokens is None:
            return self
        return type(self)(self.config.resized(n_paths=MOST_PATHS * paths_for(budget, preset, self.config.n_paths)))

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        config = self.config
        paths: list[Path] = []
        clear = False
        while not clear and (left := still_to_come(session, paths, config.n_paths)):
            paths += await session.extend(await session.open(min(config.wave, left)))
            answers = [answer.canonical for path in paths if (answer := session.answer(path)) is not None]
            clear = decided(config, answers, still_to_come(session, paths, config.n_paths))
        if clear:
            session.note(f"stopped by the rule {config.stop.value} after {len(paths)} paths")
        choice = session.vote(paths, tie=config.tie.value)
        facts = {"candidates": len(paths), "stopped": clear, "tie": choice.tie, "votes": dict(choice.votes)}
        return Outcome(choice.answer, tuple(paths), carrier(session, paths, [1.0] * len(paths), choice.answer), None, facts)


def still_to_come(session: Session, paths: Sequence[Path], most: int) -> int:
    """How many more paths the ceilings allow, by the mean length so far; at the start by the typical length, and at least one."""
    most = min(most, session.max_paths if session.max_paths is not None else most)
    if not paths:
        return min(most, max(1, session.tokens_left // max(1, session.preset.typical_tokens)))
    if session.exhausted:
        return 0
    mean = max(1.0, sum(path.count(Origin.MODEL) for path in paths) / len(paths))
    return max(0, min(most - len(paths), int(session.tokens_left / mean)))


def decided(config: Config, answers: Sequence[str], left: int) -> bool:
    """Whether the answers so far are clear enough to stop; without any answer they never are."""
    if not answers:
        return False
    votes = [count for _, count in Counter(answers).most_common()]
    first, second = votes[0], votes[1] if len(votes) > 1 else 0
    match config.stop:
        case Stop.BETA:
            return beats_second(first, second) >= config.threshold
        case Stop.DIRICHLET:
            return beats_all(votes) >= config.threshold
        case Stop.LEAD:
            return first - second > left
        case Stop.WINDOW:
            return len(answers) >= config.window and len(set(answers[-config.window :])) == 1


def beats_second(first: int, second: int) -> float:
    """P(X > 1/2) for X ~ Beta(first + 1, second + 1): the chance of at most `first` heads in first + second + 1 tosses of a fair coin."""
    tosses = first + second + 1
    return sum(math.comb(tosses, heads) for heads in range(first + 1)) / 2**tosses


def beats_all(votes: Sequence[int]) -> float:
    """P(p_1 is the largest) for p ~ Dirichlet(votes + 1) with one unseen answer added.

    p_i are independent gamma variables of shapes votes_i + 1, divided by their sum: the integral of the density of the first times the others' distributions.
    """
    shape = votes[0] + 1
    x = np.linspace(0.0, shape + 12 * math.sqrt(shape) + 30, GRID)
    log_x = np.log(np.maximum(x, 1e-300))
    density = np.exp((shape - 1) * log_x - x - math.lgamma(shape))
    below = np.ones_like(x)
    for other in (*votes[1:], 0):
        tail = sum(np.exp(k * log_x - x - math.lgamma(k + 1)) for k in range(other + 1))  # a gamma variable of whole shape exceeds x
        below = below * (1.0 - tail)
    inside = density * below
    return float((inside.sum() - (inside[0] + inside[-1]) / 2) * (x[1] - x[0]))  # trapezoids


METHODS.add(AdaptiveConsistency.name)(AdaptiveConsistency)
