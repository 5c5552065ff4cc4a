"""Sudoku: fill a 9x9 grid so that every row, every column and every 3x3 box holds each of 1 to 9 once. The given digits stay.

Any completion that keeps the rules counts, so uniqueness is a promise of the prompt (knob `unique`), not of the verifier. The original removes cells without looking at
uniqueness (two thirds of its hard boards have several completions); its verifier is ours, so there is no paper rule.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.reading import integer_grid

Grid = list[list[int]]
N = 9
FULL = (1 << N) - 1  # a bit for each digit


class Config(Knobs):
    min_holes: int = Field(10, ge=1, le=64)
    """Fewest empty cells, 1 to 64."""
    max_holes: int = Field(20, ge=1, le=64)
    """Most empty cells, 1 to 64; with `unique` at most 54 (no board of ours is dug deeper in bounded time)."""
    unique: bool = True
    """Boards with exactly one completion only; the prompt then says so."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_holes > self.max_holes:
            raise ValueError(f"min_holes={self.min_holes} is above max_holes={self.max_holes}")
        if self.unique and self.max_holes > 54:
            raise ValueError(
                f"max_holes={self.max_holes} is more than the 54 that unique boards are made with; set unique=false or fewer holes"
            )
        return self


LEVELS = {
    "easy": {"min_holes": 10, "max_holes": 20},
    "medium": {"min_holes": 21, "max_holes": 35},
    "hard": {"min_holes": 36, "max_holes": 50},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Shuffle a pattern into a full grid, then empty cells in random order, each only if the board stays unique (if that is asked for)."""
    full = _full(rng)
    board = [row[:] for row in full]
    holes = rng.randint(config.min_holes, config.max_holes)
    emptied = 0
    for cell in rng.sample(range(N * N), N * N):
        if emptied == holes:
            break
        row, column = divmod(cell, N)
        digit, board[row][column] = board[row][column], 0
        if config.unique and _has_other(board, row, column, digit):
            board[row][column] = digit
        else:
            emptied += 1
    if emptied < config.min_holes:
        raise Redraw
    opening = rng.choice(OPENINGS) + (" It has exactly one solution." if config.unique else "")
    prompt = ask(opening, RULES, _text(board, "."), FORM, EXAMPLE)
    return Drawn(prompt, _text(full), {"board": board, "holes": emptied}, _text(full))


def verify(answer: str, item: Item) -> Score:
    """Givens kept, all 27 units right; the first that is broken is named."""
    grid = integer_grid(answer, N, N, compact=True)
    for row, (given, filled) in enumerate(zip(item.meta["board"], grid, strict=True), 1):
        for column, (before, after) in enumerate(zip(given, filled, strict=True), 1):
            if not 1 <= after <= N:
                raise Refused(f"row {row}, column {column} holds {after}, which is not 1 to 9")
            if before and before != after:
                raise Refused(f"row {row}, column {column} was given as {before} and is now {after}")
    for name, cells in _units():
        digits = [grid[row][column] for row, column in cells]
        if len(set(digits)) < N:
            twice = next(digit for digit in digits if digits.count(digit) > 1)
            raise Refused(f"{name} holds {twice} more than once")
    return RIGHT


def solve(item: Item) -> str:
    """The first completion found by always filling the cell with the fewest candidates."""
    return _text(next(_solutions(item.meta["board"])))


def form(answer: str) -> str:
    return _text(integer_grid(answer, N, N, compact=True))


def draw(item: Item) -> str:
    """The board as an SVG picture, 40 pixels a cell."""
    size, cell = N * 40 + 4, 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" font-family="sans-serif" font-size="22" text-anchor="middle">'
    ]
    parts.append(f'<rect width="{size}" height="{size}" fill="white"/>')
    for i in range(N + 1):
        at, width = 2 + i * cell, 3 if i % 3 == 0 else 1
        parts.append(f'<path d="M{at} 2V{size - 2}M2 {at}H{size - 2}" stroke="black" stroke-width="{width}"/>')
    for row, digits in enumerate(item.meta["board"]):
        parts += [f'<text x="{22 + cell * column}" y="{30 + cell * row}">{digit}</text>' for column, digit in enumerate(digits) if digit]
    return "".join([*parts, "</svg>"])


def _full(rng: random.Random) -> Grid:
    """A full grid: the shifted pattern with digits, rows within bands, bands, columns within stacks and stacks shuffled."""
    digits = rng.sample(range(1, N + 1), N)
    rows = [band * 3 + row for band in rng.sample(range(3), 3) for row in rng.sample(range(3), 3)]
    columns = [stack * 3 + column for stack in rng.sample(range(3), 3) for column in rng.sample(range(3), 3)]
    grid = [[digits[(row * 3 + row // 3 + column) % N] for column in columns] for row in rows]
    return [list(line) for line in zip(*grid, strict=True)] if rng.random() < 0.5 else grid


def _solutions(board: Sequence[Sequence[int]]) -> Iterator[Grid]:
    """All completions, by depth-first search over the emptiest-first cell, with used digits as bit masks."""
    rows, columns, boxes = [0] * N, [0] * N, [0] * N
    grid = [list(row) for row in board]
    empty = []
    for cell in range(N * N):
        row, column = divmod(cell, N)
        if grid[row][column]:
            bit = 1 << grid[row][column] - 1
            rows[row] |= bit
            columns[column] |= bit
            boxes[row // 3 * 3 + column // 3] |= bit
        else:
            empty.append((row, column, row // 3 * 3 + column // 3))

    def search() -> Iterator[Grid]:
        if not empty:
            yield [row[:] for row in grid]
            return
        best, free, fewest = 0, 0, N + 1
        for place, (row, column, box) in enumerate(empty):
            candidates = FULL & ~(rows[row] | columns[column] | boxes[box])
            count = candidates.bit_count()
            if count < fewest:
                best, free, fewest = place, candidates, count
                if count <= 1:
                    break
        empty[best], empty[-1] = empty[-1], empty[best]
        row, column, box = empty.pop()
        while free:
            bit = free & -free
            free ^= bit
            rows[row] ^= bit
            columns[column] ^= bit
            boxes[box] ^= bit
            grid[row][column] = bit.bit_length()
            yield from search()
            rows[row] ^= bit
            columns[column] ^= bit
            boxes[box] ^= bit
        grid[row][column] = 0
        empty.append((row, column, box))
        empty[best], empty[-1] = empty[-1], empty[best]

    return search()


def _has_other(board: Grid, row: int, column: int, digit: int) -> bool:
    """Does a completion exist with another digit in this cell? (The board was unique before it was emptied.)"""
    seen = {*board[row], *(line[column] for line in board)}
    seen |= {board[r][c] for r in range(row // 3 * 3, row // 3 * 3 + 3) for c in range(column // 3 * 3, column // 3 * 3 + 3)}
    for other in range(1, N + 1):
        if other != digit and other not in seen:
            board[row][column] = other
            found = next(_solutions(board), None) is not None
            board[row][column] = 0
            if found:
                return True
    return False


def _units() -> Iterator[tuple[str, list[tuple[int, int]]]]:
    for i in range(N):
        yield f"row {i + 1}", [(i, k) for k in range(N)]
        yield f"column {i + 1}", [(k, i) for k in range(N)]
        yield f"box {i + 1}", [(i // 3 * 3 + k // 3, i % 3 * 3 + k % 3) for k in range(N)]


def _text(grid: Grid, blank: str = "0") -> str:
    return "\n".join(" ".join(str(digit) if digit else blank for digit in row) for row in grid)


OPENINGS = (
    "Solve this Sudoku.",
    "Here is a Sudoku; fill in every empty cell.",
    "Complete the 9x9 Sudoku below.",
    "Find a complete grid for the following Sudoku.",
)
RULES = (
    "Rules: every row, every column and every one of the nine 3x3 boxes must hold each digit from 1 to 9 exactly once. "
    "A dot is an empty cell. Digits that are given may not be changed."
)
FORM = "the complete grid, nine lines of nine digits separated by single spaces."
EXAMPLE = "\n".join(" ".join("123456789"[(row * 3 + row // 3 + column) % N] for column in range(N)) for row in range(N))

register(
    Puzzle(
        "puzzles/sudoku",
        "grid",
        "fill a 9x9 grid, each digit once in every row, column and box",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        form,
        draw=draw,
    )
)
