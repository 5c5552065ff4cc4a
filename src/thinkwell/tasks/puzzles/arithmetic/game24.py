"""Game of 24: make 24 from some numbers, each used exactly once, with + - * / and brackets, or say that it cannot be done. Intermediate results may be fractions or negative.

As in the original, numbers are drawn at random and what cannot make 24 stays in (one in five draws of four numbers, one in 250 of five, hardly any of six). There the verifier is
an `eval` of the model's text that takes other operators too; here a parser works with exact fractions. `verify_paper` is its rule without its `eval`: the value to 0.0001.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from itertools import combinations

from pydantic import Field

from thinkwell.core.config import Knobs
from thinkwell.tasks.expressions import check_as_published, check_numbers, check_value, evaluate, worked_out
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.puzzles.arithmetic._splits import Value, expression, lowest
from thinkwell.tasks.reading import says


class Config(Knobs):
    count: int = Field(4, ge=2, le=6)
    """How many numbers are given, 2 to 6."""
    largest: int = Field(13, ge=1, le=99)
    """Numbers are drawn from 1 to this, with repetition, 1 to 99."""
    target: int = Field(24, ge=0, le=10_000)
    """The number to make, 0 to 10,000."""
    cannot: bool = True
    """Whether numbers that cannot make the target are kept; then the prompt says how to answer for them."""


LEVELS = {"easy": {"count": 4}, "medium": {"count": 5}, "hard": {"count": 6}}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Random numbers; whether they make the target is found out by the solver over all splits."""
    numbers = [rng.randint(1, config.largest) for _ in range(config.count)]
    if not config.cannot and expression(numbers, config.target) is None:
        raise Redraw
    sentence = _sentence(config.target)
    opening = rng.choice(OPENINGS).format(target=config.target)
    form = FORM + (f" If the numbers cannot make {config.target}, write instead: {sentence}." if config.cannot else "")
    prompt = ask(opening, RULES, f"Numbers: {', '.join(map(str, numbers))}\nTarget: {config.target}", form, EXAMPLE)
    meta = {"numbers": numbers, "target": config.target}
    return Drawn(prompt, lambda: expression(numbers, config.target) or sentence, meta, f"{sorted(numbers)} {config.target}")


def verify(answer: str, item: Item) -> Score:
    """The expression's numbers and its value, exactly; the sentence where the gold answer is it."""
    target = item.meta["target"]
    if says(answer, _sentence(target)):
        if item.answer != _sentence(target):
            raise Refused(f"the numbers can make {target}")
        return RIGHT
    found = evaluate(answer)
    check_numbers(found, item.meta["numbers"])
    check_value(found, target)
    return RIGHT


def verify_paper(answer: str, item: Item) -> Score:
    """The original's rule: an equals sign fails, the value may be off by less than 0.0001."""
    if says(answer, _sentence(item.meta["target"])):
        return verify(answer, item)
    check_as_published(answer, item.meta["numbers"], item.meta["target"])
    return RIGHT


def solve(item: Item) -> str:
    """Depth first over which two values to join next, forgetting sets of values that were seen to fail."""
    target = item.meta["target"]
    found = _join([(number, 1, str(number)) for number in item.meta["numbers"]], target, set())
    return _sentence(target) if found is None else found


def form(answer: str) -> str:
    """The sentence in one spelling, or the steps of the expression."""
    number = re.search("[0-9]{1,5}", answer, re.ASCII)
    if number and says(answer, sentence := _sentence(int(number[0]))):
        return sentence
    return worked_out(answer)


def draw(item: Item) -> str:
    """The numbers as cards and the target, an SVG picture."""
    numbers = item.meta["numbers"]
    width = 60 * len(numbers) + 120
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 90" font-family="sans-serif" font-size="24" text-anchor="middle">',
        f'<rect width="{width}" height="90" fill="white"/>',
    ]
    for place, number in enumerate(numbers):
        x = 10 + 60 * place
        parts.append(f'<rect x="{x}" y="10" width="50" height="70" rx="6" fill="#f4f1e6" stroke="black" stroke-width="2"/>')
        parts.append(f'<text x="{x + 25}" y="54" fill="black">{number}</text>')
    return "".join([*parts, f'<text x="{width - 60}" y="54" fill="black">= {item.meta["target"]}</text></svg>'])


def _sentence(target: int) -> str:
    return f"cannot make {target}"


def _join(values: Sequence[tuple[int, int, str]], target: int, failed: set[tuple[Value, ...]]) -> str | None:
    """An expression of the target from all values (numerator, denominator, expression), None if there is none."""
    if len(values) == 1:
        return values[0][2] if values[0][0] == target * values[0][1] else None
    key = tuple(sorted((n, d) for n, d, _ in values))
    if key in failed:
        return None
    for i, j in combinations(range(len(values)), 2):
        (a, b, first), (c, d, second) = values[i], values[j]
        rest = [value for place, value in enumerate(values) if place not in (i, j)]
        results = [(a * d + c * b, b * d, f"({first} + {second})"), (a * c, b * d, f"({first} * {second})")]
        results += [(a * d - c * b, b * d, f"({first} - {second})"), (c * b - a * d, b * d, f"({second} - {first})")]
        results += ([(a * d, b * c, f"({first} / {second})")] if c else []) + ([(c * b, d * a, f"({second} / {first})")] if a else [])
        for numerator, denominator, text in results:
            found = _join([(*lowest(numerator, denominator), text), *rest], target, failed)
            if found is not None:
                return found
    failed.add(key)
    return None


OPENINGS = (
    "Make {target} from the given numbers.",
    "Combine all of these numbers so that the result is {target}.",
    "Find an expression with the numbers below that equals {target}.",
    "Use each of these numbers once to get exactly {target}.",
)
RULES = (
    "Rules: use every number exactly once (a number that is listed twice is used twice), with the operations + - * / and brackets. "
    "Intermediate results may be fractions, zero or negative. Numbers may not be joined or given a minus sign."
)
FORM = "one expression, without an equals sign."
EXAMPLE = "(8 - 3) * 4 + 6 / 2"

register(
    Puzzle(
        "puzzles/game24",
        "arithmetic",
        "make 24 with + - * / from numbers used once each",
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
