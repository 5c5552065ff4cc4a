"""An independent judge of answers in the game of small squares."""

from __future__ import annotations

from tests.tasks.checks._stones import grid, judged, squares
from thinkwell.tasks.puzzle import Item

POINTS = grid(["ABCDE", "FGHIJ", "KLMNO", "PQRST", "UVWXY"])
SETS = squares(POINTS)


def check(answer: str, item: Item) -> bool:
    return judged(answer, item, POINTS, SETS)
