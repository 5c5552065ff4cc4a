"""Eight puzzle: slide the tiles of a 3x3 board into order. A move names the way that the BLANK goes: U, D, L or R swaps it with the tile above, below, left or right of it.

Any sequence that ends in order counts, shortest or not. The original's prompt says that tiles move while its verifier moves the blank; it skips letters it does not know (that
is the paper rule) and never accepts the sentence for boards without a solution. Half of all arrangements have none: they are made only with the knob `unsolvable_share`.
"""

from __future__ import annotations

import random

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.reading import moves, says

Board = tuple[int, ...]  # nine tiles, row by row; 0 is the blank

GOAL: Board = (1, 2, 3, 4, 5, 6, 7, 8, 0)
STEPS = {"U": (-1, 0), "D": (1, 0), "L": (0, -1), "R": (0, 1)}
EXITS = [  # place of the blank -> moves it can make, with the place it comes to
    [(move, place + 3 * down + right) for move, (down, right) in STEPS.items() if 0 <= place // 3 + down < 3 and 0 <= place % 3 + right < 3]
    for place in range(9)
]
UNDO = {"U": "D", "D": "U", "L": "R", "R": "L"}
NONE = "no solution"


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
        odd = any(count % 2 for count in range(self.min_inversions, self.max_inversions + 1))
        even = any(count % 2 == 0 for count in range(self.min_inversions, self.max_inversions + 1))
        if (self.unsolvable_share < 1 and not even) or (self.unsolvable_share > 0 and not odd):
            raise ValueError("boards with a solution have an even number of inversions, boards without one an odd number; widen the range")
        return self


LEVELS = {
    "easy": {"min_inversions": 0, "max_inversions": 10},
    "medium": {"min_inversions": 12, "max_inversions": 16},
    "hard": {"min_inversions": 18, "max_inversions": 28},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Shuffle until the number of inversions fits; its parity says whether there is a solution. The gold answer is a shortest one."""
    solvable = rng.random() >= config.unsolvable_share
    for _ in range(1_000):
        board = tuple(rng.sample(range(9), 9))
        count = _inversions(board)
        if config.min_inversions <= count <= config.max_inversions and count % 2 == (not solvable) and board != GOAL:
            break
    else:
        raise Redraw
    form = FORM + (f" If no sequence of moves can reach the goal, write instead: {NONE}." if config.unsolvable_share else "")
    prompt = ask(rng.choice(OPENINGS), RULES, _text(board), form, EXAMPLE)
    meta = {"board": list(board), "solvable": solvable, "inversions": count}
    return Drawn(prompt, lambda: _shortest(board) if solvable else NONE, meta, _text(board))


def verify(answer: str, item: Item) -> Score:
    """Plays the moves."""
    if says(answer, NONE):
        if item.meta["solvable"]:
            raise Refused("the board can be solved")
        return RIGHT
    board = _played(tuple(item.meta["board"]), moves(answer, tuple(STEPS)))
    if board != GOAL:
        raise Refused(f"after the last move the board is {' '.join(map(str, board))}, row by row, which is not the goal")
    return RIGHT


def verify_paper(answer: str, item: Item) -> Score:
    """The original's rule: letters other than U, D, L, R are skipped, and no sentence is ever right."""
    if _played(tuple(item.meta["board"]), [letter for letter in answer if letter in STEPS]) != GOAL:
        raise Refused("the moves do not end in the goal")
    return RIGHT


def solve(item: Item) -> str:
    """Iterative deepening with the sum of the tiles' distances as bound; the parity of the board first."""
    start = tuple(item.meta["board"])
    if _inversions(start) % 2:
        return NONE
    limit = _distance(start)
    while True:
        found = _deepen(start, limit)
        if isinstance(found, str):
            return found
        limit = found


def form(answer: str) -> str:
    return NONE if says(answer, NONE) else "".join(moves(answer, tuple(STEPS)))


def draw(item: Item) -> str:
    """The board as an SVG picture, 60 pixels a tile."""
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 188 188" font-family="sans-serif" font-size="26" text-anchor="middle">']
    for place, tile in enumerate(item.meta["board"]):
        x, y = 4 + 60 * (place % 3), 4 + 60 * (place // 3)
        parts.append(
            f'<rect x="{x}" y="{y}" width="60" height="60" fill="{"#bbb" if tile == 0 else "white"}" stroke="black" stroke-width="2"/>'
        )
        if tile:
            parts.append(f'<text x="{x + 30}" y="{y + 39}">{tile}</text>')
    return "".join([*parts, "</svg>"])


def _inversions(board: Board) -> int:
    tiles = [tile for tile in board if tile]
    return sum(left > right for place, left in enumerate(tiles) for right in tiles[place + 1 :])


def _step(board: Board, move: str) -> Board | None:
    """The board after the blank has gone that way, None if the edge is in the way."""
    blank = board.index(0)
    place = next((place for name, place in EXITS[blank] if name == move), None)
    if place is None:
        return None
    tiles = list(board)
    tiles[blank], tiles[place] = tiles[place], 0
    return tuple(tiles)


def _played(board: Board, names: list[str]) -> Board:
    for number, move in enumerate(names, 1):
        after = _step(board, move)
        if after is None:
            raise Refused(f"move {number}, {move}, takes the blank off the board")
        board = after
    return board


def _shortest(start: Board) -> str:
    """Breadth first from both ends, the smaller front first, until a board is in both. Boards are texts here: swapping two characters is the fastest step."""
    first, goal = "".join(map(str, start)), "".join(map(str, GOAL))
    came: dict[str, tuple[str, str]] = {first: ("", "")}  # board -> board before it, move that led here
    goes: dict[str, tuple[str, str]] = {goal: ("", "")}  # board -> board after it, move that leads there
    front, back = [first], [goal]
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
        for move in STEPS:
            after = _step(board, move)
            if after is not None and not (path and UNDO[move] == path[-1]):
                waiting.append((after, path + move))
    return beyond


def _text(board: Board) -> str:
    return "\n".join(" ".join(map(str, board[row : row + 3])) for row in (0, 3, 6))


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
