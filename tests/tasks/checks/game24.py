"""An independent judge of game-of-24 answers: Python's own parser, its tree walked (never evaluated); whether nothing works, from all ways to split the numbers."""

from __future__ import annotations

import ast
import re
from fractions import Fraction
from functools import cache
from itertools import combinations

from thinkwell.tasks.puzzle import Item


@cache
def values(numbers: tuple[int, ...]) -> frozenset[Fraction]:
    """All that these numbers, each used once, can make."""
    if len(numbers) == 1:
        return frozenset([Fraction(numbers[0])])
    found: set[Fraction] = set()
    for size in range(1, len(numbers)):
        for places in combinations(range(len(numbers)), size):
            left = values(tuple(numbers[i] for i in places))
            right = values(tuple(number for i, number in enumerate(numbers) if i not in places))
            for a in left:
                for b in right:
                    found |= {a + b, a - b, a * b} | ({a / b} if b else set())
    return frozenset(found)


def check(answer: str, item: Item) -> bool:
    target, used = item.meta["target"], []
    if re.sub(r"[\W_]+", " ", answer).strip().lower() == f"cannot make {target}":
        return target not in values(tuple(sorted(item.meta["numbers"])))  # seconds for five numbers, very long for six

    def value(node: ast.AST) -> Fraction:
        if isinstance(node, ast.Constant) and type(node.value) is int:
            used.append(node.value)
            return Fraction(node.value)
        if not isinstance(node, ast.BinOp):
            raise ValueError
        left, right = value(node.left), value(node.right)
        if isinstance(node.op, ast.Div):
            return left / right
        return {ast.Add: left + right, ast.Sub: left - right, ast.Mult: left * right}[type(node.op)]

    try:
        reached = value(ast.parse(" ".join(answer.split()), mode="eval").body)
    except (SyntaxError, ValueError, KeyError, ZeroDivisionError):
        return False
    return reached == target and sorted(used) == sorted(item.meta["numbers"])
