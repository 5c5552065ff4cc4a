"""dTTT: tic-tac-toe on two 3x3 grids that stand side by side and share the column C, F, I; three in a line inside EITHER grid win. Name the best move.

15 points, 15 winning sets (8 and 8, the shared column counted once); a stone on the shared column belongs to both grids, and a line that goes from one grid into the other is
none. Labels, knobs and levels as in `ottt.py`. The names of the right grid's points, rows C J K, F L M, I N O, are those of the original as far as can be inferred.
"""

from __future__ import annotations

import random
from typing import ClassVar

from thinkwell.tasks.games import _position as position
from thinkwell.tasks.games._engine import Board
from thinkwell.tasks.puzzle import Drawn, Item, Puzzle, Score, register

LEVELS = position.LEVELS

BOARD = Board(
    "dTTT",
    "ABCDEFGHIJKLMNO",
    (*((x, y) for y in range(3) for x in range(3)), *((x, y) for y in range(3) for x in (3, 4))),
    (
        *("ABC", "DEF", "GHI", "ADG", "BEH", "CFI", "AEI", "CEG"),  # the left grid; CFI is both grids'
        *("CJK", "FLM", "INO", "JLN", "KMO", "CLO", "KLI"),
    ),
    "A B C J K\nD E F L M\nG H I N O",
    "The board has 15 points: two 3x3 grids side by side that share a column. The left grid has the rows A B C, D E F and G H I, from top to bottom; the right grid "
    "has the rows C J K, F L M and I N O. The points C, F and I are the right column of the left grid and the left column of the right grid; a stone there counts in both.",
    "Whoever first has three stones in one row, one column or one of the two diagonals of the left grid or of the right grid wins. All three must lie in the same grid.",
)


class Config(position.GameConfig):
    points: ClassVar[int] = 15
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
    "Alice and Bob play tic-tac-toe on a double board.",
    "Find the best move in this game on two joined 3x3 grids.",
    "Two tic-tac-toe grids share a column; say where the next stone should go.",
)
EXAMPLE = "L"

register(
    Puzzle("games/dttt", "games", "the best move on two joined 3x3 grids", Config, LEVELS, generate, verify, solve, form, draw=draw),
)
