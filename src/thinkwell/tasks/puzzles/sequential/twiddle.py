"""Twiddle: sort a 3x3 board of 1 to 9 by turning its 2x2 blocks. Move (i,j), 0-based, turns the block whose top left cell is (i,j) a quarter counter-clockwise.

Any sequence that sorts the board counts. The original scrambles with one to six clockwise turns, which leaves 20 boards at easy, some already sorted; here a level says how many
moves a board needs at least, measured exactly, and boards that are the same up to a rotation of the page count as one.
"""

from __future__ import annotations

import random
from functools import cache

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.puzzles.sequential._board import Board, picture, text
from thinkwell.tasks.reading import pairs

GOAL: Board = (1, 2, 3, 4, 5, 6, 7, 8, 9)
MOVES = ((0, 0), (0, 1), (1, 0), (1, 1))
BLOCKS = [
    (3 * i + j, 3 * i + j + 1, 3 * i + j + 3, 3 * i + j + 4) for i, j in MOVES
]  # places: top left, top right, bottom left, bottom right
SOURCES = [[dict(zip((a, b, c, d), (b, d, a, c), strict=True)).get(place, place) for place in range(9)] for a, b, c, d in BLOCKS]
TARGETS = [[sources.index(place) for place in range(9)] for sources in SOURCES]
TURNED = (2, 5, 8, 1, 4, 7, 0, 3, 6)  # the page turned: where each place's tile comes from
FARTHEST = 11  # some boards need up to 15 moves, but random turns do not lead to them
NEAR = 5  # moves from the goal that are kept in a table


class Config(Knobs):
    min_moves: int = Field(2, ge=1, le=FARTHEST)
    """Fewest moves that a board needs, 1 to 11."""
    max_moves: int = Field(4, ge=1, le=FARTHEST)
    """Most moves that a board may need, 1 to 11."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_moves > self.max_moves:
            raise ValueError(f"min_moves={self.min_moves} is above max_moves={self.max_moves}")
        return self


LEVELS = {
    "easy": {"min_moves": 2, "max_moves": 4},
    "medium": {"min_moves": 5, "max_moves": 6},
    "hard": {"min_moves": 7, "max_moves": 9},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Turn blocks of the sorted board clockwise, as many as the board shall need; draw again if a shorter way back exists."""
    needed = rng.randint(config.min_moves, config.max_moves)
    board = GOAL
    for _ in range(needed):
        sources = rng.choice(TARGETS)  # the inverse of a move
        board = tuple([board[place] for place in sources])
    names = _shortest(board)
    if len(names) != needed:
        raise Redraw
    prompt = ask(rng.choice(OPENINGS), RULES, text(board, 3), FORM, EXAMPLE)
    return Drawn(prompt, "->".join(f"({i},{j})" for i, j in names), {"board": list(board), "moves": needed}, _canonical(board))


def verify(answer: str, item: Item) -> Score:
    """Plays the moves."""
    board = tuple(item.meta["board"])
    for number, move in enumerate(pairs(answer), 1):
        if move not in MOVES:
            raise Refused(f"move {number}, ({move[0]},{move[1]}), is no block of the board; both numbers must be 0 or 1")
        board = tuple([board[place] for place in SOURCES[MOVES.index(move)]])
    if board != GOAL:
        raise Refused(f"after the last move the board is {' '.join(map(str, board))}, row by row, which is not sorted")
    return RIGHT


def solve(item: Item) -> str:
    """Iterative deepening over the places of the tiles; what four tiles need when the others do not matter, from two tables, is the bound."""
    board = item.meta["board"]
    start = tuple(board.index(tile) for tile in GOAL)
    limit = 0
    while True:
        waiting: list[tuple[Board, tuple[int, ...]]] = [(start, ())]
        while waiting:
            places, path = waiting.pop()
            if len(path) + max(_needed(0)[places[:4]], _needed(5)[places[5:]]) > limit:
                continue
            if places == tuple(range(9)):
                return "->".join(f"({MOVES[move][0]},{MOVES[move][1]})" for move in path)
            waiting += [(tuple([to[place] for place in places]), (*path, move)) for move, to in enumerate(TARGETS)]
        limit += 1


def form(answer: str) -> str:
    return "->".join(f"({i},{j})" for i, j in pairs(answer))


def draw(item: Item) -> str:
    return picture(item.meta["board"], 3)


def _shortest(board: Board) -> list[tuple[int, int]]:
    """Breadth first until a board is near the goal, from where the table leads on."""
    near = _near()
    path: dict[Board, tuple[int, ...]] = {board: ()}
    front = [board]
    while not (met := next((one for one in front if one in near), None)):
        grown = []
        for one in front:
            for move, sources in enumerate(SOURCES):
                after = tuple([one[place] for place in sources])
                if after not in path:
                    path[after] = (*path[one], move)
                    grown.append(after)
        front = grown
    names = [MOVES[move] for move in path[met]]
    while met != GOAL:
        move = near[met]
        names.append(MOVES[move])
        met = tuple([met[place] for place in SOURCES[move]])
    return names


@cache
def _near() -> dict[Board, int]:
    """Every board that needs at most `NEAR` moves, with the first of them."""
    first, front = {GOAL: 0}, [GOAL]
    for _ in range(NEAR):
        grown = []
        for board in front:
            for move, sources in enumerate(TARGETS):
                before = tuple([board[place] for place in sources])
                if before not in first:
                    first[before] = move
                    grown.append(before)
        front = grown
    return first


@cache
def _needed(start: int) -> dict[Board, int]:
    """Fewest moves that bring the four tiles from number `start` (0-based) home, by their places."""
    home = tuple(range(start, start + 4))
    needed, front = {home: 0}, [home]
    for places in front:  # grows while it is read
        for sources in SOURCES:
            before = tuple([sources[place] for place in places])
            if before not in needed:
                needed[before] = needed[places] + 1
                front.append(before)
    return needed


def _canonical(board: Board) -> str:
    """The least of the four boards that are this one seen from another side, tiles renamed so that the goal stays."""
    seen = [board]
    for _ in range(3):
        seen.append(tuple([TURNED.index(seen[-1][place] - 1) + 1 for place in TURNED]))
    return text(min(seen), 9)


OPENINGS = (
    "Sort this board by turning its 2x2 blocks.",
    "Here is a twiddle puzzle. Find turns that bring the numbers into order.",
    "Bring the numbers of this 3x3 board into order, a turn of four neighbours at a time.",
    "Find a sequence of block turns that sorts the board below.",
)
RULES = (
    "Rules: a move turns one of the four 2x2 blocks by a quarter counter-clockwise. The move (i,j) turns the block whose top left cell is in row i and column j, "
    "where rows count from 0 at the top and columns from 0 at the left, so i and j are 0 or 1. For example, the block\na b\nc d\nbecomes\nb d\na c\n"
    "The goal is\n1 2 3\n4 5 6\n7 8 9\nAny number of moves is allowed.\n\nThe board:"
)
FORM = "the moves in order, joined by arrows, each as (i,j)."
EXAMPLE = "(0,1)->(1,1)->(0,0)"

register(
    Puzzle(
        "puzzles/twiddle",
        "sequential",
        "sort a 3x3 board by turning its 2x2 blocks",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        form,
        draw=draw,
    )
)
