"""Three small puzzles that the lab's vocabulary can express, after categories of Enigmata: a generator with levels, an exact answer, a worked solution.

    sequence   (sequential)   the next number of a sequence whose step is always the same
    rank       (search)       the k-th largest of some numbers, which all differ
    undo       (arithmetic)   the number that a chain of operations made into the result

Each has one answer under the rules that its text states, so that comparing integers is an exact verifier: Enigmata's published verifiers compare with one gold answer where many
are right, and cap the score. Train and held-out puzzles are disjoint by a hash of the question. These are not Enigmata's 36 tasks.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from thinkwell.core.answer import AnswerKind
from thinkwell.core.problem import Problem
from thinkwell.training._conventions import expect

DIFFICULTIES = ("easy", "medium", "hard")
HELD_OUT_BYTES = 26  # of 256: about one puzzle in ten


@dataclass(frozen=True)
class Puzzle:
    """steps: the worked solution, a line each, without blank lines."""

    question: str
    answer: int
    steps: tuple[str, ...]

    @property
    def held_out(self) -> bool:
        return hashlib.blake2b(self.question.encode(), digest_size=1).digest()[0] < HELD_OUT_BYTES

    @property
    def reply(self) -> str:
        """The solution in the lab's format, from the opened thinking on."""
        return "".join(f"{step}\n\n" for step in self.steps) + f"</think>\n\nThe answer is \\boxed{{{self.answer}}}."


def sequence(rng: random.Random, level: int) -> Puzzle:
    start, step = rng.randint(1, 20 * (level + 1)), rng.randint(2, 9 + 10 * level)
    shown = [start + step * place for place in range(4)]
    answer = shown[-1] + step
    steps = (f"Each step is {shown[1]} - {shown[0]} = {step}.", f"Then {shown[-1]} + {step} = {answer}.")
    return Puzzle(f"Find the next number: {listed(shown)}. Each step is equal.", answer, steps)


def rank(rng: random.Random, level: int) -> Puzzle:
    numbers = rng.sample(range(2, 60 * (level + 1)), 3 + level)
    place = rng.randint(1, len(numbers) - 1)
    ordered = sorted(numbers, reverse=True)
    steps = (f"From high to low: {listed(ordered)}.", f"The number at {place} is {ordered[place - 1]}.")
    return Puzzle(f"From high to low, which number is at {place}: {listed(numbers)}?", ordered[place - 1], steps)


def undo(rng: random.Random, level: int) -> Puzzle:
    value = answer = rng.randint(2, 15 * (level + 1))
    told, undone = [], []
    for number in range(1 + level):
        if number % 2 == 0:
            addend = rng.randint(2, 30)
            told.append(f"+ {addend}")
            undone.append(f"{value + addend} - {addend} = {value}.")
            value += addend
        else:
            factor = rng.randint(2, 4)
            told.append(f"* {factor}")
            undone.append(f"{value * factor} / {factor} = {value}.")
            value *= factor
    return Puzzle(f"Find the first number: {', then '.join(told)} makes {value}.", answer, tuple(reversed(undone)))


PUZZLES: dict[str, Callable[[random.Random, int], Puzzle]] = {"sequence": sequence, "rank": rank, "undo": undo}


@dataclass(frozen=True)
class Puzzles:
    """Problems of one puzzle without end. ratio: easy : medium : hard. Raises `ConfigError`."""

    name: str
    ratio: tuple[float, ...] = (1.0, 1.0, 1.0)
    seed: int = 0

    def __post_init__(self) -> None:
        expect("puzzle", self.name, self.name in PUZZLES, ", ".join(PUZZLES))
        fits = len(self.ratio) == len(DIFFICULTIES) and min(self.ratio) >= 0 and sum(self.ratio) > 0
        expect("ratio", self.ratio, fits, "three numbers of at least 0, easy : medium : hard, one of them above 0")

    def at(self, position: int) -> Problem:
        return self._problem(random.Random(f"{self.name}/{self.seed}/{position}"), f"{self.name}/{position}", held_out=False)

    def held_out(self, n: int) -> list[Problem]:
        return [
            self._problem(random.Random(f"{self.name}/held-out/{place}"), f"{self.name}/held-out/{place}", held_out=True)
            for place in range(n)
        ]

    def _problem(self, rng: random.Random, name: str, *, held_out: bool) -> Problem:
        level, puzzle = drawn(self.name, rng, self.ratio, held_out=held_out)
        meta: dict[str, str | int | float | bool] = {"level": level + 1, "difficulty": DIFFICULTIES[level]}
        return Problem(name, puzzle.question, str(puzzle.answer), AnswerKind.INTEGER, meta=meta)


def drawn(name: str, rng: random.Random, ratio: Sequence[float] = (1, 1, 1), *, held_out: bool = False) -> tuple[int, Puzzle]:
    """Level (0 to 2) and puzzle, of the training or the held-out part."""
    level = rng.choices(range(len(DIFFICULTIES)), ratio)[0]
    while True:
        puzzle = PUZZLES[name](rng, level)
        if puzzle.held_out is held_out:
            return level, puzzle


def listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
