"""An independent judge of Hitori answers, written from the rules alone."""

from __future__ import annotations

import re
from itertools import combinations

from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    numbers = [int(text) for text in re.findall(r"-?\d+", answer)]
    black = list(zip(numbers[::2], numbers[1::2], strict=False))
    board = {(r, c): number for r, row in enumerate(item.meta["board"]) for c, number in enumerate(row)}
    if len(numbers) % 2 or len(set(black)) < len(black) or not set(black) <= set(board):
        return False
    if any(abs(a - c) + abs(b - d) == 1 for (a, b), (c, d) in combinations(black, 2)):
        return False
    white = set(board) - set(black)
    if any(board[one] == board[two] and (one[0] == two[0] or one[1] == two[1]) for one, two in combinations(white, 2)):
        return False
    reached = {min(white)}
    while more := {(r + dr, c + dc) for r, c in reached for dr, dc in ((0, 1), (1, 0), (0, -1), (-1, 0))} & white - reached:
        reached |= more
    return reached == white
