"""An independent judge of Hamiltonian cycles and paths. A path is a cycle through a vertex 0 that is everybody's neighbour.

NO is right if some k vertices can be taken away and leave more than k parts; else a SAT solver decides: two edges at every vertex, and for every separate round that comes out, one
edge must leave it. (Alone, the solver can take long on the first kind.)
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import combinations

from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    return is_right(answer, item, closed=True)


def is_right(answer: str, item: Item, closed: bool) -> bool:
    if re.sub(r"\W", "", answer).lower() == "no":
        return is_none(item, closed)
    n, edges = item.meta["vertices"], {frozenset(edge) for edge in item.meta["edges"]}
    walk = [int(number) for number in re.findall(r"\d+", answer)]
    if closed and (len(walk) < 3 or walk.pop() != walk[0]):
        return False
    steps = list(zip(walk, walk[1:] + walk[:1] if closed else walk[1:], strict=False))
    return sorted(walk) == list(range(1, n + 1)) and all(frozenset(step) in edges for step in steps)


@lru_cache(maxsize=8)
def is_none(item: Item, closed: bool) -> bool:
    """Is there no cycle or path?"""
    n, edges = item.meta["vertices"], {frozenset(edge) for edge in item.meta["edges"]}
    if not closed:
        edges |= {frozenset((0, v)) for v in range(1, n + 1)}
    touched = set().union(*edges)
    return len(touched) < n or not has_cycle(touched, edges)


def parts(vertices: set[int], near: dict[int, set[int]]) -> list[set[int]]:
    """Connected parts of the graph on these vertices."""
    left, found = set(vertices), []
    while left:
        part: set[int] = set()
        todo = {left.pop()}
        while todo:
            part |= todo
            todo = set().union(*(near[v] for v in todo)) & vertices - part
        found.append(part)
        left -= part
    return found


def has_cycle(vertices: set[int], edges: set[frozenset[int]]) -> bool:
    from pysat.solvers import Solver

    near = {v: set().union(*(edge for edge in edges if v in edge)) - {v} for v in vertices}
    hub = {0} & vertices
    for k in range(0 if hub else 1, 4):
        for waist in combinations(sorted(vertices - hub), k):
            if len(parts(vertices - {*waist} - hub, near)) > k + len(hub):
                return False
    number = {edge: i for i, edge in enumerate(sorted(edges, key=sorted), 1)}
    with Solver("minicard") as solver:
        for v in vertices:
            mine = [i for edge, i in number.items() if v in edge]
            if len(mine) < 2:
                return False
            solver.add_atmost(mine, 2)
            solver.add_atmost([-i for i in mine], len(mine) - 2)
        while solver.solve():
            taken = {i for i in solver.get_model() if i > 0}
            rounds = parts(vertices, {v: set().union(*(edge for edge, i in number.items() if i in taken and v in edge)) for v in vertices})
            if len(rounds) == 1:
                return True
            for ring in rounds:
                solver.add_clause([i for edge, i in number.items() if len(edge & ring) == 1])
        return False
