"""Stack permutation: numbers arrive in a given order; push each on a stack when it arrives, pop when you like, so that they leave in the target order, or say that it cannot be.

There is at most one such sequence of pushes and pops. As in the original, part of the targets cannot be reached, and the sentence that says so counts. Here the share of these is
a knob (there it rises with the length, from 19 to 42 in 100), and a puzzle whose numbers are renamed counts as the same. Of the original's easy length, 4 or 5, there are only 144.
"""

from __future__ import annotations

import random
import re
from itertools import combinations

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Refused, Score, ask, register
from thinkwell.tasks.reading import integer, says, shown

NONE = "not a valid stack permutation"

_WORD = re.compile(r"push\s{0,2}\(\s{0,2}([0-9]{1,18})\s{0,2}\)|pop\s{0,2}\(\s{0,2}\)", re.ASCII | re.IGNORECASE)
_LAYOUT = str.maketrans(dict.fromkeys("[],;\"'`→", " "))


class Config(Knobs):
    min_length: int = Field(6, ge=3, le=50)
    """Fewest numbers, 3 to 50."""
    max_length: int = Field(7, ge=3, le=50)
    """Most numbers, 3 to 50."""
    impossible_share: float = Field(0.3, ge=0.0, le=1.0)
    """Share of targets that cannot be reached, 0 to 1; above 0 the prompt says how to answer for them."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_length > self.max_length:
            raise ValueError(f"min_length={self.min_length} is above max_length={self.max_length}")
        return self


LEVELS = {
    "easy": {"min_length": 6, "max_length": 7},
    "medium": {"min_length": 8, "max_length": 9},
    "hard": {"min_length": 10, "max_length": 12},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Pushes and pops at random, every order of them equally likely; for a target that cannot be, two of the numbers that leave are swapped until it cannot."""
    length = rng.randint(config.min_length, config.max_length)
    numbers = rng.sample(range(1, length + 1), length)
    arriving, words = iter(numbers), []
    stack: list[int] = []
    target: list[int] = []
    for push in _pushes(rng, length):
        if push:
            stack.append(next(arriving))
            words.append(f"Push({stack[-1]})")
        else:
            target.append(stack.pop())
            words.append("Pop()")
    possible = rng.random() >= config.impossible_share
    while not possible and _fits([numbers.index(number) for number in target]):
        first, second = rng.sample(range(length), 2)
        target[first], target[second] = target[second], target[first]
    board = f"Arriving, in this order: {' '.join(map(str, numbers))}\nTarget order of leaving: {' '.join(map(str, target))}"
    form = FORM + (f" If the target cannot be reached, write instead: {NONE}." if config.impossible_share else "")
    meta = {"numbers": numbers, "target": target, "possible": possible}
    canonical = " ".join(str(numbers.index(number)) for number in target)
    return Drawn(
        prompt=ask(rng.choice(OPENINGS), RULES, board, form, EXAMPLE),
        answer=", ".join(words) if possible else NONE,
        meta=meta,
        canonical=canonical,
    )


def verify(answer: str, item: Item) -> Score:
    """Plays the pushes and pops."""
    if says(answer, NONE):
        if item.meta["possible"]:
            raise Refused("the target can be reached")
        return RIGHT
    numbers, target = item.meta["numbers"], item.meta["target"]
    arrived = 0
    stack: list[int] = []
    left: list[int] = []
    for place, push in enumerate(_read(answer), 1):
        if push is None:
            if not stack:
                raise Refused(f"step {place} pops from an empty stack")
            left.append(stack.pop())
            if left[-1] != target[len(left) - 1]:
                raise Refused(f"step {place} lets {left[-1]} leave, the target says {target[len(left) - 1]}")
            continue
        if arrived == len(numbers):
            raise Refused(f"step {place} pushes {push}, but every number has arrived")
        if push != numbers[arrived]:
            raise Refused(f"step {place} pushes {push}, but the next to arrive is {numbers[arrived]}")
        stack.append(push)
        arrived += 1
    if len(left) < len(target):
        raise Refused(f"only {len(left)} of {len(target)} numbers have left at the end")
    return RIGHT


def solve(item: Item) -> str:
    """Pop whenever the top is what must leave next, else push; what does not work so does not work at all."""
    words, stack, waiting = [], [], list(item.meta["target"])
    for number in item.meta["numbers"]:
        stack.append(number)
        words.append(f"Push({number})")
        while stack and stack[-1] == waiting[0]:
            waiting.pop(0)
            stack.pop()
            words.append("Pop()")
    return NONE if stack else ", ".join(words)


def form(answer: str) -> str:
    return NONE if says(answer, NONE) else ", ".join("Pop()" if push is None else f"Push({push})" for push in _read(answer))


def draw(item: Item) -> str:
    """Both orders around an empty stack, as an SVG picture, 40 pixels a number."""
    numbers, target = item.meta["numbers"], item.meta["target"]
    width, half = 80 * len(numbers) + 120, 40 * len(numbers)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 130" font-family="sans-serif" font-size="20" text-anchor="middle">',
        f'<rect width="{width}" height="130" fill="white"/>',
        f'<path d="M{half + 30} 20V120H{half + 90}V20" fill="none" stroke="black" stroke-width="3"/>',
        f'<text x="{half + 60}" y="75" font-size="14" fill="black">stack</text>',
        f'<text x="{10 + half // 2}" y="20" font-size="14" fill="black">target (left: first out)</text>',
        f'<text x="{half + 110 + half // 2}" y="20" font-size="14" fill="black">arriving (left: first in)</text>',
    ]
    for start, values, fill in ((10, target, "#ddd"), (half + 110, numbers, "white")):
        for place, number in enumerate(values):
            x = start + 40 * place
            parts.append(f'<rect x="{x}" y="32" width="40" height="40" fill="{fill}" stroke="black"/>')
            parts.append(f'<text x="{x + 20}" y="59" fill="black">{number}</text>')
    return "".join([*parts, "</svg>"])


def _pushes(rng: random.Random, length: int) -> list[bool]:
    """`length` pushes and pops that never pop from an empty stack, uniformly: of the rotations of a shuffle with one push more exactly one is such, without its first push."""
    words = [True] * (length + 1) + [False] * length
    rng.shuffle(words)
    height, lowest, start = 0, 0, 0
    for place, push in enumerate(words):
        height += 1 if push else -1
        if height <= lowest:
            lowest, start = height, place + 1
    return (words[start:] + words[:start])[1:]


def _fits(places: list[int]) -> bool:
    """Can numbers that arrived at these places leave in this order? Not if one is followed by two earlier ones that leave in their order of arrival."""
    return not any(second < third < first for first, second, third in combinations(places, 3))


def _read(answer: str) -> list[int | None]:
    """The numbers that are pushed, None for a pop."""
    plain = answer.replace("->", " ")
    found: list[int | None] = []
    end = 0
    for match in _WORD.finditer(plain):
        _layout(plain[end : match.start()])
        found.append(integer(match[1]) if match[1] else None)
        end = match.end()
    _layout(plain[end:])
    return found


def _layout(between: str) -> None:
    if rest := between.translate(_LAYOUT).strip():
        raise Refused(f"{shown(rest)} is neither Push(number) nor Pop()")


OPENINGS = (
    "Find the pushes and pops that turn one order into another.",
    "Can a stack turn the first order into the second? Show how.",
    "Here is a puzzle about a stack: let the numbers leave in the target order.",
    "Reorder the numbers below with a single stack.",
)
RULES = (
    "Rules: the numbers arrive one by one in the given order, and each is pushed on a stack, which is empty at the start. "
    "At any time the number on top of the stack may be popped; it leaves and does not come back. "
    "Every number must be pushed and popped exactly once, and the order in which they leave must be the target order."
)
FORM = "the steps in order, separated by commas, each as Push(number) or Pop()."
EXAMPLE = "Push(2), Push(1), Pop(), Push(3), Pop(), Pop()"

register(
    Puzzle(
        "puzzles/stack_permutation",
        "sequential",
        "push and pop numbers so that they leave in a given order",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        form,
        draw=draw,
    )
)
