"""Kakurasu: a cell counts its place, and uniqueness against trying every set of cells."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load

TASK = load("puzzles/kakurasu", min_size=4, max_size=4)


def test_a_cell_counts_its_place_and_not_its_ordinal() -> None:
    item = replace(TASK.item(0, 0), meta={"rows": [5, 0, 0], "columns": [0, 1, 1]})
    assert TASK.verify("```\n(1,2), (1,3)\n```", item).value == 1.0
    by_ordinal = replace(item, meta={"rows": [3, 0, 0], "columns": [0, 1, 1]})
    assert TASK.verify("```\n(1,2), (1,3)\n```", by_ordinal).reason == "row 1 adds up to 5 where 3 is expected"


@pytest.mark.parametrize("i", range(5))
def test_no_other_set_of_cells_has_the_sums(i: int) -> None:
    item = TASK.item(7, i)
    fits = [
        [bits for bits in product((0, 1), repeat=4) if sum(k * bit for k, bit in enumerate(bits, 1)) == total]
        for total in item.meta["rows"]
    ]
    solutions = [
        grid
        for grid in product(*fits)
        if [sum(k * row[column] for k, row in enumerate(grid, 1)) for column in range(4)] == item.meta["columns"]
    ]
    cells = ", ".join(f"({r + 1},{c + 1})" for r in range(4) for c in range(4) if solutions[0][r][c])
    assert (len(solutions), cells) == (1, item.answer)


def test_more_black_cells_than_the_board_has_are_refused() -> None:
    with pytest.raises(ConfigError, match="leaves no white cell"):
        load("puzzles/kakurasu", max_black=16)
