"""Numbers for the things of a puzzle (people, predicates, kinds) by what is said of them, so that copies of it under other names get the same numbers.

Colour refinement: things are told apart by the facts that they occur in, then by the things that they occur with, and so on; where some are still alike, one of them is set apart
and the rest follows. A copy that the refinement does not see through counts as another puzzle. Two different puzzles never count as one, since what is compared is the whole
puzzle, written down with these numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

Fact = tuple[str, Sequence[tuple[str, int]]]  # what is said, and of which things, each with the part that it plays in it


def renamed(count: int, facts: Sequence[Fact]) -> list[int]:
    """For each of `count` things its number, from 0."""
    numbers = _refined([0] * count, facts)
    while len(set(numbers)) < count:
        alike = min(number for number in numbers if numbers.count(number) > 1)
        one = numbers.index(alike)
        numbers = _refined([2 * number + (number == alike and thing != one) for thing, number in enumerate(numbers)], facts)
    return numbers


def _refined(numbers: list[int], facts: Sequence[Fact]) -> list[int]:
    """Different numbers for things that the facts and these numbers tell apart, in an order that depends on nothing else."""
    while True:
        told: list[list[tuple[str, str, tuple[tuple[str, int], ...]]]] = [[] for _ in numbers]
        for said, of in facts:
            seen = tuple(sorted((part, numbers[thing]) for part, thing in of))
            for part, thing in of:
                told[thing].append((said, part, seen))
        keys = [(number, tuple(sorted(of_it))) for number, of_it in zip(numbers, told, strict=True)]
        ranks = {key: rank for rank, key in enumerate(sorted(set(keys)))}
        before, numbers = numbers, [ranks[key] for key in keys]
        if len(ranks) == len(set(before)):
            return numbers
