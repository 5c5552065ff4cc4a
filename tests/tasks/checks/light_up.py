"""An independent judge of Light Up answers, written from the rules alone: stretches of free cells between walls hold at most one bulb each."""

from __future__ import annotations

import re

from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    numbers = [int(text) for text in re.findall(r"-?\d+", answer)]
    given = list(zip(numbers[::2], numbers[1::2], strict=False))
    bulbs, board = set(given), item.meta["board"]
    size = len(board)
    if len(numbers) % 2 or len(bulbs) < len(given) or not all(0 <= n < size for n in numbers) or any(board[r][c] != "." for r, c in bulbs):
        return False
    lit = set()
    for lines, turned in ((board, False), (["".join(column) for column in zip(*board, strict=True)], True)):
        for i, line in enumerate(lines):
            for stretch in re.finditer(r"\.+", line):
                cells = {(k, i) if turned else (i, k) for k in range(*stretch.span())}
                if len(cells & bulbs) > 1:
                    return False
                if cells & bulbs:
                    lit |= cells
    free = {(r, c) for r in range(size) for c in range(size) if board[r][c] == "."}
    walls = ((r, c, int(board[r][c])) for r in range(size) for c in range(size) if board[r][c].isdigit())
    return lit == free and all(sum(abs(r - a) + abs(c - b) == 1 for a, b in bulbs) == number for r, c, number in walls)
