"""Star battle without regions: put one star into every row and every column of an NxN board, on open cells only, so that no two stars touch, not even diagonally.

As in the original, cells are closed until one arrangement is left, preferring those that many of the others use, and no row or column is left with one open cell only, which
would tell its star. (Its preference is sharper, 20 for our 8, which makes a third of the boards at size 5.) It compares with the one solution; here the rules are checked,
which comes to the same and names what is broken.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from math import exp

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.puzzles._cells import grid_text, least_copy, picture, square
from thinkwell.tasks.reading import symbol_grid

SHARPNESS = 8.0  # of the choice of the next cell to close: its weight is exp(SHARPNESS * share of the other arrangements that use it)


class Config(Knobs):
    min_size: int = Field(5, ge=5, le=8)
    """Fewest rows (and columns) of the board, 5 to 8."""
    max_size: int = Field(5, ge=5, le=8)
    """Most rows (and columns) of the board, 5 to 8."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_size > self.max_size:
            raise ValueError(f"min_size={self.min_size} is above max_size={self.max_size}")
        return self


LEVELS = {
    "easy": {"min_size": 5, "max_size": 5},
    "medium": {"min_size": 6, "max_size": 6},
    "hard": {"min_size": 7, "max_size": 7},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Choose the arrangement to keep; close cells it does not use until all others are broken. Arrangements are sets of bits, a bit a cell."""
    size = rng.randint(config.min_size, config.max_size)
    stars = rng.choice(_arrangements(size))
    closed = _closed(rng, stars, size)
    board = ["".join("X" if closed >> row * size + column & 1 else "." for column in range(size)) for row in range(size)]
    prompt = ask(rng.choice(OPENINGS), RULES.format(n=size), grid_text(board), FORM.format(n=size), EXAMPLE)
    places = [(stars >> size * row & (1 << size) - 1).bit_length() - 1 for row in range(size)]
    return Drawn(prompt, _starred(board, places), {"board": board}, least_copy(board))


def verify(answer: str, item: Item) -> Score:
    """Closed cells kept, one star a line, no contact."""
    board = item.meta["board"]
    size = len(board)
    grid = symbol_grid(answer, ".X*", size, size)
    for row, (given, filled) in enumerate(zip(board, grid, strict=True), 1):
        for column, (before, after) in enumerate(zip(given, filled, strict=True), 1):
            if (before == "X") != (after == "X"):
                raise Refused(f"row {row}, column {column} was {'closed' if before == 'X' else 'open'} and is now {after!r}")
    for name, lines in (("row", grid), ("column", list(zip(*grid, strict=True)))):
        for number, line in enumerate(lines, 1):
            if line.count("*") != 1:
                raise Refused(f"{name} {number} holds {line.count('*')} stars; expected one")
    places = [row.index("*") for row in grid]
    for number, (above, below) in enumerate(pairwise(places), 1):
        if abs(above - below) < 2:
            raise Refused(f"the stars of rows {number} and {number + 1} touch")
    return RIGHT


def solve(item: Item) -> str:
    """Row after row, depth first."""
    board = item.meta["board"]
    size = len(board)
    waiting: list[tuple[int, ...]] = [()]
    while waiting:
        places = waiting.pop()
        if len(places) == size:
            return _starred(board, places)
        for column, symbol in enumerate(board[len(places)]):
            if symbol == "." and column not in places and not (places and abs(places[-1] - column) < 2):
                waiting.append((*places, column))
    raise ValueError("no arrangement of stars keeps the rules")


def form(answer: str) -> str:
    return grid_text(symbol_grid(answer, ".X*"))


def draw(item: Item) -> str:
    """The board as an SVG picture, 40 pixels a cell; closed cells are dark."""
    board = item.meta["board"]
    closed = [square(row, column, "#555") for row, line in enumerate(board) for column, symbol in enumerate(line) if symbol == "X"]
    return picture(len(board), len(board), closed)


def _closed(rng: random.Random, stars: int, size: int) -> int:
    """Cells that break every arrangement but `stars`, and leave two open ones in every line. Raises `Redraw` if the cells that may be closed do not suffice."""
    rows = [((1 << size) - 1) << size * row for row in range(size)]
    columns = [sum(1 << size * row + column for row in range(size)) for column in range(size)]
    others = [other for other in _arrangements(size) if other != stars]
    closed, kept = 0, stars  # kept: cells that stay open
    while others:
        counts: dict[int, int] = {}
        for other in others:
            used = other & ~kept
            while used:
                bit = used & -used
                used ^= bit
                counts[bit] = counts.get(bit, 0) + 1
        if not counts:
            raise Redraw
        bits = sorted(counts)
        bit = rng.choices(bits, [exp(SHARPNESS * counts[bit] / len(others)) for bit in bits])[0]
        closed |= bit
        others = [other for other in others if not other & bit]
        for line in (*rows, *columns):
            if line & bit and (line & ~closed).bit_count() == 2:
                kept |= line & ~closed
    return closed


@cache
def _arrangements(size: int) -> list[int]:
    """All ways to put the stars on an empty board: 14, 90, 646, 5,242 at sizes 5 to 8."""
    found: list[tuple[int, ...]] = [()]
    for _ in range(size):
        found = [
            (*places, column)
            for places in found
            for column in range(size)
            if column not in places and not (places and abs(places[-1] - column) < 2)
        ]
    return [sum(1 << row * size + column for row, column in enumerate(places)) for places in found]


def _starred(board: Sequence[str], places: Sequence[int]) -> str:
    """The board with a star at one place of each row."""
    return grid_text([line[:place] + "*" + line[place + 1 :] for line, place in zip(board, places, strict=True)])


OPENINGS = (
    "Solve this star battle puzzle.",
    "Place the stars on the board below.",
    "Here is a star battle without regions; find all stars.",
    "Put a star into every row and column of this board.",
)
RULES = (
    "Rules: put stars (*) on open cells of the {n}x{n} board, so that every row and every column holds exactly one star and no two stars touch, not even diagonally. "
    "A dot is an open cell, X is a closed cell, on which no star may stand. Closed cells stay as they are. There is exactly one solution."
)
FORM = "the complete board, {n} lines of {n} symbols (X, * or .) separated by single spaces."
EXAMPLE = ". * X .\n. . . *\n* . X .\n. X * ."

register(
    Puzzle(
        "puzzles/star_battle",
        "grid",
        "one star in every row and column of a board with closed cells, none touching",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        form,
        draw=draw,
    )
)
