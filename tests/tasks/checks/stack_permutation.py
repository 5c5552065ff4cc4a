"""An independent judge of stack permutations: replays the words, and tries every order of pushes and pops where it is said that none will do."""

from __future__ import annotations

import re
from functools import cache

from thinkwell.tasks.puzzle import Item


def reachable(numbers: tuple[int, ...], target: tuple[int, ...]) -> bool:
    @cache
    def search(arrived: int, stack: tuple[int, ...], left: int) -> bool:
        if left == len(target):
            return True
        pop = bool(stack) and stack[-1] == target[left] and search(arrived, stack[:-1], left + 1)
        return pop or (arrived < len(numbers) and search(arrived + 1, (*stack, numbers[arrived]), left))

    return search(0, (), 0)


def check(answer: str, item: Item) -> bool:
    numbers, target = tuple(item.meta["numbers"]), tuple(item.meta["target"])
    if re.sub(r"[\W_]+", " ", answer).strip().lower() == "not a valid stack permutation":
        return not reachable(numbers, target)
    coming, stack, left = list(numbers), [], []
    for word, number in re.findall(r"(push|pop)\s*\(\s*(\d*)\s*\)", answer.lower()):
        if word == "push":
            if not coming or coming.pop(0) != int(number or -1):
                return False
            stack.append(int(number))
        elif not stack or number:
            return False
        else:
            left.append(stack.pop())
    return tuple(left) == target
