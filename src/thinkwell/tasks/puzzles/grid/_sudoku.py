"""What the Sudokus of all sizes share. `box` is the side of a box: 3 for the 9x9 grid, 2 for the 4x4."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import cache

from thinkwell.tasks.puzzle import RIGHT, Item, Redraw, Refused, Score
from thinkwell.tasks.puzzles._cells import PIXELS, copies, grid_text, mark, picture
from thinkwell.tasks.reading import Cell, integer_grid

Grid = list[list[int]]  # 0 for an empty cell


def promise(unique: bool) -> str:
    """What the prompt says of the number of completions."""
    return "It has exactly one solution." if unique else "Every completion that keeps the rules counts."


def full_grid(rng: random.Random, box: int) -> Grid:
    """A full grid: random digits in the boxes of the diagonal, which do not bind each other, then a random completion. Any grid can come, though not all equally often."""
    n = box * box
    board = [[0] * n for _ in range(n)]
    for corner in range(0, n, box):
        for place, digit in enumerate(rng.sample(range(1, n + 1), n)):
            board[corner + place // box][corner + place % box] = digit
    return next(solutions(board, box, rng))


def emptied(rng: random.Random, full: Grid, least: int, most: int, unique: bool, box: int) -> Grid:
    """The grid with `least` to `most` cells emptied in random order; unique: a cell only if the board keeps one completion. Raises `Redraw` if too few could be."""
    n = box * box
    board = [row[:] for row in full]
    holes = rng.randint(least, most)
    count = 0
    for cell in rng.sample(range(n * n), n * n):
        if count == holes:
            break
        row, column = divmod(cell, n)
        digit, board[row][column] = board[row][column], 0
        if unique and has_other(board, row, column, digit, box):
            board[row][column] = digit
        else:
            count += 1
    if count < least:
        raise Redraw
    return board


def verify(answer: str, item: Item, box: int) -> Score:
    """Givens kept, all units right; the first that is broken is named."""
    n = box * box
    grid = integer_grid(answer, n, n, compact=True)
    for row, (given, filled) in enumerate(zip(item.meta["board"], grid, strict=True), 1):
        for column, (before, after) in enumerate(zip(given, filled, strict=True), 1):
            if not 1 <= after <= n:
                raise Refused(f"row {row}, column {column} holds {after}, which is not 1 to {n}")
            if before and before != after:
                raise Refused(f"row {row}, column {column} was given as {before} and is now {after}")
    for name, cells in _units(box):
        digits = [grid[row][column] for row, column in cells]
        if len(set(digits)) < n:
            twice = next(digit for digit in digits if digits.count(digit) > 1)
            raise Refused(f"{name} holds {twice} more than once")
    return RIGHT


def form(answer: str, box: int) -> str:
    return grid_text(integer_grid(answer, box * box, box * box, compact=True))


def shown(board: Grid) -> str:
    """The board as the prompt shows it."""
    return grid_text([digit or "." for digit in row] for row in board)


def canonical(board: Grid) -> str:
    """The smallest of the board's eight images, digits named in the order in which they appear."""
    images = []
    for image in map(grid_text, copies(board)):
        order = [char for char in dict.fromkeys(image) if char in "123456789"]
        images.append(image.translate({ord(digit): str(name) for name, digit in enumerate(order, 1)}))
    return min(images)


def draw(item: Item, box: int) -> str:
    """The board as an SVG picture, 40 pixels a cell; boxes have thick edges."""
    board = item.meta["board"]
    n = box * box
    side, edges = PIXELS * n, range(2, PIXELS * n + 3, PIXELS * box)
    thick = "".join(f"M{at} 2v{side}M2 {at}h{side}" for at in edges)
    digits = [mark(row, column, digit) for row, line in enumerate(board) for column, digit in enumerate(line) if digit]
    return picture(n, n, [*digits, f'<path d="{thick}" stroke="black" stroke-width="3"/>'])


def solutions(board: Sequence[Sequence[int]], box: int, rng: random.Random | None = None) -> Iterator[Grid]:
    """All completions, depth first: always the cell with the fewest candidates, and of these the smallest (with `rng` any) first. Digits are bits."""
    n = box * box
    full = (1 << n) - 1
    rows, columns, boxes = [0] * n, [0] * n, [0] * n
    grid = [list(row) for row in board]
    empty = []
    for cell in range(n * n):
        row, column = divmod(cell, n)
        if grid[row][column]:
            bit = 1 << grid[row][column] - 1
            rows[row] |= bit
            columns[column] |= bit
            boxes[row // box * box + column // box] |= bit
        else:
            empty.append((row, column, row // box * box + column // box))

    def search() -> Iterator[Grid]:
        if not empty:
            yield [row[:] for row in grid]
            return
        best, free, fewest = 0, 0, n + 1
        for place, (row, column, unit) in enumerate(empty):
            candidates = full & ~(rows[row] | columns[column] | boxes[unit])
            count = candidates.bit_count()
            if count < fewest:
                best, free, fewest = place, candidates, count
                if count <= 1:
                    break
        empty[best], empty[-1] = empty[-1], empty[best]
        row, column, unit = empty.pop()
        while free:
            bit = free & -free if rng is None else 1 << rng.choice([digit for digit in range(n) if free >> digit & 1])
            free ^= bit
            rows[row] ^= bit
            columns[column] ^= bit
            boxes[unit] ^= bit
            grid[row][column] = bit.bit_length()
            yield from search()
            rows[row] ^= bit
            columns[column] ^= bit
            boxes[unit] ^= bit
        grid[row][column] = 0
        empty.append((row, column, unit))
        empty[best], empty[-1] = empty[-1], empty[best]

    return search()


def has_other(board: Grid, row: int, column: int, digit: int, box: int) -> bool:
    """Does a completion exist with another digit in this cell? (The board was unique before it was emptied.)"""
    seen = {*board[row], *(line[column] for line in board)}
    top, left = row // box * box, column // box * box
    seen |= {board[r][c] for r in range(top, top + box) for c in range(left, left + box)}
    for other in range(1, box * box + 1):
        if other != digit and other not in seen:
            board[row][column] = other
            found = next(solutions(board, box), None) is not None
            board[row][column] = 0
            if found:
                return True
    return False


@cache
def _units(box: int) -> list[tuple[str, list[Cell]]]:
    """Rows, columns and boxes with their names; boxes are counted row by row."""
    n = box * box
    units = []
    for i in range(n):
        units.append((f"row {i + 1}", [(i, k) for k in range(n)]))
        units.append((f"column {i + 1}", [(k, i) for k in range(n)]))
        units.append((f"box {i + 1}", [(i // box * box + k // box, i % box * box + k % box) for k in range(n)]))
    return units
