"""Nine and sixteen puzzle: shifts, parity, the sentence, the moves that a board needs, symmetric copies."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest

from tests.tasks.checks.nine_puzzle import check
from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzles.sequential._shifting import by_three_cycles, canonical, even, scramble, shifts

NINE, SIXTEEN = "puzzles/nine_puzzle", "puzzles/sixteen_puzzle"


def test_rows_go_left_and_columns_go_up() -> None:
    assert shifts(3).played(shifts(3).home, ["R12"]) == (3, 1, 2, 4, 5, 6, 7, 8, 9)
    assert shifts(3).played(shifts(3).home, ["C21"]) == (1, 5, 3, 4, 8, 6, 7, 2, 9)
    assert len(shifts(3).orders) == 12
    assert len(shifts(4).orders) == 24


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


def test_the_boards_near_home_are_as_many_as_another_program_counts() -> None:
    counts = {3: [1, 12, 96, 736, 5208], 4: [1, 24, 396, 6264]}  # by moves needed; counted on lists of rows
    for width, numbers in counts.items():
        assert len(shifts(width)._table) == sum(numbers)


def test_the_shortest_way_of_a_short_scramble_is_as_short_and_a_limit_is_kept() -> None:
    puzzle = shifts(3)
    board = puzzle.before(["R11", "C12", "R21", "C21", "R32", "C31"])
    names = puzzle.shortest(board, 6)
    assert names is not None
    assert puzzle.played(board, names) == puzzle.home
    assert puzzle.shortest(board, len(names)) == names
    assert puzzle.shortest(board, len(names) - 1) is None
    assert puzzle.shortest(puzzle.home, 0) == []


def test_boards_need_as_many_moves_as_the_level_says() -> None:
    for level, low, high in (("easy", 3, 5), ("medium", 6, 6), ("hard", 7, 7)):
        for i in range(6):
            item = load(NINE, level, unsolvable_share=0.0).item(2, i)
            assert low <= item.meta["moves"] == len(item.answer.split()) <= high
    for level, low, high in (("easy", 3, 5), ("medium", 6, 7), ("hard", 8, 12)):
        for i in range(4):
            item = load(SIXTEEN, level).item(2, i)
            assert low <= item.meta["moves"] == len(item.answer.split()) <= high
            assert shifts(4).shortest(tuple(item.meta["board"]), min(item.meta["moves"] - 1, 6)) is None


@pytest.mark.parametrize("width", [3, 4])
def test_three_cycles_sort_every_board_that_can_be(width: int) -> None:
    rng = random.Random(2)
    home = shifts(width).home
    for _ in range(30):
        board = tuple(rng.sample(home, width * width))
        names = by_three_cycles(board, width)
        assert (names is None) is (width == 3 and not even(board))
        assert names is None or shifts(width).played(board, names) == home


def test_a_scramble_never_shifts_the_same_line_twice_in_a_row() -> None:
    names = scramble(random.Random(1), 4, 200)
    assert all(one[:2] != other[:2] for one, other in pairwise(names))


def test_shifted_and_reflected_copies_are_the_same_puzzle() -> None:
    singles = {canonical(shifts(4).before([name]), 4) for name in shifts(4).orders}
    assert len(singles) == 2  # by one or three cells, by two cells
    assert canonical(shifts(3).home, 3) == "1 2 3 4 5 6 7 8 9"


def test_shifts_that_do_not_exist_are_refused() -> None:
    task = load(SIXTEEN)
    for name in ("R14", "R10", "C51", "R01", "X11", "R1"):
        assert "is none of the moves" in task.verify(f"\\boxed{{{name}}}", task.item(0, 0)).reason


def test_ranges_that_leave_no_board_are_refused() -> None:
    for name in (NINE, SIXTEEN):
        with pytest.raises(ConfigError, match="min_moves=6 is above max_moves=5"):
            load(name, min_moves=6)
