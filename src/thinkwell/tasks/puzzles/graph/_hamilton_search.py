"""Exact search for a Hamiltonian cycle or path: depth first, with what every vertex that is left still needs. Vertices are 0 to n - 1, sets of them bit masks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from thinkwell.tasks.puzzle import Redraw

Edge = tuple[int, int]  # the lower vertex first


def find(n: int, edges: Sequence[Edge], closed: bool, limit: int | None = None) -> list[int] | None:
    """A cycle (closed) or path through all vertices, None if there is none. Raises `Redraw` after `limit` nodes of the search.

    A path is a cycle through one more vertex that is everybody's neighbour. Graphs that fall into more than k parts without some k <= 3 vertices are seen at once.
    """
    near = neighbours(n, edges)
    if closed:
        return _cycle(near, (), limit)
    found = _cycle([mask | 1 << n for mask in near] + [(1 << n) - 1], (n,), limit)
    return None if found is None else found[found.index(n) + 1 :] + found[: found.index(n)]


def neighbours(n: int, edges: Sequence[Edge]) -> list[int]:
    """A bit mask for each vertex."""
    masks = [0] * n
    for u, v in edges:
        masks[u] |= 1 << v
        masks[v] |= 1 << u
    return masks


def _cycle(near: list[int], hub: tuple[int, ...], limit: int | None) -> list[int] | None:
    """hub: the vertex that is everybody's neighbour, if there is one; only together with it can others be cut out."""
    n = len(near)
    full = (1 << n) - 1
    if min(mask.bit_count() for mask in near) < 2 or any(
        _parts(near, full & ~sum(1 << v for v in (*waist, *hub))) > max(k + len(hub), 1)
        for k in range(4)
        for waist in combinations(range(n - len(hub)), k)
    ):
        return None
    start = min(range(n), key=lambda v: near[v].bit_count())
    path, failed, nodes = [start], set(), 0

    def search(end: int, left: int) -> bool:
        """Can the path be led on from its end through all vertices that are left and home?"""
        nonlocal nodes
        nodes += 1
        if limit is not None and nodes > limit:
            raise Redraw
        if not left:
            return bool(near[end] >> start & 1)
        if (end, left) in failed:
            return False
        usable = left | 1 << end | 1 << start
        choices, rest = [], left
        once = twice = thrice = 0  # vertices that so many others need, having two ways only
        while rest:
            bit = rest & -rest
            rest ^= bit
            v = bit.bit_length() - 1
            mask = near[v] & usable
            ways = mask.bit_count()
            if ways < 2:
                break
            if ways == 2:
                once, twice, thrice = once | mask, twice | once & mask, thrice | twice & mask
            if near[v] >> end & 1:
                choices.append((ways, v))
        else:
            for v in {end, start}:  # they need one more edge each, the only vertex needs two
                mask = near[v] & left
                if mask.bit_count() == (2 if end == start else 1) and left & left - 1:
                    once, twice, thrice = once | mask, twice | once & mask, thrice | twice & mask
            short = thrice if end == start else thrice | twice & (1 << end | 1 << start)
            if not short and near[start] & left and _reach(near, left, near[end] & left) == left:
                for ways, v in sorted(choices):
                    if end != start and once >> end & 1 and ways > 2:
                        break  # a vertex with only two ways, one of them from here, must come now
                    path.append(v)
                    if search(v, left & ~(1 << v)):
                        return True
                    path.pop()
        failed.add((end, left))
        return False

    return path if search(start, full & ~(1 << start)) else None


def _reach(near: list[int], inside: int, edge: int) -> int:
    """What can be reached inside a set of vertices from some of them."""
    seen = edge
    while edge:
        bit = edge & -edge
        fresh = near[bit.bit_length() - 1] & inside & ~seen
        seen |= fresh
        edge = (edge ^ bit) | fresh
    return seen


def _parts(near: list[int], left: int) -> int:
    count = 0
    while left:
        left &= ~_reach(near, left, left & -left)
        count += 1
    return count
