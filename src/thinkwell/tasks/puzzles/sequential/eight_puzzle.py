"""Eight puzzle: slide the tiles of a 3x3 board into order. A move names the way that the BLANK goes: U, D, L or R swaps it with the tile above, below, left or right of it.

Any sequence that ends in order counts, shortest or not. The original's prompt says that tiles move while its verifier moves the blank; it skips letters it does not know (that
is the paper rule) and never accepts the sentence for boards without a solution. Half of all arrangements have none: they are made only with the knob `unsolvable_share`. Its levels
count pairs in the wrong order, which tells little of the moves that a board needs (20, 22 and 24 on average); ours count these.
"""

from __future__ import annotations

import random
from itertools import islice

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import Drawn, Item, Puzzle, Redraw, Score, ask, register
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
    rules,
    solvable,
    wander,
)

N = 3
GOAL = goal(N)
EXITS = exits(N)


class Config(Knobs):
    min_moves: int = Field(8, ge=1, le=31)
    """Fewest moves that a board needs, 1 to 31."""
    max_moves: int = Field(14, ge=1, le=31)
    """Most moves that a board may need, 1 to 31."""
    unsolvable_share: float = Field(0.0, ge=0.0, le=1.0)
    """Share of boards without a solution, 0 to 1; above 0 the prompt says how to answer for them."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_moves > self.max_moves:
            raise ValueError(f"min_moves={self.min_moves} is above max_moves={self.max_moves}")
        return self


LEVELS = {
    "easy": {"min_moves": 8, "max_moves": 14},
    "medium": {"min_moves": 15, "max_moves": 20},
    "hard": {"min_moves": 21, "max_moves": 31},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """A random walk of the blank; drawn again if it comes to a board that needs fewer moves. Where there shall be no solution, two tiles are then exchanged."""
    board, _ = next(islice(wander(rng, N), rng.randint(config.min_moves, config.max_moves) - 1, None))
    moves = _shortest(board)
    if len(moves) < config.min_moves:
        raise Redraw
    can = rng.random() >= config.unsolvable_share
    board = board if can else swapped(rng, board)
    prompt = ask(rng.choice(OPENINGS), RULES, text(board, N), FORM + (IF_NONE if config.unsolvable_share else ""), EXAMPLE)
    meta = {"board": list(board), "solvable": can, "moves": len(moves) if can else None}
    return Drawn(prompt, moves if can else NONE, meta, canonical(board, N))


def verify(answer: str, item: Item) -> Score:
    return judge(answer, item, N)


def verify_paper(answer: str, item: Item) -> Score:
    return judge_paper(answer, item, N)


def solve(item: Item) -> str:
    """Iterative deepening with the sum of the tiles' distances as bound; the parity of the board first."""
    start = tuple(item.meta["board"])
    if not solvable(start, N):
        return NONE
    limit = distance(start, N)
    while True:
        found = _deepen(start, limit)
        if isinstance(found, str):
            return found
        limit = found


def draw(item: Item) -> str:
    return picture(item.meta["board"], N)


def _shortest(start: Board) -> str:
    """Breadth first from both ends, the smaller front first, until a board is in both. Boards are texts here: swapping two characters is the fastest step."""
    first, last = "".join(map(str, start)), "".join(map(str, GOAL))
    came: dict[str, tuple[str, str]] = {first: ("", "")}  # board -> board before it, move that led here
    goes: dict[str, tuple[str, str]] = {last: ("", "")}  # board -> board after it, move that leads there
    front, back = [first], [last]
    while True:
        forward = len(front) <= len(back)
        seen, other, edge = (came, goes, front) if forward else (goes, came, back)
        grown = []
        for board in edge:
            blank = board.index("0")
            for move, place in EXITS[blank].items():
                low, high = (blank, place) if blank < place else (place, blank)
                after = board[:low] + board[high] + board[low + 1 : high] + board[low] + board[high + 1 :]
                if after in seen:
                    continue
                seen[after] = board, move if forward else UNDO[move]
                if after in other:
                    return "".join([*reversed(_trail(came, after)), *_trail(goes, after)])
                grown.append(after)
        if forward:
            front = grown
        else:
            back = grown


def _trail(links: dict[str, tuple[str, str]], board: str) -> list[str]:
    found = []
    while (link := links[board])[0]:
        board = link[0]
        found.append(link[1])
    return found


def _deepen(start: Board, limit: int) -> str | int:
    """Moves within `limit`, or the next limit that is worth a try. Depth first with a stack of its own."""
    beyond = 99
    waiting: list[tuple[Board, str]] = [(start, "")]
    while waiting:
        board, path = waiting.pop()
        least = len(path) + distance(board, N)
        if least > limit:
            beyond = min(beyond, least)
            continue
        if board == GOAL:
            return path
        blank = board.index(0)
        for move, place in EXITS[blank].items():
            if not (path and UNDO[move] == path[-1]):
                tiles = list(board)
                tiles[blank], tiles[place] = tiles[place], 0
                waiting.append((tuple(tiles), path + move))
    return beyond


OPENINGS = (
    "Solve this sliding puzzle.",
    "Bring the tiles of this 3x3 board into order.",
    "Here is an eight puzzle. Find moves that lead to the goal.",
    "Find a sequence of moves that sorts the board below.",
)
RULES = rules(N)
FORM = "the moves as one word of the letters U, D, L and R."
EXAMPLE = "RDLURD"

register(
    Puzzle(
        "puzzles/eight_puzzle",
        "sequential",
        "slide eight tiles of a 3x3 board into order",
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
