"""Kakurasu: blacken cells so that the column numbers of each row's black cells, and the row numbers of each column's, add up to the sums given.

A black cell counts the number of its place, 1 for the first. The original's prompt says that a cell counts its ordinal among the black cells, but its boards and verifier go by
place, as here. Every board has exactly one solution. Levels have the original's numbers of black cells: (size, share) (4, .3) and (5, .2), (5, .3) and (6, .2), (5, .4) and
(6, .3).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from functools import cache

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.puzzles._cells import cells_form, mark, picture, read_cells, written

Places = tuple[int, ...]  # of the black cells of a row, from 1


class Config(Knobs):
    min_size: int = Field(4, ge=3, le=7)
    """Fewest rows and columns, 3 to 7."""
    max_size: int = Field(5, ge=3, le=7)
    """Most rows and columns, 3 to 7."""
    min_black: int = Field(4, ge=1, le=48)
    """Fewest black cells, at least 1."""
    max_black: int = Field(5, ge=1, le=48)
    """Most black cells; fewer than the smallest board has cells."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_size > self.max_size:
            raise ValueError(f"min_size={self.min_size} is above max_size={self.max_size}")
        if self.min_black > self.max_black:
            raise ValueError(f"min_black={self.min_black} is above max_black={self.max_black}")
        if self.max_black >= self.min_size**2:
            raise ValueError(
                f"max_black={self.max_black} leaves no white cell on a board of size {self.min_size}; at most {self.min_size**2 - 1}"
            )
        return self


LEVELS = {
    "easy": {"min_size": 4, "max_size": 5, "min_black": 4, "max_black": 5},
    "medium": {"min_size": 5, "max_size": 6, "min_black": 7, "max_black": 8},
    "hard": {"min_size": 5, "max_size": 6, "min_black": 10, "max_black": 11},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Blacken cells at random; keep the board if its sums have one solution."""
    size = rng.randint(config.min_size, config.max_size)
    black = [divmod(cell, size) for cell in rng.sample(range(size * size), rng.randint(config.min_black, config.max_black))]
    rows = [sum(column + 1 for row, column in black if row == i) for i in range(size)]
    columns = [sum(row + 1 for row, column in black if column == i) for i in range(size)]
    if _count(rows, columns) != 1:
        raise Redraw
    board = f"Size: {size} x {size}\nRow sums, from top to bottom: {_list(rows)}\nColumn sums, from left to right: {_list(columns)}"
    prompt = ask(rng.choice(OPENINGS), RULES, board, FORM, EXAMPLE)
    canonical = " / ".join(sorted((_list(rows), _list(columns))))  # a board and its mirror image in the diagonal
    return Drawn(prompt, written(black, 1), {"rows": rows, "columns": columns}, canonical)


def verify(answer: str, item: Item) -> Score:
    """Every sum; the first that is wrong is named."""
    rows, columns = item.meta["rows"], item.meta["columns"]
    black = read_cells(answer, len(rows), len(columns), 1)
    for i, wanted in enumerate(rows):
        if (got := sum(column + 1 for row, column in black if row == i)) != wanted:
            raise Refused(f"row {i + 1} adds up to {got} where {wanted} is expected")
    for i, wanted in enumerate(columns):
        if (got := sum(row + 1 for row, column in black if column == i)) != wanted:
            raise Refused(f"column {i + 1} adds up to {got} where {wanted} is expected")
    return RIGHT


def solve(item: Item) -> str:
    """Row by row from the last, which weighs most; what is left of the columns must never be negative nor too much for the rows above."""
    rows, columns = item.meta["rows"], item.meta["columns"]
    waiting: list[tuple[int, tuple[int, ...], tuple[tuple[int, int], ...]]] = [(len(rows), tuple(columns), ())]
    while waiting:
        row, left, black = waiting.pop()
        if row == 0:
            return written(black, 1)
        for places in _parts(rows[row - 1], len(columns)):
            after = tuple(need - row if column + 1 in places else need for column, need in enumerate(left))
            if all(0 <= need <= row * (row - 1) // 2 for need in after):
                waiting.append((row - 1, after, black + tuple((row - 1, place - 1) for place in places)))
    raise ValueError(f"no cells have the sums {rows} and {columns}")


def draw(item: Item) -> str:
    """The board as an SVG picture, 40 pixels a cell: places above and at the left in grey, sums at the right and below."""
    rows, columns = item.meta["rows"], item.meta["columns"]
    size = len(rows)
    marks = [mark(-1, i, i + 1, "#777", left=40, top=40) + mark(i, -1, i + 1, "#777", left=40, top=40) for i in range(size)]
    marks += [mark(i, size, total, left=40, top=40) for i, total in enumerate(rows)]
    marks += [mark(size, i, total, left=40, top=40) for i, total in enumerate(columns)]
    return picture(size, size, marks, left=40, top=40, after=40)


@cache
def _parts(total: int, size: int) -> tuple[Places, ...]:
    """All sets of different numbers from 1 to `size` that add up to `total`."""
    if size == 0:
        return () if total else ((),)
    return _parts(total, size - 1) + (tuple((*places, size) for places in _parts(total - size, size - 1)) if total >= size else ())


def _count(rows: Sequence[int], columns: Sequence[int]) -> int:
    """How many solutions there are, up to 2: the column sums of the upper half's rows are met by those of the lower half's. A byte a column holds its sum."""
    size, half = len(rows), len(rows) // 2

    def sums(chosen: range) -> list[int]:
        reached = [0]
        for row in chosen:
            weights = [sum(row + 1 << 8 * (place - 1) for place in places) for places in _parts(rows[row], size)]
            reached = [before + weight for before in reached for weight in weights]
        return reached

    wanted = sum(total << 8 * column for column, total in enumerate(columns))
    upper = Counter(sums(range(half)))
    count = 0
    for found in sums(range(half, size)):
        count += upper[wanted - found]
        if count > 1:
            return 2
    return count


def _list(numbers: Sequence[int]) -> str:
    return " ".join(map(str, numbers))


OPENINGS = (
    "Solve this Kakurasu.",
    "Here is a Kakurasu puzzle; find the cells that have to be black.",
    "Find the black cells of the following Kakurasu board.",
    "Blacken the right cells of this Kakurasu.",
)
RULES = (
    "Rules: some cells of an empty square board become black. Rows are numbered from 1 at the top, columns from 1 at the left. In a row every black cell counts the number of its "
    "column, in a column every black cell counts the number of its row (a black cell in row 2, column 5 adds 5 to the sum of row 2 and 2 to the sum of column 5). The counts in "
    "every row and every column must add up to the sum given for it; a sum of 0 means no black cell. There is exactly one solution.\n\nThe board:"
)
FORM = "the black cells as a list of pairs (row,column), both counted from 1, in any order."
EXAMPLE = "(1,3), (2,1), (2,4), (4,2)"

register(
    Puzzle(
        "puzzles/kakurasu",
        "search",
        "blacken cells whose places add up to given sums",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        cells_form,
        draw=draw,
    )
)
