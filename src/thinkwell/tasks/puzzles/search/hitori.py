"""Hitori: blacken cells of a grid so that no number is white twice in a row or column, no two black cells share a side and all white cells hang together.

Every board has exactly one solution, counted over all sets of cells: not even a needless black cell can be added. The original draws numbers at random until a board is unique and
has no easy level; here a solution is drawn first, so larger boards cost little. Its sizes 4 (medium) and 5 (hard) are our easy and medium: of size 3 there are too few boards.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import cache

from pydantic import Field

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.puzzles._cells import cells_form, copies, grid_text, mark, neighbour_masks, picture, read_cells, written

Grid = Sequence[Sequence[int]]


class Config(Knobs):
    size: int = Field(4, ge=4, le=8)
    """Rows and columns of the board, 4 to 8; numbers run from 1 to the size."""


LEVELS = {"easy": {"size": 4}, "medium": {"size": 5}, "hard": {"size": 6}}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Draw black cells to which none can be added, white numbers from a Latin square, black numbers from their rows and columns; keep a board with one solution."""
    size = config.size
    near = _near(size)
    every = (1 << size * size) - 1
    black = closed = 0
    for cell in rng.sample(range(size * size), size * size):
        bit = 1 << cell
        if not closed & bit and _reached(every & ~black & ~bit, near) == every & ~black & ~bit:
            black |= bit
            closed |= near[cell]
    rows, columns, numbers = rng.sample(range(size), size), rng.sample(range(size), size), rng.sample(range(1, size + 1), size)
    board = [[numbers[(row + column) % size] for column in columns] for row in rows]
    is_black = [[black >> row * size + column & 1 for column in range(size)] for row in range(size)]
    for row in range(size):
        for column in range(size):
            if is_black[row][column]:
                whites = [board[row][c] for c in range(size) if not is_black[row][c]]
                board[row][column] = rng.choice(whites + [board[r][column] for r in range(size) if not is_black[r][column]])
    solutions = _solutions(near, _clashes(board))
    if (next(solutions), next(solutions, None)) != (black, None):
        raise Redraw
    prompt = ask(rng.choice(OPENINGS), RULES, grid_text(board), FORM, EXAMPLE)
    gold = [(row, column) for row in range(size) for column in range(size) if is_black[row][column]]
    return Drawn(prompt, written(gold), {"board": board}, _canonical(board))


def verify(answer: str, item: Item) -> Score:
    """The three rules, in the order in which they are stated."""
    board = item.meta["board"]
    size = len(board)
    black = read_cells(answer, size, size)
    for name, lines in (("row", board), ("column", list(zip(*board, strict=True)))):
        for i, line in enumerate(lines):
            seen = set()
            for k, number in enumerate(line):
                if ((i, k) if name == "row" else (k, i)) not in black:
                    if number in seen:
                        raise Refused(f"{name} {i} keeps {number} white more than once")
                    seen.add(number)
    for row, column in sorted(black):
        for other in ((row, column + 1), (row + 1, column)):
            if other in black:
                raise Refused(f"the black cells ({row},{column}) and ({other[0]},{other[1]}) share a side")
    white = sum(1 << row * size + column for row in range(size) for column in range(size) if (row, column) not in black)
    if _reached(white, _near(size)) != white:
        raise Refused("the white cells do not all hang together")
    return RIGHT


def solve(item: Item) -> str:
    """Depth first over pairs of equal numbers: one of the two is black. What is left over may stay white, since a cell that turns white joins its white neighbours."""
    board = item.meta["board"]
    size = len(board)
    near, clashes, every = _near(size), _clashes(board), (1 << size * size) - 1
    waiting = [(0, 0)]  # black cells; cells that stay white
    while waiting:
        black, kept = waiting.pop()
        first = next((cell for cell, others in enumerate(clashes) if not black >> cell & 1 and others & ~black), None)
        if first is None:
            return written(divmod(cell, size) for cell in range(size * size) if black >> cell & 1)
        for cells, stays in ((1 << first, 0), (clashes[first] & ~black, 1 << first)):  # it turns black; or all that clash with it do
            after, safe = black, kept | stays
            for cell in range(size * size):
                if cells >> cell & 1:
                    after |= 1 << cell
                    safe |= near[cell]
            if not after & safe and _reached(every & ~after, near) == every & ~after:
                waiting.append((after, safe))
    raise ValueError("the board has no solution")


def draw(item: Item) -> str:
    """The board as an SVG picture, 40 pixels a cell."""
    board = item.meta["board"]
    marks = (mark(row, column, number) for row, numbers in enumerate(board) for column, number in enumerate(numbers))
    return picture(len(board), len(board), marks)


@cache
def _near(size: int) -> list[int]:
    return neighbour_masks(size)


def _reached(cells: int, near: Sequence[int], start: int = 0) -> int:
    """Those of `cells` that hang together with `start`, by default the first of them."""
    edge = reached = start or cells & -cells
    while edge:
        grown = 0
        while edge:
            bit = edge & -edge
            edge ^= bit
            grown |= near[bit.bit_length() - 1]
        edge = grown & cells & ~reached
        reached |= edge
    return reached


def _clashes(board: Grid) -> list[int]:
    """Of each cell, the others of its row and column with its number, as bits."""
    size = len(board)
    found = [0] * (size * size)
    for row in range(size):
        for column in range(size):
            number = board[row][column]
            across = sum(1 << row * size + c for c in range(size) if c != column and board[row][c] == number)
            found[row * size + column] = across | sum(
                1 << r * size + column for r in range(size) if r != row and board[r][column] == number
            )
    return found


def _solutions(near: Sequence[int], clashes: Sequence[int]) -> Iterator[int]:
    """All sets of black cells. Depth first; a black cell makes its neighbours white, a white one those that clash with it black."""
    every = (1 << len(near)) - 1
    waiting = [(0, 0)]
    while waiting:
        black, white = waiting.pop()
        done = 0
        while not black & white and (new := (black | white) & ~done):
            done |= new
            while new:
                bit = new & -new
                new ^= bit
                if black & bit:
                    white |= near[bit.bit_length() - 1]
                else:
                    black |= clashes[bit.bit_length() - 1]
        if black & white:
            continue
        left = every & ~(black | white)
        if white:
            reached = _reached(every & ~black, near, white & -white)
            if white & ~reached:
                continue
            if left & ~reached:
                waiting.append((black | left & ~reached, white))
                continue
        if not left:
            yield black
            continue
        choice, cells = left & -left, left
        while cells:  # a cell that clashes decides most
            bit = cells & -cells
            cells ^= bit
            if clashes[bit.bit_length() - 1] & left:
                choice = bit
                break
        waiting += [(black, white | choice), (black | choice, white)]


def _canonical(board: Grid) -> str:
    """The same for turned, mirrored and renumbered boards: numbers are named in order of appearance."""
    texts = []
    for copy in copies(board):
        names: dict[object, int] = {}
        texts.append(" ".join(str(names.setdefault(number, len(names) + 1)) for row in copy for number in row))
    return min(texts)


OPENINGS = (
    "Solve this Hitori.",
    "Here is a Hitori board; find the cells that have to be blackened.",
    "Decide which cells of this Hitori grid become black.",
    "Find the black cells of the following Hitori puzzle.",
)
RULES = (
    "Rules: blacken cells of the grid so that (1) in every row and in every column each number stands in at most one cell that is still white, (2) no two black cells share a "
    "side (they may touch at a corner), and (3) all white cells hang together: from any white cell every other one can be reached by steps between white cells that share a side. "
    "There is exactly one solution. Rows are counted from 0 at the top, columns from 0 at the left.\n\nThe board:"
)
FORM = "the black cells as a list of pairs (row,column), in any order."
EXAMPLE = "(0,1), (1,3), (2,0), (3,2)"

register(
    Puzzle(
        "puzzles/hitori",
        "search",
        "blacken cells until no number is white twice in a row or column",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        cells_form,
        draw=draw,
    )
)
