"""An independent judge of star-battle answers, written from the rules alone."""

from __future__ import annotations

from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    board = item.meta["board"]
    n = len(board)
    if any(char not in ".X* \n,|[](){}\"';&`\t" for char in answer):
        return False
    cells = [char for char in answer if char in ".X*"]
    stars = [divmod(i, n) for i, cell in enumerate(cells) if cell == "*"]
    if len(cells) != n * n or [cell == "X" for cell in cells] != [cell == "X" for cell in "".join(board)]:
        return False
    alone = all(a == b or max(abs(a[0] - b[0]), abs(a[1] - b[1])) > 1 for a in stars for b in stars)
    return alone and sorted(row for row, _ in stars) == sorted(column for _, column in stars) == list(range(n))
