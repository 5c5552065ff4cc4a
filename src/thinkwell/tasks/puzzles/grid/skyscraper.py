"""Skyscraper: fill an NxN grid with the heights 1 to N, each once in every row and column; a clue at an edge says how many buildings are seen from there (one is seen if all
before it are lower).

Any grid that keeps the rules counts; there may be several. The original checks the clues alone, so that grids with repeated heights pass: `verify_paper` is that rule. Its easy
level has the sizes 3 and 4; of size 3 there are twelve grids in all, so ours has 4 and 5.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from thinkwell.tasks.puzzle import Drawn, Item, Puzzle, Score, register
from thinkwell.tasks.puzzles.grid import _skyscraper
from thinkwell.tasks.puzzles.grid._skyscraper import LEVELS, Config, draw, form, seen


def generate(rng: random.Random, config: Config) -> Drawn:
    """The clues of a random latin square."""
    return _skyscraper.drawn(rng, config, clue, OPENINGS, RULES)


def clue(heights: Sequence[int]) -> int:
    """How many buildings are seen from the line's start."""
    return len(seen(heights))


def verify(answer: str, item: Item) -> Score:
    """Heights 1 to N, each once in every line, then the clues."""
    return _skyscraper.check(answer, item, clue, SAYS)


def verify_paper(answer: str, item: Item) -> Score:
    """The original's rule: the clues alone."""
    return _skyscraper.check_paper(answer, item, clue, SAYS)


def solve(item: Item) -> str:
    """Lines of fitting permutations, made consistent with each other."""
    return _skyscraper.solution(item.meta, clue)


OPENINGS = (
    "Solve this skyscraper puzzle.",
    "Build the skyscrapers of the city below.",
    "Find the heights of the buildings in this grid.",
    "Fill in a grid of skyscrapers that fits the clues.",
)
RULES = (
    "Rules: write a height from 1 to {n} into every cell of the {n}x{n} grid, so that every row and every column holds each height exactly once. "
    "A number at an edge says how many buildings are seen from there when looking along that row or column: a building is seen if every building in front of it is lower. "
    "Top and bottom clues belong to the columns, left and right clues to the rows. Every grid that keeps the rules counts."
)
SAYS = "the number of buildings seen is {found}; the clue is {given}"

register(
    Puzzle(
        "puzzles/skyscraper",
        "grid",
        "fill a latin square so that each edge sees the given number of buildings",
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
