"""An independent judge of skyscraper answers, written from the rules alone."""

from __future__ import annotations

from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    return fits(answer, item, total=False)


def fits(answer: str, item: Item, total: bool) -> bool:
    """total: clues are the sums of the heights that are seen, not their number."""
    n = item.meta["size"]
    if any(char not in "0123456789 \n,|[](){}\"';&`\t" for char in answer):
        return False
    cells = [int(char) for char in answer if char.isdigit()]
    if len(cells) != n * n:
        return False
    rows, columns = [cells[n * i : n * i + n] for i in range(n)], [cells[i::n] for i in range(n)]
    if any(sorted(line) != list(range(1, n + 1)) for line in rows + columns):
        return False
    looks = {"left": rows, "top": columns, "right": [row[::-1] for row in rows], "bottom": [column[::-1] for column in columns]}
    for side, lines in looks.items():
        for wanted, line in zip(item.meta[side], lines, strict=True):
            visible = [height for i, height in enumerate(line) if all(before < height for before in line[:i])]
            if (sum(visible) if total else len(visible)) != wanted:
                return False
    return True
