"""Clues of zebra puzzles: what they mean, tables that agree with them, and minimal sets of them that leave one table.

n positions, k kinds; an item is its kind times n plus its number. A table is the position of every item, from 0. In the solution that clues are made for, item p of every kind is
at position p.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import combinations

from thinkwell.tasks.puzzles.logic._renaming import renamed

Clue = tuple[str, tuple[int, ...]]  # what is said, and of which items

KINDS_OF_CLUES = ("same", "left", "right", "before", "after", "middle", "between")


def enough_clues(rng: random.Random, n: int, k: int) -> list[Clue]:
    """True clues that leave one table. Each is the next that rules out a table which the earlier ones allow: one near the solution as long as there is any."""
    clues: list[Clue] = []
    near = _near(n, k)
    rng.shuffle(near)
    while other := near[0] if near else other_table(clues, n, k):
        clue = _clue(rng, n, k)
        while _allows(clue, other, n):
            clue = _clue(rng, n, k)
        clues.append(clue)
        near = [table for table in near if _allows(clue, table, n)]
    return clues


def minimal_clues(rng: random.Random, clues: Sequence[Clue], n: int, k: int) -> list[Clue]:
    """A part of the clues that leaves one table while no smaller part of it does."""
    kept = set(range(len(clues)))
    against = [{number for number, clue in enumerate(clues) if not _allows(clue, table, n)} for table in _near(n, k)]
    for number in rng.sample(range(len(clues)), len(clues)):
        if any(numbers & kept == {number} for numbers in against):
            continue  # nothing else rules that table out
        rest = kept - {number}
        if other_table([clues[other] for other in sorted(rest)], n, k) is None:
            kept = rest
    return [clues[number] for number in sorted(kept)]


def _near(n: int, k: int) -> list[list[int]]:
    """The solution with two items of a kind in each other's place: tables that are found without a search."""
    found = []
    for kind in range(k):
        for one, other in combinations(range(kind * n, kind * n + n), 2):
            table = [item % n for item in range(n * k)]
            table[one], table[other] = table[other], table[one]
            found.append(table)
    return found


def _allows(clue: Clue, table: Sequence[int], n: int) -> bool:
    said, of = clue
    return holds(said, [table[item] for item in of], n)


def _clue(rng: random.Random, n: int, k: int) -> Clue:
    """A random true clue; each kind of clue is equally likely."""
    said = rng.choice([said for said in KINDS_OF_CLUES if (said != "middle" or n % 2) and (said != "between" or n > 2)])
    if said == "middle":
        return said, (rng.randrange(k) * n + n // 2,)
    if said == "same":
        position = rng.randrange(n)
        first, second = rng.sample(range(k), 2)
        return said, (first * n + position, second * n + position)
    if said == "between":
        position, side = rng.randrange(1, n - 1), rng.choice((-1, 1))
        places: tuple[int, ...] = (position, position - side, position + side)
    elif said in ("left", "right"):
        position = rng.randrange(n - 1)
        places = (position, position + 1) if said == "left" else (position + 1, position)
    else:
        low, high = sorted(rng.sample(range(n), 2))
        places = (low, high) if said == "before" else (high, low)
    return said, tuple(rng.randrange(k) * n + place for place in places)


def holds(said: str, at: Sequence[int], n: int) -> bool:
    """Is the clue true of items at these positions?"""
    if said == "middle":
        return at[0] == n // 2
    if said == "between":
        return {at[1], at[2]} == {at[0] - 1, at[0] + 1}
    a, b = at
    return {"same": a == b, "left": a + 1 == b, "right": a == b + 1, "before": a < b, "after": a > b}[said]


def other_table(clues: Sequence[Clue], n: int, k: int) -> list[int] | None:
    """A table that the clues allow, other than the one with item p of every kind at position p."""
    return next((places for places in tables(clues, n, k) if any(place != item % n for item, place in enumerate(places))), None)


def tables(clues: Sequence[Clue], n: int, k: int) -> Iterator[list[int]]:
    """All tables that the clues allow, as positions of the items: propagation over bit masks of positions, then branching on the item with the fewest."""
    start = [(1 << n) - 1] * (n * k)
    for said, of in clues:
        if said == "middle":
            start[of[0]] = 1 << n // 2
    same, directly, somewhere, between = (
        [of[::-1] if said in ("right", "after") else of for said, of in clues if said in wanted]
        for wanted in (("same",), ("left", "right"), ("before", "after"), ("between",))
    )
    waiting = [start]
    while waiting:
        masks = waiting.pop()
        if not _propagate(masks, same, directly, somewhere, between, n):
            continue
        open_items = [item for item, mask in enumerate(masks) if mask & mask - 1]
        if not open_items:
            yield [mask.bit_length() - 1 for mask in masks]
            continue
        item = min(open_items, key=lambda item: masks[item].bit_count())
        own = item % n  # tried last: what is wanted is mostly another table than that of the solution
        for place in (own, *(place for place in range(n) if place != own)):
            if masks[item] >> place & 1:
                waiting.append(masks[:])
                waiting[-1][item] = 1 << place


Pairs = Sequence[tuple[int, ...]]


def _propagate(m: list[int], same: Pairs, directly: Pairs, somewhere: Pairs, between: Pairs, n: int) -> bool:
    """Strike out positions in place until nothing changes. False if an item has none left. directly, somewhere: the first item left of the second."""
    full = (1 << n) - 1
    before: list[int] = []
    while before != m:
        before = m[:]
        for a, b in same:
            m[a] = m[b] = m[a] & m[b]
        for a, b in directly:
            m[b] &= m[a] << 1
            m[a] &= m[b] >> 1
        for a, b in somewhere:
            m[b] &= full & ~((m[a] & -m[a]) * 2 - 1)
            m[a] &= (1 << max(m[b].bit_length() - 1, 0)) - 1
        for a, b, c in between:
            m[a] &= (m[b] << 1 & m[c] >> 1) | (m[c] << 1 & m[b] >> 1)
            m[b] &= (m[a] >> 1 & m[c] >> 2) | (m[a] << 1 & m[c] << 2)
            m[c] &= (m[a] >> 1 & m[b] >> 2) | (m[a] << 1 & m[b] << 2)
        for start in range(0, len(m), n):
            once = twice = fixed = 0
            for mask in m[start : start + n]:
                twice |= once & mask
                once |= mask
                if not mask & mask - 1:
                    if not mask or mask & fixed:
                        return False
                    fixed |= mask
            if once != full:
                return False
            for item in range(start, start + n):
                if alone := m[item] & ~twice:  # a position that only this item can take
                    m[item] = alone
                elif m[item] & m[item] - 1:
                    m[item] &= ~fixed
    return all(m)


def canonical(clues: Sequence[Clue], n: int, k: int) -> str:
    """The clues without names: items by their positions in the solution, kinds numbered by what is said of them, read from the end that gives the smaller text."""
    return min(_written(clues, n, k, mirrored) for mirrored in (False, True))


def _written(clues: Sequence[Clue], n: int, k: int, mirrored: bool) -> str:
    told = []
    for said, of in clues:
        kinds = [(str(n - 1 - item % n if mirrored else item % n), item // n) for item in of]
        if said in ("left", "right", "before", "after") and (said in ("right", "after")) is not mirrored:
            kinds.reverse()  # all of them as "left" and "before"
        told.append(({"right": "left", "after": "before"}.get(said, said), kinds))
    numbers = renamed(k, told)
    written = []
    for said, kinds in told:
        items = [f"{numbers[kind]}.{place}" for place, kind in kinds]
        written.append(
            " ".join([said, *(sorted(items) if said == "same" else [items[0], *sorted(items[1:])] if said == "between" else items)])
        )
    return "; ".join(sorted(written))
