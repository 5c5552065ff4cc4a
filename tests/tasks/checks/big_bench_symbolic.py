"""An independent judge of list functions: every step written again with loops, and all functions of at most as many steps as the item has are tried."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import lru_cache

from thinkwell.tasks.puzzle import Item

Numbers = list[int]


def repeats_removed(x: Numbers) -> Numbers:
    kept: Numbers = []
    for n in x:
        if n not in kept:
            kept.append(n)
    return kept


def ends_swapped(x: Numbers) -> Numbers:
    y = list(x)
    if y:
        y[0], y[-1] = x[-1], x[0]
    return y


FAMILY: dict[str, Callable[[Numbers], Numbers]] = {
    "reverse": lambda x: [x[len(x) - 1 - i] for i in range(len(x))],
    "sort ascending": sorted,
    "sort descending": lambda x: sorted(x)[::-1],
    "first to the end": lambda x: [x[(i + 1) % len(x)] for i in range(len(x))],
    "last to the front": lambda x: [x[i - 1] for i in range(len(x))],
    "swap the ends": ends_swapped,
    "drop the first": lambda x: [n for i, n in enumerate(x) if i > 0],
    "drop the last": lambda x: [n for i, n in enumerate(x) if i < len(x) - 1],
    "every second from the first": lambda x: [n for i, n in enumerate(x) if i % 2 == 0],
    "every second from the second": lambda x: [n for i, n in enumerate(x) if i % 2 == 1],
    "distinct": repeats_removed,
    "even": lambda x: [n for n in x if abs(n) % 2 == 0],
    "odd": lambda x: [n for n in x if abs(n) % 2 == 1],
    "positive": lambda x: [n for n in x if n >= 1],
    "negative": lambda x: [n for n in x if n <= -1],
    "negate": lambda x: [0 - n for n in x],
    "times 2": lambda x: [n + n for n in x],
    "times 3": lambda x: [n + n + n for n in x],
    "absolute": lambda x: [max(n, -n) for n in x],
    "running totals": lambda x: [sum(x[: i + 1]) for i in range(len(x))],
    "differences": lambda x: [x[i + 1] - x[i] for i in range(len(x) - 1)],
    "append the sum": lambda x: [*x, sum(x)],
    "append the count": lambda x: [*x, len(x)],
    "sum": lambda x: [sum(x)],
    "count": lambda x: [len(x)],
    "twice": lambda x: x * 2,
    "each twice": lambda x: [x[i // 2] for i in range(2 * len(x))],
    **{f"add {k}": (lambda x, k=k: [n + k for n in x]) for k in range(-5, 6) if k},
    **{f"first {k}": (lambda x, k=k: [n for i, n in enumerate(x) if i < k]) for k in (1, 2, 3)},
    **{f"last {k}": (lambda x, k=k: [n for i, n in enumerate(x) if i >= len(x) - k]) for k in (1, 2, 3)},
}


def check(answer: str, item: Item) -> bool:
    text = answer.strip()
    if text[:1] not in ("[", "("):
        text = f"[{text}]"
    try:
        given = list(ast.literal_eval(text.replace("(", "[").replace(")", "]")))
    except (SyntaxError, ValueError):
        given = [int(token) for token in text.strip("[]()").replace(",", " ").split()]
    lists = results(item)
    return bool(lists) and all(numbers == given for numbers in lists)


@lru_cache(maxsize=8)
def results(item: Item) -> list[Numbers]:
    """What every function of just as many steps as the item has, and that fits its examples, makes of its last list."""
    found = []
    for length in range(1, item.meta["steps"] + 1):
        for rule in rules(length, *item.meta["examples"][0]):
            if all(done(rule, x) == y for x, y in item.meta["examples"][1:]):
                assert length == item.meta["steps"], "a shorter function fits"
                found.append(done(rule, item.meta["test"]))
    return found


def rules(length: int, before: Numbers, after: Numbers) -> Iterator[list[str]]:
    """All sequences of `length` steps that lead from one list to the other."""
    for name, step in FAMILY.items():
        numbers = step(before)
        if length > 1:
            yield from ([name, *rest] for rest in rules(length - 1, numbers, after))
        elif numbers == after:
            yield [name]


def done(rule: list[str], numbers: Numbers) -> Numbers:
    for name in rule:
        numbers = FAMILY[name](numbers)
    return numbers
