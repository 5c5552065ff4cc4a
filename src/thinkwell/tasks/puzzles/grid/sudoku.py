"""Sudoku: fill a 9x9 grid so that every row, every column and every 3x3 box holds each of 1 to 9 once. The given digits stay.

Any completion that keeps the rules counts, so uniqueness is a promise of the prompt (knob `unique`), not of the verifier. The original removes cells without looking at
uniqueness (two thirds of its hard boards have several completions); its verifier is ours, so there is no paper rule. Full grids are searched at random: shuffling one pattern,
as is often done, reaches one kind of grid out of billions, whose rows repeat each other's triples.
"""

from __future__ import annotations

import random

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import Drawn, Item, Puzzle, Score, ask, register
from thinkwell.tasks.puzzles._cells import grid_text
from thinkwell.tasks.puzzles.grid import _sudoku

BOX = 3
N = BOX * BOX


class Config(Knobs):
    min_holes: int = Field(10, ge=1, le=64)
    """Fewest empty cells, 1 to 64."""
    max_holes: int = Field(20, ge=1, le=64)
    """Most empty cells, 1 to 64; with `unique` at most 54 (no board of ours is dug deeper in bounded time)."""
    unique: bool = True
    """Boards with exactly one completion only; the prompt then says so."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_holes > self.max_holes:
            raise ValueError(f"min_holes={self.min_holes} is above max_holes={self.max_holes}")
        if self.unique and self.max_holes > 54:
            raise ValueError(
                f"max_holes={self.max_holes} is more than the 54 that unique boards are made with; set unique=false or fewer holes"
            )
        return self


LEVELS = {
    "easy": {"min_holes": 10, "max_holes": 20},
    "medium": {"min_holes": 21, "max_holes": 35},
    "hard": {"min_holes": 36, "max_holes": 50},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """A random full grid, then cells emptied in random order, each only if the board stays unique (if that is asked for)."""
    full = _sudoku.full_grid(rng, BOX)
    board = _sudoku.emptied(rng, full, config.min_holes, config.max_holes, config.unique, BOX)
    prompt = ask(f"{rng.choice(OPENINGS)} {_sudoku.promise(config.unique)}", RULES, _sudoku.shown(board), FORM, EXAMPLE)
    key = full if config.unique else board  # a board with several completions can be dug from each of them and is one puzzle all the same
    return Drawn(prompt, grid_text(full), {"board": board}, _sudoku.canonical(key))


def verify(answer: str, item: Item) -> Score:
    """Givens kept, all 27 units right; the first that is broken is named."""
    return _sudoku.verify(answer, item, BOX)


def solve(item: Item) -> str:
    """The first completion found by always filling the cell with the fewest candidates."""
    return grid_text(next(_sudoku.solutions(item.meta["board"], BOX)))


def form(answer: str) -> str:
    return _sudoku.form(answer, BOX)


def draw(item: Item) -> str:
    """The board as an SVG picture, 40 pixels a cell."""
    return _sudoku.draw(item, BOX)


OPENINGS = (
    "Solve this Sudoku.",
    "Here is a Sudoku; fill in every empty cell.",
    "Complete the 9x9 Sudoku below.",
    "Find a complete grid for the following Sudoku.",
)
RULES = (
    "Rules: every row, every column and every one of the nine 3x3 boxes must hold each digit from 1 to 9 exactly once. "
    "A dot is an empty cell. Digits that are given may not be changed."
)
FORM = "the complete grid, nine lines of nine digits separated by single spaces."
EXAMPLE = "\n".join(" ".join("123456789"[(row * 3 + row // 3 + column) % N] for column in range(N)) for row in range(N))

register(
    Puzzle(
        "puzzles/sudoku",
        "grid",
        "fill a 9x9 grid, each digit once in every row, column and box",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        form,
        draw=draw,
    )
)
