"""Sum skyscraper: fill an NxN grid with the heights 1 to N, each once in every row and column; a clue at an edge is the SUM of the heights that are seen from there (a building
is seen if all before it are lower).

Any grid that keeps the rules counts; there may be several. The original checks the sums alone, so that grids with repeated heights pass: `verify_paper` is that rule. Its easy
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
    """The sum of the buildings that are seen from the line's start."""
    return sum(seen(heights))


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
    "Solve this sum skyscraper puzzle.",
    "Build skyscrapers whose visible heights add up to the clues.",
    "Find the heights of the buildings in this grid from the sums below.",
    "Fill in a grid of skyscrapers that fits the sums at its edges.",
)
RULES = (
    "Rules: write a height from 1 to {n} into every cell of the {n}x{n} grid, so that every row and every column holds each height exactly once. "
    "A number at an edge is the sum of the heights of the buildings that are seen from there when looking along that row or column: "
    "a building is seen if every building in front of it is lower. For example, from the left the row 2 1 4 3 shows the buildings 2 and 4, so its left clue is 6; "
    "from the right it shows 3 and 4, so its right clue is 7. "
    "Top and bottom clues belong to the columns, left and right clues to the rows. Every grid that keeps the rules counts."
)
SAYS = "the heights that are seen add up to {found}; the clue is {given}"

register(
    Puzzle(
        "puzzles/sum_skyscraper",
        "grid",
        "fill a latin square so that the heights seen from each edge have the given sum",
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
