"""Fifteen puzzle: slide the tiles of a 4x4 board into order. A move names the way that the BLANK goes: U, D, L or R swaps it with the tile above, below, left or right of it.

Any sequence that ends in order counts, shortest or not. The original tests with the column of the blank, where its row belongs, whether a board can be solved, so half of its
boards cannot and nothing scores on them; it skips letters it does not know (that is the paper rule). Here boards without a solution are made only with the knob
`unsolvable_share`, and then the sentence that says so counts. The original's levels count pairs in the wrong order, of which nearly all boards of its easy level have almost as
many as of its medium one; ours count how far the tiles are from their places.
"""

from __future__ import annotations

import random
from functools import cache
from heapq import heappop, heappush

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import Drawn, Item, Puzzle, Score, ask, register
from thinkwell.tasks.puzzles.sequential._board import IF_NONE, NONE, Board, picture, swapped, text
from thinkwell.tasks.puzzles.sequential._sliding import (
    UNDO,
    canonical,
    distance,
    exits,
    form,
    goal,
    judge,
    judge_paper,
    played,
    rules,
    solvable,
    wander,
)

N = 4
GOAL = goal(N)
EXITS = exits(N)
STAGES: tuple[tuple[int, ...], ...] = ((1, 2), (3, 4), (5, 6), (7, 8), (9, 13), (10, 11, 12, 14, 15))  # tiles brought home together


class Config(Knobs):
    min_distance: int = Field(8, ge=1, le=48)
    """Fewest steps from the tiles to their places, all tiles together, 1 to 48; no board is solved in fewer moves."""
    max_distance: int = Field(14, ge=1, le=48)
    """Most steps from the tiles to their places, all tiles together, 1 to 48."""
    unsolvable_share: float = Field(0.0, ge=0.0, le=1.0)
    """Share of boards without a solution, 0 to 1; above 0 the prompt says how to answer for them."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_distance > self.max_distance:
            raise ValueError(f"min_distance={self.min_distance} is above max_distance={self.max_distance}")
        return self


LEVELS = {
    "easy": {"min_distance": 8, "max_distance": 14},
    "medium": {"min_distance": 18, "max_distance": 26},
    "hard": {"min_distance": 32, "max_distance": 44},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """A random walk of the blank until the tiles are as far from their places as asked. Where there shall be no solution, two tiles are then exchanged."""
    wanted, way = rng.randint(config.min_distance, config.max_distance), []
    for board, back in wander(rng, N):
        way.append(back)
        if distance(board, N) == wanted:
            break
    can = rng.random() >= config.unsolvable_share
    board = board if can else swapped(rng, board)
    prompt = ask(rng.choice(OPENINGS), RULES, text(board, N), FORM + (IF_NONE if config.unsolvable_share else ""), EXAMPLE)
    meta = {"board": list(board), "solvable": can, "distance": distance(board, N)}
    return Drawn(prompt, lambda: min("".join(reversed(way)), _by_stages(board), key=len) if can else NONE, meta, canonical(board, N))


def verify(answer: str, item: Item) -> Score:
    return judge(answer, item, N)


def verify_paper(answer: str, item: Item) -> Score:
    return judge_paper(answer, item, N)


def solve(item: Item) -> str:
    """Best first by moves made plus five times the tiles' distance, corrected for pairs that stand in each other's way; the parity of the board first."""
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
        for move, place in EXITS[blank].items():
            tiles = list(board)
            tiles[blank], tiles[place] = tiles[place], 0
            after = tuple(tiles)
            if after not in came:
                came[after] = board, move
                heappush(waiting, (made + 1 + 5 * _least(after), made + 1, after))
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
        for move, place in EXITS[blank].items():
            if place not in closed:
                before = (place, *[blank if tile == place else tile for tile in state[1:]])
                if before not in table:
                    table[before] = UNDO[move]
                    front.append(before)
    return table


def _least(board: Board) -> int:
    """The tiles' distance, and two more for each pair of neighbours in their row or column that stand in the wrong order."""
    total = distance(board, N)
    for place, tile in enumerate(board):
        if tile:
            row, column = divmod(place, N)
            home_row, home_column = divmod(tile - 1, N)
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
RULES = rules(N)
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
