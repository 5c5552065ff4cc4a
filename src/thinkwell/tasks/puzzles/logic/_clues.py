"""Clues of zebra puzzles: what they mean, tables that agree with them, and minimal sets of them that leave one table.

n positions, k kinds; an item is its kind times n plus its number. A table is the position of every item, from 0. In the solution that clues are made for, item p of every kind is
at position p.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import permutations

Clue = tuple[str, tuple[int, ...]]  # what is said, and of which items

KINDS_OF_CLUES = ("same", "left", "right", "before", "after", "middle", "between")


def enough_clues(rng: random.Random, n: int, k: int) -> list[Clue]:
    """True clues that leave one table. Each is the next that rules out a table which the earlier ones allow."""
    clues: list[Clue] = []
    while (other := other_table(clues, n, k)) is not None:
        while True:
            clue = _clue(rng, n, k)
            if not holds(clue[0], [other[item] for item in clue[1]], n):
                clues.append(clue)
                break
    return clues


def minimal_clues(rng: random.Random, clues: list[Clue], n: int, k: int) -> list[Clue]:
    """A part of the clues that leaves one table while no smaller part of it does."""
    for clue in rng.sample(clues, len(clues)):
        rest = [other for other in clues if other is not clue]
        if other_table(rest, n, k) is None:
            clues = rest
    return clues


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


def other_table(clues: list[Clue], n: int, k: int) -> list[int] | None:
    """A table that the clues allow, other than the one with item p of every kind at position p."""
    return next((places for places in tables(clues, n, k) if any(place != item % n for item, place in enumerate(places))), None)


def tables(clues: Sequence[Clue], n: int, k: int) -> Iterator[list[int]]:
    """All tables that the clues allow, as positions of the items: propagation over bit masks of positions, then branching on the item with the fewest."""
    waiting = [[(1 << n) - 1] * (n * k)]
    while waiting:
        masks = waiting.pop()
        if not _propagate(masks, clues, n, k):
            continue
        open_items = [item for item, mask in enumerate(masks) if mask & mask - 1]
        if not open_items:
            yield [mask.bit_length() - 1 for mask in masks]
            continue
        item = min(open_items, key=lambda item: masks[item].bit_count())
        for place in range(n):
            if masks[item] >> place & 1:
                waiting.append(masks[:])
                waiting[-1][item] = 1 << place


def _propagate(m: list[int], clues: Sequence[Clue], n: int, k: int) -> bool:
    """Strike out positions in place until nothing changes. False if an item has none left."""
    full = (1 << n) - 1
    before: list[int] = []
    while before != m:
        before = m[:]
        for said, of in clues:
            if said == "same":
                m[of[0]] = m[of[1]] = m[of[0]] & m[of[1]]
            elif said == "middle":
                m[of[0]] &= 1 << n // 2
            elif said == "between":
                a, b, c = of
                m[a] &= (m[b] << 1 & m[c] >> 1) | (m[c] << 1 & m[b] >> 1)
                m[b] &= (m[a] >> 1 & m[c] >> 2) | (m[a] << 1 & m[c] << 2)
                m[c] &= (m[a] >> 1 & m[b] >> 2) | (m[a] << 1 & m[b] << 2)
            else:
                a, b = of if said in ("left", "before") else of[::-1]  # a stands left of b
                if said in ("left", "right"):
                    m[b] &= m[a] << 1
                    m[a] &= m[b] >> 1
                else:
                    m[b] &= full & ~((m[a] & -m[a]) * 2 - 1)
                    m[a] &= (1 << max(m[b].bit_length() - 1, 0)) - 1
        for start in range(0, n * k, n):
            once = twice = 0
            for item in range(start, start + n):
                mask = m[item]
                if not mask:
                    return False
                twice |= once & mask
                once |= mask
                if not mask & mask - 1:
                    for rival in range(start, start + n):
                        if rival != item:
                            m[rival] &= ~mask
            if once != full:
                return False
            for item in range(start, start + n):  # a position that only one item can take
                if alone := m[item] & ~twice:
                    m[item] = alone
    return all(m)


def canonical(clues: Sequence[Clue], n: int, k: int) -> str:
    """The clues without names, in the order of kinds and the direction of reading that come first. Items are named by their positions in the solution."""
    plain = [
        ("left" if said == "right" else "before" if said == "after" else said, of[::-1] if said in ("right", "after") else of)
        for said, of in clues
    ]
    best: list[tuple[str, list[int]]] | None = None
    for order in permutations(range(k)):
        for mirrored in (False, True):
            form = []
            for said, of in plain:
                named = [order[item // n] * n + (n - 1 - item % n if mirrored else item % n) for item in of]
                if said == "same":
                    named.sort()
                elif said == "between":
                    named[1:] = sorted(named[1:])
                elif mirrored and len(named) == 2:
                    named.reverse()
                form.append((said, named))
            form.sort()
            best = form if best is None else min(best, form)
    return "; ".join(f"{said} {' '.join(map(str, named))}" for said, named in best or [])
