"""Skyscrapers, counted and summed, beyond the common contract: clues worked out by hand, grids with repeated heights, other solutions, the sizes of the solver."""

from __future__ import annotations

from itertools import product

import pytest

from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item, puzzle_of
from thinkwell.tasks.puzzles.grid._skyscraper import clues_of, seen

BOTH = pytest.mark.parametrize("name", ["puzzles/skyscraper", "puzzles/sum_skyscraper"])
GRID = "2 1 4 3\n1 2 3 4\n4 3 1 2\n3 4 2 1"
COUNTS = {"size": 4, "top": [2, 4, 1, 2], "left": [2, 4, 1, 2], "right": [2, 1, 3, 3], "bottom": [2, 1, 3, 3]}
SUMS = {"size": 4, "top": [6, 10, 4, 7], "left": [6, 10, 4, 7], "right": [7, 4, 9, 7], "bottom": [7, 4, 9, 7]}


def item(name: str, meta: dict[str, object]) -> Item:
    return Item(name, "grid", "", "", "", "", "", meta)


def test_clues_are_those_of_the_rules() -> None:
    from thinkwell.tasks.puzzles.grid.skyscraper import clue as number
    from thinkwell.tasks.puzzles.grid.sum_skyscraper import clue as total

    assert [clue([2, 1, 4, 3]) for clue in (number, total)] == [2, 6]
    assert [clue([3, 4, 1, 2]) for clue in (number, total)] == [2, 7]
    assert [clue([1, 2, 3, 4]) for clue in (number, total)] == [4, 10]
    grid = [[int(height) for height in row.split()] for row in GRID.splitlines()]
    assert clues_of(grid, number) == {side: COUNTS[side] for side in ("top", "left", "right", "bottom")}
    assert clues_of(grid, total) == {side: SUMS[side] for side in ("top", "left", "right", "bottom")}


@BOTH
def test_repeated_heights_pass_only_by_the_paper_s_rule(name: str) -> None:
    puzzle, task = puzzle_of(name), load(name, min_size=3, max_size=3, split="all")
    drawn = task.item(0, 0)
    clue = len if name == "puzzles/skyscraper" else sum
    rows = [
        [row for row in product((1, 2, 3), repeat=3) if (clue(seen(row)), clue(seen(row[::-1]))) == ends]
        for ends in zip(drawn.meta["left"], drawn.meta["right"], strict=True)
    ]
    grids = ["\n".join(" ".join(map(str, row)) for row in grid) for grid in product(*rows)]
    accepted = [grid for grid in grids if puzzle.score(grid, drawn, "paper").value]
    assert drawn.answer in accepted
    for grid in accepted:
        repeats = any(
            len(set(line)) < 3 for rows in [[row.split() for row in grid.splitlines()]] for line in (*rows, *zip(*rows, strict=True))
        )
        assert puzzle.score(grid, drawn).value == (not repeats)


def test_the_reason_names_the_broken_rule() -> None:
    for name, meta in (("puzzles/skyscraper", COUNTS), ("puzzles/sum_skyscraper", SUMS)):
        puzzle, facts = puzzle_of(name), item(name, meta)
        assert puzzle.score(GRID, facts).value == 1.0
        assert puzzle.score(GRID.replace("2 1 4 3", "2 1 4 4"), facts).reason == "row 1 holds 4 more than once"
        assert puzzle.score(GRID.replace("2 1 4 3", "2 1 3 4"), facts).reason == "column 3 holds 3 more than once"
        assert "none of the symbols" in puzzle.score(GRID.replace("1 2 3 4", "1 2 3 5"), facts).reason
        assert ", looked at from the top: " in puzzle.score("\n".join(GRID.splitlines()[1:] + GRID.splitlines()[:1]), facts).reason
    assert puzzle_of("puzzles/skyscraper").score(GRID, item("", {**COUNTS, "left": [2, 4, 1, 3]})).reason == (
        "row 4, looked at from the left: the number of buildings seen is 2; the clue is 3"
    )
    assert puzzle_of("puzzles/sum_skyscraper").score(GRID, item("", {**SUMS, "left": [6, 10, 4, 9]})).reason == (
        "row 4, looked at from the left: the heights that are seen add up to 7; the clue is 9"
    )


@BOTH
def test_any_solution_counts(name: str) -> None:
    """Boards with more than one grid occur; the solver's need not be the drawn one."""
    task = load(name, "easy")
    other = 0
    for i in range(30):
        drawn = task.item(4, i)
        answer = task.solve(drawn)
        other += answer != drawn.answer
        assert task.verify(f"```\n{answer}\n```", drawn).value == 1.0
    assert other or name == "puzzles/sum_skyscraper"


@BOTH
def test_sizes_are_those_asked_for(name: str) -> None:
    for size in range(3, 9):
        drawn = load(name, min_size=size, max_size=size, split="all").item(0, 0)
        assert drawn.meta["size"] == len(drawn.answer.splitlines()) == size
    with pytest.raises(ConfigError, match="above max_size"):
        load(name, min_size=6, max_size=5)


@BOTH
def test_clues_without_a_grid_are_told_to_the_caller(name: str) -> None:
    with pytest.raises(ValueError, match="no grid"):
        puzzle_of(name).solve(item(name, {"size": 3, "top": [9] * 3, "left": [1] * 3, "right": [1] * 3, "bottom": [1] * 3}))
