"""Small worlds for methods: a scripted model, a scripted judge, and a way to run a method in them through a real session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from thinkwell.core.answer import AnswerKind
from thinkwell.core.budget import Budget, Usage
from thinkwell.core.method import METHODS, Outcome
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.engines.protocol import Completion, Request
from thinkwell.engines.scripted import Ask, Script, ScriptedEngine
from thinkwell.scorers.scripted import Rule, ScriptedScorer
from thinkwell.session import Session

PROBLEM = Problem("p", "How many?", "7", AnswerKind.INTEGER)
PRESET = Preset("toy", 1, "{question}", max_tokens=60, typical_tokens=10)


class Ledger(ScriptedEngine):
    """A scripted engine with books of its own: what it wrote is counted here, not taken from the session."""

    sampled: int = 0

    async def generate(self, requests: list[Request]) -> list[Completion]:  # type: ignore[override]
        done = await super().generate(requests)
        self.sampled += sum(c.n_tokens + c.dropped for c in done)
        return done


@dataclass
class Played:
    """A finished run and everything around it."""

    outcome: Outcome
    session: Session
    engine: Ledger
    scorer: ScriptedScorer

    @property
    def answer(self) -> str | None:
        return self.outcome.answer.canonical if self.outcome.answer else None

    @property
    def usage(self) -> Usage:
        return self.session.usage

    @property
    def texts(self) -> list[str]:
        return [path.text for path in self.outcome.paths]

    def events(self, kind: type) -> list[Any]:
        return [event for event in self.session.events if isinstance(event, kind)]


def play(
    method: str,
    script: Script,
    judge: Rule | dict[str, Any] = lambda text: 0.5,
    /,
    *,
    preset: Preset = PRESET,
    problem: Problem = PROBLEM,
    budget: Budget | None = None,
    fit: bool = False,
    seed: int = 0,
    engine: Any = None,
    **knobs: Any,
) -> Played:
    """Run `method` with `knobs`; with `fit`, sized to the budget first."""
    cls = METHODS.get(method)
    solver = cls(cls.Config(**knobs))
    if fit and budget:
        solver = solver.fit(budget, preset)
    model = engine or Ledger(script)
    scorer = ScriptedScorer(judge)
    session = Session(problem, model, preset=preset, seed=seed, budget=budget, scorers={"prm": scorer})
    outcome = asyncio.run(session.run(solver))
    return Played(outcome, session, model, scorer)


def session_of(
    script: Script,
    judge: Rule | dict[str, Any] = lambda text: 0.5,
    *,
    preset: Preset = PRESET,
    problem: Problem = PROBLEM,
    tokens: int | None = None,
    calls: int | None = None,
    kind: type[Ledger] = Ledger,
    **engine: Any,
) -> Session:
    """A session of a scripted model, for the steps that methods share."""
    scorers = {"prm": ScriptedScorer(judge)}
    return Session(problem, kind(script, **engine), preset=preset, budget=Budget(tokens, calls), scorers=scorers)


def wood(depth: int) -> Callable[[Ask], str]:
    """A model of trees: every child says which fork it is; after `depth` steps an answer that tells the way: "0.1.0" gives 110 after one step."""

    def script(ask: Ask) -> str:
        way = ask.path.split(".")[1:]
        return f"{'abcd'[int(way[-1])]}\n\n" if len(way) <= depth else f"\\boxed{{1{''.join(way)}}}"

    return script


@pytest.fixture
def toy() -> Preset:
    return PRESET


@pytest.fixture
def problem() -> Problem:
    return PROBLEM


@pytest.fixture(name="play")
def _play() -> Callable[..., Played]:
    return play


@pytest.fixture
def ledger() -> type[Ledger]:
    return Ledger
