"""An independent judge of grids by example: every step written again on lists of lists, and all rules of as many steps tried one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from thinkwell.tasks.puzzle import Item

Grid = list[list[int]]


def steps(largest: int) -> dict[str, Callable[[Grid], Grid]]:
    family: dict[str, Callable[[Grid], Grid]] = {
        "transpose": columns,
        "mirror left-right": lambda g: [row[::-1] for row in g],
        "mirror top-bottom": lambda g: g[::-1],
        "turn halfway": lambda g: [row[::-1] for row in g[::-1]],
        "turn clockwise": lambda g: columns(g[::-1]),
        "turn counterclockwise": lambda g: columns(g)[::-1],
        "shift right": lambda g: [row[-1:] + row[:-1] for row in g],
        "shift left": lambda g: [row[1:] + row[:1] for row in g],
        "shift down": lambda g: g[-1:] + g[:-1],
        "shift up": lambda g: g[1:] + g[:1],
        "fall right": lambda g: [sorted(row, key=bool) for row in g],
        "fall left": lambda g: [sorted(row, key=lambda n: not n) for row in g],
        "fall down": lambda g: columns([sorted(row, key=bool) for row in columns(g)]),
        "fall up": lambda g: columns([sorted(row, key=lambda n: not n) for row in columns(g)]),
        "clear the border": lambda g: [[n if inside(g, r, c) else 0 for c, n in enumerate(row)] for r, row in enumerate(g)],
        "clear the inside": lambda g: [[0 if inside(g, r, c) else n for c, n in enumerate(row)] for r, row in enumerate(g)],
    }
    for a in range(1, largest + 1):
        family[f"add {a}"] = lambda g, a=a: [[(n + a) % (largest + 1) for n in row] for row in g]
        family[f"erase {a}"] = lambda g, a=a: [[n * (n != a) for n in row] for row in g]
        family[f"keep {a}"] = lambda g, a=a: [[n * (n == a) for n in row] for row in g]
        for b in range(a):
            family[f"swap {b} and {a}"] = lambda g, a=a, b=b: [[a if n == b else b if n == a else n for n in row] for row in g]
    return family


def columns(grid: Grid) -> Grid:
    return [list(column) for column in zip(*grid, strict=True)]


def inside(grid: Grid, r: int, c: int) -> bool:
    return 0 < r < len(grid) - 1 and 0 < c < len(grid[0]) - 1


def check(answer: str, item: Item) -> bool:
    lines = answer.replace(",", " ").translate(dict.fromkeys(map(ord, "[]"), " ")).splitlines()
    rows = [line.split() for line in lines if line.strip()]
    grid = [[int(token) for token in (row[0] if len(row) == 1 else row)] for row in rows]  # a row may be one run of digits
    outputs = results(item)
    return bool(outputs) and all(output == grid for output in outputs)


@lru_cache(maxsize=8)
def results(item: Item) -> list[Grid]:
    """What every rule of just as many steps as the item has, and that fits its examples, makes of its test."""
    family = steps(item.meta["largest"])
    found = []
    for length in range(1, item.meta["steps"] + 1):
        for rule in rules(family, length, *item.meta["examples"][0]):
            if all(done(rule, x) == y for x, y in item.meta["examples"][1:]):
                assert length == item.meta["steps"], "a shorter rule fits"
                found.append(done(rule, item.meta["test"]))
    return found


def rules(family: dict[str, Callable[[Grid], Grid]], length: int, before: Grid, after: Grid) -> Iterator[list[Callable[[Grid], Grid]]]:
    """All sequences of `length` steps that lead from one grid to the other."""
    for step in family.values():
        grid = step(before)
        if length > 1:
            yield from ([step, *rest] for rest in rules(family, length - 1, grid, after))
        elif grid == after:
            yield [step]


def done(rule: list[Callable[[Grid], Grid]], grid: Grid) -> Grid:
    for step in rule:
        grid = step(grid)
    return grid
