"""sTTT: a 5x5 grid; four stones on the corners of a square win, of side 1 or standing on its corner with side sqrt 2 (the four neighbours of a point). Name the best move.

25 winning sets, 16 unit squares and 9 diagonal ones; bigger squares do not count. Labels, knobs and levels as in `ottt.py`. The board has 8 symmetries.
"""

from __future__ import annotations

import random
from typing import ClassVar

from thinkwell.tasks.games import _position as position
from thinkwell.tasks.games._engine import Board
from thinkwell.tasks.puzzle import Drawn, Item, Puzzle, Score, register

LEVELS = position.LEVELS

POINTS = "ABCDEFGHIJKLMNOPQRSTUVWXY"
BOARD = Board(
    "sTTT",
    POINTS,
    tuple((x, y) for y in range(5) for x in range(5)),
    (
        *("".join(POINTS[corner + step] for step in (0, 1, 5, 6)) for corner in range(20) if corner % 5 < 4),
        *("".join(POINTS[centre + step] for step in (-5, -1, 1, 5)) for centre in range(5, 20) if 0 < centre % 5 < 4),
    ),
    "\n".join(" ".join(POINTS[row : row + 5]) for row in range(0, 25, 5)),
    "The board has 25 points in a 5x5 grid, named row by row from top to bottom: A B C D E, F G H I J, K L M N O, P Q R S T, U V W X Y.",
    "Whoever first has four stones that form a small square wins. There are two kinds: the corners of a square of side 1, such as A, B, F and G; and the four points directly "
    "above, left of, right of and below a point, such as B, F, H and L around G, whatever is at that point itself. Bigger squares do not count.",
)


class Config(position.GameConfig):
    points: ClassVar[int] = 25
    needed: ClassVar[int] = 4
    deepest: ClassVar[int] = 3


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
    "Alice and Bob play a game of squares.",
    "Find the best move in this game in which four stones must form a small square.",
    "Squares are made of stones on a 5x5 grid; say where the next stone should go.",
)
EXAMPLE = "M"

register(
    Puzzle(
        "games/sttt",
        "games",
        "the best move in a game of small squares on 5x5 points",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        form,
        draw=draw,
    ),
)
