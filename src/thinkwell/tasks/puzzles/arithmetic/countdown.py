"""Countdown: reach a target from some numbers, each used exactly once, with + - * / and brackets; every intermediate result must be a positive whole number.

The original states that last rule but neither its gold answers (a third break it) nor its verifier, an `eval` of the model's text, honour it. Here the gold answer, the solver and
the verifier do. `verify_paper` is the original's rule without its `eval`: the value (to 0.0001) and the multiset of numbers, any intermediate results.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.expressions import check_as_published, check_numbers, check_value, evaluate, worked_out
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register


class Config(Knobs):
    count: int = Field(5, ge=2, le=8)
    """How many numbers are given, 2 to 8."""
    largest: int = Field(15, ge=2, le=100)
    """Numbers are drawn from 1 to this, with repetition, 2 to 100."""
    min_target: int = Field(30, ge=1, le=100_000)
    """Smallest target, at least 1."""
    max_target: int = Field(100, ge=1, le=100_000)
    """Largest target, at most 100,000."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_target > self.max_target:
            raise ValueError(f"min_target={self.min_target} is above max_target={self.max_target}")
        if self.min_target > self.largest**self.count:
            raise ValueError(f"min_target={self.min_target} is out of reach of {self.count} numbers up to {self.largest}")
        return self


LEVELS = {
    "easy": {"count": 5, "largest": 15, "min_target": 30, "max_target": 100},
    "medium": {"count": 6, "largest": 20, "min_target": 50, "max_target": 200},
    "hard": {"count": 7, "largest": 25, "min_target": 100, "max_target": 500},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Draw numbers and join random pairs until one is left; keep it if it is a target. So every target can be reached under the rules."""
    numbers = [rng.randint(1, config.largest) for _ in range(config.count)]
    left = [(number, str(number)) for number in numbers]
    while len(left) > 1:
        (a, first), (b, second) = (left.pop(rng.randrange(len(left))) for _ in range(2))
        operator = rng.choice([op for op in "+-*/" if (op != "-" or a != b) and (op != "/" or max(a, b) % min(a, b) == 0)])
        if a < b:
            a, b, first, second = b, a, second, first
        value = a + b if operator == "+" else a - b if operator == "-" else a * b if operator == "*" else a // b
        if value > 100 * config.max_target:
            raise Redraw
        left.append((value, f"({first} {operator} {second})"))
    target, gold = left[0]
    if not config.min_target <= target <= config.max_target:
        raise Redraw
    board = f"Numbers: {', '.join(map(str, numbers))}\nTarget: {target}"
    prompt = ask(rng.choice(OPENINGS), RULES, board, FORM, EXAMPLE)
    return Drawn(prompt, gold[1:-1], {"numbers": numbers, "target": target}, f"{sorted(numbers)} {target}")


def verify(answer: str, item: Item) -> Score:
    """The expression's numbers, its intermediate results and its value."""
    found = evaluate(answer)
    check_numbers(found, item.meta["numbers"])
    for left, operator, right, result in found.steps:
        if result <= 0 or result.denominator != 1:
            raise Refused(f"{left} {operator} {right} is {result}; every intermediate result must be a positive whole number")
    check_value(found, item.meta["target"])
    return RIGHT


def verify_paper(answer: str, item: Item) -> Score:
    """The original's rule: value and numbers only."""
    check_as_published(answer, item.meta["numbers"], item.meta["target"])
    return RIGHT


def solve(item: Item) -> str:
    """Depth-first over which two values to join next, forgetting sets of values that were seen to fail."""
    numbers, target = item.meta["numbers"], item.meta["target"]
    answer = _reach(sorted((int(number), str(number)) for number in numbers), target, set())
    if answer is None:
        raise ValueError(f"{numbers} cannot make {target}")
    return answer


def _reach(values: Sequence[tuple[int, str]], target: int, failed: set[tuple[int, ...]]) -> str | None:
    """An expression of the target from all values, None if there is none."""
    if len(values) == 1:
        return values[0][1] if values[0][0] == target else None
    key = tuple(sorted(value for value, _ in values))
    if key in failed:
        return None
    for i, j in combinations(range(len(values)), 2):
        (a, first), (b, second) = values[i], values[j]
        if a < b:
            a, b, first, second = b, a, second, first
        rest = [value for place, value in enumerate(values) if place not in (i, j)]
        joined = [(a + b, "+"), (a * b, "*")] + ([(a - b, "-")] if a > b else []) + ([(a // b, "/")] if a % b == 0 else [])
        for value, operator in joined:
            found = _reach([(value, f"({first} {operator} {second})"), *rest], target, failed)
            if found is not None:
                return found
    failed.add(key)
    return None


OPENINGS = (
    "Make the target from the given numbers.",
    "Combine all of these numbers so that the result is the target.",
    "Play a round of Countdown: find an expression that equals the target.",
    "Find a calculation with the numbers below that gives the target exactly.",
)
RULES = (
    "Rules: use every number exactly once (a number that is listed twice is used twice), with the operations + - * / and brackets. "
    "The result of every single operation must be a positive whole number: no fractions, no zero, nothing negative. Numbers may not be joined or given a minus sign."
)
FORM = "one expression, without an equals sign."
EXAMPLE = "(8 - 3) * 4 + 6 / 2"

register(
    Puzzle(
        "puzzles/countdown",
        "arithmetic",
        "reach a target with + - * / from numbers used once each",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        worked_out,
        verify_paper,
    )
)
