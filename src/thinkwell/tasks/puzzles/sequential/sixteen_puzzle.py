"""Sixteen puzzle: sort a 4x4 board of 1 to 16 by shifting whole rows to the left and columns up, around. R13 shifts row 1 left by 3; C41 shifts column 4 up by 1.

Any sequence that sorts the board counts. Every board can be sorted: a shift by one takes four tiles around, which changes the parity of the order.
"""

from __future__ import annotations

import random
from functools import cache

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import Drawn, Item, Puzzle, Score, ask, register
from thinkwell.tasks.puzzles.sequential._board import Board, arrangement, inversions, picture, text
from thinkwell.tasks.puzzles.sequential._shifting import by_three_cycles, canonical, judge, played, rules, sources, tidied
from thinkwell.tasks.reading import moves

N = 4
CORNER = (0, *range(N * (N - 1), N * N))  # the first place and the last row: all that the moves for the last row change


class Config(Knobs):
    min_inversions: int = Field(0, ge=0, le=120)
    """Fewest pairs of numbers that stand in the wrong order, 0 to 120."""
    max_inversions: int = Field(45, ge=1, le=120)
    """Most pairs of numbers that stand in the wrong order, 1 to 120."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_inversions > self.max_inversions:
            raise ValueError(f"min_inversions={self.min_inversions} is above max_inversions={self.max_inversions}")
        return self


LEVELS = {
    "easy": {"min_inversions": 0, "max_inversions": 45},
    "medium": {"min_inversions": 46, "max_inversions": 59},
    "hard": {"min_inversions": 60, "max_inversions": 120},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """A random order with as many inversions as asked, at least one."""
    board = tuple([number + 1 for number in arrangement(rng, N * N, max(config.min_inversions, 1), config.max_inversions)])
    prompt = ask(rng.choice(OPENINGS), rules(N), text(board, N), FORM, EXAMPLE)
    meta = {"board": list(board), "solvable": True, "inversions": inversions(board)}
    return Drawn(prompt, lambda: " ".join(_by_rows(board)), meta, canonical(board, N))


def verify(answer: str, item: Item) -> Score:
    return judge(answer, item, N)


def solve(item: Item) -> str:
    """Tile after tile, by moves that leave all but three in place."""
    return " ".join(by_three_cycles(tuple(item.meta["board"]), N) or ())


def form(answer: str) -> str:
    return " ".join(moves(answer, sources(N)))


def draw(item: Item) -> str:
    return picture(item.meta["board"], N)


def _by_rows(board: Board) -> list[str]:
    """The upper rows tile by tile, then the last row from a table. To place a tile, the column of its home is lowered to the tile's row, that row shifted, the column raised."""
    names: list[str] = []

    def make(*word: str) -> None:
        nonlocal board
        names.extend(word)
        board = played(board, word, N)

    for home in range(N * (N - 1)):
        row, column = divmod(home, N)
        at_row, at_column = divmod(board.index(home + 1), N)
        if (at_row, at_column) == (row, column):
            continue
        if at_row == row:  # out of the row, aside, and the column back
            make(f"C{at_column + 1}{N - 1}", f"R{row + 2}{2 if at_column == column + 1 else 1}", f"C{at_column + 1}1")
        elif at_column == column:
            make(f"R{at_row + 1}1")
        at_row, at_column = divmod(board.index(home + 1), N)
        down = at_row - row
        make(f"C{column + 1}{N - down}", f"R{at_row + 1}{(at_column - column) % N}", f"C{column + 1}{down}")
    while move := _last_row()[tuple([board[place] for place in CORNER])]:
        make(*move)
    return tidied(names, N)


@cache
def _last_row() -> dict[Board, tuple[str, ...]]:
    """What to do next, from each order of the five tiles of `CORNER`: shift the last row, or do so while the first column is raised by one."""
    words = [(f"R{N}{by}",) for by in range(1, N)] + [("C11", f"R{N}{by}", f"C1{N - 1}") for by in range(1, N)]
    backs = {word: tuple(f"{name[:2]}{N - int(name[2])}" for name in reversed(word)) for word in words}
    home = tuple(range(1, N * N + 1))
    table: dict[Board, tuple[str, ...]] = {tuple([home[place] for place in CORNER]): ()}
    front = [home]
    for board in front:  # grows while it is read
        for word in words:
            after = played(board, word, N)
            key = tuple([after[place] for place in CORNER])
            if key not in table:
                table[key] = backs[word]
                front.append(after)
    return table


OPENINGS = (
    "Sort this board by shifting its rows and columns.",
    "Here is a sixteen puzzle. Find shifts of rows and columns that lead to the goal.",
    "Bring the numbers of this 4x4 board into order, a whole row or column at a time.",
    "Find a sequence of row and column shifts that sorts the board below.",
)
FORM = "the moves in order, separated by blanks, each as R or C and two digits."
EXAMPLE = "R12 C43 R31 C21"

register(
    Puzzle(
        "puzzles/sixteen_puzzle",
        "sequential",
        "sort a 4x4 board by shifting rows and columns around",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        form,
        draw=draw,
    )
)
