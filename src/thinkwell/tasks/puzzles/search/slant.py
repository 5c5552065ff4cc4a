"""Slant (Gokigen Naname): draw one diagonal in every cell so that each number at a corner counts the diagonals that meet there, and no diagonals close a loop.

Any filling that keeps the rules counts, and there is exactly one. The original looks for loops from cell to cell instead of from corner to corner, so 87 to 100 % of its golds hold
one; it takes the boards that its own simple steps solve, and describes the two diagonals the wrong way round.
"""

from __future__ import annotations

import random

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.puzzles._cells import PIXELS, grid_text, least_copy, picture
from thinkwell.tasks.puzzles.search._slant import FALLS, RISES, ends, other_filling
from thinkwell.tasks.reading import integer_grid

MOST_PASSES = 60  # changes of what is hidden before the draw is given up


class Config(Knobs):
    size: int = Field(6, ge=3, le=8)
    """Rows and columns of cells, 3 to 8; corners are one more each way."""
    min_hidden: float = Field(0.1, ge=0.0, le=0.6)
    """Smallest share of corners without a number, 0 to 0.6."""
    max_hidden: float = Field(0.2, ge=0.0, le=0.6)
    """Largest share of corners without a number, 0 to 0.6; on boards of size 8 a board with 0.6 takes seconds to find."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_hidden > self.max_hidden:
            raise ValueError(f"min_hidden={self.min_hidden} is above max_hidden={self.max_hidden}")
        return self


LEVELS = {
    "easy": {"min_hidden": 0.1, "max_hidden": 0.2},
    "medium": {"min_hidden": 0.3, "max_hidden": 0.4},
    "hard": {"min_hidden": 0.5, "max_hidden": 0.5},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Draw a filling without loops, hide numbers, and as long as another filling fits, show a number in which the two differ and hide another one instead."""
    size = config.size
    filling = _filling(rng, size)
    numbers = [0] * (size + 1) ** 2
    for cell, diagonal in enumerate(filling):
        for corner in ends(cell, diagonal, size):
            numbers[corner] += 1
    hidden = round(rng.uniform(config.min_hidden, config.max_hidden) * len(numbers))
    order = rng.sample(range(len(numbers)), len(numbers))
    clues: list[int | None] = list(numbers)
    for corner in order[:hidden]:
        clues[corner] = None
    for _ in range(MOST_PASSES):
        other = other_filling(size, clues, filling)
        if other is None:
            break
        differ = [0] * len(numbers)
        for cell in range(size * size):
            for diagonal, sign in ((filling[cell], 1), (other[cell], -1)):
                for corner in ends(cell, diagonal, size):
                    differ[corner] += sign
        shown = rng.choice([corner for corner in order[:hidden] if differ[corner]] or [-1])
        if shown < 0 or hidden >= len(order):
            raise Redraw  # two fillings with the same numbers everywhere; or nothing is left to hide
        clues[shown] = numbers[shown]
        order.remove(shown)
        clues[order[hidden - 1]] = None
    else:
        raise Redraw
    corners = ["".join("." if clue is None else str(clue) for clue in clues[at : at + size + 1]) for at in range(0, len(clues), size + 1)]
    prompt = ask(rng.choice(OPENINGS), RULES.format(size=size, corners=size + 1), grid_text(corners), FORM, EXAMPLE)
    gold = grid_text(filling[at : at + size] for at in range(0, size * size, size))
    return Drawn(prompt, gold, {"corners": corners}, least_copy(corners))


def verify(answer: str, item: Item) -> Score:
    """Diagonals in all cells, numbers of corners, no loop."""
    corners = item.meta["corners"]
    size = len(corners) - 1
    grid = integer_grid(answer, size, size)
    counts = [0] * (size + 1) ** 2
    root = list(range(len(counts)))
    closed = None
    for cell in range(size * size):
        row, column = divmod(cell, size)
        diagonal = grid[row][column]
        if diagonal not in (RISES, FALLS):
            raise Refused(f"row {row + 1}, column {column + 1} holds {diagonal}, which is neither 1 nor -1")
        first, second = ends(cell, diagonal, size)
        counts[first] += 1
        counts[second] += 1
        while root[first] != first:
            first = root[first] = root[root[first]]
        while root[second] != second:
            second = root[second] = root[root[second]]
        if first == second and closed is None:
            closed = f"the diagonal in row {row + 1}, column {column + 1} closes a loop with those before it"
        root[first] = second
    for corner, count in enumerate(counts):
        row, column = divmod(corner, size + 1)
        wanted = corners[row][column]
        if wanted != "." and count != int(wanted):
            raise Refused(f"at corner {column + 1} of corner row {row + 1} meet {count} diagonals where {wanted} are expected")
    if closed:
        raise Refused(closed)
    return RIGHT


def solve(item: Item) -> str:
    """Cell by cell, row by row; a corner is compared as soon as its last cell is filled, and loops are looked for in sets of joined corners."""
    corners = item.meta["corners"]
    size = len(corners) - 1
    wide = size + 1
    wanted = [None if sign == "." else int(sign) for line in corners for sign in line]
    waiting: list[tuple[list[int], list[int], list[int]]] = [([], [0] * wide**2, list(range(wide**2)))]
    while waiting:
        filled, counts, groups = waiting.pop()
        cell = len(filled)
        if cell == size * size:
            return grid_text(filled[at : at + size] for at in range(0, size * size, size))
        row, column = divmod(cell, size)
        over = [row * wide + column]  # corners without an empty cell left
        over += [row * wide + size] if column == size - 1 else []
        over += [size * wide + column] if row == size - 1 else []
        over += [size * wide + size] if cell == size * size - 1 else []
        for diagonal in (RISES, FALLS):
            first, second = ends(cell, diagonal, size)
            after = counts.copy()
            after[first] += 1
            after[second] += 1
            fits = all(wanted[corner] in (None, after[corner]) for corner in over)
            if (
                fits
                and groups[first] != groups[second]
                and all((most := wanted[end]) is None or after[end] <= most for end in (first, second))
            ):
                old, new = groups[first], groups[second]
                waiting.append(([*filled, diagonal], after, [new if group == old else group for group in groups]))
    raise ValueError("the board has no solution")


def form(answer: str) -> str:
    return grid_text(integer_grid(answer))


def draw(item: Item) -> str:
    """The board as an SVG picture, 40 pixels a cell, numbers in circles at the corners."""
    corners = item.meta["corners"]
    size = len(corners) - 1
    plain = picture(size, size, (), left=20, top=20, after=20)
    parts = []
    for row, line in enumerate(corners):
        for column, sign in enumerate(line):
            if sign != ".":
                x, y = 22 + PIXELS * column, 22 + PIXELS * row
                parts.append(
                    f'<circle cx="{x}" cy="{y}" r="11" fill="white" stroke="black"/><text x="{x}" y="{y + 6}" font-size="16">{sign}</text>'
                )
    return plain.replace("</svg>", "".join(parts) + "</svg>")


def _filling(rng: random.Random, size: int) -> list[int]:
    """Diagonals at random without a loop. Where one of a cell's two would close a loop, the other cannot: the loop would have to cross the path between its ends."""
    grid = [0] * (size * size)
    groups = list(range((size + 1) ** 2))
    for cell in rng.sample(range(size * size), size * size):
        diagonal = rng.choice((RISES, FALLS))
        first, second = ends(cell, diagonal, size)
        if groups[first] == groups[second]:
            diagonal = -diagonal
            first, second = ends(cell, diagonal, size)
        grid[cell] = diagonal
        old, new = groups[first], groups[second]
        groups = [new if group == old else group for group in groups]
    return grid


OPENINGS = (
    "Solve this Slant puzzle.",
    "Here is a Slant board (also known as Gokigen Naname); draw a diagonal in every cell.",
    "Fill every cell of this Slant puzzle with a diagonal.",
    "Find the diagonals that solve the following Slant puzzle.",
)
RULES = (
    "Rules: the board has {size} x {size} cells and {corners} x {corners} corners of cells. Every cell holds one diagonal: 1 joins its bottom left corner with its top "
    "right corner (/), -1 joins its top left corner with its bottom right corner (\\). A number at a corner says how many diagonals end there; a corner with . may have "
    "any number. Diagonals that meet at corners must nowhere form a closed loop. There is exactly one solution.\n\nThe corners, row by row from the top:"
)
FORM = "a line for each row of cells, each with 1 or -1 for every cell, separated by blanks."
EXAMPLE = "1 -1 1\n-1 -1 1\n1 1 -1"

register(
    Puzzle(
        "puzzles/slant",
        "search",
        "a diagonal in every cell, counted at corners, without loops",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        form,
        draw=draw,
    )
)
