"""An independent judge of Kakurasu answers, written from the rules alone."""

from __future__ import annotations

import re

from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    numbers = [int(text) for text in re.findall(r"-?\d+", answer)]
    black = list(zip(numbers[::2], numbers[1::2], strict=False))
    size = len(item.meta["rows"])
    if len(numbers) % 2 or len(set(black)) < len(black) or not all(1 <= number <= size for number in numbers):
        return False
    rows, columns = [0] * size, [0] * size
    for row, column in black:
        rows[row - 1] += column
        columns[column - 1] += row
    return rows == item.meta["rows"] and columns == item.meta["columns"]
