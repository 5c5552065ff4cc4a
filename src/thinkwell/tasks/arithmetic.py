"""lab/arithmetic: the lab's own word problems, generated from a seed, with exact answers. Levels 1 to 10 (number of steps, distractors, tricky phrases)."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import field_validator

from thinkwell.core.answer import AnswerKind
from thinkwell.core.config import Knobs
from thinkwell.core.problem import Problem
from thinkwell.tasks import TASKS
from thinkwell.tasks.aime import integer
from thinkwell.tasks.rows import Row
from thinkwell.tasks.task import QUESTION, Task, problem_id, unique


class Config(Knobs):
    levels: tuple[int, ...] = ()
    """Levels to draw from, 1 to 10, in turn; empty for the default test mix."""

    @field_validator("levels", mode="before")
    @classmethod
    def _read(cls, value: object) -> object:
        """One number, or "4,5" as written on a command line, is a list too."""
        if isinstance(value, int):
            return (value,)
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("levels")
    @classmethod
    def _known(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if any(not 1 <= level <= 10 for level in value):
            raise ValueError("levels go from 1 to 10")
        return value


def generate(n: int, seed: int, knobs: Config) -> Sequence[Problem]:
    """`n` problems of the test split, a pure function of the arguments."""
    from thinkwell.lab import world

    drawn = [world.generate(seed * 1_000_003 + i, knobs.levels[i % len(knobs.levels)], "test") for i in range(n)] if knobs.levels else None
    items = drawn or world.default_mix(n, seed)
    return unique(
        [
            Problem(problem_id("lab/arithmetic", i.question), i.question, str(i.answer), AnswerKind.INTEGER, meta={"level": i.level})
            for i in items
        ]
    )


def read(row: Row, knobs: Config, seed: int) -> Problem | None:
    question = row.text(*QUESTION)
    level = row.get("level", "meta.level")
    if knobs.levels and level not in knobs.levels:
        return None
    return Problem(
        problem_id("lab/arithmetic", question),
        question,
        integer(row),
        AnswerKind.INTEGER,
        meta={"level": int(level)} if level is not None else {},
    )


def recognise(hint: str, row: Row) -> bool:
    return "lab" in hint and "arithmetic" in hint and row.get(*QUESTION) is not None


TASKS.add("lab/arithmetic")(
    Task(
        "lab/arithmetic",
        AnswerKind.INTEGER,
        "the lab's word problems, generated",
        "lab@1",
        read,
        recognise,
        Config=Config,
        generate=generate,
    )
)
