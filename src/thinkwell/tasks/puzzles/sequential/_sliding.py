"""Sliding boards with one blank, 0, that a move takes up, down, left or right. Shared by the eight and the fifteen puzzle; the goal has the blank in the last place."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from thinkwell.tasks.puzzle import RIGHT, Item, Refused, Score
from thinkwell.tasks.puzzles.sequential._board import NONE, Board, text
from thinkwell.tasks.reading import moves, says

STEPS = {"U": (-1, 0), "D": (1, 0), "L": (0, -1), "R": (0, 1)}
UNDO = {"U": "D", "D": "U", "L": "R", "R": "L"}


@cache
def exits(width: int) -> list[dict[str, int]]:
    """For each place of the blank: the moves it can make, with the place it comes to."""
    return [
        {
            move: place + width * down + right
            for move, (down, right) in STEPS.items()
            if 0 <= place // width + down < width and 0 <= place % width + right < width
        }
        for place in range(width * width)
    ]


def goal(width: int) -> Board:
    return (*range(1, width * width), 0)


def solvable(board: Sequence[int], width: int) -> bool:
    """A move up or down takes a tile past `width` - 1 others, so on a board of even width each changes the parity of the inversions; nothing else does."""
    tiles = [tile for tile in board if tile]
    inversions = sum(left > right for place, left in enumerate(tiles) for right in tiles[place + 1 :])
    return (inversions + (width - 1 - board.index(0) // width) * (width - 1)) % 2 == 0


def distance(board: Sequence[int], width: int) -> int:
    """Steps from the tiles to their places, all tiles together. A move makes one of them, or takes one back."""
    return sum(
        abs(place // width - (tile - 1) // width) + abs(place % width - (tile - 1) % width) for place, tile in enumerate(board) if tile
    )


def wander(rng: random.Random, width: int) -> Iterator[tuple[Board, str]]:
    """Boards on a random walk of the blank from the goal, none of whose moves undoes the one before; each with the move that leads one step back. Never ends."""
    tiles = list(goal(width))
    blank, back = len(tiles) - 1, ""
    while True:
        move, place = rng.choice([way for way in exits(width)[blank].items() if way[0] != back])
        tiles[blank], tiles[place] = tiles[place], 0
        blank, back = place, UNDO[move]
        yield tuple(tiles), back


def rules(width: int) -> str:
    """The rules, as the prompt states them."""
    return (
        "Rules: 0 is the blank. A move swaps the blank with the tile above it (U), below it (D), left of it (L) or right of it (R): the letter says which way the blank goes. "
        f"The blank cannot leave the board. The goal is\n{text(goal(width), width)}\nAny number of moves is allowed.\n\nThe board:"
    )


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


def judge_paper(answer: str, item: Item, width: int) -> Score:
    """The original's rule: letters other than U, D, L, R are skipped, and no sentence is ever right."""
    if played(item.meta["board"], [letter for letter in answer if letter in STEPS], width) != goal(width):
        raise Refused("the moves do not end in the goal")
    return RIGHT


def played(board: Sequence[int], names: Iterable[str], width: int) -> Board:
    """The board after the moves. Raises `Refused` for one that leaves the board."""
    tiles = list(board)
    blank = tiles.index(0)
    ways = exits(width)
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
