"""Graphs with and without a Hamiltonian cycle or path: how they are drawn, put and pictured, and how answers are read and checked.

Vertices are 1 to n outside, 0 to n - 1 inside. A graph has one by construction (a planted one), or none for a reason that is built in and hidden among random edges: without some k
vertices it falls into more parts than a cycle or path that passes k times can visit; or it has dead ends; or an exact search says so. Number of vertices and edges tell nothing:
they are drawn first. In all functions, closed: a cycle is asked for, else a path.

The original's larger graphs are denser too (0.2, 0.3, 0.4), which makes them easier: at 0.4, to go to the neighbour with fewest free neighbours finds every path. Ours are not.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations
from math import comb, cos, pi, sin

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Redraw, Refused, Score, ask
from thinkwell.tasks.puzzles.graph._hamilton_search import Edge, find, neighbours
from thinkwell.tasks.reading import integers, says

NO = "NO"
MOST_NODES = 2_000  # of the search, where the generator asks it


class Config(Knobs):
    min_vertices: int = Field(10, ge=8, le=30)
    """Fewest vertices, 8 to 30."""
    max_vertices: int = Field(15, ge=8, le=30)
    """Most vertices, 8 to 30."""
    density: float = Field(0.2, ge=0.05, le=0.6)
    """Edges as a share of all pairs of vertices, 0.05 to 0.6; there are at least three edges for every two vertices."""
    no_share: float = Field(0.5, ge=0.0, le=1.0)
    """Share of graphs without a cycle or path, whose right answer is NO, 0 to 1."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_vertices > self.max_vertices:
            raise ValueError(f"min_vertices={self.min_vertices} is above max_vertices={self.max_vertices}")
        return self


LEVELS = {
    "easy": {"min_vertices": 10, "max_vertices": 15, "density": 0.2},
    "medium": {"min_vertices": 15, "max_vertices": 20, "density": 0.18},
    "hard": {"min_vertices": 20, "max_vertices": 25, "density": 0.14},
}


def drawn(rng: random.Random, config: Config, openings: Sequence[str], rules: str, form: str, example: str, closed: bool) -> Drawn:
    """A graph with a planted cycle or path, or one that has none, in these words."""
    n, edges, found = draw_graph(rng, config, closed)
    board = f"Vertices: {n}\nEdges:\n" + "\n".join(f"{u + 1} {v + 1}" for u, v in edges)
    meta = {"vertices": n, "edges": [[u + 1, v + 1] for u, v in edges], "exists": found is not None}
    return Drawn(
        prompt=ask(rng.choice(openings), rules, board, form, example),
        answer=NO if found is None else text(found, closed),
        meta=meta,
        canonical=canonical(n, edges),
    )


def draw_graph(rng: random.Random, config: Config, closed: bool) -> tuple[int, list[Edge], list[int] | None]:
    """Vertices, edges in random order, and a cycle or path through all vertices, None if there is none."""
    n = rng.randint(config.min_vertices, config.max_vertices)
    count = max(round(config.density * comb(n, 2)), n * 3 // 2)
    order = rng.sample(range(n), n)
    if rng.random() >= config.no_share:
        steps = zip(order, order[1:] + order[: 1 if closed else 0], strict=False)
        return n, _filled(rng, {_edge(u, v) for u, v in steps}, list(combinations(range(n), 2)), count), order
    while True:  # a reason that does not fit gives way to another one, not to another n, count or answer
        try:
            return n, _without(rng, order, count, closed), None
        except Redraw:
            continue


def _without(rng: random.Random, order: list[int], count: int, closed: bool) -> list[Edge]:
    """A graph without a cycle or path, for a reason drawn at random. Raises `Redraw` if that does not fit so many vertices and edges."""
    reason = rng.choice(("cut", "cut", "cut", "dead end", "sparse"))
    if reason == "cut":
        return _cut(rng, order, count, closed)
    if reason == "dead end":
        return _dead_ends(rng, order, count, closed)
    n = len(order)
    edges = _filled(rng, set(), list(combinations(range(n), 2)), count)
    if min(mask.bit_count() for mask in neighbours(n, edges)) <= closed or find(n, edges, closed, MOST_NODES) is not None:
        raise Redraw
    return edges


def _cut(rng: random.Random, order: list[int], count: int, closed: bool) -> list[Edge]:
    """A graph that falls into too many parts without k vertices. Every vertex has two neighbours or, for a path, one."""
    n, k = len(order), rng.randint(1, 3)
    small = [rng.randint(2 if k == 1 and closed else 1, 4) for _ in range(k if closed else k + 1)]
    if sum(small) + k >= n - 1:
        raise Redraw
    waist, rest = order[:k], order[k:]
    parts = []
    for size in [*small, len(rest) - sum(small)]:
        parts.append(rest[:size])
        rest = rest[size:]
    allowed = {_edge(u, v) for part in parts for u, v in combinations(part, 2)} | {_edge(u, v) for u in waist for v in order if u != v}
    needed: set[Edge] = set()
    for part in parts:  # joined within, and to the waist
        needed |= {_edge(part[i], part[rng.randrange(i)]) for i in range(1, len(part))}
        needed |= {_edge(rng.choice(part), v) for v in rng.sample(waist, min(k, 2))}
    for v in order if closed else ():
        while sum(v in edge for edge in needed) < 2:
            needed.add(rng.choice([edge for edge in sorted(allowed) if v in edge]))
    return _filled(rng, needed, sorted(allowed), count)


def _dead_ends(rng: random.Random, order: list[int], count: int, closed: bool) -> list[Edge]:
    """Random edges, but one vertex (for a path: three) has a single neighbour, or one has none."""
    ends, rest = (order[:1], order[1:]) if closed else (order[:3], order[3:])
    if rng.random() < 0.2:
        return _filled(rng, set(), list(combinations(sorted(order[1:]), 2)), count)
    return _filled(rng, {_edge(v, rng.choice(rest)) for v in ends}, list(combinations(sorted(rest), 2)), count)


def _filled(rng: random.Random, needed: set[Edge], allowed: Sequence[Edge], count: int) -> list[Edge]:
    """The needed edges and random other ones, `count` in all, shuffled."""
    others = [edge for edge in allowed if edge not in needed]
    if not 0 <= count - len(needed) <= len(others):
        raise Redraw
    edges = sorted(needed) + rng.sample(others, count - len(needed))
    rng.shuffle(edges)
    return edges


def _edge(u: int, v: int) -> Edge:
    return (u, v) if u < v else (v, u)


# ---- answers and pictures ----------------------------------------------------------------------------------------------------------


def check(answer: str, item: Item, closed: bool) -> Score:
    """A list of all vertices (a cycle ends where it began), each step an edge; or NO where there is none."""
    what, n = "cycle" if closed else "path", item.meta["vertices"]
    if says(answer, NO):
        if item.meta["exists"]:
            raise Refused(f"there is a Hamiltonian {what}")
        return RIGHT
    found = integers(answer)
    if closed:
        if len(found) < 2 or found[0] != found[-1]:
            raise Refused("a cycle must end with the vertex that it starts with")
        found.pop()
    seen: set[int] = set()
    for v in found:
        if not 1 <= v <= n:
            raise Refused(f"{v} is no vertex; they are 1 to {n}")
        if v in seen:
            raise Refused(f"vertex {v} is visited more than once")
        seen.add(v)
    if len(seen) < n:
        raise Refused(f"vertex {min(set(range(1, n + 1)) - seen)} is not visited")
    edges = {(u, v) for u, v in item.meta["edges"]}
    for u, v in zip(found, found[1:] + found[: 1 if closed else 0], strict=False):
        if _edge(u, v) not in edges:
            raise Refused(f"there is no edge between {u} and {v}")
    return RIGHT


def check_paper(answer: str, item: Item, closed: bool) -> Score:
    """The original's rule: only a list in brackets is read, so NO never counts."""
    if "[" not in answer or "]" not in answer or says(answer, NO):
        raise Refused("there is no list in brackets")
    return check(answer, item, closed)


def solve(item: Item, closed: bool) -> str:
    """Exact search from the edges alone."""
    found = find(item.meta["vertices"], [(u - 1, v - 1) for u, v in item.meta["edges"]], closed)
    return NO if found is None else text(found, closed)


def form(answer: str, closed: bool) -> str:
    """NO, or the vertices: a cycle from its smallest on, towards the smaller neighbour; a path from its smaller end."""
    if says(answer, NO):
        return NO
    found = integers(answer)
    if not found:
        raise Refused("the answer holds no vertices")
    if closed and len(found) > 3 and found[0] == found[-1]:
        at = found.index(min(found))
        ring = found[at:-1] + found[:at]
        found = min(ring, [ring[0], *ring[:0:-1]])
        return " ".join(map(str, [*found, found[0]]))
    return " ".join(map(str, found if closed else min(found, found[::-1])))


def text(vertices: Sequence[int], closed: bool) -> str:
    """A cycle or path as an answer."""
    return str([v + 1 for v in [*vertices, *vertices[: 1 if closed else 0]]])


def canonical(n: int, edges: Sequence[Edge]) -> str:
    """Equal for graphs that differ only in the numbers of their vertices: edges between colours, which are refined by the colours of the neighbours until they stay the same."""
    near: list[list[int]] = [[] for _ in range(n)]
    for u, v in edges:
        near[u].append(v)
        near[v].append(u)
    colours, classes = [0] * n, 0
    while True:
        marks = [(colours[v], sorted(colours[u] for u in near[v])) for v in range(n)]
        order: list[tuple[int, list[int]]] = []
        for mark in sorted(marks):
            if not order or mark != order[-1]:
                order.append(mark)
        colours = [order.index(mark) for mark in marks]
        if len(order) == classes:
            return f"{n}: " + " ".join(f"{u}-{v}" for u, v in sorted(_edge(colours[u], colours[v]) for u, v in edges))
        classes = len(order)


def draw(item: Item) -> str:
    """The vertices on a circle."""
    n = item.meta["vertices"]
    at = [(200 + 175 * sin(2 * pi * v / n), 200 - 175 * cos(2 * pi * v / n)) for v in range(n)]
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" font-family="sans-serif" font-size="13" text-anchor="middle">']
    parts.append('<rect width="400" height="400" fill="white"/>')
    for u, v in item.meta["edges"]:
        (a, b), (c, d) = at[u - 1], at[v - 1]
        parts.append(f'<path d="M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}" stroke="#555"/>')
    for v, (x, y) in enumerate(at, 1):
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="13" fill="white" stroke="black" stroke-width="1.5"/>')
        parts.append(f'<text x="{x:.1f}" y="{y + 4.5:.1f}" fill="black">{v}</text>')
    return "".join([*parts, "</svg>"])
