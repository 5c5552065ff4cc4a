"""Small Sudoku beyond the common contract: all grids, unique boards, other completions where they are allowed, boards told apart up to symmetry."""

from __future__ import annotations

from itertools import permutations, product

import pytest

from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item, puzzle_of
from thinkwell.tasks.puzzles.grid._sudoku import canonical
from thinkwell.tasks.puzzles.grid.sudoku2 import _grids

PUZZLE = puzzle_of("puzzles/sudoku2")


def all_grids() -> set[tuple[tuple[int, ...], ...]]:
    lines = list(permutations((1, 2, 3, 4)))
    bands = [
        (up, low) for up, low in product(lines, repeat=2) if all(len({*up[left : left + 2], *low[left : left + 2]}) == 4 for left in (0, 2))
    ]
    return {
        top + bottom for top, bottom in product(bands, repeat=2) if all(len(set(column)) == 4 for column in zip(*top, *bottom, strict=True))
    }


def test_all_288_grids_are_drawn_from_and_boards_are_unique() -> None:
    grids = all_grids()
    assert len(grids) == 288
    assert {tuple(map(tuple, grid)) for grid in _grids()} == grids
    task = load("puzzles/sudoku2", "hard", min_holes=10, max_holes=10)
    for i in range(20):
        board = [digit for row in task.item(0, i).meta["board"] for digit in row]
        assert board.count(0) == 10
        fits = [grid for grid in grids if all(a in (0, b) for a, b in zip(board, (digit for row in grid for digit in row), strict=True))]
        assert len(fits) == 1


def test_any_completion_counts_where_uniqueness_is_not_promised() -> None:
    item = Item("puzzles/sudoku2", "grid", "", "", "", "", "", {"board": [[0] * 4 for _ in range(4)]})
    for grid in ("1234 3412 2143 4321", "1234 3421 2143 4312"):
        assert PUZZLE.score(grid.replace(" ", "\n"), item).value == 1.0
    task = load("puzzles/sudoku2", unique=False, min_holes=15, max_holes=15)
    assert "exactly one solution" not in task.item(0, 0).prompt
    assert "Every completion that keeps the rules counts." in task.item(0, 0).prompt
    assert task.verify(task.solve(task.item(0, 0)), task.item(0, 0)).value == 1.0


def test_the_example_of_the_prompt_is_no_item_s_answer() -> None:
    task = load("puzzles/sudoku2", split="all")
    drawn = [task.item(0, i) for i in range(1_000)]
    assert not [item for item in drawn if item.prompt.rstrip("`\n").endswith(f"\n{item.answer}")]


@pytest.mark.parametrize(
    ("grid", "reason"),
    [
        ("1234 3412 2143 4325", "row 4, column 4 holds 5, which is not 1 to 4"),
        ("2134 3412 1243 4321", "row 1, column 1 was given as 1 and is now 2"),
        ("1234 3412 2143 4322", "row 4 holds 2 more than once"),
        ("1234 3412 4123 2341", ""),
        ("1234 2341 3412 4123", "box 1 holds 2 more than once"),
    ],
)
def test_the_reason_names_the_broken_rule(grid: str, reason: str) -> None:
    board = [[1, 0, 0, 0], *([0] * 4 for _ in range(3))]
    score = PUZZLE.score(grid.replace(" ", "\n"), Item("puzzles/sudoku2", "grid", "", "", "", "", "", {"board": board}))
    assert (reason in score.reason) if reason else score.value == 1.0


def test_turned_mirrored_and_renamed_boards_are_the_same_puzzle() -> None:
    board = [[1, 0, 0, 4], [0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 3]]
    turned = [list(line) for line in zip(*board[::-1], strict=True)]
    renamed = [[{0: 0, 1: 3, 2: 4, 3: 2, 4: 1}[digit] for digit in row] for row in turned[::-1]]
    assert canonical(board) == canonical(turned) == canonical(renamed)
    assert canonical(board) != canonical([*board[:3], [0, 0, 0, 2]])


def test_too_many_holes_are_refused() -> None:
    with pytest.raises(ConfigError, match="unique"):
        load("puzzles/sudoku2", max_holes=11)
