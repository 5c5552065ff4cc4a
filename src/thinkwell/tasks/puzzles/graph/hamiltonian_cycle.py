"""Hamiltonian cycle: in an undirected graph, find a cycle that visits every vertex exactly once, or say NO.

Any such cycle counts; NO counts where there is none, by construction or by exact search (`_hamilton.py`). The original's verifier wants a bracketed list, so its NO items, about
half of all, can never score: that is `verify_paper`.
"""

from __future__ import annotations

import random

from thinkwell.tasks.puzzle import Drawn, Item, Puzzle, Score, register
from thinkwell.tasks.puzzles.graph import _hamilton as graph
from thinkwell.tasks.puzzles.graph._hamilton import LEVELS, Config, draw


def generate(rng: random.Random, config: Config) -> Drawn:
    """A graph with a planted cycle, or one that has none."""
    return graph.drawn(rng, config, OPENINGS, RULES, FORM, EXAMPLE, closed=True)


def verify(answer: str, item: Item) -> Score:
    """Walks along the cycle."""
    return graph.check(answer, item, closed=True)


def verify_paper(answer: str, item: Item) -> Score:
    return graph.check_paper(answer, item, closed=True)


def solve(item: Item) -> str:
    return graph.solve(item, closed=True)


def form(answer: str) -> str:
    return graph.form(answer, closed=True)


OPENINGS = (
    "Find a Hamiltonian cycle in this graph, if there is one.",
    "Does the graph below have a Hamiltonian cycle? If so, give one.",
    "Here is an undirected graph. Find a cycle through all of its vertices, or say that there is none.",
    "Look for a cycle that visits each vertex of this graph exactly once.",
)
RULES = (
    "Rules: a Hamiltonian cycle goes along edges, visits every vertex exactly once and returns to where it began. Vertices are numbered from 1; "
    "each line below is an undirected edge between two of them."
)
FORM = "the vertices in the order of the cycle as a list in brackets, the first vertex again at its end; or the word NO if the graph has no Hamiltonian cycle."
EXAMPLE = "[2, 4, 1, 3, 5, 2]"

register(
    Puzzle(
        "puzzles/hamiltonian_cycle",
        "graph",
        "go round a graph through every vertex once, or say NO",
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
