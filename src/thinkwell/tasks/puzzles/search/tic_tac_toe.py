"""Tic-tac-toe: make the right move on a 3x3 board. A win is taken at once, else a threat is blocked, else any move counts that perfect play finds best.

Any such move counts, and every board has a wrong one too. The original's gold is the first best move, which its own verifier refuses in one item of ten (it may be a slower win);
it yields no easy items, and boards whose only legal moves are all right. Levels keep its numbers of stones (at most 6, at most 8; with 8 there is nothing to choose, so at most 7
here), and what makes a board hard is the share of quiet ones, where neither side is about to win. There are some 460 boards up to symmetry, 68 of them quiet: items come again.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.puzzles.search._cells import grid_text, least_copy, mark, picture
from thinkwell.tasks.reading import symbol_grid

LINES = tuple(
    sum(1 << cell for cell in line) for line in ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))
)
FULL = (1 << 9) - 1
OUTCOMES = {1: "a win", 0: "a draw", -1: "a loss"}


class Config(Knobs):
    min_stones: int = Field(3, ge=1, le=7)
    """Fewest stones on the board, 1 to 7."""
    max_stones: int = Field(7, ge=1, le=7)
    """Most stones on the board, 1 to 7."""
    quiet_share: float = Field(0.0, ge=0.0, le=1.0)
    """Share of boards on which neither side is about to win, so that one has to look further ahead, 0 to 1."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_stones > self.max_stones:
            raise ValueError(f"min_stones={self.min_stones} is above max_stones={self.max_stones}")
        if self.quiet_share > 0 and self.min_stones > 6:
            raise ValueError("quiet boards with a wrong move have at most 6 stones; lower min_stones or set quiet_share=0")
        if self.quiet_share < 1 and self.max_stones < 3:
            raise ValueError("nobody is about to win with fewer than 3 stones; raise max_stones or set quiet_share=1")
        return self


LEVELS = {
    "easy": {"min_stones": 3, "max_stones": 7, "quiet_share": 0.0},
    "medium": {"min_stones": 1, "max_stones": 6, "quiet_share": 0.3},
    "hard": {"min_stones": 1, "max_stones": 7, "quiet_share": 0.8},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Play at random until the board is of the wanted kind and has both right and wrong moves."""
    quiet = rng.random() < config.quiet_share
    for _ in range(1_000):
        played = rng.sample(range(9), rng.randint(config.min_stones, config.max_stones))
        first, second = (sum(1 << cell for cell in played[start::2]) for start in (0, 1))
        own, other = (second, first) if len(played) % 2 else (first, second)
        if _won(own) or _won(other):
            continue
        kind, right = _right(own, other)
        if (kind == "quiet") is quiet and len(right) < 9 - len(played):
            break
    else:
        raise Redraw
    player = "XO"[len(played) % 2]
    board = ["".join("X" if first >> cell & 1 else "O" if second >> cell & 1 else "." for cell in range(row, row + 3)) for row in (0, 3, 6)]
    move = rng.choice(right)
    after = [line if row != move // 3 else line[: move % 3] + player + line[move % 3 + 1 :] for row, line in enumerate(board)]
    prompt = ask(rng.choice(OPENINGS).format(player=player), RULES.format(player=player), grid_text(board), FORM, EXAMPLE)
    return Drawn(prompt, grid_text(after), {"board": board, "player": player, "kind": kind}, least_copy(board))


def verify(answer: str, item: Item) -> Score:
    """One stone more, of the player's; then win, block, best move, whichever comes first."""
    before = "".join(item.meta["board"])
    after = "".join(symbol_grid(answer.upper(), "XO.", 3, 3))
    changed = [cell for cell in range(9) if before[cell] != after[cell]]
    player = item.meta["player"]
    if len(changed) != 1:
        raise Refused(f"{len(changed)} cells differ from the board given; one move changes one cell")
    move = changed[0]
    place = f"row {move // 3 + 1}, column {move % 3 + 1}"
    if before[move] != "." or after[move] != player:
        raise Refused(f"{place} was {before[move]} and is {after[move]}; the move puts {player} on an empty cell")
    own, other = (sum(1 << cell for cell in range(9) if before[cell] == sign) for sign in (player, "XO"[player == "X"]))
    kind, right = _right(own, other)
    if move in right:
        return RIGHT
    if kind == "win":
        raise Refused(f"{place} does not win, although a move that wins at once is there")
    if kind == "block":
        raise Refused(f"{place} does not block the line that the opponent is about to complete")
    raise Refused(f"{place} leads to {OUTCOMES[-_value(other, own | 1 << move)]} where {OUTCOMES[_value(own, other)]} can be had")


def solve(item: Item) -> str:
    """Looks for lines of two on the written board; else searches to the end, with cut-offs and nothing precomputed."""
    board, player = list("".join(item.meta["board"])), item.meta["player"]
    rival = "O" if player == "X" else "X"
    empty = [cell for cell in range(9) if board[cell] == "."]

    def completes(cell: int, sign: str) -> bool:
        row, column = divmod(cell, 3)
        lines = [[3 * row + k for k in range(3)], [column + 3 * k for k in range(3)]]
        lines += ([[0, 4, 8]] if row == column else []) + ([[2, 4, 6]] if row + column == 2 else [])
        return any(all(board[other] == sign for other in line if other != cell) for line in lines)

    def best(sign: str, other: str, low: int, high: int) -> int:
        free = [cell for cell in range(9) if board[cell] == "."]
        if any(completes(cell, sign) for cell in free):
            return 1
        for cell in free:
            board[cell] = sign
            low = max(low, -best(other, sign, -high, -low))
            board[cell] = "."
            if low >= high:
                break
        return low if free else 0

    def worth(cell: int) -> int:
        board[cell] = player
        found = -best(rival, player, -1, 1)
        board[cell] = "."
        return found

    now = [cell for cell in empty if completes(cell, player)] or [cell for cell in empty if completes(cell, rival)]
    board[now[0] if now else max(empty, key=worth)] = player
    return grid_text(board[row : row + 3] for row in (0, 3, 6))


def form(answer: str) -> str:
    return grid_text(symbol_grid(answer.upper(), "XO.", 3, 3))


def draw(item: Item) -> str:
    """The board as an SVG picture, 40 pixels a cell."""
    return picture(
        3, 3, (mark(row, column, sign) for row, line in enumerate(item.meta["board"]) for column, sign in enumerate(line) if sign != ".")
    )


def _won(stones: int) -> bool:
    return any(stones & line == line for line in LINES)


@cache
def _value(own: int, other: int) -> int:
    """1, 0 or -1: what the side to move gets with perfect play of both. Some 5,000 boards, each computed once."""
    if _won(other):
        return -1
    if own | other == FULL:
        return 0
    return max(-_value(other, own | 1 << cell) for cell in range(9) if not (own | other) >> cell & 1)


@cache
def _right(own: int, other: int) -> tuple[str, Sequence[int]]:
    """What the board asks for (win, block or quiet), and the moves that count."""
    empty = [cell for cell in range(9) if not (own | other) >> cell & 1]
    wins = [cell for cell in empty if _won(own | 1 << cell)]
    blocks = [cell for cell in empty if _won(other | 1 << cell)]
    if wins or blocks:
        return ("win", wins) if wins else ("block", blocks)
    value = _value(own, other)
    return "quiet", [cell for cell in empty if -_value(other, own | 1 << cell) == value]


OPENINGS = (
    "Play a move of tic-tac-toe as {player}.",
    "It is the turn of {player} in this game of tic-tac-toe. Find a right move.",
    "Here is a game of tic-tac-toe with {player} to move.",
    "Which move should {player} make on this tic-tac-toe board?",
)
RULES = (
    "Rules: X and O put stones on empty cells in turn, X began; who first has three in a row, a column or a diagonal wins. You are {player} and put one {player} on an "
    "empty cell. A move is right by the first of these that applies: (1) if you can win with this move, it must win; (2) if your opponent could win with the next move, "
    "it must take a cell where they would win (any such cell, if there are several); (3) otherwise its outcome, with perfect play of both sides from then on, must be the "
    "best that any move can get: a win before a draw, a draw before a loss. Several moves may be right; give one of them.\n\nThe board (. is an empty cell):"
)
FORM = "the whole board after your move, three lines of three signs X, O or ., separated by blanks."
EXAMPLE = "X . .\n. O .\n. . X"

register(
    Puzzle(
        "puzzles/tic_tac_toe",
        "search",
        "win, block or find a best move on a 3x3 board",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        form,
        draw=draw,
    )
)
