"""Eight and fifteen puzzle: which boards can be solved, what the levels measure, and what the original's rule does."""

from __future__ import annotations

import importlib
import random
from dataclasses import replace
from itertools import islice, pairwise

import pytest

from tests.tasks.checks.fifteen_puzzle import check
from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzles.sequential._board import swapped
from thinkwell.tasks.puzzles.sequential._sliding import distance, goal, played, solvable, wander

EIGHT, NAME = "puzzles/eight_puzzle", "puzzles/fifteen_puzzle"


@pytest.mark.parametrize("width", [3, 4])
def test_moves_never_change_whether_a_board_can_be_solved(width: int) -> None:
    rng = random.Random(1)
    walked = next(islice(wander(rng, width), 40, None))[0]
    for can, board in ((True, walked), (False, swapped(rng, walked))):
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


def test_a_walk_of_the_blank_never_undoes_its_last_move_and_is_undone_from_its_end() -> None:
    walk = list(islice(wander(random.Random(3), 4), 30))
    backs = [back for _, back in walk]
    assert played(walk[-1][0], reversed(backs), 4) == goal(4)
    assert not {"".join(two) for two in pairwise(backs)} & {"UD", "DU", "LR", "RL"}


def test_tiles_of_the_fifteen_puzzle_are_as_far_away_as_the_level_says_and_no_solution_is_shorter() -> None:
    assert distance((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 0, 14), 4) == 1 + 2  # 15 has one step to go, 14 two
    for level, low, high in (("easy", 8, 14), ("medium", 18, 26), ("hard", 32, 44)):
        task = load(NAME, level)
        for i in range(6):
            item = task.item(2, i)
            assert low <= item.meta["distance"] <= high
            assert check(item.answer, item)
            assert item.meta["distance"] <= len(item.answer) < 200


def test_boards_of_the_eight_puzzle_need_as_many_moves_as_the_level_says() -> None:
    for level, low, high in (("easy", 8, 14), ("medium", 15, 20), ("hard", 21, 31)):
        task = load(EIGHT, level)
        for i in range(4):
            item = task.item(2, i)
            assert low <= item.meta["moves"] == len(item.answer) == len(task.solve(item)) <= high


@pytest.mark.parametrize("name", [EIGHT, NAME])
def test_boards_without_a_solution_can_be_asked_for(name: str) -> None:
    task = load(name, unsolvable_share=1.0)
    assert "no solution" in task.item(0, 0).prompt
    for i in range(4):
        item = task.item(0, i)
        assert (item.answer, task.solve(item)) == ("no solution", "no solution")
        assert importlib.import_module(f"tests.tasks.checks.{name.rpartition('/')[2]}").check("no solution", item)
    assert "no solution" not in load(name).item(0, 0).prompt


def test_the_paper_s_rule_skips_unknown_letters() -> None:
    task = load(NAME)
    item = task.item(0, 0)
    padded = " then ".join(item.answer)
    assert not task.verify(f"```\n{padded}\n```", item).right
    assert task.verify(f"```\n{padded}\n```", item, "paper").right


def test_knobs_that_leave_no_board_are_refused() -> None:
    with pytest.raises(ConfigError, match="min_distance=40 is above"):
        load(NAME, min_distance=40)
    with pytest.raises(ConfigError, match="min_moves=20 is above"):
        load(EIGHT, min_moves=20)
