"""CyclicReflex: while a path thinks, promote its words of reflection and suppress them again, in a wave along the path (Fan et al. 2025, arXiv 2506.11077).

    markers = ids of the words (wait, Wait, but, But, Alternatively), as they start a line
    until the thinking is closed, before each token, t tokens after the prompt:
        u = ((t + phase * period) mod period) / period
        the markers' raw logits += amplitude * triangle(u)          (0, up to 1 at u = 1/4, 0 at 1/2, down to -1 at 3/4)
    answer = that of the inner method (`inner`), which writes its paths under this bias

Chosen differently: t counts along the whole path. In the authors' search each step is a call of its own, so the wave starts over with every step and never
leaves its rising quarter (`restart_per_step=true`). A word that the vocabulary does not have as one token is refused (theirs: a silent bias on everything). The
period shrinks for short paths: at most a quarter of the preset's typical length, unless set. `schedule` has the controls: sine, constant, linear, noise.
Cost per problem: that of the inner method; the bias itself costs no forward pass.
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
from thinkwell.decoding.token_bias import Bias, Schedule
from thinkwell.methods._inner import fit_inner, inner_method
from thinkwell.methods._steering import STEERED, STEERS, Steering, Targets, scaled, steered, targets_of
from thinkwell.session import Session


class Config(Steering):
    amplitude: float = Field(default=5.0, allow_inf_nan=False)
    """Height of the wave in logits; negative begins by suppressing. The paper searches 1 to 10."""
    period: int = Field(default=600, ge=1)
    """Length of the wave in tokens; at most a quarter of the preset's typical length unless set. The paper searches 200 to 2000."""
    phase: float = Field(default=0.0, ge=0, lt=1)
    """Where in its period the wave begins; 0 rises first, 0.5 falls first."""
    schedule: Schedule = Schedule.TRIANGULAR
    """triangular or sine; or a control: constant (amplitude), linear (from amplitude to its negative over horizon), noise (even in between)."""
    horizon: int | None = Field(default=None, ge=1)
    """Tokens in which the linear schedule falls; none: the preset's ceiling of a path."""
    windows: tuple[tuple[int, int], ...] = ()
    """(start, end) positions between which there is a bias at all, end excluded; empty is everywhere. The authors' code has (0, 8192)."""
    restart_per_step: bool = False
    """Start the wave again whenever a path is paused and goes on, as the authors' search does."""


class CyclicReflex:
    name: ClassVar[str] = "cyclic_reflex"
    about: ClassVar[About] = About(
        "words of reflection promoted and suppressed in a wave along the path",
        "CyclicReflex: Improving Large Reasoning Models via Cyclical Reflection Token Scheduling (Fan et al. 2025)", "2506.11077", "decoding",
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
        wave(self.config, 1)  # windows that cannot be are refused now

    def fit(self, budget: Budget, preset: Preset) -> Self:
        return type(self)(fit_inner(self.config, self.inner, budget, preset, period=scaled(self.config.period, preset)))

    async def examine(self, vocabulary: Vocabulary, preset: Preset) -> Targets:
        """Raises `ConfigError` for a marker word that the vocabulary does not have."""
        await examine(self.inner, vocabulary, preset)
        return await targets_of(vocabulary, preset, self.config)

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        targets = await self.examine(session.engine, session.preset)
        bias = wave(self.config, session.preset.max_tokens)
        return await steered(self.inner, problem, session, targets, bias, restart_per_step=self.config.restart_per_step)


def wave(config: Config, ceiling: int) -> Bias:
    """The bias that the knobs ask for, where a path has at most `ceiling` tokens."""
    return Bias(config.schedule, config.amplitude, config.period, config.phase, config.windows, config.horizon or ceiling)


METHODS.add(CyclicReflex.name)(CyclicReflex)
