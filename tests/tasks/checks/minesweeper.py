"""An independent judge of minesweeper answers: plain clauses (of every k + 1 cells around a k one is free, and so on) in a SAT solver, each cell asked for by itself."""

from __future__ import annotations

import re
from functools import cache
from itertools import combinations

from pysat.solvers import Cadical153

from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    certain = _certain(tuple(item.meta["board"]))
    if not certain:
        return " ".join(re.findall(r"[a-z]+", answer.lower())) == "no mine is certain"
    numbers = [int(text) for text in re.findall(r"-?\d+", answer)]
    return len(numbers) == 2 * len(certain) and set(zip(numbers[::2], numbers[1::2], strict=True)) == certain


@cache
def _certain(board: tuple[str, ...]) -> set[tuple[int, int]]:
    cells = {(r, c): sign for r, line in enumerate(board) for c, sign in enumerate(line)}
    names = {cell: name for name, cell in enumerate((cell for cell, sign in cells.items() if sign == "#"), 1)}
    with Cadical153() as solver:
        for (r, c), sign in cells.items():
            if sign != "#":
                around = [names[r + dr, c + dc] for dr in (-1, 0, 1) for dc in (-1, 0, 1) if (r + dr, c + dc) in names]
                for group in combinations(around, int(sign) + 1):
                    solver.add_clause([-name for name in group])
                for group in combinations(around, len(around) - int(sign) + 1):
                    solver.add_clause(list(group))
        assert solver.solve()
        return {cell for cell, name in names.items() if not solver.solve(assumptions=[-name])}
