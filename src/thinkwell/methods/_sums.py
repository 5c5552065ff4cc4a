"""Calculations that a text states, done again: an executor that needs no program."""

from __future__ import annotations

import re

MOST = 200  # calculations of one text; the rest is not read
_NUMBER = r"\d{1,9}"
# Exactly two whole numbers and a result. Not a part of something longer: no digit, point, letter or operator touches it from either side.
_SUM = re.compile(
    rf"(?<![\w.,^/\\])(?<![-+*/^(×÷] )(?<![-+*/^(×÷])({_NUMBER}) ?([-+*/×÷]) ?({_NUMBER}) ?= ?({_NUMBER})(?![\w^\\]| ?[-+*/×÷]|[.,/]\d)",
    re.ASCII,
)


def wrong_sums(text: str) -> list[str] | None:
    """The calculations of `text` whose result is wrong, put right ("5 + 7 = 12"), each once; None where it states none that can be done in whole numbers."""
    read = False
    wrong: dict[str, None] = {}
    for found in _SUM.finditer(text):
        if len(wrong) >= MOST:
            break
        left, op, right, value = int(found[1]), found[2], int(found[3]), int(found[4])
        if op in "/÷" and (right == 0 or left % right):
            continue  # no whole number: rounding is not called wrong
        result = {"+": left + right, "-": left - right, "*": left * right, "×": left * right}.get(op)
        result = left // right if result is None else result
        read = True
        if result != value:
            wrong[f"{left} {op} {right} = {result}"] = None
    return list(wrong) if read else None
