"""Nine puzzle: sort a 3x3 board of 1 to 9 by shifting whole rows to the left and columns up, around. R12 shifts row 1 left by 2; C31 shifts column 3 up by 1.

Any sequence that sorts the board counts, and so does the sentence that there is none, where it is true: a shift takes three tiles around, so it keeps the parity of the order, and
boards with an odd number of inversions cannot be sorted. The original has them too (38 to 45 in 100) but never accepts the sentence: that is the paper rule. Its levels count
inversions, which tell next to nothing of the moves that a board needs (5.8, 6.0 and 6.2 on average); ours count these.
"""

from __future__ import annotations

import random

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.puzzles.sequential._board import IF_NONE, NONE, picture, swapped, text
from thinkwell.tasks.puzzles.sequential._shifting import by_three_cycles, canonical, judge, rules, scramble, shifts
from thinkwell.tasks.reading import moves, says

N = 3
FARTHEST = 7  # one board in 73 needs 8 moves, none more


class Config(Knobs):
    min_moves: int = Field(3, ge=1, le=FARTHEST)
    """Fewest moves that a board needs, 1 to 7."""
    max_moves: int = Field(5, ge=1, le=FARTHEST)
    """Most moves that a board may need, 1 to 7."""
    unsolvable_share: float = Field(0.25, ge=0.0, le=1.0)
    """Share of boards without a solution, 0 to 1; above 0 the prompt says how to answer for them."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_moves > self.max_moves:
            raise ValueError(f"min_moves={self.min_moves} is above max_moves={self.max_moves}")
        return self


LEVELS = {
    "easy": {"min_moves": 3, "max_moves": 5},
    "medium": {"min_moves": 6, "max_moves": 6},
    "hard": {"min_moves": 7, "max_moves": 7},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """A scramble; drawn again if it comes to a board that needs fewer moves than asked. Where there shall be no solution, two numbers are then exchanged."""
    board = shifts(N).before(scramble(rng, N, rng.randint(config.min_moves, config.max_moves)))
    names = shifts(N).shortest(board, config.max_moves)
    if names is None or len(names) < config.min_moves:
        raise Redraw
    can = rng.random() >= config.unsolvable_share
    board = board if can else swapped(rng, board)
    prompt = ask(rng.choice(OPENINGS), RULES, text(board, N), FORM + (IF_NONE if config.unsolvable_share else ""), EXAMPLE)
    meta = {"board": list(board), "solvable": can, "moves": len(names) if can else None}
    return Drawn(prompt, " ".join(names) if can else NONE, meta, canonical(board, N))


def verify(answer: str, item: Item) -> Score:
    return judge(answer, item, N)


def verify_paper(answer: str, item: Item) -> Score:
    """The original's rule: no sentence is ever right."""
    if says(answer, NONE):
        raise Refused("the sentence is never accepted")
    return judge(answer, item, N)


def solve(item: Item) -> str:
    """Tile after tile, by moves that leave all but three in place."""
    names = by_three_cycles(tuple(item.meta["board"]), N)
    return NONE if names is None else " ".join(names)


def form(answer: str) -> str:
    return NONE if says(answer, NONE) else " ".join(moves(answer, shifts(N).orders))


def draw(item: Item) -> str:
    return picture(item.meta["board"], N)


OPENINGS = (
    "Sort this board by shifting its rows and columns.",
    "Here is a nine puzzle. Find shifts of rows and columns that lead to the goal.",
    "Bring the numbers of this 3x3 board into order, a whole row or column at a time.",
    "Find a sequence of row and column shifts that sorts the board below.",
)
RULES = rules(N)
FORM = "the moves in order, separated by spaces, each as R or C and two digits."
EXAMPLE = "R12 C31 R21"

register(
    Puzzle(
        "puzzles/nine_puzzle",
        "sequential",
        "sort a 3x3 board by shifting rows and columns around",
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
