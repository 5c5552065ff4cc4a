"""Minesweeper: from the numbers on a board, name every hidden cell that certainly holds a mine, or say that there is none.

A cell is certain if it holds a mine in every arrangement that fits all numbers; how many mines there are is not told. The set is unique by definition, so answers are compared with
it. The original counts only what a single number forces by itself, so in 70 % of its items one who reasons across numbers scores 0; that set is the paper rule here.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.core.errors import MissingExtra
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.puzzles._cells import cells_form, grid_text, least_copy, mark, picture, read_cells, square, written
from thinkwell.tasks.puzzles.search._mines import Search
from thinkwell.tasks.reading import Cell, says

NONE = "no mine is certain"
HIDDEN = "#"


class Config(Knobs):
    size: int = Field(9, ge=4, le=20)
    """Rows and columns of the board, 4 to 20."""
    mine_share: float = Field(0.1, ge=0.02, le=0.5)
    """Share of cells that hold a mine, 0.02 to 0.5."""
    min_shown: float = Field(0.3, ge=0.02, le=0.9)
    """Smallest share of cells whose number is shown, 0.02 to 0.9; none of them holds a mine."""
    max_shown: float = Field(0.35, ge=0.02, le=0.9)
    """Largest share of cells whose number is shown, 0.02 to 0.9."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_shown > self.max_shown:
            raise ValueError(f"min_shown={self.min_shown} is above max_shown={self.max_shown}")
        if self.mine_share + self.max_shown > 0.98:
            raise ValueError(
                f"mine_share={self.mine_share} and max_shown={self.max_shown} leave no hidden cells without a mine; at most 0.98 together"
            )
        return self


LEVELS = {
    "easy": {"size": 9, "mine_share": 0.1, "min_shown": 0.3, "max_shown": 0.35},
    "medium": {"size": 12, "mine_share": 0.15, "min_shown": 0.2, "max_shown": 0.25},
    "hard": {"size": 16, "mine_share": 0.2, "min_shown": 0.15, "max_shown": 0.2},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Lay mines and show numbers at random; then find what is certain."""
    size = config.size
    cells = [(row, column) for row in range(size) for column in range(size)]
    order = rng.sample(cells, len(cells))
    mined = max(1, round(config.mine_share * len(cells)))
    mines = set(order[:mined])
    shown = order[mined : mined + max(1, round(rng.uniform(config.min_shown, config.max_shown) * len(cells)))]
    board = [[HIDDEN] * size for _ in range(size)]
    for row, column in shown:
        board[row][column] = str(sum(cell in mines for cell in _around(row, column, size)))
    lines = ["".join(line) for line in board]
    if not any(sign in "12345678" for line in lines for sign in line):
        raise Redraw
    prompt = ask(rng.choice(OPENINGS), RULES, grid_text(lines), FORM, EXAMPLE)
    return Drawn(prompt, lambda: _answer(_certain(lines, mines)), {"board": lines}, least_copy(lines))


def verify(answer: str, item: Item) -> Score:
    """Every certain mine and nothing else."""
    return _compare(answer, item, item.answer)


def verify_paper(answer: str, item: Item) -> Score:
    """The original's rule: the hidden cells around a number that has no more of them than it counts."""
    found: set[Cell] = set()
    for number, cells in _numbers(item.meta["board"]):
        if number == len(cells):
            found.update(cells)
    return _compare(answer, item, _answer(found))


def solve(item: Item) -> str:
    """A SAT solver: a cell of one arrangement is certain if there is none without it. Needs the extra `puzzles`."""
    try:
        from pysat.solvers import Minicard
    except ImportError:
        raise MissingExtra("python-sat", "puzzles") from None

    board = item.meta["board"]
    size = len(board)
    with Minicard() as solver:
        for number, cells in _numbers(board):
            names = [row * size + column + 1 for row, column in cells]
            solver.add_atmost(names, number)
            solver.add_atmost([-name for name in names], len(names) - number)
        solver.solve()
        left = {name for name in solver.get_model() or () if name > 0}
        certain = set()
        while left:
            name = left.pop()
            if solver.solve(assumptions=[-name]):
                left &= set(solver.get_model())
            else:
                certain.add(divmod(name - 1, size))
    return _answer(certain)


def form(answer: str) -> str:
    return NONE if says(answer, NONE) else cells_form(answer)


def draw(item: Item) -> str:
    """The board as an SVG picture, 40 pixels a cell, hidden cells grey."""
    board = item.meta["board"]
    parts = [
        square(row, column, "#bbb") if sign == HIDDEN else mark(row, column, sign, "#999" if sign == "0" else "black")
        for row, line in enumerate(board)
        for column, sign in enumerate(line)
    ]
    return picture(len(board), len(board), parts)


def _compare(answer: str, item: Item, gold: str) -> Score:
    if says(answer, NONE):
        if gold != NONE:
            raise Refused("some mines are certain")
        return RIGHT
    board = item.meta["board"]
    size = len(board)
    given = read_cells(answer, size, size)
    wanted = set() if gold == NONE else read_cells(gold, size, size)
    for row, column in sorted(given):
        if board[row][column] != HIDDEN:
            raise Refused(f"({row},{column}) is not hidden")
        if (row, column) not in wanted:
            raise Refused(f"a mine at ({row},{column}) is not certain")
    if not wanted:
        raise Refused(f"where no mine is certain, the sentence is expected: {NONE}")
    if missing := len(wanted - given):
        raise Refused(f"{missing} of the {len(wanted)} certain mines are not named")
    return RIGHT


def _answer(cells: set[Cell]) -> str:
    return written(cells) if cells else NONE


def _around(row: int, column: int, size: int) -> Iterator[Cell]:
    for r in range(max(row - 1, 0), min(row + 2, size)):
        for c in range(max(column - 1, 0), min(column + 2, size)):
            if (r, c) != (row, column):
                yield r, c


def _numbers(board: Sequence[str]) -> list[tuple[int, list[Cell]]]:
    """Every shown number with the hidden cells around it."""
    size = len(board)
    return [
        (int(sign), [(r, c) for r, c in _around(row, column, size) if board[r][c] == HIDDEN])
        for row, line in enumerate(board)
        for column, sign in enumerate(line)
        if sign != HIDDEN
    ]


def _certain(board: Sequence[str], mines: set[Cell]) -> set[Cell]:
    """The certain mines. Cells with the same numbers around them are alike: only how many of such a group are mines matters.

    A group can be certain only if all its cells hold mines on the true board; it is, if no arrangement has fewer there. Arrangements are looked for near the true one.
    """
    numbers = _numbers(board)
    touching: dict[Cell, list[int]] = {}
    for place, (_, cells) in enumerate(numbers):
        for cell in cells:
            touching.setdefault(cell, []).append(place)
    alike: dict[tuple[int, ...], list[Cell]] = {}
    for cell, places in touching.items():
        alike.setdefault(tuple(places), []).append(cell)
    groups = list(alike.values())
    search = Search([number for number, _ in numbers], list(alike), [sum(cell in mines for cell in cells) for cells in groups])
    low, high = [0] * len(groups), [len(cells) for cells in groups]
    search.narrow(low, high, range(len(numbers)))
    left = {group for group, cells in enumerate(groups) if search.true[group] == len(cells)}
    certain: set[Cell] = set()
    while left:
        group = left.pop()
        found = search.below(group, low, high) if low[group] < high[group] else None
        if found is None:
            certain.update(groups[group])
        else:
            left = {other for other in left if found[other] == len(groups[other])}
    return certain


OPENINGS = (
    "Find the certain mines on this Minesweeper board.",
    "Here is a Minesweeper position. Which hidden cells must hold a mine?",
    "Which mines can be located for sure on the board below?",
    "Work out from the numbers where there certainly are mines.",
)
RULES = (
    "Rules: # is a hidden cell, which may hold a mine. A digit is an open cell without a mine; it counts the mines in the up to eight cells around it (above, below, "
    "left, right and diagonal). The total number of mines is not known. Name every cell that holds a mine in each arrangement of mines that agrees with all digits, also "
    "where that follows only from several digits together, and no other cell. Rows are counted from 0 at the top, columns from 0 at the left.\n\nThe board:"
)
FORM = f"the certain mines as a list of pairs (row,column), in any order. If there is none, write instead: {NONE}."
EXAMPLE = "(0,3), (2,1), (2,2)"

register(
    Puzzle(
        "puzzles/minesweeper",
        "search",
        "name every hidden cell that must hold a mine",
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
