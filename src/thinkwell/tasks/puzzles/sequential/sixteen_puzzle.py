"""Sixteen puzzle: sort a 4x4 board of 1 to 16 by shifting whole rows to the left and columns up, around. R13 shifts row 1 left by 3; C41 shifts column 4 up by 1.

Any sequence that sorts the board counts. Every board can be sorted: a shift by one takes four tiles around, which changes the parity of the order. The original's levels count
pairs in the wrong order, which makes the boards of all three alike; ours count the moves that a board needs, as far as a search can tell.
"""

from __future__ import annotations

import random

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import Drawn, Item, Puzzle, Redraw, Score, ask, register
from thinkwell.tasks.puzzles.sequential._board import picture, text
from thinkwell.tasks.puzzles.sequential._shifting import by_three_cycles, canonical, judge, rules, scramble, shifts
from thinkwell.tasks.reading import moves

N = 4
PROVEN = (
    6  # that no way home is as short as this can be searched through in milliseconds; with each move more it takes twenty times as long
)


class Config(Knobs):
    min_moves: int = Field(3, ge=1, le=30)
    """Fewest moves that undo the scramble, 1 to 30; a board needs as many, but it is only proved that it needs 7."""
    max_moves: int = Field(5, ge=1, le=30)
    """Most moves that undo the scramble, 1 to 30."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_moves > self.max_moves:
            raise ValueError(f"min_moves={self.min_moves} is above max_moves={self.max_moves}")
        return self


LEVELS = {
    "easy": {"min_moves": 3, "max_moves": 5},
    "medium": {"min_moves": 6, "max_moves": 7},
    "hard": {"min_moves": 8, "max_moves": 12},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """A scramble, drawn again if fewer moves than it has, up to `PROVEN`, undo it. The gold answer undoes it move by move."""
    names = scramble(rng, N, rng.randint(config.min_moves, config.max_moves))
    board = shifts(N).before(names)
    if shifts(N).shortest(board, min(len(names) - 1, PROVEN)) is not None:
        raise Redraw
    prompt = ask(rng.choice(OPENINGS), RULES, text(board, N), FORM, EXAMPLE)
    return Drawn(prompt, " ".join(names), {"board": list(board), "solvable": True, "moves": len(names)}, canonical(board, N))


def verify(answer: str, item: Item) -> Score:
    return judge(answer, item, N)


def solve(item: Item) -> str:
    """Tile after tile, by moves that leave all but three in place."""
    return " ".join(by_three_cycles(tuple(item.meta["board"]), N) or ())


def form(answer: str) -> str:
    return " ".join(moves(answer, shifts(N).orders))


def draw(item: Item) -> str:
    return picture(item.meta["board"], N)


OPENINGS = (
    "Sort this board by shifting its rows and columns.",
    "Here is a sixteen puzzle. Find shifts of rows and columns that lead to the goal.",
    "Bring the numbers of this 4x4 board into order, a whole row or column at a time.",
    "Find a sequence of row and column shifts that sorts the board below.",
)
RULES = rules(N)
FORM = "the moves in order, separated by spaces, each as R or C and two digits."
EXAMPLE = "R12 C43 R31 C21"

register(
    Puzzle(
        "puzzles/sixteen_puzzle",
        "sequential",
        "sort a 4x4 board by shifting rows and columns around",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        form,
        draw=draw,
    )
)
