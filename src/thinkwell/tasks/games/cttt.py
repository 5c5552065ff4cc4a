"""cTTT: the 12 corners of two cubes that share a face; four stones on one face of either cube win. Name the best move of the player whose turn it is.

11 winning sets, the shared face counted once. "On the same plane", as the original says it, could also mean the planes through two opposite edges of a cube: with
`planes="faces_and_diagonals"` these 12 win too (23 sets), and the prompt says so. Labels, other knobs and levels as in `ottt.py`. The board has 16 symmetries.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import ClassVar, Literal

from thinkwell.tasks.games import _position as position
from thinkwell.tasks.games._engine import Board
from thinkwell.tasks.puzzle import Drawn, Item, Puzzle, Score, register

LEVELS = position.LEVELS

FACES = Board(
    "cTTT",
    "ABCDEFGHIJKL",
    # left to right, front to back, top to bottom
    ((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1), (2, 0, 0), (2, 1, 0), (2, 0, 1), (2, 1, 1)),
    ("ABCD", "EFGH", "ABFE", "DCGH", "ADHE", "BCGF", "BIJC", "FKLG", "BIKF", "CJLG", "IJLK"),
    """
     D-------C-------J
    /|      /|      /|
   / |     / |     / |
  A-------B-------I  |
  |  H----|--G----|--L
  | /     | /     | /
  |/      |/      |/
  E-------F-------K""".strip("\n"),
    "The board has 12 points, the corners of two cubes of the same size that share a face. ABCD is the top face of the first cube and EFGH its bottom face, with E below A, "
    "F below B, G below C and H below D. BIJC is the top face of the second cube and FKLG its bottom face, with K below I and L below J. The cubes share the face BCGF.",
    "Whoever first has stones on all four corners of one face of either cube wins.",
)
DIAGONALS = replace(
    FACES,
    lines=(
        *FACES.lines,
        *("ABGH", "CDEF", "ACGE", "BDHF", "ADGF", "BCHE"),  # each holds two opposite edges of the first cube
        *("BILG", "CJKF", "BJLF", "CIKG", "BCLK", "IJGF"),
    ),
    goal=FACES.goal[:-6] + ", or of one plane through two opposite edges of a cube (such as ABGH, with the edges AB and GH), wins.",
)


class Config(position.GameConfig):
    points: ClassVar[int] = 12
    needed: ClassVar[int] = 4

    planes: Literal["faces", "faces_and_diagonals"] = "faces"
    """Planes that win: the faces of the cubes, or also those through two opposite edges of a cube."""


def generate(rng: random.Random, config: Config) -> Drawn:
    drawn = position.generate(rng, config, FACES if config.planes == "faces" else DIAGONALS, OPENINGS, EXAMPLE)
    return replace(drawn, meta={**drawn.meta, "planes": config.planes})


def verify(answer: str, item: Item) -> Score:
    return position.verify(answer, item, board_of(item))


def solve(item: Item) -> str:
    return position.solve(item, board_of(item))


def form(answer: str) -> str:
    return position.form(answer, FACES)


def draw(item: Item) -> str:
    return position.draw(item, board_of(item))


def board_of(item: Item) -> Board:
    return DIAGONALS if item.meta.get("planes") == "faces_and_diagonals" else FACES


OPENINGS = (
    "Alice and Bob play a game on the corners of two cubes.",
    "Find the best move in this game on two joined cubes.",
    "Two cubes share a face, and stones are put on their corners; say where the next one should go.",
)
EXAMPLE = "G"

register(
    Puzzle(
        "games/cttt", "games", "the best move on the corners of two joined cubes", Config, LEVELS, generate, verify, solve, form, draw=draw
    ),
)
