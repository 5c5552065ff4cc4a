"""Hamiltonian path: in an undirected graph, find a path that visits every vertex exactly once, or say NO.

Any such path counts; NO counts where there is none, by construction or by exact search (`_hamilton.py`). The original's verifier wants a bracketed list, so its NO items, about
half of all, can never score: that is `verify_paper`. Its prompt's example repeats the first vertex, which no path may.
"""

from __future__ import annotations

import random

from thinkwell.tasks.puzzle import Drawn, Item, Puzzle, Score, register
from thinkwell.tasks.puzzles.graph import _hamilton as graph
from thinkwell.tasks.puzzles.graph._hamilton import LEVELS, Config, draw


def generate(rng: random.Random, config: Config) -> Drawn:
    """A graph with a planted path, or one that has none."""
    return graph.drawn(rng, config, OPENINGS, RULES, FORM, EXAMPLE, closed=False)


def verify(answer: str, item: Item) -> Score:
    """Walks along the path."""
    return graph.check(answer, item, closed=False)


def verify_paper(answer: str, item: Item) -> Score:
    return graph.check_paper(answer, item, closed=False)


def solve(item: Item) -> str:
    return graph.solve(item, closed=False)


def form(answer: str) -> str:
    return graph.form(answer, closed=False)


OPENINGS = (
    "Find a Hamiltonian path in this graph, if there is one.",
    "Does the graph below have a Hamiltonian path? If so, give one.",
    "Here is an undirected graph. Find a path through all of its vertices, or say that there is none.",
    "Look for a path that visits each vertex of this graph exactly once.",
)
RULES = (
    "Rules: a Hamiltonian path goes along edges and visits every vertex exactly once; it may begin and end anywhere. Vertices are numbered from 1; "
    "each line below is an undirected edge between two of them."
)
FORM = "the vertices in the order of the path as a list in brackets; or the word NO if the graph has no Hamiltonian path."
EXAMPLE = "[2, 4, 1, 3, 5]"

register(
    Puzzle(
        "puzzles/hamiltonian_path",
        "graph",
        "walk through every vertex of a graph once, or say NO",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        form,
        verify_paper,
        draw,
    )
)
