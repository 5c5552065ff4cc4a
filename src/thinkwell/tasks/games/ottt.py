"""oTTT: ordinary tic-tac-toe on nine points; three in a row, column or diagonal win. Name the best move of the player whose turn it is.

Labels, knobs and levels are those of all four games (`_engine.py`, `_position.py`): easy is a win at once, medium a block, hard a fork. Any right move counts. TTT-Bench's own
generator is not published; its files are read by `tasks/ttt_bench.py`. Training and test positions differ by more than a symmetry of the board, of which there are 8.
"""

from __future__ import annotations

import random
from typing import ClassVar

from thinkwell.tasks.games import _position as position
from thinkwell.tasks.games._engine import Board
from thinkwell.tasks.puzzle import Drawn, Item, Puzzle, Score, register

LEVELS = position.LEVELS

BOARD = Board(
    "oTTT",
    "ABCDEFGHI",
    tuple((x, y) for y in range(3) for x in range(3)),
    ("ABC", "DEF", "GHI", "ADG", "BEH", "CFI", "AEI", "CEG"),
    "A B C\nD E F\nG H I",
    "The board has nine points in a 3x3 grid, named row by row: the top row is A B C, the middle row D E F, the bottom row G H I.",
    "Whoever first has three stones in one row, one column or one of the two diagonals wins.",
)


class Config(position.GameConfig):
    points: ClassVar[int] = 9
    needed: ClassVar[int] = 3


def generate(rng: random.Random, config: Config) -> Drawn:
    return position.generate(rng, config, BOARD, OPENINGS, EXAMPLE)


def verify(answer: str, item: Item) -> Score:
    return position.verify(answer, item, BOARD)


def solve(item: Item) -> str:
    return position.solve(item, BOARD)


def form(answer: str) -> str:
    return position.form(answer, BOARD)


def draw(item: Item) -> str:
    return position.draw(item, BOARD)


OPENINGS = (
    "Alice and Bob play tic-tac-toe.",
    "Find the best move in this game of tic-tac-toe.",
    "A game of noughts and crosses is played with stones; say where the next one should go.",
)
EXAMPLE = "E"

register(
    Puzzle("games/ottt", "games", "the best move in tic-tac-toe", Config, LEVELS, generate, verify, solve, form, draw=draw),
)
