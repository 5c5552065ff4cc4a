"""Binario (takuzu): fill an NxN grid with 0 and 1 so that every row and column holds both equally often, no three equal symbols are neighbours in a line, and no two rows and
no two columns are the same. The given symbols stay.

The original states the last rule but neither makes its boards by it nor checks it, and its depth-first search tries 0 before 1, so that it has one solution per size, ever.
Here the search is shuffled, all rules hold, and a board has exactly one solution under them. Its two configurations a level (a size and a share of empty cells) are ranges here.
`verify_paper` is the original's rule: at most N/2 of each symbol, no three in a line, lines may be equal.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import cache

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.puzzles._cells import copies, grid_text, mark, picture
from thinkwell.tasks.reading import says, symbol_grid

NONE = "no solution"
FEW = 4  # at this size there are 72 full grids in all: too few to be divided into training and test


class Config(Knobs):
    min_size: int = Field(4, ge=4, le=10)
    """Fewest rows (and columns) of the grid, even, 4 to 10."""
    max_size: int = Field(6, ge=4, le=10)
    """Most rows (and columns) of the grid, even, 4 to 10."""
    min_empty: float = Field(0.1, ge=0.05, le=0.5)
    """Smallest share of empty cells, 0.05 to 0.5."""
    max_empty: float = Field(0.25, ge=0.05, le=0.5)
    """Largest share of empty cells, 0.05 to 0.5."""
    unsolvable_share: float = Field(0.0, ge=0.0, le=1.0)
    """Share of boards without a solution, 0 to 1; above 0 the prompt says how to answer for them."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        for name in ("min_size", "max_size"):
            if getattr(self, name) % 2:
                raise ValueError(f"{name}={getattr(self, name)} is odd; expected an even size, as a line holds both symbols equally often")
        if self.min_size > self.max_size:
            raise ValueError(f"min_size={self.min_size} is above max_size={self.max_size}")
        if self.min_empty > self.max_empty:
            raise ValueError(f"min_empty={self.min_empty} is above max_empty={self.max_empty}")
        return self


LEVELS = {
    "easy": {"min_size": 4, "max_size": 6, "min_empty": 0.1, "max_empty": 0.25},
    "medium": {"min_size": 4, "max_size": 6, "min_empty": 0.25, "max_empty": 0.4},
    "hard": {"min_size": 6, "max_size": 8, "min_empty": 0.3, "max_empty": 0.45},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """A full grid from a shuffled search, then cells emptied in random order, each only if the board stays unique. Without a solution: one given turned over at the end."""
    size = rng.randrange(config.min_size, config.max_size + 1, 2)
    full = _rows(next(_search([rng.sample(_lines(size), len(_lines(size))) for _ in range(size)], size)), size)
    if grid_text(full) == EXAMPLE:  # the prompt says that the example belongs to another puzzle
        raise Redraw
    board = _emptied(rng, full, max(1, round(rng.uniform(config.min_empty, config.max_empty) * size * size)))
    solvable = rng.random() >= config.unsolvable_share
    if not solvable:
        _spoil(board, rng)
    form = FORM.format(n=size) + (f" If no grid keeps the rules, write instead: {NONE}." if config.unsolvable_share else "")
    opening = rng.choice(OPENINGS) + ("" if config.unsolvable_share else " It has exactly one solution.")
    prompt = ask(opening, RULES.format(n=size, half=size // 2), grid_text(board), form, EXAMPLE)
    meta = {"board": ["".join(row) for row in board], "solvable": solvable}
    return Drawn(prompt, grid_text(full) if solvable else NONE, meta, _canonical(full if solvable and size > FEW else board))


def verify(answer: str, item: Item) -> Score:
    """Givens kept, then balance and triples of every line, then equal lines."""
    grid = _kept(answer, item)
    if grid is None:
        return RIGHT
    lines = _named(grid)
    for name, line in lines:
        if line.count("0") != line.count("1"):
            raise Refused(f"{name} holds {line.count('0')} zeros and {line.count('1')} ones; expected equally many")
        _no_triple(name, line)
    for what in (lines[: len(grid)], lines[len(grid) :]):
        seen: dict[str, str] = {}
        for name, line in what:
            if line in seen:
                raise Refused(f"{seen[line]} and {name} are the same")
            seen[line] = name
    return RIGHT


def verify_paper(answer: str, item: Item) -> Score:
    """The original's rule: at most half of each symbol in a line and no three in a row; equal lines are allowed."""
    grid = _kept(answer, item)
    for name, line in _named(grid or []):
        if max(line.count("0"), line.count("1")) > len(line) // 2:
            raise Refused(f"{name} holds one symbol more than {len(line) // 2} times")
        _no_triple(name, line)
    return RIGHT


def solve(item: Item) -> str:
    """Row after row from the list of all lines that keep the rules by themselves."""
    board = item.meta["board"]
    found = next(_completions(board), None)
    return NONE if found is None else grid_text(_rows(found, len(board)))


def form(answer: str) -> str:
    return NONE if says(answer, NONE) else grid_text(symbol_grid(answer, "01"))


def draw(item: Item) -> str:
    """The board as an SVG picture, 40 pixels a cell."""
    board = item.meta["board"]
    marks = [mark(row, column, symbol) for row, line in enumerate(board) for column, symbol in enumerate(line) if symbol != "_"]
    return picture(len(board), len(board), marks)


def _kept(answer: str, item: Item) -> list[str] | None:
    """The answer's grid with all givens in place; None for the sentence, where it is true."""
    board = item.meta["board"]
    if says(answer, NONE):
        if item.meta["solvable"]:
            raise Refused("the board has a solution")
        return None
    grid = symbol_grid(answer, "01", len(board), len(board))
    for row, (given, filled) in enumerate(zip(board, grid, strict=True), 1):
        for column, (before, after) in enumerate(zip(given, filled, strict=True), 1):
            if before not in ("_", after):
                raise Refused(f"row {row}, column {column} was given as {before} and is now {after}")
    return grid


def _named(grid: Sequence[str]) -> list[tuple[str, str]]:
    """Rows, then columns, with their names."""
    rows = [(f"row {number}", line) for number, line in enumerate(grid, 1)]
    return rows + [(f"column {number}", "".join(line)) for number, line in enumerate(zip(*grid, strict=True), 1)]


def _no_triple(name: str, line: str) -> None:
    if "000" in line or "111" in line:
        raise Refused(f"{name} holds three {'0' if '000' in line else '1'} next to each other")


@cache
def _lines(size: int) -> list[int]:
    """All lines with both symbols equally often and no triple, as bit masks; the last bit is the last cell."""
    texts = ((line, f"{line:0{size}b}") for line in range(1 << size) if line.bit_count() == size // 2)
    return [line for line, text in texts if "000" not in text and "111" not in text]


def _completions(board: Sequence[Sequence[str]]) -> Iterator[list[int]]:
    """All ways to fill the board by the rules."""
    size = len(board)
    choices = []
    for row in board:
        ones, zeros = (int("".join("1" if symbol == wanted else "0" for symbol in row), 2) for wanted in "10")
        choices.append([line for line in _lines(size) if line & ones == ones and not line & zeros])
    return _search(choices, size)


def _search(choices: Sequence[Sequence[int]], size: int) -> Iterator[list[int]]:
    """All grids with row i out of `choices[i]`, in that order. Ones and zeros of all columns are counted in fields of four bits, whose top bit says "too many"."""
    full, half = (1 << size) - 1, size // 2
    spread = {line: sum((line >> i & 1) << 4 * i for i in range(size)) for options in choices for line in options}
    every = sum(1 << 4 * i for i in range(size))
    over = 8 * every
    start = (7 - half) * every  # one above `half` sets the top bit
    grid: list[int] = []

    def search(ones: int, zeros: int) -> Iterator[list[int]]:
        if len(grid) == size:
            columns = {tuple(line >> i & 1 for line in grid) for i in range(size)}
            if len(columns) == size:
                yield grid[:]
            return
        both, none = (grid[-1] & grid[-2], ~(grid[-1] | grid[-2]) & full) if len(grid) > 1 else (0, 0)
        for line in choices[len(grid)]:
            if line & both or none & ~line or line in grid:
                continue
            more, less = ones + spread[line], zeros + every - spread[line]
            if (more | less) & over:
                continue
            grid.append(line)
            yield from search(more, less)
            grid.pop()

    return search(start, start)


def _emptied(rng: random.Random, full: Sequence[str], holes: int) -> list[list[str]]:
    """So many cells emptied, each only if no completion has the other symbol there. Raises `Redraw` if there are too few such cells."""
    board = [list(line) for line in full]
    size = len(board)
    for cell in rng.sample(range(size * size), size * size):
        row, column = divmod(cell, size)
        symbol = board[row][column]
        board[row][column] = "10"[int(symbol)]
        unique = next(_completions(board), None) is None
        board[row][column] = "_" if unique else symbol
        holes -= unique
        if holes == 0:
            return board
    raise Redraw


def _spoil(board: list[list[str]], rng: random.Random) -> None:
    """Turn over one given so that no completion is left."""
    size = len(board)
    for cell in rng.sample(range(size * size), size * size):
        row, column = divmod(cell, size)
        symbol = board[row][column]
        if symbol != "_":
            board[row][column] = "10"[int(symbol)]
            if next(_completions(board), None) is None:
                return
            board[row][column] = symbol
    raise Redraw


def _canonical(rows: Sequence[Sequence[str]]) -> str:
    """The smallest of the board's sixteen images: turned, mirrored, symbols exchanged."""
    images = [grid_text(copy) for copy in copies(rows)]
    return min(images + [image.translate({48: "1", 49: "0"}) for image in images])


def _rows(grid: Sequence[int], size: int) -> list[str]:
    return [f"{line:0{size}b}" for line in grid]


OPENINGS = (
    "Solve this binario puzzle.",
    "Fill in the binary grid below.",
    "Here is a takuzu; complete it.",
    "Complete the following grid of zeros and ones.",
)
RULES = (
    "Rules: write 0 or 1 into every empty cell of the {n}x{n} grid, so that every row and every column holds exactly {half} zeros and {half} ones; "
    "nowhere in a row or a column do three equal symbols stand next to each other; no two rows are the same, and no two columns are the same. "
    "An underscore is an empty cell. Symbols that are given may not be changed."
)
FORM = "the complete grid, {n} lines of {n} symbols separated by single spaces."
EXAMPLE = "0 1 1 0\n1 0 0 1\n0 0 1 1\n1 1 0 0"

register(
    Puzzle(
        "puzzles/binario",
        "grid",
        "fill a grid with 0 and 1: balanced, no three in a line, no two lines equal",
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
