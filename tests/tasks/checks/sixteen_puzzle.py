"""An independent judge of sixteen-puzzle answers, by the judge of the nine puzzle with four rows."""

from __future__ import annotations

from tests.tasks.checks import nine_puzzle
from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    return nine_puzzle.check(answer, item, width=4)
