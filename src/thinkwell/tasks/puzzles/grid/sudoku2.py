"""Small Sudoku: fill a 4x4 grid so that every row, every column and every 2x2 box holds each of 1 to 4 once. The given digits stay.

Any completion that keeps the rules counts, so uniqueness is a promise of the prompt (knob `unique`), not of the verifier. The original shuffles one pattern, which reaches only a
part of the 288 grids, and has several completions on a quarter of its hard boards; its verifier is ours, so there is no paper rule. As 288 grids are too few to be divided,
training and test items differ in the board with its empty cells, not in the full grid alone.
"""

from __future__ import annotations

import random
from functools import cache

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import Drawn, Item, Puzzle, Redraw, Score, ask, register
from thinkwell.tasks.puzzles._cells import grid_text
from thinkwell.tasks.puzzles.grid import _sudoku
from thinkwell.tasks.puzzles.grid._sudoku import Grid

BOX = 2
N = BOX * BOX


class Config(Knobs):
    min_holes: int = Field(4, ge=1, le=15)
    """Fewest empty cells, 1 to 15."""
    max_holes: int = Field(5, ge=1, le=15)
    """Most empty cells, 1 to 15; with `unique` at most 10 (with fewer than six digits given, few boards are unique)."""
    unique: bool = True
    """Boards with exactly one completion only; the prompt then says so."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_holes > self.max_holes:
            raise ValueError(f"min_holes={self.min_holes} is above max_holes={self.max_holes}")
        if self.unique and self.max_holes > 10:
            raise ValueError(
                f"max_holes={self.max_holes} is more than the 10 that unique boards are made with; set unique=false or fewer holes"
            )
        return self


LEVELS = {
    "easy": {"min_holes": 4, "max_holes": 5},
    "medium": {"min_holes": 6, "max_holes": 7},
    "hard": {"min_holes": 8, "max_holes": 9},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """One of all full grids, then cells emptied in random order, each only if the board stays unique (if that is asked for)."""
    full = rng.choice(_grids())
    if grid_text(full) == EXAMPLE:  # the prompt says that the example belongs to another puzzle
        raise Redraw
    board = _sudoku.emptied(rng, full, config.min_holes, config.max_holes, config.unique, BOX)
    prompt = ask(f"{rng.choice(OPENINGS)} {_sudoku.promise(config.unique)}", RULES, _sudoku.shown(board), FORM, EXAMPLE)
    return Drawn(prompt, grid_text(full), {"board": board}, _sudoku.canonical(board))


def verify(answer: str, item: Item) -> Score:
    """Givens kept, all twelve units right; the first that is broken is named."""
    return _sudoku.verify(answer, item, BOX)


def solve(item: Item) -> str:
    """The first completion found by always filling the cell with the fewest candidates."""
    return grid_text(next(_sudoku.solutions(item.meta["board"], BOX)))


def form(answer: str) -> str:
    return _sudoku.form(answer, BOX)


def draw(item: Item) -> str:
    """The board as an SVG picture, 40 pixels a cell."""
    return _sudoku.draw(item, BOX)


@cache
def _grids() -> list[Grid]:
    """All 288 full grids."""
    return list(_sudoku.solutions([[0] * N] * N, BOX))


OPENINGS = (
    "Solve this small Sudoku.",
    "Here is a 4x4 Sudoku; fill in every empty cell.",
    "Complete the 4x4 Sudoku below.",
    "Find a complete grid for the following 4x4 Sudoku.",
)
RULES = (
    "Rules: every row, every column and every one of the four 2x2 boxes must hold each digit from 1 to 4 exactly once. "
    "A dot is an empty cell. Digits that are given may not be changed."
)
FORM = "the complete grid, four lines of four digits separated by single spaces."
EXAMPLE = "1 2 3 4\n3 4 1 2\n2 1 4 3\n4 3 2 1"

register(
    Puzzle(
        "puzzles/sudoku2",
        "grid",
        "fill a 4x4 grid, each digit once in every row, column and 2x2 box",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        form,
        draw=draw,
    )
)
