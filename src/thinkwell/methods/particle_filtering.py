"""Particle filtering: a population of paths, resampled after every step in proportion to their promise (Puri et al. 2025, arXiv 2502.01618).

    n_particles paths
    until all have ended, or max_steps:
        every live particle writes one step;  p_i = score of the whole path
        w = softmax(logit(p_i) / temperature)                       (at temperature 1: proportional to p / (1 - p))
        if ESS(w) = 1 / sum w^2 <= ess_threshold * N: draw N particles from w with replacement
    answer = that of the particle with the largest weight (or drawn from w, or voted)

A path plays the particle. Weights come from the *current* score and are not multiplied up over steps. Ended particles keep their weight and are drawn like the
others. Chosen differently from its_hub: exactly max_steps steps, the last written to its end (its_hub takes one more); systematic resampling, a temperature
and an ESS threshold against early collapse (scores 0.999 and 0.99 differ tenfold in weight); a vote counts each distinct path once, with its score; the
number of live particles shrinks when the tokens left could not carry all to their ends.
Cost per problem: about n_particles * typical_tokens, and a scorer call a particle a step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar, Self

import numpy as np
from pydantic import Field

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.method import METHODS, About, Outcome, refuse_starved
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.core.scores import Aggregate
from thinkwell.methods import _selection
from thinkwell.methods._steps import Candidate, affordable, copy, distinct, drop, live, over, paths_worth, ranked, take_step, width_for
from thinkwell.session import Session

CLIP = 1e-7  # scores are clipped to [CLIP, 1 - CLIP] before the logit


class Resampling(StrEnum):
    """How N particles are drawn from the weights: independently, or with one uniform for all (fewer accidents)."""

    MULTINOMIAL = "multinomial"
    SYSTEMATIC = "systematic"


class Selection(StrEnum):
    """Which particle's answer is taken at the end."""

    ARGMAX = "argmax"
    SAMPLE = "sample"
    VOTE = "vote"


class Config(Knobs):
    n_particles: int = Field(default=16, ge=1)
    """Particles; sized to a token budget unless set."""
    temperature: float = Field(default=1.0, gt=0)
    """Divides the logits of the scores before the softmax; above 1 the population stays diverse for longer."""
    resampling: Resampling = Resampling.MULTINOMIAL
    """multinomial (independent draws) or systematic (one uniform; a particle of weight w is drawn N*w times, rounded up or down)."""
    ess_threshold: float = Field(default=1.0, ge=0, le=1)
    """Resample when the effective sample size is at most this share of the population; 1 is after every step, 0 never."""
    selection: Selection = Selection.ARGMAX
    """argmax (largest weight), sample (drawn from the weights) or vote (scores of distinct paths added up by answer)."""
    max_steps: int = Field(default=40, ge=1)
    """Steps of a particle at most; the last one is written to its end."""
    step_tokens: int | None = Field(default=None, ge=1)
    """End a step after this many tokens too, for models without a step delimiter."""
    agg: Aggregate = Aggregate.LAST
    """How step scores become one number: last, min, prod or mean."""


class ParticleFiltering:
    name: ClassVar[str] = "particle_filtering"
    about: ClassVar[About] = About(
        "a population of paths, resampled after each step by the reward model's odds",
        "A Probabilistic Inference Approach to Inference-Time Scaling of LLMs using Particle-Based Monte Carlo Methods (Puri et al. 2025)", "2502.01618", "search",
    )  # fmt: skip
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.CONTINUE_PREFIX})
    scorers: ClassVar[tuple[str, ...]] = ("prm",)
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})

    def fit(self, budget: Budget, preset: Preset) -> Self:
        refuse_starved(self, budget, "n_particles")
        paths = paths_worth(budget, preset)
        if paths is None:
            return self
        return type(self)(self.config.resized(n_particles=width_for(paths)))

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        config, rng = self.config, session.rng("particles")
        particles = [Candidate(path) for path in await session.open(min(config.n_particles, affordable(session, ())))]
        for number in range(1, config.max_steps + 1):
            to_end = number == config.max_steps or session.scorer_calls_left == 0
            particles = await take_step(session, particles, config.agg, step_tokens=config.step_tokens, to_end=to_end)
            if session.exhausted or not live(session, particles):
                break
            weights = weigh(particles, config.temperature)
            if collapsed(weights, config.ess_threshold):
                counts = draw(weights, len(particles), config.resampling, rng)
                particles = repopulate(session, particles, counts)
            particles = narrow(session, particles)
        return conclude(session, particles, config.selection, config.temperature, rng)


def logits(particles: Sequence[Candidate], temperature: float) -> list[float]:
    """logit(score) / temperature: the log-weights, up to a constant."""
    return [math.log(p / (1 - p)) / temperature for p in (min(max(c.score, CLIP), 1 - CLIP) for c in particles)]


def weigh(particles: Sequence[Candidate], temperature: float) -> list[float]:
    """softmax(logit(score) / temperature): one weight a particle, adding up to 1."""
    values = logits(particles, temperature)
    raw = [math.exp(value - max(values)) for value in values]
    total = math.fsum(raw)
    return [value / total for value in raw]


def effective(weights: Sequence[float]) -> float:
    """Effective sample size 1 / sum w^2: from 1 (one particle has all the weight) to N (all equal)."""
    return 1.0 / math.fsum(w * w for w in weights)


def collapsed(weights: Sequence[float], threshold: float) -> bool:
    """Whether to resample. A threshold of 1 always does: rounding must not hide that equal weights have ESS = N."""
    return threshold >= 1 or effective(weights) <= threshold * len(weights)


def draw(weights: Sequence[float], n: int, how: Resampling, rng: np.random.Generator) -> list[int]:
    """How often each particle is drawn: counts, one a weight, adding up to `n`."""
    if how is Resampling.MULTINOMIAL:
        picks = rng.choice(len(weights), size=n, p=np.asarray(weights))
    else:
        edges = np.cumsum(weights)
        edges[-1] = 1.0
        picks = np.searchsorted(edges, (rng.random() + np.arange(n)) / n, side="right")
    return [int(count) for count in np.bincount(picks, minlength=len(weights))]


def repopulate(session: Session, particles: Sequence[Candidate], counts: Sequence[int]) -> list[Candidate]:
    """Each particle as often as it was drawn, in order: a live one is forked, an ended one repeated."""
    kept = [particle for particle, count in zip(particles, counts, strict=True) if count]
    drop(session, particles, kept, "not drawn")
    return [twin for particle, count in zip(particles, counts, strict=True) for twin in copy(session, particle, count)]


def narrow(session: Session, particles: list[Candidate], cost: float = 1.0) -> list[Candidate]:
    """Give up the live particles of least score that the tokens left cannot carry to their ends."""
    alive = live(session, particles)
    extra = ranked(alive)[affordable(session, alive, cost) :]
    gone = {c.path.id for c in extra}
    drop(session, extra, (), "no tokens left to end it")
    return [c for c in particles if c.path.id not in gone]


def conclude(session: Session, particles: list[Candidate], how: Selection, temperature: float, rng: np.random.Generator) -> Outcome:
    """One answer from the last population. Only particles with an answer can be drawn; every distinct path is one candidate."""
    pool = distinct(particles)
    rule = _selection.Select.WEIGHTED if how is Selection.VOTE else _selection.Select.BEST
    facts = {"ended": sum(over(session, c.path) for c in particles)}
    if how is Selection.SAMPLE:
        able = [c for c in particles if session.answer(c.path) is not None]
        if able:
            chosen = able[int(rng.choice(len(able), p=np.asarray(weigh(able, temperature))))]
            return Outcome(session.answer(chosen.path), tuple(c.path for c in pool), chosen.path, tuple(c.score for c in pool), facts)
    return _selection.select(session, [c.path for c in pool], [c.score for c in pool], rule, facts)


METHODS.add(ParticleFiltering.name)(ParticleFiltering)
