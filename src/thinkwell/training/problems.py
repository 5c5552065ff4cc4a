"""Where the problems of a run come from. A source is a pure function of a position, so that a position is all that a checkpoint keeps."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from thinkwell.core.answer import AnswerKind
from thinkwell.core.errors import ConfigError, DataError
from thinkwell.core.problem import Problem

if TYPE_CHECKING:
    from thinkwell.tasks.puzzle import PuzzleTask

HELD_OUT_SEED = 2**20  # of evaluation problems that are generated: other than the small seeds that people compare methods with


class Problems(Protocol):
    """The problem at each position, without end."""

    def at(self, position: int) -> Problem: ...

    def held_out(self, n: int) -> list[Problem]:
        """Up to n problems that `at` never gives, always the same ones, for evaluation."""
        ...


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

    def held_out(self, n: int) -> list[Problem]:
        from thinkwell.tasks import TASKS

        return TASKS.get("lab/arithmetic").load(seed=HELD_OUT_SEED, limit=n, knobs={"levels": self.levels})


@dataclass(frozen=True)
class ListedProblems:
    """Given problems in a new order every epoch; the order is a function of the seed and the epoch. One in ten, by a hash of its text, is held out (none of fewer than 20)."""

    problems: Sequence[Problem]
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.problems:
            raise DataError("there is no problem to train on; expected at least one. Look at the file.")

    @cached_property
    def _parts(self) -> tuple[list[Problem], list[Problem]]:
        out = [len(self.problems) >= 20 and _tenth(problem) for problem in self.problems]
        kept = [problem for problem, held in zip(self.problems, out, strict=True) if not held]
        return kept, [problem for problem, held in zip(self.problems, out, strict=True) if held]

    def at(self, position: int) -> Problem:
        kept, _ = self._parts
        epoch, place = divmod(position, len(kept))
        order = list(range(len(kept)))
        random.Random(f"epoch/{self.seed}/{epoch}").shuffle(order)
        return kept[order[place]]

    def held_out(self, n: int) -> list[Problem]:
        return self._parts[1][:n]


@dataclass(frozen=True)
class PuzzleProblems:
    """Items of a puzzle or game without end, of its training part; its test part is held out. ratio: easy : medium : hard."""

    name: str
    ratio: tuple[float, ...] = (1.0, 1.0, 1.0)
    seed: int = 0

    def __post_init__(self) -> None:
        from thinkwell.tasks.puzzle import LEVEL_NAMES, puzzle_of

        puzzle_of(self.name)
        if len(self.ratio) != len(LEVEL_NAMES) or min(self.ratio) < 0 or not 0 < sum(self.ratio) < float("inf"):
            raise ConfigError(
                f"difficulty={self.ratio} is no ratio; expected three numbers of at least 0, easy:medium:hard, one above 0. For example [1, 1, 1]."
            )

    def at(self, position: int) -> Problem:
        return self._problem("train", self.seed, position)

    def held_out(self, n: int) -> list[Problem]:
        from thinkwell.tasks.task import unique

        self._held.extend(self._problem("test", HELD_OUT_SEED, place) for place in range(len(self._held), n))
        return unique(self._held[:n])

    @cached_property
    def _held(self) -> list[Problem]:
        """Those made so far: every evaluation asks for the same ones, and a hard item may take a third of a second."""
        return []

    @cached_property
    def _tasks(self) -> dict[tuple[str, str], PuzzleTask]:
        return {}

    def _problem(self, split: Literal["train", "test"], seed: int, position: int) -> Problem:
        from thinkwell.tasks.puzzle import LEVEL_NAMES, load

        level = random.Random(f"level/{seed}/{position}").choices(LEVEL_NAMES, self.ratio)[0]
        if (level, split) not in self._tasks:
            self._tasks[level, split] = load(self.name, level, split=split)
        task = self._tasks[level, split]
        return task.problem(task.item(seed, position))


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


def _tenth(problem: Problem) -> bool:
    return hashlib.blake2b(problem.question.encode(), digest_size=1).digest()[0] < 26
