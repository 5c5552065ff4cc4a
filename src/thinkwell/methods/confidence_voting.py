"""Confidence-filtered voting: of several paths only the ones the model was surest of vote (the offline form of DeepConf, Fu et al. 2025, arXiv 2508.15260).

    paths = n_paths independent paths to their ends;   l_1 ... l_T: log-probs of the tokens of a path
    c     = exp of  mean: the mean of all l      tail: of the last `window`      lowest: the least mean of any `window` in a row
                    bottom: the mean over the lowest tenth of those windows
    keep the share `keep` of the answering paths with the largest c;   answer = argmax_a sum over kept {i : a_i = a} of c_i (or of 1)

Chosen differently from DeepConf: the log-prob of the sampled token stands for its token confidence (minus the mean log-prob of the likeliest k tokens, which engines do not
hand out); c is a probability in (0, 1]; paths without an answer are left out before the filter, so that they take nobody's place; a path shorter than
the window is one window. The online form, which stops unsure paths while they are written, is left out.
Cost per problem: n_paths * typical_tokens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from itertools import accumulate
from typing import ClassVar, Self

from pydantic import Field

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.method import METHODS, About, Outcome, refuse_starved
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.methods._sampling import paths_for, sample
from thinkwell.methods._selection import carrier
from thinkwell.methods.self_consistency import Tie
from thinkwell.session import Session

BOTTOM = 0.1  # share of the windows that `bottom` takes


class Measure(StrEnum):
    """Which tokens a path's confidence is the mean of."""

    MEAN = "mean"
    TAIL = "tail"
    LOWEST = "lowest"
    BOTTOM = "bottom"


class Config(Knobs):
    n_paths: int = Field(default=16, ge=1)
    """Paths to sample; sized to a token budget unless set."""
    measure: Measure = Measure.LOWEST
    """Which tokens count: mean (all), tail (the last window), lowest (the least sure window) or bottom (the lowest tenth of the windows)."""
    window: int = Field(default=32, ge=1)
    """Tokens of a window; DeepConf uses 2048 for traces of tens of thousands."""
    keep: float = Field(default=0.5, gt=0, le=1)
    """Share of the answering paths that vote, at least one; DeepConf uses 0.1 and 0.9."""
    weighted: bool = True
    """Weigh each vote by the path's confidence."""
    tie: Tie = Tie.FIRST
    """Equal votes: the answer that occurred first, or one drawn uniformly (keyed by the seed)."""
    fill: bool = False
    """Sample in waves until the token budget holds no more, n_paths being a first guess; switched on when n_paths is sized to the budget."""


class ConfidenceVoting:
    name: ClassVar[str] = "confidence_voting"
    about: ClassVar[About] = About(
        "a vote of the paths the model was surest of", "Deep Think with Confidence (Fu et al. 2025)", "2508.15260"
    )
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.LOGPROBS})
    scorers: ClassVar[tuple[str, ...]] = ()
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})

    def fit(self, budget: Budget, preset: Preset) -> Self:
        refuse_starved(self, budget, "n_paths")
        if budget.tokens is None or "n_paths" in self.config.model_fields_set:
            return self
        return type(self)(self.config.resized(n_paths=paths_for(budget, preset, self.config.n_paths), fill=True))

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        config = self.config
        paths = await sample(session, config.n_paths, fill=config.fill, logprobs=True)
        ranks = [confidence(path.logprobs(), config.measure, config.window) for path in paths]
        voters = surest([i for i, path in enumerate(paths) if session.answer(path) is not None], ranks, config.keep)
        weights = [ranks[i] for i in voters] if config.weighted else [1.0] * len(voters)
        choice = session.vote([paths[i] for i in voters], weights, rule="weighted", tie=config.tie.value)
        facts = {"candidates": len(paths), "voters": [paths[i].id for i in voters], "tie": choice.tie, "votes": dict(choice.votes)}
        chosen = carrier(session, [paths[i] for i in voters], [ranks[i] for i in voters], choice.answer)
        return Outcome(choice.answer, tuple(paths), chosen, tuple(ranks), facts)


def confidence(logprobs: Sequence[float], measure: Measure, window: int) -> float:
    """exp of the mean log-prob that `measure` asks for, in (0, 1]; 0 for a path without any."""
    if not logprobs:
        return 0.0
    if measure is Measure.MEAN:
        return math.exp(math.fsum(logprobs) / len(logprobs))
    window = min(window, len(logprobs))
    if measure is Measure.TAIL:
        return math.exp(math.fsum(logprobs[-window:]) / window)
    sums = [0.0, *accumulate(logprobs)]
    means = sorted((sums[end] - sums[end - window]) / window for end in range(window, len(sums)))
    lowest = means[: max(1, int(BOTTOM * len(means)))] if measure is Measure.BOTTOM else means[:1]
    return math.exp(min(0.0, math.fsum(lowest) / len(lowest)))  # differences of sums may round to a hair above 0


def surest(indices: Sequence[int], ranks: Sequence[float], keep: float) -> list[int]:
    """The share `keep` of the indices with the largest ranks, at least one if there are any, in their old order; equal ranks: the earlier."""
    count = max(1, round(keep * len(indices)))
    return sorted(sorted(indices, key=lambda i: -ranks[i])[:count])


METHODS.add(ConfidenceVoting.name)(ConfidenceVoting)
