"""What the Sudokus of all sizes share. `box` is the side of a box: 3 for the 9x9 grid, 2 for the 4x4."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from thinkwell.tasks.puzzle import RIGHT, Item, Redraw, Refused, Score
from thinkwell.tasks.reading import integer_grid

Grid = list[list[int]]  # 0 for an empty cell


def emptied(rng: random.Random, full: Grid, least: int, most: int, unique: bool, box: int) -> tuple[Grid, int]:
    """The grid with `least` to `most` cells emptied in random order, and how many; unique: a cell only if the board keeps one completion. Raises `Redraw`."""
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
    return board, count


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
    return text(integer_grid(answer, box * box, box * box, compact=True))


def draw(item: Item, box: int) -> str:
    """The board as an SVG picture, 40 pixels a cell."""
    n = box * box
    size, cell = n * 40 + 4, 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" font-family="sans-serif" font-size="22" text-anchor="middle">'
    ]
    parts.append(f'<rect width="{size}" height="{size}" fill="white"/>')
    for i in range(n + 1):
        at, width = 2 + i * cell, 3 if i % box == 0 else 1
        parts.append(f'<path d="M{at} 2V{size - 2}M2 {at}H{size - 2}" stroke="black" stroke-width="{width}"/>')
    for row, digits in enumerate(item.meta["board"]):
        parts += [f'<text x="{22 + cell * column}" y="{30 + cell * row}">{digit}</text>' for column, digit in enumerate(digits) if digit]
    return "".join([*parts, "</svg>"])


def solutions(board: Sequence[Sequence[int]], box: int) -> Iterator[Grid]:
    """All completions, by depth-first search over the emptiest-first cell, with used digits as bit masks."""
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
            bit = free & -free
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


def _units(box: int) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    n = box * box
    for i in range(n):
        yield f"row {i + 1}", [(i, k) for k in range(n)]
        yield f"column {i + 1}", [(k, i) for k in range(n)]
        yield f"box {i + 1}", [(i // box * box + k // box, i % box * box + k % box) for k in range(n)]


def text(grid: Sequence[Sequence[int]], blank: str = "0") -> str:
    return "\n".join(" ".join(str(digit) if digit else blank for digit in row) for row in grid)
