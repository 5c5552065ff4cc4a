"""Slant: loops are found from corner to corner, which way each diagonal goes, and uniqueness against filling row by row."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from tests.tasks.checks.slant import check
from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load

TASK = load("puzzles/slant", "hard")


def test_a_loop_around_a_corner_is_refused() -> None:
    item = replace(TASK.item(0, 0), meta={"corners": ["....", "....", "....", "...."]})
    loop = "1 -1 1\n-1 1 1\n1 1 1"
    assert TASK.verify(f"```\n{loop}\n```", item).reason == "the diagonal in row 2, column 2 closes a loop with those before it"
    assert TASK.verify("```\n-1 1 1\n1 -1 1\n1 1 1\n```", item).value == 1.0


def test_1_rises_and_minus_1_falls() -> None:
    item = replace(TASK.item(0, 0), meta={"corners": ["01..", "1...", "....", "...."]})
    assert TASK.verify("```\n1 1 1\n1 1 1\n1 1 1\n```", item).value == 1.0
    falls = TASK.verify("```\n-1 1 1\n1 1 1\n1 1 1\n```", item)
    assert falls.reason == "at corner 1 of corner row 1 meet 1 diagonals where 0 are expected"


@pytest.mark.parametrize("i", range(3))
def test_no_other_filling_keeps_the_rules(i: int) -> None:
    item = load("puzzles/slant", "hard", size=3).item(4, i)
    grids = ("\n".join(" ".join(map(str, cells[at : at + 3])) for at in (0, 3, 6)) for cells in product((1, -1), repeat=9))
    assert [grid for grid in grids if check(grid, item)] == [item.answer]


@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
def test_the_asked_share_of_numbers_is_hidden(level: str) -> None:
    low, high = {"easy": (5, 10), "medium": (15, 20), "hard": (24, 25)}[level]
    assert all(low <= "".join(load("puzzles/slant", level).item(1, i).meta["corners"]).count(".") <= high for i in range(5))


def test_shares_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(ConfigError, match="is above max_hidden"):
        load("puzzles/slant", min_hidden=0.5)
