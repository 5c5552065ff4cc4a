"""Minesweeper: certain mines that follow from several numbers, boards without any, and the paper's rule, which sees one number at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tasks.checks.minesweeper import check
from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item

TASK = load("puzzles/minesweeper")
ONE_TWO_ONE = ["###", "121", "000"]  # the middle is free, as 1, 2, 1 along a wall say together
SENTENCE = "no mine is certain"


def item(board: list[str], gold: str) -> Item:
    return replace(TASK.item(0, 0), meta={"board": board}, answer=gold)


def test_numbers_are_read_together() -> None:
    wall = item(ONE_TWO_ONE, "(0,0), (0,2)")
    assert check("(0,0), (0,2)", wall)
    assert TASK.solve(wall) == "(0,0), (0,2)"
    assert TASK.verify("```\n(0,2), (0,0)\n```", wall).value == 1.0
    assert TASK.verify(f"```\n{SENTENCE}\n```", wall).reason == "some mines are certain"
    assert TASK.verify("```\n(0,2), (0,0)\n```", wall, "paper").value == 0.0
    assert TASK.verify(f"```\n{SENTENCE}\n```", wall, "paper").value == 1.0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("(0,0)", "1 of the 2 certain mines are not named"),
        ("(0,0), (0,1), (0,2)", "a mine at (0,1) is not certain"),
        ("(1,0)", "(1,0) is not hidden"),
        ("(3,0)", "(3,0) is not on the board"),
    ],
)
def test_the_reason_says_what_is_wrong(answer: str, reason: str) -> None:
    assert TASK.verify(f"```\n{answer}\n```", item(ONE_TWO_ONE, "(0,0), (0,2)")).reason == reason


def test_that_no_mine_is_certain_can_be_said_and_only_in_those_words() -> None:
    corner = item(["##", "1#"], SENTENCE)
    assert TASK.solve(corner) == SENTENCE
    assert TASK.verify(f"```\n{SENTENCE.capitalize()}.\n```", corner).value == 1.0
    for answer in ("[]", "none", "(0,0)", "unable"):
        assert TASK.verify(f"```\n{answer}\n```", corner).value == 0.0


def test_a_single_number_that_needs_all_its_cells_is_seen_by_the_paper_s_rule_too() -> None:
    full = item(["#2", "#1"], "(0,0), (1,0)")
    assert TASK.verify("```\n(0,0), (1,0)\n```", full, "paper").value == 1.0


@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
def test_boards_with_and_without_certain_mines_occur(level: str) -> None:
    golds = [load("puzzles/minesweeper", level).item(5, i).answer for i in range(60)]
    assert 0 < golds.count(SENTENCE) < 30


def test_shares_that_leave_nothing_hidden_are_refused() -> None:
    with pytest.raises(ConfigError, match="leave no hidden cells"):
        load("puzzles/minesweeper", mine_share=0.3, max_shown=0.8)
