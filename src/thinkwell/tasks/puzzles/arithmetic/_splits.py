"""What some numbers, each used once, can make with + - * / and brackets: by all ways to split them in two, and the parts again.

Fractions are pairs of integers, which are some ten times faster than `Fraction`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from math import gcd

Value = tuple[int, int]  # a fraction in lowest terms, denominator above 0
SMALL = 3  # numbers whose results are kept in a table


def expression(numbers: Sequence[int], target: int) -> str | None:
    """An expression of the target from all numbers, None if there is none."""
    found = _Splits(numbers).reach((1 << len(numbers)) - 1, (target, 1))
    return found[1:-1] if found and found[0] == "(" else found


def lowest(numerator: int, denominator: int) -> Value:
    """The fraction as a value."""
    divisor = gcd(numerator, denominator)
    if denominator < 0:
        divisor = -divisor
    return numerator // divisor, denominator // divisor


class _Splits:
    """What sets of the numbers, as bit masks, can make: up to three numbers forwards, from a table; more backwards, from the value that is wanted."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self.numbers = numbers
        self.tables: dict[int, dict[Value, str]] = {1 << place: {(number, 1): str(number)} for place, number in enumerate(numbers)}
        self.failed: set[tuple[int, Value]] = set()

    def table(self, mask: int) -> dict[Value, str]:
        """Every value of a small set, with an expression of it, in brackets if it has an operator."""
        if mask not in self.tables:
            found: dict[Value, str] = {}
            for part, rest in _halves(mask):
                for a, first in self.table(part).items():
                    for b, second in self.table(rest).items():
                        for value, operator, turned in _joined(a, b):
                            if value not in found:
                                found[value] = f"({second} {operator} {first})" if turned else f"({first} {operator} {second})"
            self.tables[mask] = found
        return self.tables[mask]

    def reach(self, mask: int, wanted: Value) -> str | None:
        """For each split, what the smaller part makes says what the larger must be."""
        if mask.bit_count() <= SMALL:
            return self.table(mask).get(wanted)
        if (mask, wanted) in self.failed:
            return None
        for part, rest in _halves(mask):
            for value, one in self.table(part).items():
                if value[0] == wanted[0] == 0:  # 0 times whatever the rest is
                    return f"({one} * ({' + '.join(str(number) for place, number in enumerate(self.numbers) if rest >> place & 1)}))"
                for needed, operator, turned in _needed(value, wanted):
                    other = self.reach(rest, needed)
                    if other is not None:
                        return f"({other} {operator} {one})" if turned else f"({one} {operator} {other})"
        self.failed.add((mask, wanted))
        return None


@cache
def _halves(mask: int) -> list[tuple[int, int]]:
    """Each way to split a set in two, the first no larger than the second and at most `SMALL`; even splits, which are decided fastest, first."""
    found = []
    part = (mask - 1) & mask
    while part:
        rest = mask ^ part
        if (part.bit_count(), part) < (rest.bit_count(), rest):
            found.append((part, rest))
        part = (part - 1) & mask
    return sorted(found, key=lambda split: -split[0].bit_count())


def _joined(a: Value, b: Value) -> Iterator[tuple[Value, str, bool]]:
    """(result, operator, whether b stands on the left) of every operation with both."""
    (p, q), (r, s) = a, b
    yield lowest(p * s + r * q, q * s), "+", False
    yield lowest(p * s - r * q, q * s), "-", False
    yield lowest(r * q - p * s, q * s), "-", True
    yield lowest(p * r, q * s), "*", False
    if r:
        yield lowest(p * s, q * r), "/", False
    if p:
        yield lowest(r * q, s * p), "/", True


def _needed(a: Value, wanted: Value) -> Iterator[tuple[Value, str, bool]]:
    """(b, operator, whether b stands on the left) of every operation with a whose result is the value that is wanted."""
    (p, q), (r, s) = a, wanted
    yield lowest(r * q - p * s, q * s), "+", False
    yield lowest(p * s - r * q, q * s), "-", False
    yield lowest(r * q + p * s, q * s), "-", True
    if p:
        yield lowest(r * q, s * p), "*", False
        yield lowest(r * p, s * q), "/", True
        if r:
            yield lowest(p * s, q * r), "/", False
