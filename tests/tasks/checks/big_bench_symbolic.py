"""An independent judge of list functions: every step written again with loops; all functions of one or two steps are tried, of three steps the one that the item names."""

from __future__ import annotations

import ast
from collections.abc import Callable
from itertools import product

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
    length = item.meta["steps"]
    rules = [item.meta["rule"]] if length == 3 else [rule for n in range(1, length + 1) for rule in product(FAMILY, repeat=n)]
    results = []
    for rule in rules:
        if all(done(rule, x) == y for x, y in item.meta["examples"]):
            assert len(rule) == length, "a shorter function fits"
            results.append(done(rule, item.meta["test"]))
    text = answer.strip()
    if text[:1] not in ("[", "("):
        text = f"[{text}]"
    try:
        given = list(ast.literal_eval(text.replace("(", "[").replace(")", "]")))
    except (SyntaxError, ValueError):
        given = [int(token) for token in text.strip("[]()").replace(",", " ").split()]
    return bool(results) and all(result == given for result in results)


def done(rule: list[str], numbers: Numbers) -> Numbers:
    for name in rule:
        numbers = FAMILY[name](numbers)
    return numbers
