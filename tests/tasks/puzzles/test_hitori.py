"""Hitori: uniqueness against trying every set of cells, and the reason of each broken rule."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from tests.tasks.checks.hitori import check
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item

TASK = load("puzzles/hitori")
BOARD = [[1, 1, 2, 3], [2, 4, 3, 1], [3, 2, 1, 2], [4, 2, 3, 2]]


def item(board: list[list[int]]) -> Item:
    return replace(TASK.item(0, 0), meta={"board": board}, answer="")


@pytest.mark.parametrize("i", range(2))
def test_no_other_set_of_cells_keeps_the_rules(i: int) -> None:
    drawn = TASK.item(3, i)
    cells = [(row, column) for row in range(4) for column in range(4)]
    apart = (
        chosen
        for count in range(9)  # no more than 8 of 16 cells are apart
        for chosen in combinations(cells, count)
        if not any((r, c + 1) in chosen or (r + 1, c) in chosen for r, c in chosen)
    )
    answers = [", ".join(f"({r},{c})" for r, c in chosen) for chosen in apart]
    assert [answer for answer in answers if check(answer, drawn)] == [drawn.answer]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("(0,0)", "row 2 keeps 2 white more than once"),
        ("(1,1), (2,2)", "row 0 keeps 1 white more than once"),
        ("(0,4)", "(0,4) is not on the board"),
        ("(0,0), (0,0)", "given twice"),
        ("0,0,1", "make no pairs"),
    ],
)
def test_the_reason_names_the_broken_rule(answer: str, reason: str) -> None:
    assert reason in TASK.verify(f"```\n{answer}\n```", item(BOARD)).reason


def test_touching_and_cut_off_cells_are_refused() -> None:
    latin = item([[1, 2, 3, 4], [2, 3, 4, 1], [3, 4, 1, 2], [4, 1, 2, 3]])
    assert TASK.verify("```\n(0,0), (0,1)\n```", latin).reason == "the black cells (0,0) and (0,1) share a side"
    assert TASK.verify("```\n(0,1), (1,0)\n```", latin).reason == "the white cells do not all hang together"
    assert TASK.verify("```\n(0,1)\n```", latin).value == 1.0
