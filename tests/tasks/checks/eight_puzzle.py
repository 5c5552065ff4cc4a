"""An independent judge of eight-puzzle answers, by the judge of the fifteen puzzle with three rows."""

from __future__ import annotations

from tests.tasks.checks import fifteen_puzzle
from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    return fifteen_puzzle.check(answer, item, width=3)
