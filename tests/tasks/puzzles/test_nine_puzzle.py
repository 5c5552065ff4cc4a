"""Nine and sixteen puzzle: shifts, parity, the sentence, symmetric copies."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.tasks.checks.nine_puzzle import check
from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzles.sequential._shifting import by_three_cycles, canonical, even, goal, played, sources
from thinkwell.tasks.puzzles.sequential.nine_puzzle import _near, _shortest
from thinkwell.tasks.puzzles.sequential.sixteen_puzzle import _by_rows, _last_row

NINE, SIXTEEN = "puzzles/nine_puzzle", "puzzles/sixteen_puzzle"


def test_rows_go_left_and_columns_go_up() -> None:
    assert played(goal(3), ["R12"], 3) == (3, 1, 2, 4, 5, 6, 7, 8, 9)
    assert played(goal(3), ["C21"], 3) == (1, 5, 3, 4, 8, 6, 7, 2, 9)
    assert len(sources(3)) == 12
    assert len(sources(4)) == 24


def test_odd_boards_cannot_be_sorted_and_saying_so_counts() -> None:
    task = load(NINE)
    item = replace(task.item(0, 0), meta={"board": [2, 1, 3, 4, 5, 6, 7, 8, 9], "solvable": False})
    assert task.solve(item) == "no solution"
    assert task.verify("\\boxed{No solution}", item).right
    assert not task.verify("\\boxed{No solution}", item, "paper").right
    rest = replace(item, meta={"board": [2, 3, 1, 4, 5, 6, 7, 8, 9], "solvable": True})
    assert task.verify("\\boxed{No solution}", rest).reason == "the board can be solved"
    assert task.verify('```\n["R12"]\n```', rest).right
    assert "no solution" not in load(NINE, unsolvable_share=0.0).item(0, 0).prompt


def test_the_share_of_boards_without_a_solution_is_as_asked() -> None:
    task = load(NINE, "hard", unsolvable_share=1.0)
    assert all(check("no solution", task.item(0, i)) for i in range(4))


def test_the_shortest_way_of_a_short_scramble_is_as_short() -> None:
    assert len(_near()) == 1 + 12 + 96 + 736  # counted by another program, on lists of rows
    assert len(_shortest(played(goal(3), ["R11", "C12", "R21"], 3))) == 3


@pytest.mark.parametrize("width", [3, 4])
def test_three_cycles_sort_every_board_that_can_be(width: int) -> None:
    rng = random.Random(2)
    for _ in range(30):
        board = tuple(rng.sample(goal(width), width * width))
        names = by_three_cycles(board, width)
        assert (names is None) is (width == 3 and not even(board))
        assert names is None or played(board, names, width) == goal(width)


def test_sixteen_is_sorted_row_by_row_too() -> None:
    rng = random.Random(3)
    assert len(_last_row()) == 120  # every order of the five tiles
    for _ in range(30):
        board = tuple(rng.sample(goal(4), 16))
        names = _by_rows(board)
        assert played(board, names, 4) == goal(4)
        assert len(names) < 80


def test_shifted_and_reflected_copies_are_the_same_puzzle() -> None:
    singles = {canonical(played(goal(4), [name], 4), 4) for name in sources(4)}
    assert len(singles) == 2  # by one or three cells, by two cells
    assert canonical(goal(3), 3) == "1 2 3 4 5 6 7 8 9"


def test_shifts_that_do_not_exist_are_refused() -> None:
    task = load(SIXTEEN)
    for name in ("R14", "R10", "C51", "R01", "X11", "R1"):
        assert "is none of the moves" in task.verify(f"\\boxed{{{name}}}", task.item(0, 0)).reason


def test_ranges_that_leave_no_board_are_refused() -> None:
    with pytest.raises(ConfigError, match="even number of inversions from 2"):
        load(NINE, min_inversions=0, max_inversions=1)
    with pytest.raises(ConfigError, match="is above"):
        load(SIXTEEN, min_inversions=46)
