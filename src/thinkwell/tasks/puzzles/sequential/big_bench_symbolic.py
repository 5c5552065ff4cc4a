"""List functions: some pairs of integer lists show what a hidden function does; apply it to one more list. Numbers may be negative, lists may be empty.

The original draws from a pool (BIG-bench's list functions; `tasks/pools.py` reads its files), and its verifier cannot read a minus sign or an empty list: that is the paper rule.
Here the function is a sequence of steps of a family that the prompt states completely, and the answer is proved: the generator runs through all sequences of at most as many
steps and keeps the puzzle only if all that fit the examples give the same result (`_compose.py`), and if no shorter sequence fits.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import cache, partial
from itertools import accumulate, pairwise

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.puzzles._compose import Step, determined, run, sequence
from thinkwell.tasks.puzzles._lines import picture
from thinkwell.tasks.reading import integers, shown

Numbers = tuple[int, ...]

_PAPER_LIST = re.compile(r"\[([0-9\s,]+)\]")


class Config(Knobs):
    steps: int = Field(1, ge=1, le=3)
    """Steps of the hidden function, 1 to 3; no shorter function fits."""
    examples: int = Field(4, ge=2, le=10)
    """Pairs that are shown, 2 to 10."""
    min_length: int = Field(2, ge=0, le=12)
    """Shortest list that is changed, 0 to 12."""
    max_length: int = Field(6, ge=1, le=12)
    """Longest list that is changed, 1 to 12."""
    largest: int = Field(9, ge=1, le=99)
    """Numbers of the lists that are changed go from minus this to this, 1 to 99."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_length > self.max_length:
            raise ValueError(f"min_length={self.min_length} is above max_length={self.max_length}")
        return self


LEVELS = {
    "easy": {"steps": 1, "examples": 4, "min_length": 2, "max_length": 6, "largest": 9},
    "medium": {"steps": 2, "examples": 4, "min_length": 2, "max_length": 7, "largest": 9},
    "hard": {"steps": 3, "examples": 5, "min_length": 3, "max_length": 9, "largest": 9},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Draw steps (first their kind, so that kinds are equally frequent) and lists; keep them if the answer is determined."""
    kinds = _kinds()
    rule = [rng.choice(rng.choice(kinds)) for _ in range(config.steps)]
    inputs = [
        tuple(rng.randint(-config.largest, config.largest) for _ in range(rng.randint(config.min_length, config.max_length)))
        for _ in range(config.examples + 1)
    ]
    outputs = [run(rule, numbers) for numbers in inputs]
    test, wanted = inputs.pop(), outputs.pop()
    if test == wanted or test in inputs or len(set(inputs)) < len(inputs) or len(set(outputs)) < 2:
        raise Redraw
    if determined(_family(), inputs, outputs, test, config.steps) != wanted:
        raise Redraw
    pairs = [[list(x), list(y)] for x, y in zip(inputs, outputs, strict=True)]
    meta = {"steps": config.steps, "examples": pairs, "test": list(test), "rule": [step.name for step in rule]}
    board = "\n".join([*(f"{x} -> {y}" for x, y in pairs), f"{meta['test']} -> ?"])
    many = (
        "a single step"
        if config.steps == 1
        else f"a sequence of at most {config.steps} steps, each applied to the result of the one before"
    )
    prompt = ask(rng.choice(OPENINGS), RULES.format(many=many), board, FORM, EXAMPLE)
    return Drawn(prompt, str(list(wanted)), meta, f"{config.steps} {sorted(pairs)} {list(test)}")


def verify(answer: str, item: Item) -> Score:
    """Length, then number by number."""
    numbers, right = _read(answer), _read(item.answer)
    if len(numbers) != len(right):
        raise Refused(f"the list has {len(numbers)} numbers, which is not what the function makes of the last list")
    for place, (number, wanted) in enumerate(zip(numbers, right, strict=True), 1):
        if number != wanted:
            raise Refused(f"number {place} is {number}, which is not what the function makes of the last list")
    return RIGHT


def verify_paper(answer: str, item: Item) -> Score:
    """The original's rule: the first list of digits, blanks and commas in brackets; minus signs and empty lists are not found."""
    found = _PAPER_LIST.search(answer)
    if found is None or not (numbers := integers(found[1])) or numbers != _read(item.answer):
        raise Refused("no list that equals the gold answer is found")
    return RIGHT


def solve(item: Item) -> str:
    """Tries the sequences of the family one by one, shortest first."""
    pairs = item.meta["examples"]
    rule = sequence(_family(), [tuple(x) for x, _ in pairs], [tuple(y) for _, y in pairs], item.meta["steps"])
    return str(list(run(rule, tuple(item.meta["test"]))))


def form(answer: str) -> str:
    return str(_read(answer))


def draw(item: Item) -> str:
    """The pairs as an SVG picture, a line each, 24 pixels high."""
    lines = [f"{x} → {y}" for x, y in item.meta["examples"]] + [f"{item.meta['test']} → ?"]
    return picture(lines)


@cache
def _kinds() -> tuple[tuple[Step, ...], ...]:
    """The family, by kind: the same that `RULES` states."""
    orders = (
        Step("reverse", _reversed, _reversed),
        Step("sort ascending", lambda x: tuple(sorted(x)), idempotent=True),
        Step("sort descending", lambda x: tuple(sorted(x, reverse=True)), idempotent=True),
    )
    turns = (Step("first to the end", _left, _right), Step("last to the front", _right, _left), Step("swap the ends", _swapped, _swapped))
    cuts = (
        Step("drop the first", lambda x: x[1:]),
        Step("drop the last", lambda x: x[:-1]),
        *(Step(f"first {k}", partial(_first, k=k), idempotent=True) for k in (1, 2, 3)),
        *(Step(f"last {k}", partial(_last, k=k), idempotent=True) for k in (1, 2, 3)),
        Step("every second from the first", lambda x: x[::2]),
        Step("every second from the second", lambda x: x[1::2]),
    )
    filters = (
        Step("distinct", lambda x: tuple(dict.fromkeys(x)), idempotent=True),
        Step("even", lambda x: tuple([n for n in x if n % 2 == 0]), idempotent=True),
        Step("odd", lambda x: tuple([n for n in x if n % 2]), idempotent=True),
        Step("positive", lambda x: tuple([n for n in x if n > 0]), idempotent=True),
        Step("negative", lambda x: tuple([n for n in x if n < 0]), idempotent=True),
    )
    adds = tuple(Step(f"add {k}", _adding(k), _adding(-k)) for k in range(-5, 6) if k)
    times = (
        Step("negate", _negated, _negated),
        Step("times 2", lambda x: tuple([2 * n for n in x])),
        Step("times 3", lambda x: tuple([3 * n for n in x])),
        Step("absolute", lambda x: tuple(map(abs, x)), idempotent=True),
    )
    sums = (
        Step("running totals", lambda x: tuple(accumulate(x)), _untotalled),
        Step("differences", lambda x: tuple([b - a for a, b in pairwise(x)])),
        Step("append the sum", lambda x: (*x, sum(x))),
        Step("append the count", lambda x: (*x, len(x))),
        Step("sum", lambda x: (sum(x),)),
        Step("count", lambda x: (len(x),)),
    )
    doubles = (Step("twice", lambda x: x + x), Step("each twice", lambda x: tuple([n for n in x for _ in (0, 1)])))
    return orders, turns, cuts, filters, adds, times, sums, doubles


@cache
def _family() -> tuple[Step, ...]:
    return tuple(step for kind in _kinds() for step in kind)


def _reversed(x: Numbers) -> Numbers:
    return x[::-1]


def _left(x: Numbers) -> Numbers:
    return x[1:] + x[:1]


def _right(x: Numbers) -> Numbers:
    return x[-1:] + x[:-1]


def _swapped(x: Numbers) -> Numbers:
    return x if len(x) < 2 else (x[-1], *x[1:-1], x[0])


def _first(x: Numbers, k: int) -> Numbers:
    return x[:k]


def _last(x: Numbers, k: int) -> Numbers:
    return x[-k:]


def _adding(k: int) -> Callable[[Numbers], Numbers]:
    return lambda x: tuple([n + k for n in x])


def _negated(x: Numbers) -> Numbers:
    return tuple([-n for n in x])


def _untotalled(x: Numbers) -> Numbers:
    return (*x[:1], *(b - a for a, b in pairwise(x)))


def _read(answer: str) -> list[int]:
    """A list of integers, in one pair of brackets or (unless it is empty) in none."""
    text = answer.replace("\\left", "").replace("\\right", "").strip()
    inside = text[1:-1] if text[:1] + text[-1:] in ("[]", "()") else text
    if any(bracket in inside for bracket in "[](){}"):
        raise Refused(f"{shown(text)} is not one list")
    if not inside.strip():
        if inside is text:
            raise Refused("the empty list is written []")
        return []
    numbers = integers(inside)
    if not numbers:
        raise Refused(f"{shown(text)} holds no numbers; the empty list is written []")
    return numbers


OPENINGS = (
    "Find the function that turns each list into the one after its arrow, and apply it to the last list.",
    "Here are lists and what a hidden function makes of them. What does it make of the last one?",
    "Work out what was done to the lists on the left, then do it to the last list.",
    "The same hidden function was applied to every list below. Apply it to the last one.",
)
RULES = (
    "The function is {many}. Every step is one of these:\n"
    "- reverse the list, sort it in ascending order, or sort it in descending order;\n"
    "- move the first element to the end, move the last element to the front, or swap the first and the last element;\n"
    "- drop the first element, or drop the last element;\n"
    "- keep only the first 1, 2 or 3 elements, or only the last 1, 2 or 3 elements;\n"
    "- keep every second element, beginning with the first or with the second;\n"
    "- keep only the first occurrence of each number;\n"
    "- keep only the even, the odd, the positive or the negative numbers (0 is even and neither positive nor negative);\n"
    "- add a fixed number from -5 to 5 to every element;\n"
    "- multiply every element by -1, 2 or 3, or replace every element by its absolute value;\n"
    "- replace every element by the total of all elements up to and including it;\n"
    "- replace the list by the differences of neighbours, the later minus the earlier (one element fewer);\n"
    "- append the sum of the elements, or append the number of elements;\n"
    "- replace the list by its sum alone, or by the number of its elements alone;\n"
    "- write the whole list twice in a row, or write every element twice in a row.\n"
    "The first 3 of two elements are both of them; a single number has no differences, so they are the empty list; the sum and the number of elements of the empty list are 0, "
    "and every other step leaves it empty.\n"
    "All functions of this kind that fit the examples give the same result for the last list."
)
FORM = "the resulting list in square brackets, numbers separated by commas; the empty list is written []."
EXAMPLE = "[4, -1, 0]"

register(
    Puzzle(
        "puzzles/big_bench_symbolic",
        "sequential",
        "find the function behind pairs of integer lists and apply it",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        form,
        verify_paper,
        draw,
    )
)
