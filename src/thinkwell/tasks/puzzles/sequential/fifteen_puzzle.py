"""Fifteen puzzle: slide the tiles of a 4x4 board into order. A move names the way that the BLANK goes: U, D, L or R swaps it with the tile above, below, left or right of it.

Any sequence that ends in order counts, shortest or not. The original tests with the column of the blank, where its row belongs, whether a board can be solved, so half of its
boards cannot and nothing scores on them; it skips letters it does not know (that is the paper rule). Here boards without a solution are made only with the knob
`unsolvable_share`, and then the sentence that says so counts.
"""

from __future__ import annotations

import random
from functools import cache
from heapq import heappop, heappush

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Refused, Score, ask, register
from thinkwell.tasks.puzzles.sequential._board import Board, picture, text
from thinkwell.tasks.puzzles.sequential._sliding import (
    IF_NONE,
    NONE,
    STEPS,
    UNDO,
    canonical,
    disorder,
    drawn,
    exits,
    form,
    goal,
    judge,
    played,
    solvable,
)

N = 4
GOAL = goal(N)
EXITS = exits(N)
STAGES: tuple[tuple[int, ...], ...] = ((1, 2), (3, 4), (5, 6), (7, 8), (9, 13), (10, 11, 12, 14, 15))  # tiles brought home together


class Config(Knobs):
    min_inversions: int = Field(0, ge=0, le=105)
    """Fewest pairs of tiles that stand in the wrong order, 0 to 105."""
    max_inversions: int = Field(45, ge=0, le=105)
    """Most pairs of tiles that stand in the wrong order, 0 to 105."""
    unsolvable_share: float = Field(0.0, ge=0.0, le=1.0)
    """Share of boards without a solution, 0 to 1; above 0 the prompt says how to answer for them."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_inversions > self.max_inversions:
            raise ValueError(f"min_inversions={self.min_inversions} is above max_inversions={self.max_inversions}")
        return self


LEVELS = {
    "easy": {"min_inversions": 0, "max_inversions": 45},
    "medium": {"min_inversions": 46, "max_inversions": 59},
    "hard": {"min_inversions": 60, "max_inversions": 105},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """A random board with as many inversions as asked; their parity and the row of the blank say whether there is a solution."""
    can = rng.random() >= config.unsolvable_share
    board = drawn(rng, N, config.min_inversions, config.max_inversions, can)
    prompt = ask(rng.choice(OPENINGS), RULES, text(board, N), FORM + (IF_NONE if config.unsolvable_share else ""), EXAMPLE)
    meta = {"board": list(board), "solvable": can, "inversions": disorder(board)}
    return Drawn(prompt, lambda: _by_stages(board) if can else NONE, meta, canonical(board, N))


def verify(answer: str, item: Item) -> Score:
    return judge(answer, item, N)


def verify_paper(answer: str, item: Item) -> Score:
    """The original's rule: letters other than U, D, L, R are skipped, and no sentence is ever right."""
    if played(item.meta["board"], [letter for letter in answer if letter in STEPS], N) != GOAL:
        raise Refused("the moves do not end in the goal")
    return RIGHT


def solve(item: Item) -> str:
    """Best first by moves made plus five times the tiles' distances, corrected for pairs that stand in each other's way; the parity of the board first."""
    start = tuple(item.meta["board"])
    if not solvable(start, N):
        return NONE
    came: dict[Board, tuple[Board | None, str]] = {start: (None, "")}
    waiting = [(0, 0, start)]
    while True:
        _, made, board = heappop(waiting)
        if board == GOAL:
            break
        blank = board.index(0)
        for move, place in EXITS[blank]:
            tiles = list(board)
            tiles[blank], tiles[place] = tiles[place], 0
            after = tuple(tiles)
            if after not in came:
                came[after] = board, move
                heappush(waiting, (made + 1 + 5 * _distance(after), made + 1, after))
    path = []
    while (before := came[board])[0] is not None:
        path.append(before[1])
        board = before[0]
    return "".join(reversed(path))


def draw(item: Item) -> str:
    return picture(item.meta["board"], N)


def _by_stages(board: Board) -> str:
    """Home with two tiles at a time, each time by the fewest moves that leave those at home alone; tidied of moves that undo the one before."""
    path: list[str] = []
    for stage, tiles in enumerate(STAGES):
        table = _table(stage)
        state = tuple(map(board.index, (0, *tiles)))
        while move := table[state]:
            board = played(board, move, N)
            state = tuple(map(board.index, (0, *tiles)))
            if path and UNDO[move] == path[-1]:
                path.pop()
            else:
                path.append(move)
    return "".join(path)


@cache
def _table(stage: int) -> dict[Board, str]:
    """The first move of a shortest way home for a stage's tiles, by the places of the blank and of these tiles; "" at home. The blank may end anywhere."""
    closed = {tile - 1 for tiles in STAGES[:stage] for tile in tiles}
    home = tuple(tile - 1 for tile in STAGES[stage])
    last = stage == len(STAGES) - 1
    front: list[Board] = [
        (blank, *home) for blank in range(N * N) if blank not in closed and blank not in home and (not last or blank == N * N - 1)
    ]
    table = dict.fromkeys(front, "")
    for state in front:  # grows while it is read
        blank = state[0]
        for move, place in EXITS[blank]:
            if place not in closed:
                before = (place, *[blank if tile == place else tile for tile in state[1:]])
                if before not in table:
                    table[before] = UNDO[move]
                    front.append(before)
    return table


def _distance(board: Board) -> int:
    """Steps of all tiles to their places, and two more for each pair of neighbours in their row or column that stand in the wrong order."""
    total = 0
    for place, tile in enumerate(board):
        if tile:
            row, column = divmod(place, N)
            home_row, home_column = divmod(tile - 1, N)
            total += abs(row - home_row) + abs(column - home_column)
            if column < N - 1 and row == home_row and (right := board[place + 1]) and (right - 1) // N == row and right < tile:
                total += 2
            if row < N - 1 and column == home_column and (below := board[place + N]) and (below - 1) % N == column and below < tile:
                total += 2
    return total


OPENINGS = (
    "Solve this sliding puzzle.",
    "Bring the tiles of this 4x4 board into order.",
    "Here is a fifteen puzzle. Find moves that lead to the goal.",
    "Find a sequence of moves that sorts the board below.",
)
RULES = (
    "Rules: 0 is the blank. A move swaps the blank with the tile above it (U), below it (D), left of it (L) or right of it (R): the letter says which way the blank goes. "
    "The blank cannot leave the board. The goal is\n1 2 3 4\n5 6 7 8\n9 10 11 12\n13 14 15 0\nAny number of moves is allowed.\n\nThe board:"
)
FORM = "the moves as one word of the letters U, D, L and R."
EXAMPLE = "DDLURULD"

register(
    Puzzle(
        "puzzles/fifteen_puzzle",
        "sequential",
        "slide fifteen tiles of a 4x4 board into order",
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
