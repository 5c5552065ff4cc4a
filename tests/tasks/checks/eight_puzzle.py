"""An independent judge of eight-puzzle answers: moves the blank by row and column."""

from __future__ import annotations

from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    board = {(place // 3, place % 3): tile for place, tile in enumerate(item.meta["board"])}
    row, column = next(cell for cell, tile in board.items() if tile == 0)
    for move in (char for char in answer.upper() if char.isalpha()):
        after = {"U": (row - 1, column), "D": (row + 1, column), "L": (row, column - 1), "R": (row, column + 1)}.get(move)
        if after is None or after not in board:
            return False
        board[row, column], board[after] = board[after], 0
        row, column = after
    return [board[place // 3, place % 3] for place in range(9)] == [1, 2, 3, 4, 5, 6, 7, 8, 0]
