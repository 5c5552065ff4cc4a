"""Sliding boards with one blank, 0, that a move takes up, down, left or right. Shared by the eight and the fifteen puzzle; the goal has the blank in the last place."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from functools import cache

from thinkwell.tasks.puzzle import RIGHT, Item, Refused, Score
from thinkwell.tasks.puzzles.sequential._board import Board, arrangement, has_count, inversions
from thinkwell.tasks.reading import moves, says

STEPS = {"U": (-1, 0), "D": (1, 0), "L": (0, -1), "R": (0, 1)}
UNDO = {"U": "D", "D": "U", "L": "R", "R": "L"}
NONE = "no solution"
IF_NONE = f" If no sequence of moves can reach the goal, write instead: {NONE}."


@cache
def exits(width: int) -> list[list[tuple[str, int]]]:
    """For each place of the blank: the moves it can make, with the place it comes to."""
    return [
        [
            (move, place + width * down + right)
            for move, (down, right) in STEPS.items()
            if 0 <= place // width + down < width and 0 <= place % width + right < width
        ]
        for place in range(width * width)
    ]


@cache
def _ways(width: int) -> list[dict[str, int]]:
    return [dict(ways) for ways in exits(width)]


def goal(width: int) -> Board:
    return (*range(1, width * width), 0)


def disorder(board: Sequence[int]) -> int:
    """Pairs of tiles in the wrong order; the blank is no tile."""
    return inversions([tile for tile in board if tile])


def solvable(board: Sequence[int], width: int) -> bool:
    """A move up or down takes a tile past `width` - 1 others, so on a board of even width each changes the parity of the inversions; nothing else does."""
    return (disorder(board) + (width - 1 - board.index(0) // width) * (width - 1)) % 2 == 0


def drawn(rng: random.Random, width: int, low: int, high: int, can: bool) -> Board:
    """A random board, not the goal, with `low` to `high` inversions, that can (cannot) be solved. width odd: the range must hold an even (odd) number."""
    while True:
        blank = rng.randrange(width * width)
        odd = (width - 1 - blank // width) * (width - 1) % 2 == can
        if not has_count(low, high, odd):
            continue
        tiles = [number + 1 for number in arrangement(rng, width * width - 1, low, high, odd)]
        board = (*tiles[:blank], 0, *tiles[blank:])
        if board != goal(width):
            return board


def judge(answer: str, item: Item, width: int) -> Score:
    """Plays the moves; the sentence counts where it is true."""
    if says(answer, NONE):
        if item.meta["solvable"]:
            raise Refused("the board can be solved")
        return RIGHT
    board = played(item.meta["board"], moves(answer, tuple(STEPS)), width)
    if board != goal(width):
        raise Refused(f"after the last move the board is {' '.join(map(str, board))}, row by row, which is not the goal")
    return RIGHT


def played(board: Sequence[int], names: Iterable[str], width: int) -> Board:
    """The board after the moves. Raises `Refused` for one that leaves the board."""
    tiles = list(board)
    blank = tiles.index(0)
    ways = _ways(width)
    for number, move in enumerate(names, 1):
        place = ways[blank].get(move)
        if place is None:
            raise Refused(f"move {number}, {move}, takes the blank off the board")
        tiles[blank], tiles[place] = tiles[place], 0
        blank = place
    return tuple(tiles)


def form(answer: str) -> str:
    return NONE if says(answer, NONE) else "".join(moves(answer, tuple(STEPS)))


def canonical(board: Sequence[int], width: int) -> str:
    """The lesser of the board and its mirror image on the diagonal, tiles renamed so that the goal stays."""
    flipped = [place % width * width + place // width for place in range(width * width)]
    name = {0: 0} | {place + 1: flipped[place] + 1 for place in range(width * width - 1)}
    mirrored = [name[board[place]] for place in flipped]
    return " ".join(map(str, min(list(board), mirrored)))
