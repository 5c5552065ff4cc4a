"""What skyscraper and sum_skyscraper share: latin squares with clues at the four edges. They differ in what a clue says of the buildings that are seen from an edge.

`Clue` takes the heights of a line in the order in which they are looked at. A building is seen if all before it are lower.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import permutations
from typing import Any

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Refused, Score, ask
from thinkwell.tasks.puzzles._cells import grid_text, mark, picture
from thinkwell.tasks.reading import integer_grid, symbol_grid

Line = tuple[int, ...]
Clue = Callable[[Sequence[int]], int]

SIDES = ("top", "left", "right", "bottom")  # in the order of the original
FEW = 3  # at this size there are twelve squares in all: mirrored ones are not counted as the same
HEIGHTS = "12345678"
LEVELS = {
    "easy": {"min_size": 4, "max_size": 5},
    "medium": {"min_size": 5, "max_size": 6},
    "hard": {"min_size": 7, "max_size": 8},
}


class Config(Knobs):
    min_size: int = Field(4, ge=3, le=8)
    """Fewest rows (and columns) of the grid, 3 to 8; of size 3 there are only twelve grids."""
    max_size: int = Field(5, ge=3, le=8)
    """Most rows (and columns) of the grid, 3 to 8."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_size > self.max_size:
            raise ValueError(f"min_size={self.min_size} is above max_size={self.max_size}")
        return self


def drawn(rng: random.Random, config: Config, clue: Clue, openings: Sequence[str], rules: str) -> Drawn:
    """The clues of a random latin square."""
    size = rng.randint(config.min_size, config.max_size)
    grid = latin(rng, size)
    clues = clues_of(grid, clue)
    ways = {"top": "left to right", "left": "top to bottom", "right": "top to bottom", "bottom": "left to right"}
    board = "\n".join(f"{side.capitalize()} ({ways[side]}): {' '.join(map(str, clues[side]))}" for side in SIDES)
    prompt = ask(rng.choice(openings), rules.format(n=size), board, FORM.format(n=size), EXAMPLE)
    return Drawn(prompt, grid_text(grid), {"size": size, **clues}, canonical(clues))


def seen(heights: Sequence[int]) -> list[int]:
    """The buildings that are seen from the line's start."""
    found: list[int] = []
    for height in heights:
        if not found or height > found[-1]:
            found.append(height)
    return found


def latin(rng: random.Random, size: int) -> list[Line]:
    """A random latin square, row after row; a row can always be added."""
    lacks = [(1 << size) - 1] * size  # a bit for each height that a column lacks
    rows: list[Line] = []
    for _ in range(size):
        row = _row(lacks, [rng.sample(range(size), size) for _ in range(size)], 0)
        lacks = [heights & ~(1 << height) for heights, height in zip(lacks, row, strict=True)]
        rows.append(tuple(height + 1 for height in row))
    return rows


def _row(lacks: Sequence[int], orders: Sequence[Sequence[int]], used: int) -> list[int]:
    """Different heights for the first columns, each tried in its own order; empty if there are none."""
    for height in orders[0]:
        if lacks[0] & ~used & 1 << height:
            if len(lacks) == 1:
                return [height]
            if rest := _row(lacks[1:], orders[1:], used | 1 << height):
                return [height, *rest]
    return []


def clues_of(grid: Sequence[Sequence[int]], clue: Clue) -> dict[str, list[int]]:
    """All clues of a grid, by side; left to right at the top and the bottom, top to bottom at the left and the right."""
    columns = list(zip(*grid, strict=True))
    return {
        "top": [clue(column) for column in columns],
        "left": [clue(row) for row in grid],
        "right": [clue(row[::-1]) for row in grid],
        "bottom": [clue(column[::-1]) for column in columns],
    }


def check(answer: str, item: Item, clue: Clue, says: str) -> Score:
    """Heights 1 to N, each once in every line, then the clues. says: what a clue says in words, with {given} and {found}."""
    size = item.meta["size"]
    rows = symbol_grid(answer, HEIGHTS[:size], size, size)
    for name, lines in (("row", rows), ("column", ["".join(column) for column in zip(*rows, strict=True)])):
        for number, line in enumerate(lines, 1):
            if twice := next((height for height in line if line.count(height) > 1), None):
                raise Refused(f"{name} {number} holds {twice} more than once")
    return check_clues([[int(height) for height in row] for row in rows], item, clue, says)


def check_paper(answer: str, item: Item, clue: Clue, says: str) -> Score:
    """The original's rule: the clues alone, any numbers, repeated ones too."""
    return check_clues(integer_grid(answer, item.meta["size"], item.meta["size"]), item, clue, says)


def check_clues(grid: Sequence[Sequence[int]], item: Item, clue: Clue, says: str) -> Score:
    """The first clue that is broken is named."""
    found = clues_of(grid, clue)
    for side in SIDES:
        line = "row" if side in ("left", "right") else "column"
        for number, (wanted, has) in enumerate(zip(item.meta[side], found[side], strict=True), 1):
            if wanted != has:
                raise Refused(f"{line} {number}, looked at from the {side}: " + says.format(given=wanted, found=has))
    return RIGHT


def solution(meta: Mapping[str, Any], clue: Clue) -> str:
    """A grid that keeps the rules. Every line holds the set of the permutations that fit its two clues; what is in none of them leaves the cells, and back, until nothing
    changes; then the cell with the fewest heights is guessed.
    """
    size: int = meta["size"]
    ends = list(zip(meta["left"], meta["right"], strict=True)) + list(zip(meta["top"], meta["bottom"], strict=True))
    tables = [_table(clue, size, first, last) for first, last in ends]  # rows, then columns
    found = _fill([(1 << size) - 1] * (size * size), tables, size)
    if found is None:
        raise ValueError(f"no grid has the clues {dict(meta)}")
    return grid_text([cell.bit_length() for cell in found[start : start + size]] for start in range(0, size * size, size))


def _fill(cells: list[int], tables: Sequence[list[list[int]]], size: int) -> list[int] | None:
    waiting = set(range(2 * size))
    while waiting:
        line = waiting.pop()
        places = range(line * size, line * size + size) if line < size else range(line - size, size * size, size)
        live = -1
        for table, place in zip(tables[line], places, strict=True):
            live &= sum(table[height] for height in range(size) if cells[place] >> height & 1)  # disjoint sets: their sum is their union
        for at, (table, place) in enumerate(zip(tables[line], places, strict=True)):
            kept = sum(1 << height for height in range(size) if cells[place] >> height & 1 and live & table[height])
            if not kept:
                return None
            if kept != cells[place]:
                cells[place] = kept
                waiting.add(size + at if line < size else at)
                waiting.add(line)
    unsure = [(cell.bit_count(), place) for place, cell in enumerate(cells) if cell & cell - 1]
    if not unsure:
        return cells
    place = min(unsure)[1]
    for height in range(size):
        if cells[place] >> height & 1 and (found := _fill([*cells[:place], 1 << height, *cells[place + 1 :]], tables, size)):
            return found
    return None


@cache
def _table(clue: Clue, size: int, first: int, last: int) -> list[list[int]]:
    """For every place of a line and every height, the set of fitting permutations (as bits) that have it there."""
    lines = _permutations(clue, size).get((first, last), [])
    return [
        [int("".join("1" if line[at] == height else "0" for line in lines) or "0", 2) for height in range(1, size + 1)]
        for at in range(size)
    ]


@cache
def _permutations(clue: Clue, size: int) -> dict[tuple[int, int], list[Line]]:
    """All permutations by their two clues."""
    found: dict[tuple[int, int], list[Line]] = {}
    for line in permutations(range(1, size + 1)):
        found.setdefault((clue(line), clue(line[::-1])), []).append(line)
    return found


def canonical(clues: Mapping[str, list[int]]) -> str:
    """The smallest of the eight images of the clues, or they themselves where there are few boards."""
    top, left, right, bottom = (clues[side] for side in SIDES)
    if len(top) <= FEW:
        return str([top, left, right, bottom])
    images = []
    for _ in range(4):
        top, right, bottom, left = left[::-1], top, right[::-1], bottom  # a turn to the right
        images += [str([top, left, right, bottom]), str([top[::-1], right, left, bottom[::-1]])]
    return min(images)


def form(answer: str) -> str:
    return grid_text(symbol_grid(answer, HEIGHTS))


def draw(item: Item) -> str:
    """The empty grid with its clues around it as an SVG picture, 40 pixels a cell."""
    size = item.meta["size"]
    marks = []
    for i in range(size):
        for side, row, column in (("top", -1, i), ("left", i, -1), ("right", i, size), ("bottom", size, i)):
            marks.append(mark(row, column, item.meta[side][i], "#1a4f8a", left=40, top=40))
    return picture(size, size, marks, left=40, top=40, after=40)


FORM = "the complete grid, {n} lines of {n} numbers separated by single spaces, without the clues."
EXAMPLE = "2 1 3\n3 2 1\n1 3 2"
