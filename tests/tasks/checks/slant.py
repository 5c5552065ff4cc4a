"""An independent judge of Slant answers, written from the rules alone: corners as nodes, leaves plucked until only loops are left."""

from __future__ import annotations

import re

from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    grid = [[int(text) for text in re.findall(r"-?\d+", line)] for line in answer.splitlines() if line.strip()]
    corners = item.meta["corners"]
    size = len(corners) - 1
    if len(grid) != size or any(len(row) != size or not set(row) <= {1, -1} for row in grid):
        return False
    ends = [
        {(r + 1, c), (r, c + 1)} if diagonal == 1 else {(r, c), (r + 1, c + 1)}
        for r, row in enumerate(grid)
        for c, diagonal in enumerate(row)
    ]
    for r, line in enumerate(corners):
        for c, sign in enumerate(line):
            if sign != "." and sum((r, c) in pair for pair in ends) != int(sign):
                return False
    while ends:
        kept = [pair for pair in ends if all(sum(end in other for other in ends) > 1 for end in pair)]
        if len(kept) == len(ends):
            return False
        ends = kept
    return True
