"""An independent judge of sum-skyscraper answers: that of skyscraper with sums."""

from __future__ import annotations

from tests.tasks.checks.skyscraper import fits
from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    return fits(answer, item, total=True)
