"""An independent judge of sliding boards: moves the blank by row and column; that there is no solution is checked by the parity of the whole permutation."""

from __future__ import annotations

import re

from thinkwell.tasks.puzzle import Item


def even(values: list[int]) -> bool:
    """Is the permutation even? By its cycles."""
    seen: set[int] = set()
    cycles = 0
    for value in values:
        cycles += value not in seen
        while value not in seen:
            seen.add(value)
            value = values[value]
    return (len(values) - cycles) % 2 == 0


def check(answer: str, item: Item, width: int = 4) -> bool:
    board = {(place // width, place % width): tile for place, tile in enumerate(item.meta["board"])}
    row, column = next(cell for cell, tile in board.items() if tile == 0)
    if re.sub(r"[\W_]+", " ", answer).strip().lower() == "no solution":
        # every move swaps the blank with a tile and moves it by one step: the parity of both together never changes
        return even([(tile or width * width) - 1 for tile in board.values()]) is not ((2 * width - 2 - row - column) % 2 == 0)
    for move in (char for char in answer.upper() if char.isalpha()):
        after = {"U": (row - 1, column), "D": (row + 1, column), "L": (row, column - 1), "R": (row, column + 1)}.get(move)
        if after is None or after not in board:
            return False
        board[row, column], board[after] = board[after], 0
        row, column = after
    return list(board.values()) == [*range(1, width * width), 0]
