"""Eight puzzle: slide the tiles of a 3x3 board into order. A move names the way that the BLANK goes: U, D, L or R swaps it with the tile above, below, left or right of it.

Any sequence that ends in order counts, shortest or not. The original's prompt says that tiles move while its verifier moves the blank; it skips letters it does not know (that
is the paper rule) and never accepts the sentence for boards without a solution. Half of all arrangements have none: they are made only with the knob `unsolvable_share`.
"""

from __future__ import annotations

import random

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Refused, Score, ask, register
from thinkwell.tasks.puzzles.sequential._board import Board, has_count, picture, text
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

N = 3
GOAL = goal(N)
EXITS = exits(N)


class Config(Knobs):
    min_inversions: int = Field(0, ge=0, le=28)
    """Fewest pairs of tiles that stand in the wrong order, 0 to 28."""
    max_inversions: int = Field(10, ge=0, le=28)
    """Most pairs of tiles that stand in the wrong order, 0 to 28."""
    unsolvable_share: float = Field(0.0, ge=0.0, le=1.0)
    """Share of boards without a solution, 0 to 1; above 0 the prompt says how to answer for them."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_inversions > self.max_inversions:
            raise ValueError(f"min_inversions={self.min_inversions} is above max_inversions={self.max_inversions}")
        low, high = self.min_inversions, self.max_inversions
        if (self.unsolvable_share < 1 and not has_count(low, high, odd=False)) or (
            self.unsolvable_share > 0 and not has_count(low, high, odd=True)
        ):
            raise ValueError("boards with a solution have an even number of inversions, boards without one an odd number; widen the range")
        return self


LEVELS = {
    "easy": {"min_inversions": 0, "max_inversions": 10},
    "medium": {"min_inversions": 12, "max_inversions": 16},
    "hard": {"min_inversions": 18, "max_inversions": 28},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """A random board with as many inversions as asked; their parity says whether there is a solution. The gold answer is a shortest one."""
    can = rng.random() >= config.unsolvable_share
    board = drawn(rng, N, config.min_inversions, config.max_inversions, can)
    prompt = ask(rng.choice(OPENINGS), RULES, text(board, N), FORM + (IF_NONE if config.unsolvable_share else ""), EXAMPLE)
    meta = {"board": list(board), "solvable": can, "inversions": disorder(board)}
    return Drawn(prompt, lambda: _shortest(board) if can else NONE, meta, canonical(board, N))


def verify(answer: str, item: Item) -> Score:
    return judge(answer, item, N)


def verify_paper(answer: str, item: Item) -> Score:
    """The original's rule: letters other than U, D, L, R are skipped, and no sentence is ever right."""
    if played(item.meta["board"], [letter for letter in answer if letter in STEPS], N) != GOAL:
        raise Refused("the moves do not end in the goal")
    return RIGHT


def solve(item: Item) -> str:
    """Iterative deepening with the sum of the tiles' distances as bound; the parity of the board first."""
    start = tuple(item.meta["board"])
    if not solvable(start, N):
        return NONE
    limit = _distance(start)
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
            for move, place in EXITS[blank]:
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


def _distance(board: Board) -> int:
    return sum(abs(place // 3 - (tile - 1) // 3) + abs(place % 3 - (tile - 1) % 3) for place, tile in enumerate(board) if tile)


def _deepen(start: Board, limit: int) -> str | int:
    """Moves within `limit`, or the next limit that is worth a try. Depth first with a stack of its own."""
    beyond = 99
    waiting: list[tuple[Board, str]] = [(start, "")]
    while waiting:
        board, path = waiting.pop()
        least = len(path) + _distance(board)
        if least > limit:
            beyond = min(beyond, least)
            continue
        if board == GOAL:
            return path
        blank = board.index(0)
        for move, place in EXITS[blank]:
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
RULES = (
    "Rules: 0 is the blank. A move swaps the blank with the tile above it (U), below it (D), left of it (L) or right of it (R): the letter says which way the blank goes. "
    "The blank cannot leave the board. The goal is\n1 2 3\n4 5 6\n7 8 0\nAny number of moves is allowed.\n\nThe board:"
)
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
