"""An independent judge of tic-tac-toe answers."""

from __future__ import annotations

from tests.tasks.checks._stones import grid, judged, straight
from thinkwell.tasks.puzzle import Item

POINTS = grid(["ABC", "DEF", "GHI"])
SETS = straight(POINTS, range(3))


def check(answer: str, item: Item) -> bool:
    return judged(answer, item, POINTS, SETS)
