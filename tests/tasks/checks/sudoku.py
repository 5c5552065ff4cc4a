"""An independent judge of Sudoku answers, written from the rules alone."""

from __future__ import annotations

from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    digits = [int(char) for char in answer if char.isdigit()]
    if len(digits) != 81:
        return False
    given = [digit for row in item.meta["board"] for digit in row]
    if any(before and before != after for before, after in zip(given, digits, strict=True)):
        return False
    rows = [set(digits[9 * i : 9 * i + 9]) for i in range(9)]
    columns = [set(digits[i::9]) for i in range(9)]
    boxes = [{digits[27 * (b // 3) + 3 * (b % 3) + 9 * (k // 3) + k % 3] for k in range(9)} for b in range(9)]
    return all(unit == set(range(1, 10)) for unit in rows + columns + boxes)
