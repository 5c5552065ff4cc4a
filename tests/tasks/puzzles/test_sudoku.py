"""Sudoku beyond the common contract: grids of many kinds, unique boards, other completions where they are allowed, boards told apart up to symmetry, reasons."""

from __future__ import annotations

import pytest

from tests.tasks.checks.sudoku import check
from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item, puzzle_of
from thinkwell.tasks.puzzles.grid._sudoku import canonical, solutions

PUZZLE = puzzle_of("puzzles/sudoku")
ROWS = ["123456789", "456789123", "789123456", "231564897", "564897231", "897231564", "312645978", "645978312", "978312645"]


def triples(grid: str) -> set[frozenset[str]]:
    """The sets of digits in the thirds of the rows."""
    return {frozenset(row[start : start + 3]) for row in grid.replace(" ", "").split("\n") for start in (0, 3, 6)}


def test_full_grids_are_not_one_pattern_shuffled() -> None:
    task = load("puzzles/sudoku", "easy")
    counts = {len(triples(task.item(0, i).answer)) for i in range(12)}
    assert counts - {3, 9}, "the shifted pattern has nine different thirds of rows, and three in its mirror image"
    assert len(counts) > 3


@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
def test_boards_have_one_completion_and_as_many_holes_as_the_level_says(level: str) -> None:
    task = load("puzzles/sudoku", level)
    for i in range(6):
        item = task.item(1, i)
        found = solutions(item.meta["board"], 3)
        assert " ".join(str(digit) for row in next(found) for digit in row) == " ".join(item.answer.split())
        assert next(found, None) is None
        holes = sum(row.count(0) for row in item.meta["board"])
        assert task.config.min_holes <= holes <= task.config.max_holes  # type: ignore[attr-defined]


def test_any_completion_counts_where_uniqueness_is_not_promised() -> None:
    task = load("puzzles/sudoku", unique=False, min_holes=64, max_holes=64)
    item = task.item(0, 0)
    assert "exactly one solution" not in item.prompt
    assert "Every completion" in item.prompt
    found = solutions(item.meta["board"], 3)
    for _ in range(5):
        answer = "\n".join(" ".join(map(str, row)) for row in next(found))
        assert check(answer, item)
        assert task.verify(f"```\n{answer}\n```", item).value == 1.0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((0, "123456789"), ""),
        ((8, "978312646"), "row 9 holds 6 more than once"),
        ((8, "978312640"), "row 9, column 9 holds 0, which is not 1 to 9"),
        ((0, "213456789"), "row 1, column 1 was given as 1 and is now 2"),
        ((4, "564879231"), "column 5 holds 7 more than once"),
        ((8, "9 7 8 3 1 2 6 4"), "row 9 has 8 cells where 9 are expected"),
    ],
)
def test_the_reason_names_the_broken_rule(change: tuple[int, str], reason: str) -> None:
    board = [[1, *[0] * 8], *([0] * 9 for _ in range(8))]
    grid = [change[1] if number == change[0] else row for number, row in enumerate(ROWS)]
    score = PUZZLE.score("\n".join(grid), Item("puzzles/sudoku", "grid", "", "", "", "", "", {"board": board}))
    assert (reason in score.reason) if reason else score.value == 1.0


def test_a_grid_whose_boxes_repeat_a_digit_is_refused() -> None:
    shifted = [ROWS[0][start:] + ROWS[0][:start] for start in range(9)]
    item = Item("puzzles/sudoku", "grid", "", "", "", "", "", {"board": [[0] * 9] * 9})
    assert PUZZLE.score("\n".join(shifted), item).reason == "box 1 holds 2 more than once"


def test_turned_mirrored_and_renamed_grids_are_the_same_puzzle() -> None:
    grid = [[int(digit) for digit in row] for row in ROWS]
    turned = [list(line) for line in zip(*grid[::-1], strict=True)]
    renamed = [[digit % 9 + 1 for digit in row] for row in turned[::-1]]
    assert canonical(grid) == canonical(turned) == canonical(renamed)
    assert canonical(grid) != canonical([*grid[:7], grid[8], grid[7]])


def test_too_many_holes_are_refused() -> None:
    with pytest.raises(ConfigError, match="set unique=false or fewer holes"):
        load("puzzles/sudoku", max_holes=55)
    with pytest.raises(ConfigError, match="above max_holes"):
        load("puzzles/sudoku", min_holes=30, max_holes=20)
