"""Campsite (tents): put a tent beside every tree. Trees and tents make pairs, each tree with one tent above, below, left or right of it and each tent with one tree; no two tents
touch, not even diagonally; the number of tents in every row and column, and in all, is given.

Any camp that keeps the rules counts; trees and tents are paired by a bipartite matching. The original checks neither the pairs nor diagonal contact, and takes its counts before
a tent without room for a tree is struck out, so that some boards cannot be solved. `verify_paper` is its rule: trees, counts, no tents beside each other. Its easy boards are 4x4;
of these there are 358 up to symmetry, so ours are 4x5.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.puzzles._cells import PIXELS, grid_text, least_copy, mark, picture
from thinkwell.tasks.reading import Cell, symbol_grid

SIDES = ((-1, 0), (1, 0), (0, -1), (0, 1))
LEAST = 2  # tents of a board


class Config(Knobs):
    rows: int = Field(4, ge=3, le=10)
    """Rows of the board, 3 to 10."""
    columns: int = Field(5, ge=3, le=10)
    """Columns of the board, 3 to 10."""
    tents: int = Field(4, ge=2, le=20)
    """Most tents, 2 to 20; fewer stand where no room is left for more."""


LEVELS = {
    "easy": {"rows": 4, "columns": 5, "tents": 4},
    "medium": {"rows": 5, "columns": 5, "tents": 5},
    "hard": {"rows": 6, "columns": 6, "tents": 6},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Tents on random cells that touch none before, then a tree beside each; a tent that finds no room for its tree is struck out before anything is counted."""
    cells = [(row, column) for row in range(config.rows) for column in range(config.columns)]
    tents: list[Cell] = []
    for cell in rng.sample(cells, len(cells)):
        if len(tents) < config.tents and not any(_touch(cell, tent) for tent in tents):
            tents.append(cell)
    trees: set[Cell] = set()
    pitched = []
    for tent in tents:
        room = [cell for cell in _beside(tent, config.rows, config.columns) if cell not in trees and cell not in tents]
        if room:
            trees.add(rng.choice(room))
            pitched.append(tent)
    if len(pitched) < LEAST:
        raise Redraw
    board = ["".join("X" if (row, column) in trees else "." for column in range(config.columns)) for row in range(config.rows)]
    in_rows = [sum(tent[0] == row for tent in pitched) for row in range(config.rows)]
    in_columns = [sum(tent[1] == column for tent in pitched) for column in range(config.columns)]
    meta = {"board": board, "rows": in_rows, "columns": in_columns}
    shown = (
        f"Tents in all: {len(pitched)}\nTents in each row, from top to bottom: {_spaced(in_rows)}\n"
        f"Tents in each column, from left to right: {_spaced(in_columns)}\n\n{grid_text(board)}"
    )
    prompt = ask(rng.choice(OPENINGS), RULES, shown, FORM.format(rows=config.rows, columns=config.columns), EXAMPLE)
    return Drawn(prompt, _pitch(board, pitched), meta, _canonical(board, in_rows, in_columns))


def verify(answer: str, item: Item) -> Score:
    """Trees kept, counts, contact, then the pairs of trees and tents."""
    tents = _counted(answer, item)
    for place, tent in enumerate(tents):
        for other in tents[:place]:
            if _touch(tent, other):
                raise Refused(f"the tents at {_at(other)} and {_at(tent)} touch")
    left = _unpaired(_trees(item.meta["board"]), tents)
    if left is not None:
        raise Refused(f"trees and tents do not make pairs: none is left for the tree at {_at(left)}")
    return RIGHT


def verify_paper(answer: str, item: Item) -> Score:
    """The original's rule: no pairs, and only tents beside or above each other touch."""
    tents = _counted(answer, item)
    for tent in tents:
        for down, right in SIDES:
            if (tent[0] + down, tent[1] + right) in tents:
                raise Refused(f"the tent at {_at(tent)} stands beside another")
    return RIGHT


def solve(item: Item) -> str:
    """Row after row, all sets of tents that fit its count, the tents above and what the columns still need; at the end the pairs."""
    return _pitch(item.meta["board"], next(_camps(item.meta)))


def form(answer: str) -> str:
    return grid_text(symbol_grid(answer, ".X*"))


def draw(item: Item) -> str:
    """The board with its counts as an SVG picture, 40 pixels a cell: trees are green triangles on trunks."""
    board = item.meta["board"]
    parts = []
    for row, column in _trees(board):
        x, y = 42 + PIXELS * column, 42 + PIXELS * row
        parts.append(f'<rect x="{x + 17}" y="{y + 27}" width="6" height="8" fill="#7a4a1d"/>')
        parts.append(f'<path d="M{x + 20} {y + 5}L{x + 32} {y + 28}H{x + 8}Z" fill="#2e7d32"/>')
    parts += [mark(row, -1, count, left=40, top=40) for row, count in enumerate(item.meta["rows"])]
    parts += [mark(-1, column, count, left=40, top=40) for column, count in enumerate(item.meta["columns"])]
    return picture(len(board), len(board[0]), parts, left=40, top=40)


def _counted(answer: str, item: Item) -> list[Cell]:
    """The answer's tents, on a board whose trees are where they were and whose counts fit."""
    board = item.meta["board"]
    grid = symbol_grid(answer, ".X*", len(board), len(board[0]))
    for row, (given, filled) in enumerate(zip(board, grid, strict=True)):
        for column, (before, after) in enumerate(zip(given, filled, strict=True)):
            if (before == "X") != (after == "X"):
                raise Refused(f"{_at((row, column))} was {'a tree' if before == 'X' else 'no tree'} and is now {after!r}")
    for name, wanted, lines in (("row", item.meta["rows"], grid), ("column", item.meta["columns"], list(zip(*grid, strict=True)))):
        for number, (count, line) in enumerate(zip(wanted, lines, strict=True), 1):
            if line.count("*") != count:
                raise Refused(f"{name} {number} holds {line.count('*')} tents; {count} are asked for")
    return [(row, column) for row, line in enumerate(grid) for column, symbol in enumerate(line) if symbol == "*"]


def _unpaired(trees: Sequence[Cell], tents: Sequence[Cell]) -> Cell | None:
    """The first tree without a tent in a largest matching, None if all have one. Augmenting paths; numbers of trees and tents are known to be equal."""
    holder: dict[Cell, Cell] = {}  # tent -> its tree

    def place(tree: Cell, tried: set[Cell]) -> bool:
        for down, right in SIDES:
            tent = tree[0] + down, tree[1] + right
            if tent in free and tent not in tried:
                tried.add(tent)
                if tent not in holder or place(holder[tent], tried):
                    holder[tent] = tree
                    return True
        return False

    free = set(tents)
    return next((tree for tree in trees if not place(tree, set())), None)


def _camps(meta: Mapping[str, Any]) -> Iterator[list[Cell]]:
    """All camps that keep the rules."""
    board, trees = meta["board"], _trees(meta["board"])
    height, width = len(board), len(board[0])
    good = [0] * height  # cells beside a tree, a bit a column
    for tree in trees:
        for row, column in _beside(tree, height, width):
            if board[row][column] == ".":
                good[row] |= 1 << column
    sets = []
    for row in range(height):
        fitting = (bits for bits in range(1 << width) if bits & ~good[row] == 0 and not bits & bits << 1)
        sets.append([bits for bits in fitting if bits.bit_count() == meta["rows"][row]])
    below = [[sum(good[row] >> column & 1 for row in range(start, height)) for column in range(width)] for start in range(height + 1)]
    chosen: list[int] = []

    def search(need: list[int]) -> Iterator[list[Cell]]:
        row = len(chosen)
        if any(count < 0 or count > possible for count, possible in zip(need, below[row], strict=True)):
            return
        if row == height:
            tents = [(line, column) for line, bits in enumerate(chosen) for column in range(width) if bits >> column & 1]
            if _unpaired(trees, tents) is None:
                yield tents
            return
        above = chosen[-1] if chosen else 0
        near = above | above << 1 | above >> 1
        for bits in sets[row]:
            if not bits & near:
                chosen.append(bits)
                yield from search([count - (bits >> column & 1) for column, count in enumerate(need)])
                chosen.pop()

    return search(list(meta["columns"]))


def _canonical(board: Sequence[str], in_rows: Sequence[int], in_columns: Sequence[int]) -> str:
    """The smallest of the eight images of the board, its counts written on all four sides so that they turn with it."""
    edge = [" ", *in_columns, " "]
    return least_copy([edge, *([count, *line, count] for count, line in zip(in_rows, board, strict=True)), edge])


def _trees(board: Sequence[str]) -> list[Cell]:
    return [(row, column) for row, line in enumerate(board) for column, symbol in enumerate(line) if symbol == "X"]


def _beside(cell: Cell, height: int, width: int) -> list[Cell]:
    around = [(cell[0] + down, cell[1] + right) for down, right in SIDES]
    return [(row, column) for row, column in around if 0 <= row < height and 0 <= column < width]


def _touch(one: Cell, other: Cell) -> bool:
    return max(abs(one[0] - other[0]), abs(one[1] - other[1])) <= 1


def _at(cell: Cell) -> str:
    return f"row {cell[0] + 1}, column {cell[1] + 1}"


def _pitch(board: Sequence[str], tents: Sequence[Cell]) -> str:
    """The board with its tents, as an answer shows it."""
    placed = set(tents)
    return grid_text(["*" if (row, column) in placed else symbol for column, symbol in enumerate(line)] for row, line in enumerate(board))


def _spaced(counts: Sequence[int]) -> str:
    return " ".join(map(str, counts))


OPENINGS = (
    "Pitch the tents on this campsite.",
    "Find a place for every tent on the board below.",
    "Solve this tents-and-trees puzzle.",
    "Here is a campsite with its trees; put up the tents.",
)
RULES = (
    "Rules: X is a tree, a dot is an empty cell. Put tents (*) on empty cells so that trees and tents can be divided into pairs, each of one tree and one tent "
    "directly above, below, left or right of it; every tree and every tent is in exactly one pair. "
    "No two tents touch, not even diagonally. The numbers say how many tents there are. Trees stay where they are. Every board that keeps the rules counts."
)
FORM = "the complete board, {rows} lines of {columns} symbols (X, * or .) separated by single spaces."
EXAMPLE = "* X .\n. . *\nX . X\n* . ."

register(
    Puzzle(
        "puzzles/campsite",
        "grid",
        "pair every tree with a tent; tents never touch and are counted by row and column",
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
