"""A small world for the tests of runs: problems, a scripted engine and three methods whose results can be worked out by hand."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any, ClassVar, Self

from pydantic import Field

from thinkwell.core.answer import AnswerKind
from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.method import About, Outcome
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.engines.scripted import Ask, Reply, ScriptedEngine
from thinkwell.session import Session

PRESET = Preset("toy", 1, "{question}", max_tokens=64, typical_tokens=20)


def problems(n: int = 6) -> list[Problem]:
    return [Problem(f"p{i}", f"What is {i} + {i}?", str(2 * i), AnswerKind.INTEGER, meta={"level": 1 + i % 3}) for i in range(n)]


def write(ask: Ask) -> Reply:
    """Path k of problem i: right if a hash of both says so (about half of the time), in one to four steps."""
    number = int(ask.problem[1:])
    luck = hashlib.blake2b(f"{ask.request.key.seed}/{ask.request.key.problem}/{ask.path}".encode(), digest_size=2).digest()
    answer = 2 * number if luck[0] % 2 else 2 * number + 1 + luck[0] % 3
    steps = "".join(f"step {step} of path {ask.path}.\n\n" for step in range(1 + luck[1] % 4))
    return Reply(f"<think>\n{steps}</think>\n\\boxed{{{answer}}}", delay=luck[1] % 7)


def engine(**knobs: Any) -> ScriptedEngine:
    return ScriptedEngine(write, **knobs)


class VoteConfig(Knobs):
    n_paths: int = Field(default=4, ge=1)
    """Paths to sample."""


class Vote:
    """Majority of n paths."""

    name: ClassVar[str] = "vote"
    about: ClassVar[About] = About("majority of n paths", "none")
    needs: ClassVar[frozenset[Capability]] = frozenset()
    scorers: ClassVar[tuple[str, ...]] = ()
    Config: ClassVar[type[Knobs]] = VoteConfig

    def __init__(self, config: Any = None) -> None:
        self.config = config or VoteConfig()

    def fit(self, budget: Budget, preset: Preset) -> Self:
        if budget.tokens is None or "n_paths" in self.config.model_fields_set:
            return self
        return type(self)(self.config.resized(n_paths=max(1, budget.tokens // preset.typical_tokens)))

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        paths = await session.extend(await session.open(self.config.n_paths))
        choice = session.vote(paths)
        return Outcome(choice.answer, tuple(paths), None if choice.index is None else paths[choice.index])


class One(Vote):
    """The first path's answer."""

    name = "one"
    about = About("one path", "none")

    def fit(self, budget: Budget, preset: Preset) -> Self:
        return type(self)(self.config.resized(n_paths=1))


class Fork(Vote):
    """One step, then two forks; the first one that ends is kept, the other pruned."""

    name = "fork"
    about = About("a fork after the first step", "none")
    needs = frozenset({Capability.CONTINUE_PREFIX})

    def fit(self, budget: Budget, preset: Preset) -> Self:
        return self

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        (root,) = await session.extend(await session.open(), stop=session.step_stop)
        root = await session.splice(root, "Wait. ")
        left, right = await session.extend(session.fork(root, 2), max_tokens=40)
        session.prune([right], "the first one is kept")
        session.note("kept the left fork", left)
        return Outcome(session.answer(left), (left,), left, (0.75,))


class Judged(One):
    name = "judged"
    scorers = ("prm",)

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        outcome = await super().solve(problem, session)
        await session.score(outcome.paths)
        return outcome


class Broken(One):
    """Raises on problems 1 and 4."""

    name = "broken"

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        await asyncio.sleep(0)
        if problem.id in ("p1", "p4"):
            raise RuntimeError(f"no idea about {problem.id}")
        return await super().solve(problem, session)


METHODS_OF_THE_WORLD = (Vote, One, Fork, Judged, Broken)
