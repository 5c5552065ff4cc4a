"""An independent judge of grids by example: every step written again on lists of lists; all rules of one or two steps are tried, of three steps the one that the item names."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

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
    family = steps(item.meta["largest"])
    length = item.meta["steps"]
    rules = [item.meta["rule"]] if length == 3 else [rule for n in range(1, length + 1) for rule in product(family, repeat=n)]
    results = []
    for rule in rules:
        if all(done(family, rule, x) == y for x, y in item.meta["examples"]):
            assert len(rule) == length, "a shorter rule fits"
            results.append(done(family, rule, item.meta["test"]))
    grid = [
        [int(token) for token in line.split()]
        for line in answer.replace(",", " ").translate(dict.fromkeys(map(ord, "[]"), " ")).splitlines()
        if line.strip()
    ]
    return bool(results) and all(result == grid for result in results)


def done(family: dict[str, Callable[[Grid], Grid]], rule: list[str], grid: Grid) -> Grid:
    for name in rule:
        grid = family[name](grid)
    return grid
