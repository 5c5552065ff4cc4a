"""What puzzles on a board of cells share: cells in answers, copies under symmetry, pictures. A cell is (row, column)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from thinkwell.tasks.reading import Cell, Refused, pairs

PIXELS = 40  # side of a cell in a picture


def read_cells(answer: str, rows: int, columns: int, first: int = 0) -> set[Cell]:
    """The cells of an answer, counted from 0 whatever `first` (the number of the first row and column) is; each must be on the board and may be given once."""
    found = set()
    for row, column in pairs(answer, distinct=True):
        if not (first <= row < rows + first and first <= column < columns + first):
            raise Refused(f"({row},{column}) is not on the board")
        found.add((row - first, column - first))
    return found


def written(cells: Iterable[Cell], first: int = 0) -> str:
    """Cells as an answer shows them, in order: (0,1), (2,3)."""
    return ", ".join(f"({row + first},{column + first})" for row, column in sorted(cells)) or "none"


def cells_form(answer: str) -> str:
    """The same cells give the same text, in whatever order they were given."""
    return written(pairs(answer, distinct=True))


def neighbour_masks(size: int) -> list[int]:
    """Of each cell of a square board, row by row, the cells that share a side with it, as bits."""
    masks = []
    for row in range(size):
        for column in range(size):
            near = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
            masks.append(sum(1 << r * size + c for r, c in near if 0 <= r < size and 0 <= c < size))
    return masks


def copies(grid: Sequence[Sequence[object]]) -> list[list[tuple[object, ...]]]:
    """The grid turned and mirrored, eight copies with itself."""
    found = []
    turned = [tuple(row) for row in grid]
    for _ in range(4):
        turned = list(zip(*turned[::-1], strict=True))
        found += [turned, turned[::-1]]
    return found


def grid_text(grid: Iterable[Iterable[object]]) -> str:
    return "\n".join(" ".join(map(str, row)) for row in grid)


def least_copy(grid: Sequence[Sequence[object]]) -> str:
    """One text for all eight copies."""
    return min(grid_text(copy) for copy in copies(grid))


def picture(rows: int, columns: int, inside: Iterable[str], *, left: int = 0, top: int = 0, after: int = 0) -> str:
    """A board as an SVG picture, 40 pixels a cell: `inside` on white, lines above it.

    left, top, after: pixels kept free at the left, above, and both below and at the right of the board, which begins at (2 + left, 2 + top).
    """
    width, height = columns * PIXELS + 4 + left + after, rows * PIXELS + 4 + top + after
    x, y = left + 2, top + 2
    lines = "".join(f"M{x} {y + PIXELS * i}h{columns * PIXELS}" for i in range(rows + 1))
    lines += "".join(f"M{x + PIXELS * i} {y}v{rows * PIXELS}" for i in range(columns + 1))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="20" text-anchor="middle">'
        f'<rect width="{width}" height="{height}" fill="white"/>{"".join(inside)}<path d="{lines}" stroke="black" fill="none"/></svg>'
    )


def square(row: int, column: int, colour: str, *, left: int = 0, top: int = 0) -> str:
    """A filled cell of a picture."""
    return f'<rect x="{2 + left + PIXELS * column}" y="{2 + top + PIXELS * row}" width="{PIXELS}" height="{PIXELS}" fill="{colour}"/>'


def mark(row: int, column: int, text: object, colour: str = "black", *, left: int = 0, top: int = 0) -> str:
    """A text in the middle of a cell of a picture."""
    return f'<text x="{22 + left + PIXELS * column}" y="{29 + top + PIXELS * row}" fill="{colour}">{text}</text>'
