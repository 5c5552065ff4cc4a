"""Fifteen puzzle: which boards can be solved, and what the original's rule does."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from tests.tasks.checks.fifteen_puzzle import check
from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzles.sequential._board import arrangement, inversions
from thinkwell.tasks.puzzles.sequential._sliding import drawn, goal, played, solvable

NAME = "puzzles/fifteen_puzzle"


@pytest.mark.parametrize("width", [3, 4])
def test_moves_never_change_whether_a_board_can_be_solved(width: int) -> None:
    rng = random.Random(1)
    for can in (True, False):
        board = drawn(rng, width, 3, 20, can)
        for _ in range(60):
            blank = board.index(0)
            ways = {"U": blank >= width, "D": blank < width * (width - 1), "L": blank % width > 0, "R": blank % width < width - 1}
            board = played(board, [rng.choice([move for move, free in ways.items() if free])], width)
            assert solvable(board, width) is can
    assert solvable(goal(width), width)


def test_loyd_s_board_with_14_and_15_swapped_has_no_solution() -> None:
    task = load(NAME)
    item = replace(task.item(0, 0), meta={"board": [*range(1, 14), 15, 14, 0], "solvable": False})
    assert task.solve(item) == "no solution"
    assert task.verify("\\boxed{No solution.}", item).right
    assert check("no solution", item)
    assert not task.verify("\\boxed{No solution.}", item, "paper").right


def test_every_board_of_the_levels_can_be_solved_and_the_gold_answer_is_not_long() -> None:
    for level, low, high in (("easy", 0, 45), ("medium", 46, 59), ("hard", 60, 105)):
        task = load(NAME, level)
        for i in range(6):
            item = task.item(2, i)
            assert low <= item.meta["inversions"] == inversions([tile for tile in item.meta["board"] if tile]) <= high
            assert check(item.answer, item)
            assert len(item.answer) < 200


def test_boards_without_a_solution_can_be_asked_for() -> None:
    task = load(NAME, unsolvable_share=1.0, min_inversions=7, max_inversions=7)
    assert "no solution" in task.item(0, 0).prompt
    assert all(check("no solution", task.item(0, i)) for i in range(4))
    assert "no solution" not in load(NAME).item(0, 0).prompt


def test_the_paper_s_rule_skips_unknown_letters() -> None:
    task = load(NAME)
    item = task.item(0, 0)
    padded = " then ".join(item.answer)
    assert not task.verify(f"```\n{padded}\n```", item).right
    assert task.verify(f"```\n{padded}\n```", item, "paper").right


def test_orders_with_few_inversions_are_drawn_alike_often() -> None:
    rng = random.Random(0)
    counts = Counter(tuple(arrangement(rng, 4, 2, 3)) for _ in range(2_200))
    assert len(counts) == 5 + 6  # Mahonian numbers of 4 things
    assert all(120 < count < 290 for count in counts.values())
    assert all(inversions(order) in (2, 3) for order in counts)


def test_knobs_that_leave_no_board_are_refused() -> None:
    with pytest.raises(ConfigError, match="min_inversions=50 is above"):
        load(NAME, min_inversions=50)
