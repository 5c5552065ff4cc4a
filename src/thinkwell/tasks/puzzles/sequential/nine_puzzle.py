"""Nine puzzle: sort a 3x3 board of 1 to 9 by shifting whole rows to the left and columns up, around. R12 shifts row 1 left by 2; C31 shifts column 3 up by 1.

Any sequence that sorts the board counts, and so does the sentence that there is none, where it is true: a shift takes three tiles around, so it keeps the parity of the order, and
boards with an odd number of inversions cannot be sorted. The original has them too (38 to 45 in 100) but never accepts the sentence: that is the paper rule.
"""

from __future__ import annotations

import random
from functools import cache

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import Drawn, Item, Puzzle, Refused, Score, ask, register
from thinkwell.tasks.puzzles.sequential._board import Board, arrangement, has_count, inversions, picture, text
from thinkwell.tasks.puzzles.sequential._shifting import NONE, by_three_cycles, canonical, goal, judge, rules, sources
from thinkwell.tasks.reading import moves, says

N = 3
GOAL = goal(N)
NEAR = 3  # moves from the goal that are kept in a table


class Config(Knobs):
    min_inversions: int = Field(0, ge=0, le=36)
    """Fewest pairs of numbers that stand in the wrong order, 0 to 36."""
    max_inversions: int = Field(10, ge=1, le=36)
    """Most pairs of numbers that stand in the wrong order, 1 to 36."""
    unsolvable_share: float = Field(0.25, ge=0.0, le=1.0)
    """Share of boards without a solution, 0 to 1; above 0 the prompt says how to answer for them."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_inversions > self.max_inversions:
            raise ValueError(f"min_inversions={self.min_inversions} is above max_inversions={self.max_inversions}")
        low, high = max(self.min_inversions, 1), self.max_inversions
        if (self.unsolvable_share < 1 and not has_count(low, high, odd=False)) or (
            self.unsolvable_share > 0 and not has_count(low, high, odd=True)
        ):
            raise ValueError(
                "boards with a solution have an even number of inversions from 2, boards without one an odd number; widen the range"
            )
        return self


LEVELS = {
    "easy": {"min_inversions": 0, "max_inversions": 10},
    "medium": {"min_inversions": 11, "max_inversions": 17},
    "hard": {"min_inversions": 18, "max_inversions": 36},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """A random order with as many inversions as asked, even or odd as the share says. The gold answer is a shortest one."""
    can = rng.random() >= config.unsolvable_share
    numbers = arrangement(rng, N * N, max(config.min_inversions, 1), config.max_inversions, odd=not can)
    board = tuple([number + 1 for number in numbers])
    form = FORM + (f" If no sequence of moves can reach the goal, write instead: {NONE}." if config.unsolvable_share else "")
    prompt = ask(rng.choice(OPENINGS), rules(N), text(board, N), form, EXAMPLE)
    meta = {"board": list(board), "solvable": can, "inversions": inversions(board)}
    return Drawn(prompt, lambda: " ".join(_shortest(board)) if can else NONE, meta, canonical(board, N))


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
    return NONE if says(answer, NONE) else " ".join(moves(answer, sources(N)))


def draw(item: Item) -> str:
    return picture(item.meta["board"], N)


def _shortest(board: Board) -> list[str]:
    """Breadth first until a board is near the goal, from where the table leads on."""
    near, orders = _near(), sources(N)
    path: dict[Board, list[str]] = {board: []}
    front = [board]
    while not (met := next((one for one in front if one in near), None)):
        grown = []
        for one in front:
            for name, order in orders.items():
                after = tuple([one[place] for place in order])
                if after not in path:
                    path[after] = [*path[one], name]
                    grown.append(after)
        front = grown
    names = path[met]
    while met != GOAL:
        names.append(near[met])
        met = tuple([met[place] for place in orders[near[met]]])
    return names


@cache
def _near() -> dict[Board, str]:
    """Every board that needs at most `NEAR` moves, with the first of them."""
    orders = sources(N)
    first, front = {GOAL: ""}, [GOAL]
    for _ in range(NEAR):
        grown = []
        for board in front:
            for name, order in orders.items():
                after = tuple([board[place] for place in order])
                if after not in first:
                    first[after] = f"{name[:2]}{N - int(name[2])}"
                    grown.append(after)
        front = grown
    return first


OPENINGS = (
    "Sort this board by shifting its rows and columns.",
    "Here is a nine puzzle. Find shifts of rows and columns that lead to the goal.",
    "Bring the numbers of this 3x3 board into order, a whole row or column at a time.",
    "Find a sequence of row and column shifts that sorts the board below.",
)
FORM = "the moves in order, separated by blanks, each as R or C and two digits."
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
