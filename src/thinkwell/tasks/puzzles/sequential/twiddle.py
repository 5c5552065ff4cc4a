"""Twiddle: sort a 3x3 board of 1 to 9 by turning its 2x2 blocks. Move (i,j), 0-based, turns the block whose top left cell is (i,j) a quarter counter-clockwise.

Any sequence that sorts the board counts. The original scrambles with one to six clockwise turns, which leaves 20 boards at easy, some already sorted; here a level says how many
moves a board needs, measured exactly, and boards that are the same up to a rotation of the page count as one.
"""

from __future__ import annotations

import random
from functools import cache

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.puzzles.sequential._board import Board, picture, text
from thinkwell.tasks.puzzles.sequential._orders import Order, Orders
from thinkwell.tasks.reading import pairs


def _turn(i: int, j: int) -> Order:
    """A quarter counter-clockwise of the block whose top left cell is (i,j): its places get what was top right, bottom right, top left, bottom left."""
    place = 3 * i + j
    sources = {place: place + 1, place + 1: place + 4, place + 3: place, place + 4: place + 3}
    return tuple([sources.get(place, place) for place in range(9)])


TURNS = Orders({f"({i},{j})": _turn(i, j) for i in (0, 1) for j in (0, 1)}, near=5)
PAGE = (2, 5, 8, 1, 4, 7, 0, 3, 6)  # the page turned: where each place's tile comes from
FARTHEST = 11  # some boards need up to 15 moves, but random turns do not lead to them


class Config(Knobs):
    min_moves: int = Field(3, ge=1, le=FARTHEST)
    """Fewest moves that a board needs, 1 to 11."""
    max_moves: int = Field(5, ge=1, le=FARTHEST)
    """Most moves that a board may need, 1 to 11."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_moves > self.max_moves:
            raise ValueError(f"min_moves={self.min_moves} is above max_moves={self.max_moves}")
        return self


LEVELS = {
    "easy": {"min_moves": 3, "max_moves": 5},
    "medium": {"min_moves": 6, "max_moves": 7},
    "hard": {"min_moves": 8, "max_moves": 10},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """A scramble of random turns; drawn again if it comes to a board that needs fewer moves than asked."""
    board = TURNS.before(rng.choices(list(TURNS.orders), k=rng.randint(config.min_moves, config.max_moves)))
    names = TURNS.shortest(board, config.max_moves)
    if names is None or len(names) < config.min_moves:
        raise Redraw
    prompt = ask(rng.choice(OPENINGS), RULES, text(board, 3), FORM, EXAMPLE)
    return Drawn(prompt, "->".join(names), {"board": list(board), "moves": len(names)}, _canonical(board))


def verify(answer: str, item: Item) -> Score:
    """Plays the moves."""
    names = [f"({i},{j})" for i, j in pairs(answer)]
    if (wrong := next((number for number, name in enumerate(names) if name not in TURNS.orders), None)) is not None:
        raise Refused(f"move {wrong + 1}, {names[wrong]}, is no block of the board; both numbers must be 0 or 1")
    board = TURNS.played(tuple(item.meta["board"]), names)
    if board != TURNS.home:
        raise Refused(f"after the last move the board is {' '.join(map(str, board))}, row by row, which is not sorted")
    return RIGHT


def solve(item: Item) -> str:
    """Iterative deepening over the places of the tiles; what four tiles need when the others do not matter, from two tables, is the bound."""
    board = item.meta["board"]
    start = tuple(board.index(tile) for tile in TURNS.home)
    limit = 0
    while True:
        waiting: list[tuple[Board, tuple[str, ...]]] = [(start, ())]
        while waiting:
            places, path = waiting.pop()
            if len(path) + max(_needed(0)[places[:4]], _needed(5)[places[5:]]) > limit:
                continue
            if places == tuple(range(9)):
                return "->".join(path)
            waiting += [(tuple([to[place] for place in places]), (*path, name)) for name, to in TURNS.undo.items()]
        limit += 1


def form(answer: str) -> str:
    return "->".join(f"({i},{j})" for i, j in pairs(answer))


def draw(item: Item) -> str:
    return picture(item.meta["board"], 3)


@cache
def _needed(start: int) -> dict[Board, int]:
    """Fewest moves that bring the four tiles from number `start` (0-based) home, by their places."""
    home = tuple(range(start, start + 4))
    needed, front = {home: 0}, [home]
    for places in front:  # grows while it is read
        for sources in TURNS.orders.values():
            before = tuple([sources[place] for place in places])
            if before not in needed:
                needed[before] = needed[places] + 1
                front.append(before)
    return needed


def _canonical(board: Board) -> str:
    """The least of the four boards that are this one seen from another side, tiles renamed so that the goal stays."""
    seen = [board]
    for _ in range(3):
        seen.append(tuple([PAGE.index(seen[-1][place] - 1) + 1 for place in PAGE]))
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
