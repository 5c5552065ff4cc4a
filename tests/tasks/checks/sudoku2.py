"""An independent judge of 4x4 Sudoku answers, written from the rules alone."""

from __future__ import annotations

from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    digits = [int(char) for char in answer if char.isdigit()]
    given = [digit for row in item.meta["board"] for digit in row]
    if len(digits) != 16 or any(before and before != after for before, after in zip(given, digits, strict=True)):
        return False
    rows = [set(digits[4 * i : 4 * i + 4]) for i in range(4)]
    columns = [set(digits[i::4]) for i in range(4)]
    boxes = [{digits[corner + step] for step in (0, 1, 4, 5)} for corner in (0, 2, 8, 10)]
    return all(unit == {1, 2, 3, 4} for unit in rows + columns + boxes)
