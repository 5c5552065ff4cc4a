"""Particle Gibbs: particle filtering repeated, each time with paths kept from the time before (Puri et al. 2025, arXiv 2502.01618).

    for each of num_iterations:
        N = n_particles / num_iterations free particles, and the references (none the first time)
        until all free ones have ended: every live free particle writes one step;
            w = softmax(logit(score) / temperature) over the free ones and the references *as they were after as many steps*
            draw N free particles from w; a reference that is drawn is cut at that step and goes on differently
        references = num_ref_particles of free and old references, drawn from their final w
    answer = from the population of the last iteration, references included, as in particle filtering

Chosen differently: nothing but what particle filtering chooses differently. As in its_hub there is no ancestor sampling.
Cost per problem: about n_particles * typical_tokens over all iterations, and a scorer call a free particle a step.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.method import METHODS, About, Outcome, refuse_starved
from thinkwell.core.path import Origin
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.methods import particle_filtering
from thinkwell.methods._steps import Candidate, affordable, live, over, paths_worth, take_step, width_for
from thinkwell.methods.particle_filtering import collapsed, conclude, draw, logits, narrow, repopulate, weigh
from thinkwell.session import Session


class Config(particle_filtering.Config):
    n_particles: int = Field(default=16, ge=1)
    """Free particles of all iterations together; sized to a token budget unless set."""
    num_iterations: int = Field(default=2, ge=1)
    """Sweeps; each has n_particles / num_iterations free particles, rounded down, at least one."""
    num_ref_particles: int = Field(default=1, ge=1)
    """Paths kept from one sweep to the next."""

    @model_validator(mode="after")
    def _references_fit(self) -> Self:
        if self.num_iterations > 1 and self.num_ref_particles > self.free:
            raise ValueError(f"num_ref_particles={self.num_ref_particles} is more than the {self.free} free particles of an iteration")
        return self

    @property
    def free(self) -> int:
        """Free particles of one iteration."""
        return max(1, self.n_particles // self.num_iterations)


class ParticleGibbs:
    name: ClassVar[str] = "particle_gibbs"
    about: ClassVar[About] = About(
        "particle filtering in several sweeps, each started from paths of the one before",
        "A Probabilistic Inference Approach to Inference-Time Scaling of LLMs using Particle-Based Monte Carlo Methods (Puri et al. 2025)", "2502.01618", "search",
    )  # fmt: skip
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.CONTINUE_PREFIX})
    scorers: ClassVar[tuple[str, ...]] = ("prm",)
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})

    def fit(self, budget: Budget, preset: Preset) -> Self:
        """Sized to a token budget; fewer sweeps where it holds fewer particles than sweeps times references."""
        refuse_starved(self, budget, "n_particles")
        paths = paths_worth(budget, preset)
        if paths is None:
            return self
        config = self.config
        given, refs = config.model_fields_set, config.num_ref_particles
        n = config.n_particles if "n_particles" in given else width_for(paths)
        sweeps = config.num_iterations if "num_iterations" in given else max(1, min(config.num_iterations, n // refs))
        return type(self)(config.resized(n_particles=max(n, sweeps * refs), num_iterations=sweeps))

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        config, rng = self.config, session.rng("particles")
        population: list[Candidate] = []
        references: list[Candidate] = []
        for iteration in range(config.num_iterations):
            if session.exhausted and population:
                break
            population = [*await self._sweep(session, references, config.num_iterations - iteration, rng), *references]
            references = keep(population, config.num_ref_particles, config.temperature, rng)
        return conclude(session, population, config.selection, config.temperature, rng)

    async def _sweep(self, session: Session, references: list[Candidate], sweeps_left: int, rng: np.random.Generator) -> list[Candidate]:
        """The free particles of one sweep at its end; the tokens left are shared with the sweeps to come."""
        config = self.config
        free = [Candidate(path) for path in await session.open(min(config.free, affordable(session, (), sweeps_left)))]
        for number in range(1, config.max_steps + 1):
            to_end = number == config.max_steps or session.scorer_calls_left == 0
            free = await take_step(session, free, config.agg, step_tokens=config.step_tokens, to_end=to_end)
            if session.exhausted or not live(session, free):
                break
            pool = [*free, *(after(reference, number) for reference in references)]
            weights = weigh(pool, config.temperature)
            if collapsed(weights, config.ess_threshold):
                counts = draw(weights, len(free), config.resampling, rng)
                free = await self._repopulate(session, free, references, counts, number)
            free = narrow(session, free, sweeps_left)
        return free

    async def _repopulate(
        self, session: Session, free: list[Candidate], references: list[Candidate], counts: list[int], number: int
    ) -> list[Candidate]:
        """The next free particles: copies of free ones, and of references cut after `number` steps."""
        again, renewed = counts[: len(free)], counts[len(free) :]
        result = repopulate(session, free, again)
        for reference, count in zip(references, renewed, strict=True):
            result += [await branch(session, reference, number) for _ in range(count)]
        return result


def after(reference: Candidate, number: int) -> Candidate:
    """The reference with the score it had after `number` steps (its last one if it ended before)."""
    marks = reference.marks[:number]
    return replace(reference, score=marks[-1][1], marks=marks) if marks else reference


async def branch(session: Session, reference: Candidate, number: int) -> Candidate:
    """A free particle that begins as the reference did: cut after `number` steps, or the reference itself if it had ended by then."""
    past = after(reference, number)
    if len(past.marks) == len(reference.marks) and over(session, reference.path):
        return reference
    length = past.marks[-1][0] if past.marks else reference.path.count(Origin.PROMPT)
    return replace(past, path=await session.cut(reference.path, length))


def keep(population: list[Candidate], n: int, temperature: float, rng: np.random.Generator) -> list[Candidate]:
    """`n` different particles drawn from the final weights without replacement (fewer if there are fewer paths)."""
    pool = list({c.path.id: c for c in population}.values())
    keys = np.asarray(logits(pool, temperature)) + rng.gumbel(size=len(pool))  # the n largest are a draw without replacement
    return [pool[int(i)] for i in np.argsort(-keys, kind="stable")[:n]]


METHODS.add(ParticleGibbs.name)(ParticleGibbs)
