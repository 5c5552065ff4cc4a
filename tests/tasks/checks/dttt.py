"""An independent judge of answers on two 3x3 grids that share a column."""

from __future__ import annotations

from tests.tasks.checks._stones import grid, judged, straight
from thinkwell.tasks.puzzle import Item

POINTS = grid(["ABCJK", "DEFLM", "GHINO"])
SETS = straight(POINTS, range(3)) | straight(POINTS, range(2, 5))


def check(answer: str, item: Item) -> bool:
    return judged(answer, item, POINTS, SETS)
