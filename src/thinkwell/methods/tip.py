"""TIP, the thought-switching penalty: hold a thought for a while before the next may begin (Wang et al. 2025, arXiv 2501.18585).

    markers = ids of the words that switch thoughts (wait, Wait, but, But, Alternatively), as they start a line
    until the thinking is closed, before each token, t tokens after the start of the current thought (its marker; the first thought: the prompt):
        the markers' raw logits -= penalty   if t < duration
    answer = that of the inner method (`inner`), which writes its paths under this bias

The constant control of CyclicReflex: a negative penalty is its "TIP positive". `per="path"` counts t along the whole path instead: one window of (0, duration), as in
the code of CyclicReflex's authors. Chosen differently: the words are CyclicReflex's, so that the two compare; the duration shrinks for short paths, to at
most a quarter of the preset's typical length, unless set.
Cost per problem: that of the inner method; the penalty itself costs no forward pass.
"""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.method import METHODS, About, Outcome, Vocabulary, examine, seats_of, turns_of
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.decoding.token_bias import Bias, Clock, Schedule
from thinkwell.methods._inner import fit_inner, inner_method
from thinkwell.methods._steering import STEERED, STEERS, Steering, Targets, scaled, steered, targets_of
from thinkwell.session import Session


class Config(Steering):
    penalty: float = Field(default=3.0, allow_inf_nan=False)
    """Logits taken from the marker words; negative promotes them (TIP positive: -1)."""
    duration: int = Field(default=600, ge=1)
    """Tokens of each thought that are penalised; at most a quarter of the preset's typical length unless set."""
    per: Clock = Clock.THOUGHT
    """thought: the duration begins anew with every marker; path: once, at the start of the path."""


class Tip:
    name: ClassVar[str] = "tip"
    about: ClassVar[About] = About(
        "words that switch thoughts are penalised at the start of each thought",
        "Thoughts Are All Over the Place: On the Underthinking of o1-Like LLMs (Wang et al. 2025)", "2501.18585", "decoding",
    )  # fmt: skip
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.TOKEN_IDS, Capability.TOKEN_BIAS})
    scorers: ClassVar[tuple[str, ...]] = ()
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})
        self.inner = inner_method(self.config.inner, self.config.inner_knobs, self.name, STEERED, STEERS)
        self.needs = type(self).needs | self.inner.needs  # type: ignore[misc]  # this instance asks for what its inner method asks for
        self.scorers = self.inner.scorers  # type: ignore[misc]
        self.seats, self.turns = seats_of(self.inner), turns_of(self.inner)

    def fit(self, budget: Budget, preset: Preset) -> Self:
        return type(self)(fit_inner(self.config, self.inner, budget, preset, duration=scaled(self.config.duration, preset)))

    async def examine(self, vocabulary: Vocabulary, preset: Preset) -> Targets:
        """Raises `ConfigError` for a marker word that the vocabulary does not have."""
        await examine(self.inner, vocabulary, preset)
        return await targets_of(vocabulary, preset, self.config)

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        targets = await self.examine(session.engine, session.preset)
        bias = Bias(Schedule.CONSTANT, -self.config.penalty, windows=((0, self.config.duration),))
        return await steered(self.inner, problem, session, targets, bias, self.config.per)


METHODS.add(Tip.name)(Tip)
