"""Twiddle: how many moves a board needs, and which way a block turns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tasks.checks.twiddle import check
from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item, PuzzleTask


def item_of(board: list[int]) -> tuple[PuzzleTask, Item]:
    task = load("puzzles/twiddle")
    return task, replace(task.item(0, 0), meta={"board": board})


def test_a_move_turns_counter_clockwise() -> None:
    task, item = item_of([4, 1, 3, 5, 2, 6, 7, 8, 9])  # the top left block of the goal turned clockwise
    assert task.verify("\\boxed{(0,0)}", item).right
    assert check("(0,0)", item)
    assert not task.verify("\\boxed{(0,0)->(0,0)->(0,0)}", item).right  # what would undo it if moves were clockwise


def test_the_gold_answer_and_the_solver_s_are_as_short_as_the_level_says() -> None:
    for level, least, most in (("easy", 3, 5), ("medium", 6, 7), ("hard", 8, 10)):
        task = load("puzzles/twiddle", level)
        for i in range(6):
            item = task.item(5, i)
            lengths = {item.answer.count("("), task.solve(item).count("("), item.meta["moves"]}
            assert len(lengths) == 1
            assert least <= lengths.pop() <= most


def test_boards_seen_from_another_side_are_the_same_puzzle() -> None:
    single = load("puzzles/twiddle", min_moves=1, max_moves=1, split="all")
    assert len({single.item(0, i).canonical for i in range(30)}) == 1  # the four boards of one turn
    assert len({single.item(0, i).prompt.partition("The board:")[2] for i in range(30)}) == 4


def test_blocks_off_the_board_are_named() -> None:
    task, item = item_of([4, 1, 3, 5, 2, 6, 7, 8, 9])
    assert "move 2, (0,2), is no block" in task.verify("\\boxed{(0,0), (0,2)}", item).reason


def test_knobs_that_leave_no_board_are_refused() -> None:
    with pytest.raises(ConfigError, match="min_moves=6 is above"):
        load("puzzles/twiddle", min_moves=6)
