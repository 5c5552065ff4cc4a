"""An independent judge of magic-square answers, written from the rules alone."""

from __future__ import annotations

import re

from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    numbers = [int(token) for token in re.findall(r"[+-]?[0-9]+", answer)]
    if len(numbers) != 9 or len(set(numbers)) != 9 or re.sub(r"[+-]?[0-9]+", "", answer).strip(" \n\t,|[](){}\"';&"):
        return False
    given = [number for row in item.meta["board"] for number in row]
    if any(before is not None and before != after for before, after in zip(given, numbers, strict=True)):
        return False
    rows = [numbers[i : i + 3] for i in (0, 3, 6)]
    lines = rows + [list(line) for line in zip(*rows, strict=True)] + [numbers[0::4], numbers[2:7:2]]
    return len({sum(line) for line in lines}) == 1
