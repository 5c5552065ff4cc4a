"""Boards whose rows and columns are shifted around: RAB moves row A left by B, CAB column A up by B. Shared by the nine and the sixteen puzzle."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from functools import cache

from thinkwell.tasks.puzzle import RIGHT, Item, Refused, Score
from thinkwell.tasks.puzzles.sequential._board import NONE, Board, text
from thinkwell.tasks.puzzles.sequential._orders import Order, Orders
from thinkwell.tasks.reading import moves, says

NEAR = {3: 4, 4: 3}  # moves from home that are kept in a table: some six thousand boards of either width


@cache
def shifts(width: int) -> Orders:
    """All moves of a board."""
    found = {}
    for line in range(width):
        for by in range(1, width):
            row, column = list(range(width * width)), list(range(width * width))
            for k in range(width):
                row[line * width + k] = line * width + (k + by) % width
                column[k * width + line] = (k + by) % width * width + line
            found[f"R{line + 1}{by}"], found[f"C{line + 1}{by}"] = tuple(row), tuple(column)
    return Orders(dict(sorted(found.items())), NEAR[width])


def scramble(rng: random.Random, width: int, count: int) -> list[str]:
    """So many moves at random, no two in a row of the same line."""
    names: list[str] = []
    for _ in range(count):
        names.append(rng.choice([name for name in shifts(width).orders if not names or name[:2] != names[-1][:2]]))
    return names


def rules(width: int) -> str:
    """The rules, as the prompt states them."""
    return (
        f"Rules: a move shifts one whole row or column around. RAB shifts row A to the left by B cells, CAB shifts column A up by B cells; "
        f"what leaves at one end comes in at the other. Rows are numbered 1 to {width} from the top, columns 1 to {width} from the left, and B is 1 to {width - 1}. "
        f"For example, R12 shifts the top row to the left by two cells. The goal is\n"
        f"{text(shifts(width).home, width)}\nAny number of moves is allowed.\n\nThe board:"
    )


def judge(answer: str, item: Item, width: int) -> Score:
    """Plays the moves; the sentence counts where it is true."""
    if says(answer, NONE):
        if item.meta["solvable"]:
            raise Refused("the board can be solved")
        return RIGHT
    puzzle = shifts(width)
    board = puzzle.played(tuple(item.meta["board"]), moves(answer, puzzle.orders))
    if board != puzzle.home:
        raise Refused(f"after the last move the board is {' '.join(map(str, board))}, row by row, which is not the goal")
    return RIGHT


def tidied(names: Iterable[str], width: int) -> list[str]:
    """The same with neighbouring shifts of one line joined."""
    kept: list[str] = []
    for name in names:
        if not kept or kept[-1][:2] != name[:2]:
            kept.append(name)
        elif (by := (int(kept.pop()[2]) + int(name[2])) % width) > 0:
            kept.append(f"{name[:2]}{by}")
    return kept


def by_three_cycles(board: Board, width: int) -> list[str] | None:
    """Tile after tile home, each by four moves that change only three places, so that what is home stays there; None for a board that no moves can sort.

    The last tiles left are those of a corner: three tiles in even order then need one more such step, or none. On boards of odd width no move changes the parity of the order.
    """
    steps = _three_cycles(width)
    first: list[str] = []
    if not even(board):
        if width % 2:
            return None
        first = ["R11"]
        board = shifts(width).played(board, first)
    rows = list(range(width * (width - 2)))
    columns = [place for column in range(width) for place in (width * (width - 2) + column, width * (width - 1) + column)]
    order = rows + columns
    names = first
    for number, home in enumerate(order):
        place = board.index(home + 1)
        if place != home:
            word = next(word for other in order[number + 1 :] if (word := steps.get((place, home, other))))
            names = names + word
            board = shifts(width).played(board, word)
    return tidied(names, width)


@cache
def _three_cycles(width: int) -> dict[tuple[int, int, int], list[str]]:
    """(from, to, third place) -> a row, a column, the row back, the column back (or column first), which takes a tile there and moves but these three."""
    found: dict[tuple[int, int, int], list[str]] = {}
    for row in range(1, width + 1):
        for column in range(1, width + 1):
            for a in range(1, width):
                for b in range(1, width):
                    r, c = (f"R{row}{a}", f"R{row}{width - a}"), (f"C{column}{b}", f"C{column}{width - b}")
                    for word in ([r[0], c[0], r[1], c[1]], [c[0], r[0], c[1], r[1]]):
                        after = shifts(width).played(tuple(range(width * width)), word)
                        changed = {place for place, tile in enumerate(after) if place != tile}
                        for place in changed:
                            (third,) = changed - {place, after[place]}
                            found.setdefault((after[place], place, third), word)
    return found


def even(board: Sequence[int]) -> bool:
    """Is the number of inversions even?"""
    seen: set[int] = set()
    cycles = 0
    for tile in board:
        cycles += tile not in seen
        while tile not in seen:
            seen.add(tile)
            tile = board[tile - 1]
    return (len(board) - cycles) % 2 == 0


def canonical(board: Board, width: int) -> str:
    """The least of the boards that are this one after a shift of everything, a turn or a reflection, tiles renamed so that the goal stays."""
    return " ".join(map(str, min(tuple([name[board[place] - 1] for place in order]) for order, name in _images(width))))


@cache
def _images(width: int) -> list[tuple[Order, Order]]:
    """For each symmetry: the place that each place's tile comes from, and the new name of each tile."""
    found = []
    for down in range(width):
        for right in range(width):
            for flip in range(8):
                order = []
                for place in range(width * width):
                    row, column = (place // width + down) % width, (place + right) % width
                    row, column = (column, row) if flip & 1 else (row, column)
                    order.append((width - 1 - row if flip & 2 else row) * width + (width - 1 - column if flip & 4 else column))
                found.append((tuple(order), tuple([order.index(place) + 1 for place in range(width * width)])))
    return found
