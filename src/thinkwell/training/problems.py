"""Where the problems of a run come from. A source is a pure function of a position, so that a position is all that a checkpoint keeps."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from thinkwell.core.answer import AnswerKind
from thinkwell.core.errors import ConfigError, DataError
from thinkwell.core.problem import Problem


class Problems(Protocol):
    """The problem at each position, without end."""

    def at(self, position: int) -> Problem: ...


@dataclass(frozen=True)
class LabProblems:
    """Training problems of the lab's world. levels 1 to 10, drawn evenly; never one of the test split."""

    levels: tuple[int, ...] = (3, 4, 5, 6)
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.levels or any(not 1 <= level <= 10 for level in self.levels):
            raise ConfigError(f"levels={self.levels} is out of range; expected levels of the lab's world, 1 to 10. Name at least one.")

    def at(self, position: int) -> Problem:
        from thinkwell.lab.world import generate

        rng = random.Random(f"train/{self.seed}/{position}")
        item = generate(rng.getrandbits(48), rng.choice(self.levels), "train")
        return Problem(f"lab/train/{position}", item.question, str(item.answer), AnswerKind.INTEGER, meta={"level": item.level})


@dataclass(frozen=True)
class ListedProblems:
    """Given problems in a new order every epoch; the order is a function of the seed and the epoch."""

    problems: Sequence[Problem]
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.problems:
            raise DataError("there is no problem to train on; expected at least one. Look at the file.")

    def at(self, position: int) -> Problem:
        epoch, place = divmod(position, len(self.problems))
        order = list(range(len(self.problems)))
        random.Random(f"epoch/{self.seed}/{epoch}").shuffle(order)
        return self.problems[order[place]]


def read_problems(task: str, file: Path | None, seed: int, *, answers: bool = True) -> ListedProblems:
    """The problems of a task's file (or of its copy on the hub). answers: the recipe compares with reference answers.

    Raises `DataError` for a problem without an answer where one is needed, and what `Task.load` raises.
    """
    from thinkwell.tasks import TASKS

    problems = TASKS.get(task).load(file, seed=seed)
    without = next((problem for problem in problems if problem.reference is None), None)
    if answers and without is not None:
        raise DataError(
            f"problem {without.id} of {file or task} has no answer; expected one for every problem, for this recipe's reward compares with it. "
            "Give a file with answers, or a recipe that needs none (format-length)."
        )
    return ListedProblems(problems, seed)
