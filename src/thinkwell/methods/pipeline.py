"""Pipeline: one method after another; each later one goes on from the path that the one before chose.

    outcome = first method's
    for each later method:
        outcome = method.refine(chosen path of outcome)      (its last path if none was chosen)
    answer = that of the last stage that has one

A method can be a later stage if it has `refine(problem, session, path)`: subthoughts cuts that path instead of a greedy trace of its own, latent_seek searches from it.
Each stage may spend an equal share of the tokens that are left, the last one all of them.
Cost per problem: that of its stages, less the first answers that later stages need not write.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

from pydantic import Field

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.errors import BudgetError, ConfigError
from thinkwell.core.method import METHODS, About, Method, Outcome, Vocabulary, examine, seats_of, turns_of
from thinkwell.core.path import Path
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.session import Session


@runtime_checkable
class Refines(Protocol):
    """A method that can go on from a path which another one wrote in the same session."""

    async def refine(self, problem: Problem, session: Session, path: Path) -> Outcome: ...


class Config(Knobs):
    stages: tuple[str, ...] = Field(default=("self_consistency", "subthoughts"), min_length=1)
    """Methods in order; all but the first must be able to go on from a path."""
    knobs: dict[str, dict[str, Any]] = Field(default={})
    """Knobs of the stages by method; sized to the stage's share of a budget unless set."""


class Pipeline:
    name: ClassVar[str] = "pipeline"
    about: ClassVar[About] = About(
        "one method after another, each going on from the path that the one before chose", "a composition of the methods it names", family="composition"
    )  # fmt: skip
    needs: ClassVar[frozenset[Capability]] = frozenset()
    scorers: ClassVar[tuple[str, ...]] = ()
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})
        self.stages = stages_of(self.config)
        self.needs = frozenset().union(*(stage.needs for stage in self.stages))  # type: ignore[misc]  # of these stages
        self.seats = frozenset().union(*(seats_of(stage) for stage in self.stages))
        self.turns = frozenset().union(*(turns_of(stage) for stage in self.stages))
        self.scorers = tuple(dict.fromkeys(scorer for stage in self.stages for scorer in stage.scorers))  # type: ignore[misc]

    def fit(self, budget: Budget, preset: Preset) -> Self:
        share = budget if budget.tokens is None else replace(budget, tokens=max(1, budget.tokens // len(self.stages)))
        try:
            knobs = {stage.name: stage.fit(share, preset).config.model_dump(mode="json") for stage in self.stages}
        except BudgetError as error:
            raise BudgetError(
                f"pipeline: of a budget of {budget.tokens} tokens each of its {len(self.stages)} stages has {share.tokens}. {error}"
            ) from None
        return type(self)(self.config.model_copy(update={"knobs": knobs}))

    async def examine(self, vocabulary: Vocabulary, preset: Preset) -> None:
        for stage in self.stages:
            await examine(stage, vocabulary, preset)

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        outcome, told = Outcome(None, ()), []
        for number, stage in enumerate(self.stages):
            before = session.usage.generated_tokens
            with allowance(session, len(self.stages) - number):
                if number == 0:
                    found = await stage.solve(problem, session)
                else:
                    path = outcome.chosen or outcome.paths[-1]
                    assert isinstance(stage, Refines)  # refused when built
                    found = await stage.refine(problem, session, path)
            told.append(
                {
                    "method": stage.name,
                    "answer": found.answer.canonical if found.answer else None,
                    "tokens": session.usage.generated_tokens - before,
                    "facts": found.facts,
                }
            )
            if found.answer is not None or outcome.answer is None:
                outcome = found
            if not outcome.paths or session.exhausted:
                break
        return replace(outcome, facts={"stages": told})


def stages_of(config: Config) -> list[Method]:
    """The methods of a pipeline. Raises `UnknownName` and `ConfigError` for what does not exist or fit."""
    for name in config.knobs:
        if name not in config.stages:
            raise ConfigError(f"pipeline.knobs: {name!r} is no stage; expected one of {', '.join(config.stages)}.")
    stages: list[Method] = []
    for name in config.stages:
        if name == Pipeline.name:
            raise ConfigError("pipeline.stages: a pipeline cannot be a stage; name its stages one after another.")
        kind = METHODS.get(name)
        stages.append(kind(kind.Config.parse(config.knobs.get(name, {}), name)))
        if len(stages) > 1 and not isinstance(stages[-1], Refines):
            able = ", ".join(other for other, entry in METHODS.items() if hasattr(entry, "refine"))
            raise ConfigError(
                f"pipeline.stages: {name!r} cannot go on from another method's path; expected one of {able} after the first stage."
            )
    return stages


@contextmanager
def allowance(session: Session, stages_left: int) -> Iterator[None]:
    """This stage's share of the tokens left: an equal one among `stages_left` (at least one token)."""
    whole = session.budget
    if whole.tokens is not None and stages_left > 1:
        session.budget = replace(whole, tokens=session.usage.generated_tokens + max(1, session.tokens_left // stages_left))
    try:
        yield
    finally:
        session.budget = whole


METHODS.add(Pipeline.name)(Pipeline)
