"""Self-consistency: sample several paths and take the answer that most of them reach (Wang et al. 2022, arXiv 2203.11171).

    paths  = n_paths independent paths to their ends
    majority            argmax_a  #{i : a_i = a}
    shortest_majority   argmax_a  n_a / log(mean length of the paths with answer a)    (Zeng et al. 2025, arXiv 2502.12215)
    confidence          argmax_a  sum over {i : a_i = a} of exp(mean log-prob of path i)

Chosen differently: answers are grouped by canonical form, not by string; a path without an answer never votes; the tie rule is a knob
(the implementations differ: first occurring or uniform); a token budget is filled in waves, by the lengths seen.
Cost per problem: n_paths * typical_tokens.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import ClassVar, Self

from pydantic import Field

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.method import METHODS, About, Outcome, refuse_starved
from thinkwell.core.path import Path
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.methods._sampling import paths_for, sample
from thinkwell.methods._selection import carrier
from thinkwell.session import Session


class Rule(StrEnum):
    """How the paths vote."""

    MAJORITY = "majority"
    SHORTEST_MAJORITY = "shortest_majority"
    CONFIDENCE = "confidence"


class Tie(StrEnum):
    """Which of several answers with equal votes wins."""

    FIRST = "first"
    RANDOM = "random"


class Config(Knobs):
    n_paths: int = Field(default=16, ge=1)
    """Paths to sample; sized to a token budget unless set."""
    rule: Rule = Rule.MAJORITY
    """majority, shortest_majority (short answers weigh more) or confidence (weight exp(mean log-prob); needs an engine with log-probs)."""
    tie: Tie = Tie.FIRST
    """Equal votes: the answer that occurred first, or one drawn uniformly (keyed by the seed)."""
    fill: bool = False
    """Sample in waves until the token budget holds no more, n_paths being a first guess; switched on when n_paths is sized to the budget."""


class SelfConsistency:
    name: ClassVar[str] = "self_consistency"
    about: ClassVar[About] = About(
        "the answer that most paths reach", "Self-Consistency Improves Chain of Thought Reasoning (Wang et al. 2022)", "2203.11171"
    )
    needs: ClassVar[frozenset[Capability]] = frozenset()
    scorers: ClassVar[tuple[str, ...]] = ()
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})
        if self.config.rule is Rule.CONFIDENCE:
            self.needs = type(self).needs | {Capability.LOGPROBS}  # type: ignore[misc]  # this instance asks for more than its class

    def fit(self, budget: Budget, preset: Preset) -> Self:
        refuse_starved(self, budget, "n_paths")
        if budget.tokens is None or "n_paths" in self.config.model_fields_set:
            return self
        return type(self)(self.config.resized(n_paths=paths_for(budget, preset, self.config.n_paths), fill=True))

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        config = self.config
        confident = config.rule is Rule.CONFIDENCE
        paths = await sample(session, config.n_paths, fill=config.fill, logprobs=confident)
        weights = [confidence(path) for path in paths] if confident else None
        choice = session.vote(paths, weights, rule="weighted" if confident else config.rule.value, tie=config.tie.value)
        ranks = weights or [1.0] * len(paths)
        facts = {"candidates": len(paths), "tie": choice.tie, "votes": dict(choice.votes)}
        return Outcome(
            choice.answer, tuple(paths), carrier(session, paths, ranks, choice.answer), tuple(weights) if weights else None, facts
        )


def confidence(path: Path) -> float:
    """exp(mean log-prob) of the sampled tokens, in (0, 1]: the geometric mean of their probabilities; 0 for a path without any."""
    values = path.logprobs()
    return math.exp(math.fsum(values) / len(values)) if values else 0.0


METHODS.add(SelfConsistency.name)(SelfConsistency)
