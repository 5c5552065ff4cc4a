"""Light up (Akari): place bulbs on the free cells so that every free cell is lit, no bulb lights another one, and walls with a number touch that many bulbs.

Any placing that keeps the rules counts, as most boards have several (98.5 % of the original's). The original compares with one gold placing, which always fills the board from the
top left, prints walls with the number 0 as free cells and has golds that break the rules. Here the gold placing is drawn in random order, a board that the filling from the top
left would solve is dropped, and the comparison with one gold is the paper rule. The original has no easy level, and its hard boards (6x6, more walls, but half of them without a
number) are no harder than its medium ones where every right placing counts: a random filling solves one of 35. Here size and numbers both grow with the level: a random filling
solves one board of 30, 100 and 1,000.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from functools import cache

from pydantic import Field

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.puzzles._cells import (
    cells_form,
    grid_text,
    least_copy,
    mark,
    neighbour_masks,
    picture,
    read_cells,
    square,
    written,
)
from thinkwell.tasks.reading import Cell

STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))


class Config(Knobs):
    size: int = Field(6, ge=4, le=12)
    """Rows and columns of the board, 4 to 12."""
    wall_share: float = Field(0.15, ge=0.05, le=0.5)
    """Share of cells that are walls, 0.05 to 0.5."""
    number_share: float = Field(0.7, ge=0.1, le=1.0)
    """Share of walls that show a number, 0.1 to 1; at least one does."""


LEVELS = {
    "easy": {"size": 5, "wall_share": 0.15, "number_share": 1.0},
    "medium": {"size": 6, "wall_share": 0.2, "number_share": 0.8},
    "hard": {"size": 7, "wall_share": 0.2, "number_share": 1.0},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Draw walls, put bulbs on cells that are still dark in random order, and number some walls by them."""
    size = config.size
    cells = [(row, column) for row in range(size) for column in range(size)]
    walls = rng.sample(cells, max(1, round(config.wall_share * size * size)))
    numbered = rng.sample(walls, max(1, round(config.number_share * len(walls))))
    free = [cell for cell in cells if cell not in walls]
    seen = _seen(size, walls)
    bulbs = _filled(rng.sample(free, len(free)), seen)
    board = [["." if (row, column) in seen else "#" for column in range(size)] for row in range(size)]
    for row, column in numbered:
        board[row][column] = str(_touching(row, column, bulbs))
    by_habit = _filled(free, seen)
    if all(_touching(*wall, bulbs) == _touching(*wall, by_habit) for wall in numbered):
        raise Redraw
    lines = ["".join(line) for line in board]
    prompt = ask(rng.choice(OPENINGS), RULES, grid_text(lines), FORM, EXAMPLE)
    return Drawn(prompt, written(bulbs), {"board": lines}, least_copy(lines))


def verify(answer: str, item: Item) -> Score:
    """Bulbs on free cells, none lit by another, numbers, every cell lit."""
    board = item.meta["board"]
    size = len(board)
    bulbs = read_cells(answer, size, size)
    lit = set(bulbs)
    for row, column in sorted(bulbs):
        if board[row][column] != ".":
            raise Refused(f"there is a wall at ({row},{column})")
        for down, right in STEPS:
            r, c = row + down, column + right
            while 0 <= r < size and 0 <= c < size and board[r][c] == ".":
                if (r, c) in bulbs:
                    raise Refused(f"the bulbs at ({row},{column}) and ({r},{c}) light each other")
                lit.add((r, c))
                r, c = r + down, c + right
    for row, line in enumerate(board):
        for column, sign in enumerate(line):
            if sign == "." and (row, column) not in lit:
                raise Refused(f"the cell ({row},{column}) is not lit")
            if sign.isdigit() and (count := _touching(row, column, bulbs)) != int(sign):
                raise Refused(f"the wall at ({row},{column}) asks for {sign} bulbs and has {count}")
    return RIGHT


def verify_paper(answer: str, item: Item) -> Score:
    """The original's rule: the very bulbs of the gold placing."""
    size = len(item.meta["board"])
    if read_cells(answer, size, size) != read_cells(item.answer, size, size):
        raise Refused("the bulbs are not those of the gold placing")
    return RIGHT


def solve(item: Item) -> str:
    """Depth first: a bulb that a number forces is put, else the dark cell that fewest places can light is lit in every way. Sets of cells are bits."""
    board = item.meta["board"]
    size = len(board)
    near = _near(size)
    free = [row * size + column for row, line in enumerate(board) for column, sign in enumerate(line) if sign == "."]
    walls = [(near[row * size + column], int(sign)) for row, line in enumerate(board) for column, sign in enumerate(line) if sign.isdigit()]
    reach = {cell: _lit_from(board, cell) for cell in free}
    everything = sum(1 << cell for cell in free)
    waiting = [(0, 0, everything)]  # bulbs, lit cells, cells that may get a bulb
    while waiting:
        bulbs, lit, places = waiting.pop()
        forced, fewest, ahead = 0, 99, 0
        for around, number in walls:
            left = number - (bulbs & around).bit_count()
            open_ = (around & places).bit_count()
            if not 0 <= left <= open_:
                break
            if left == 0:
                places &= ~around
            elif left == open_:
                forced |= around & places
        else:
            dark = everything & ~lit
            for cell in free:
                if dark >> cell & 1 and (count := (reach[cell] & places).bit_count()) < fewest:
                    fewest, ahead = count, reach[cell] & places
            if not dark and not forced and all((bulbs & around).bit_count() == number for around, number in walls):
                return written(divmod(cell, size) for cell in free if bulbs >> cell & 1)
            tries = forced & -forced or ahead
            while tries:  # a later place is tried without the earlier ones
                bit = tries & -tries
                tries ^= bit
                lights = reach[bit.bit_length() - 1]
                waiting.append((bulbs | bit, lit | lights, places & ~lights))
                places &= ~bit
    raise ValueError("the board has no solution")


def draw(item: Item) -> str:
    """The board as an SVG picture, 40 pixels a cell."""
    board = item.meta["board"]
    walls = [(row, column, sign) for row, line in enumerate(board) for column, sign in enumerate(line) if sign != "."]
    parts = [square(row, column, "black") + (mark(row, column, sign, "white") if sign != "#" else "") for row, column, sign in walls]
    return picture(len(board), len(board), parts)


@cache
def _near(size: int) -> list[int]:
    return neighbour_masks(size)


def _seen(size: int, walls: Iterable[Cell]) -> dict[Cell, set[Cell]]:
    """Of each free cell, the cells of its row and column that no wall hides from it, itself included."""
    blocked = set(walls)
    seen: dict[Cell, set[Cell]] = {}
    for turned in (False, True):
        for i in range(size):
            run: list[Cell] = []
            for k in range(size + 1):
                cell = (k, i) if turned else (i, k)
                if k < size and cell not in blocked:
                    run.append(cell)
                    continue
                for one in run:
                    seen.setdefault(one, set()).update(run)
                run = []
    return seen


def _filled(order: Iterable[Cell], seen: dict[Cell, set[Cell]]) -> set[Cell]:
    """A bulb on every cell that is still dark when its turn comes: all cells are lit and no bulb lights another."""
    bulbs, lit = set(), set[Cell]()
    for cell in order:
        if cell not in lit:
            bulbs.add(cell)
            lit |= seen[cell]
    return bulbs


def _touching(row: int, column: int, bulbs: set[Cell]) -> int:
    return sum((row + down, column + right) in bulbs for down, right in STEPS)


def _lit_from(board: Sequence[str], cell: int) -> int:
    size = len(board)
    row, column = divmod(cell, size)
    found = 1 << cell
    for down, right in STEPS:
        r, c = row + down, column + right
        while 0 <= r < size and 0 <= c < size and board[r][c] == ".":
            found |= 1 << r * size + c
            r, c = r + down, c + right
    return found


OPENINGS = (
    "Solve this Light Up puzzle (Akari).",
    "Place light bulbs on the board below so that all of it is lit.",
    "Here is a Light Up board; find cells for the bulbs.",
    "Find a placing of bulbs that solves the following Akari.",
)
RULES = (
    "Rules: . is a free cell, # is a wall, and a digit is a wall with a number. A bulb stands on a free cell and lights that cell and all free cells of its row and "
    "column up to the next wall or the edge of the board. (1) Every free cell must be lit. (2) No bulb may be lit by another bulb. (3) A wall with a number must have "
    "exactly that many bulbs on the cells that share a side with it; 0 means none. A wall without a number may touch any number of bulbs. Any placing that keeps these "
    "rules is right. Rows are counted from 0 at the top, columns from 0 at the left.\n\nThe board:"
)
FORM = "the cells with a bulb as a list of pairs (row,column), in any order."
EXAMPLE = "(0,1), (1,3), (2,0), (3,2)"

register(
    Puzzle(
        "puzzles/light_up",
        "search",
        "place bulbs that light every cell and do not light each other",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        cells_form,
        verify_paper,
        draw,
    )
)
