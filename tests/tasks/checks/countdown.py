"""An independent judge of countdown answers: Python's own parser, its tree walked (never evaluated) with exact fractions."""

from __future__ import annotations

import ast
from fractions import Fraction

from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    used: list[int] = []

    def value(node: ast.AST) -> Fraction:
        if isinstance(node, ast.Constant) and type(node.value) is int:
            used.append(node.value)
            return Fraction(node.value)
        if not isinstance(node, ast.BinOp):
            raise ValueError
        left, right = value(node.left), value(node.right)
        kind = type(node.op)
        result = {ast.Add: left + right, ast.Sub: left - right, ast.Mult: left * right, ast.Div: left / right if right else Fraction(-1)}[
            kind
        ]
        if result <= 0 or result.denominator != 1:
            raise ValueError
        return result

    try:
        reached = value(ast.parse(" ".join(answer.split()), mode="eval").body)
    except (SyntaxError, ValueError, KeyError):
        return False
    return reached == item.meta["target"] and sorted(used) == sorted(item.meta["numbers"])
