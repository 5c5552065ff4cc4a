"""An independent judge of boards that are sorted by shifting rows and columns: with lists of rows, one cell at a time."""

from __future__ import annotations

import re

from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item, width: int = 3) -> bool:
    board = item.meta["board"]
    rows = [board[width * i : width * (i + 1)] for i in range(width)]
    if re.sub(r"[\W_]+", " ", answer).strip().lower() == "no solution":
        # a shift of three is two swaps: an odd number of inversions stays odd
        return width == 3 and sum(a > b for i, a in enumerate(board) for b in board[i:]) % 2 == 1
    for kind, line, by in re.findall(r"([A-Z])(\d)(\d)", answer.upper()):
        if kind not in "RC" or not 1 <= int(line) <= width or not 1 <= int(by) < width:
            return False
        for _ in range(int(by)):
            if kind == "C":
                rows = [list(column) for column in zip(*rows, strict=True)]
            rows[int(line) - 1].append(rows[int(line) - 1].pop(0))
            if kind == "C":
                rows = [list(column) for column in zip(*rows, strict=True)]
    return [tile for row in rows for tile in row] == list(range(1, width * width + 1))
