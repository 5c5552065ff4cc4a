"""An independent judge of mazes: the walk is followed cell by cell; "no path exists" is right if flooding from the start does not reach the end."""

from __future__ import annotations

import re
from itertools import pairwise

from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    grid = item.meta["grid"]
    n = len(grid)
    free = {(r, c) for r in range(1, n + 1) for c in range(1, n + 1) if grid[r - 1][c - 1] != "B"}
    if re.sub(r"[^a-z]", "", answer.lower()) == "nopathexists":
        flooded = {(1, 1)}
        for _ in range(n * n):
            flooded |= {cell for cell in free if any(abs(cell[0] - r) + abs(cell[1] - c) == 1 for r, c in flooded)}
        return (n, n) not in flooded
    numbers = [int(number) for number in re.findall(r"-?\d+", answer.replace("->", " "))]
    walk = list(zip(numbers[::2], numbers[1::2], strict=False))
    return (
        bool(walk)
        and len(numbers) % 2 == 0
        and (walk[0], walk[-1]) == ((1, 1), (n, n))
        and set(walk) <= free
        and all(abs(a - c) + abs(b - d) == 1 for (a, b), (c, d) in pairwise(walk))
    )
