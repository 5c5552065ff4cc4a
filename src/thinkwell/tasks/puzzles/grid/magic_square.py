"""Magic square: fill a 3x3 grid with integers, all different, so that the three rows, the three columns and both diagonals have the same sum. The given numbers stay.

Any completion counts; with six or seven empty cells there are many. The original draws stretched and shifted copies of one square alone and takes nothing but the square it drew;
its reader knows no minus sign, so that half of its own answers cannot be read. Here every magic square of whole numbers can be drawn. `verify_paper` is the original's rule.
"""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import count, product

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Refused, Score, ask, register
from thinkwell.tasks.puzzles._cells import grid_text, least_copy, mark, picture
from thinkwell.tasks.reading import integer_grid

N = 3
# Every cell as a sum of multiples of three cells that decide the square: top left, top right, middle. Row by row.
CELLS = ((1, 0, 0), (-1, -1, 3), (0, 1, 0), (-1, 1, 1), (0, 0, 1), (1, -1, 1), (0, -1, 2), (1, 1, -1), (-1, 0, 2))
LINES = (
    ("row 1", (0, 1, 2)),
    ("row 2", (3, 4, 5)),
    ("row 3", (6, 7, 8)),
    ("column 1", (0, 3, 6)),
    ("column 2", (1, 4, 7)),
    ("column 3", (2, 5, 8)),
    ("the diagonal from the top left", (0, 4, 8)),
    ("the diagonal from the top right", (2, 4, 6)),
)


class Config(Knobs):
    min_holes: int = Field(2, ge=1, le=8)
    """Fewest empty cells, 1 to 8."""
    max_holes: int = Field(3, ge=1, le=8)
    """Most empty cells, 1 to 8."""
    smallest: int = Field(-25, ge=-1_000_000, le=1_000_000)
    """No number of the drawn square is below this, at least -1,000,000."""
    largest: int = Field(105, ge=-1_000_000, le=1_000_000)
    """No number of the drawn square is above this, at most 1,000,000 and at least 8 above the smallest."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_holes > self.max_holes:
            raise ValueError(f"min_holes={self.min_holes} is above max_holes={self.max_holes}")
        if self.largest - self.smallest < 8:
            raise ValueError(
                f"nine different numbers do not fit between smallest={self.smallest} and largest={self.largest}; expected at least {self.smallest + 8}"
            )
        return self


LEVELS = {
    "easy": {"min_holes": 2, "max_holes": 3},
    "medium": {"min_holes": 4, "max_holes": 5},
    "hard": {"min_holes": 6, "max_holes": 7},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """The middle and two steps a and b decide a square: its corners are the middle -a, +a, -b and +b. Any square is reached."""
    reach = (config.largest - config.smallest) // 2  # the numbers farthest from the middle are a + b away
    while True:
        a, b = rng.randint(1, reach), rng.randint(1, reach)
        if a + b <= reach and a != b and a != 2 * b and b != 2 * a:
            break
    middle = rng.randint(config.smallest + a + b, config.largest - a - b)
    a, b = rng.choice((a, -a)), rng.choice((b, -b))
    full = _square(middle + a, middle + b, middle)
    board: list[list[int | None]] = [list(row) for row in full]
    for cell in rng.sample(range(N * N), rng.randint(config.min_holes, config.max_holes)):
        board[cell // N][cell % N] = None
    shown = [["." if number is None else number for number in row] for row in board]
    prompt = ask(rng.choice(OPENINGS), RULES, grid_text(shown), FORM, EXAMPLE)
    return Drawn(prompt, grid_text(full), {"board": board}, least_copy(shown))


def verify(answer: str, item: Item) -> Score:
    """Givens kept, all numbers different, eight equal sums."""
    grid = integer_grid(answer, N, N)
    for row, (given, filled) in enumerate(zip(item.meta["board"], grid, strict=True), 1):
        for column, (before, after) in enumerate(zip(given, filled, strict=True), 1):
            if before is not None and before != after:
                raise Refused(f"row {row}, column {column} was given as {before} and is now {after}")
    numbers = [number for row in grid for number in row]
    for number in numbers:
        if numbers.count(number) > 1:
            raise Refused(f"{number} stands in {numbers.count(number)} cells; all nine numbers must be different")
    first = sum(numbers[:N])
    for name, cells in LINES:
        if (total := sum(numbers[cell] for cell in cells)) != first:
            raise Refused(f"the sum of {name} is {total}, that of row 1 is {first}")
    return RIGHT


def verify_paper(answer: str, item: Item) -> Score:
    """The original's rule: the drawn square itself, and only if it has no minus sign."""
    rows = [line.replace(",", " ").split() for line in answer.splitlines() if line.strip()]
    if odd := next((token for row in rows for token in row if not token.isdigit()), None):
        raise Refused(f"{odd[:20]!r} is not made of digits")
    if [[token.lstrip("0") or "0" for token in row] for row in rows] != [line.split() for line in item.answer.splitlines()]:
        raise Refused("this is not the square that was drawn")
    return RIGHT


def solve(item: Item) -> str:
    """Eliminates over fractions what the given numbers say of the three deciding cells, then tries whole numbers, small ones first, for what stays free."""
    board = [number for row in item.meta["board"] for number in row]
    rows = [[Fraction(term) for term in (*CELLS[cell], number)] for cell, number in enumerate(board) if number is not None]
    pivots: list[int] = []
    for column in range(3):
        at = len(pivots)
        lead = next((row for row in rows[at:] if row[column]), None)
        if lead is None:
            continue
        rows.remove(lead)
        lead = [term / lead[column] for term in lead]
        rows = [[term - row[column] * part for term, part in zip(row, lead, strict=True)] for row in rows]
        rows.insert(at, lead)
        pivots.append(column)
    free = [column for column in range(3) if column not in pivots]
    for radius in count():
        for values in product(range(-radius, radius + 1), repeat=len(free)):
            if values and max(map(abs, values)) < radius:
                continue  # tried before
            decided = dict(zip(free, map(Fraction, values), strict=True))
            for row, pivot in zip(rows, pivots, strict=False):
                decided[pivot] = row[3] - sum(row[column] * decided[column] for column in free)
            if all(value.denominator == 1 for value in decided.values()):
                full = _square(*(int(decided[column]) for column in range(3)))
                if len({number for row in full for number in row}) == N * N:
                    return grid_text(full)
        if not free:
            break
    raise ValueError(f"no magic square has {board}")


def form(answer: str) -> str:
    return grid_text(integer_grid(answer, N, N))


def draw(item: Item) -> str:
    """The board as an SVG picture, 40 pixels a cell."""
    board = item.meta["board"]
    marks = [mark(row, column, number) for row, line in enumerate(board) for column, number in enumerate(line) if number is not None]
    return picture(N, N, marks)


def _square(left: int, right: int, middle: int) -> list[list[int]]:
    """The square with these numbers top left, top right and in the middle."""
    numbers = [a * left + b * right + c * middle for a, b, c in CELLS]
    return [numbers[start : start + N] for start in range(0, N * N, N)]


OPENINGS = (
    "Complete this magic square.",
    "Fill in the missing numbers of the magic square below.",
    "Here is a part of a magic square; find the rest.",
    "Find the numbers that make the grid below a magic square.",
)
RULES = (
    "Rules: write an integer (it may be negative or zero) into every empty cell of the 3x3 grid, so that the sum of the numbers is the same in each of the three rows, "
    "the three columns and the two diagonals. All nine numbers must be different. A dot is an empty cell. "
    "Numbers that are given may not be changed. Every completion that keeps the rules counts."
)
FORM = "the complete grid, three lines of three integers separated by single spaces."
EXAMPLE = "12 -9 6\n-3 3 9\n0 15 -6"

register(
    Puzzle(
        "puzzles/magic_square",
        "grid",
        "fill a 3x3 grid with different integers; rows, columns and diagonals have one sum",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        form,
        verify_paper,
        draw,
    )
)
