"""Tic-tac-toe: make the right move on a board of 3x3 or 4x4 cells, where a whole row, column or diagonal wins. A win is taken at once, else a threat is blocked, else any move
counts that perfect play finds best.

Any such move counts, and on every board at least half of the moves are wrong. The original's gold is the first best move, which its own verifier refuses in one item of ten (it
may be a slower win); it yields no easy items, and boards whose only legal moves are all right. Its levels are boards of 3x3 with at most 6 and 8 stones, of which there are some
400 up to symmetry; it can draw larger ones, but judges them by rule of thumb. Here boards of 4x4 have at most eight empty cells, so that all games from there are looked at to
their ends, and what makes a board hard is that neither side is about to win.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.puzzles._cells import grid_text, least_copy, mark, picture
from thinkwell.tasks.reading import symbol_grid

TRIES = 1_000  # boards that are tried in one draw
OUTCOMES = {1: "a win", 0: "a draw", -1: "a loss"}


class Config(Knobs):
    min_size: int = Field(3, ge=3, le=4)
    """Fewest rows and columns, 3 or 4; a line is as long as the board."""
    max_size: int = Field(4, ge=3, le=4)
    """Most rows and columns, 3 or 4."""
    min_empty: int = Field(2, ge=2, le=8)
    """Fewest empty cells, 2 to 8."""
    max_empty: int = Field(6, ge=2, le=8)
    """Most empty cells, 2 to 8."""
    quiet_share: float = Field(0.0, ge=0.0, le=1.0)
    """Share of boards on which neither side is about to win, so that one has to look further ahead, 0 to 1."""
    max_right: float = Field(0.5, ge=0.15, le=0.9)
    """Largest share of the moves that are right, 0.15 to 0.9."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_size > self.max_size:
            raise ValueError(f"min_size={self.min_size} is above max_size={self.max_size}")
        if self.min_empty > self.max_empty:
            raise ValueError(f"min_empty={self.min_empty} is above max_empty={self.max_empty}")
        if self.max_right * self.max_empty < 1:
            raise ValueError(f"max_right={self.max_right} of {self.max_empty} moves is less than one; raise max_right or max_empty")
        if self.quiet_share > 0 and self.max_empty < 3:
            raise ValueError("quiet boards with a wrong move have at least 3 empty cells; raise max_empty or set quiet_share=0")
        if self.quiet_share < 1 and self.min_size == 3 and self.min_empty > 6:
            raise ValueError(
                "nobody is about to win on 3x3 cells of which more than 6 are empty; lower min_empty, or set min_size=4 or quiet_share=1"
            )
        return self


LEVELS = {
    "easy": {"min_size": 3, "max_size": 4, "min_empty": 2, "max_empty": 6, "quiet_share": 0.0},
    "medium": {"min_size": 4, "max_size": 4, "min_empty": 3, "max_empty": 7, "quiet_share": 0.3},
    "hard": {"min_size": 4, "max_size": 4, "min_empty": 4, "max_empty": 8, "quiet_share": 0.8},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Put stones at random until nobody has won, the board is of the wanted kind and few enough of its moves are right."""
    size = rng.randint(config.min_size, config.max_size)
    cells, lines = size * size, _lines(size)
    quiet = rng.random() < config.quiet_share
    for _ in range(TRIES):
        empty = rng.randint(config.min_empty, config.max_empty)
        played = rng.sample(range(cells), cells - empty)
        first, second = (sum(1 << cell for cell in played[start::2]) for start in (0, 1))
        own, other = (second, first) if len(played) % 2 else (first, second)
        if any(line & own == line or line & other == line for line in lines):
            continue
        if quiet is bool(_completing(lines, own, other) | _completing(lines, other, own)):
            continue
        kind, worth = judged(size, own, other)
        right = [cell for cell, value in worth.items() if value == max(worth.values())]
        if len(right) <= config.max_right * empty:
            break
    else:
        raise Redraw
    signs = ["X" if first >> cell & 1 else "O" if second >> cell & 1 else "." for cell in range(cells)]
    player = "XO"[len(played) % 2]
    move = rng.choice(right)
    board, after = (_rows([*signs[:move], sign, *signs[move + 1 :]], size) for sign in (".", player))
    words = {"player": player, "size": NAMES[size]}
    prompt = ask(rng.choice(OPENINGS).format(**words), RULES.format(**words), grid_text(board), FORM.format(**words), EXAMPLES[size])
    meta = {"board": board, "player": player, "kind": kind, "worth": list(worth.values())}
    return Drawn(prompt, grid_text(after), meta, least_copy(board))


def verify(answer: str, item: Item) -> Score:
    """One stone more, of the player's; then win, block, best move, whichever comes first."""
    size, player = len(item.meta["board"]), item.meta["player"]
    before = "".join(item.meta["board"])
    after = "".join(symbol_grid(answer.upper(), "XO.", size, size))
    changed = [cell for cell in range(size * size) if before[cell] != after[cell]]
    if len(changed) != 1:
        raise Refused(f"{len(changed)} cells differ from the board given; one move changes one cell")
    move = changed[0]
    place = f"row {move // size + 1}, column {move % size + 1}"
    if before[move] != "." or after[move] != player:
        raise Refused(f"{place} was {before[move]} and is {after[move]}; the move puts {player} on an empty cell")
    worth, best = item.meta["worth"][before[:move].count(".")], max(item.meta["worth"])
    if worth == best:
        return RIGHT
    if item.meta["kind"] == "win":
        raise Refused(f"{place} does not win, although a move that wins at once is there")
    if item.meta["kind"] == "block":
        raise Refused(f"{place} does not block the line that the opponent is about to complete")
    raise Refused(f"{place} leads to {OUTCOMES[worth]} where {OUTCOMES[best]} can be had")


def solve(item: Item) -> str:
    """Looks for lines that lack one stone on the written board; else searches to the end, with cut-offs and nothing remembered."""
    size, player = len(item.meta["board"]), item.meta["player"]
    board = list("".join(item.meta["board"]))
    rival = "O" if player == "X" else "X"
    along = range(size)
    lines = [[size * k + i for i in along] for k in along] + [[size * i + k for i in along] for k in along]
    lines += [[size * i + i for i in along], [size * i + size - 1 - i for i in along]]

    def completing(sign: str) -> list[int]:
        lacking = [[cell for cell in line if board[cell] != sign] for line in lines]
        return [cells[0] for cells in lacking if len(cells) == 1 and board[cells[0]] == "."]

    def best(sign: str, other: str, low: int, high: int) -> int:
        if completing(sign):
            return 1
        free = [cell for cell in range(size * size) if board[cell] == "."]
        for cell in completing(other) or free:
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

    at_once = completing(player) or completing(rival)
    board[at_once[0] if at_once else max((cell for cell in range(size * size) if board[cell] == "."), key=worth)] = player
    return grid_text(_rows(board, size))


def form(answer: str) -> str:
    return grid_text(symbol_grid(answer.upper(), "XO."))


def draw(item: Item) -> str:
    """The board as an SVG picture, 40 pixels a cell."""
    board = item.meta["board"]
    stones = [(row, column, sign) for row, line in enumerate(board) for column, sign in enumerate(line) if sign != "."]
    return picture(len(board), len(board), (mark(*stone) for stone in stones))


def judged(size: int, own: int, other: int) -> tuple[str, dict[int, int]]:
    """What a board asks of the owner of the stones `own` (win, block or quiet), and what each move is worth to that end; those worth most are right."""
    lines = _lines(size)
    empty = [cell for cell in range(size * size) if not (own | other) >> cell & 1]
    for kind, cells in (("win", _completing(lines, own, other)), ("block", _completing(lines, other, own))):
        if cells:
            return kind, {cell: cells >> cell & 1 for cell in empty}
    known: dict[tuple[int, int], int] = {}
    full = (1 << size * size) - 1
    return "quiet", {cell: -_value(lines, other, own | 1 << cell, full, known) for cell in empty}


@cache
def _lines(size: int) -> list[int]:
    """Rows, columns and diagonals, as bits."""
    along = range(size)
    lines = [[(k, i) for i in along] for k in along] + [[(i, k) for i in along] for k in along]
    lines += [[(i, i) for i in along], [(i, size - 1 - i) for i in along]]
    return [sum(1 << row * size + column for row, column in line) for line in lines]


def _completing(lines: Sequence[int], own: int, other: int) -> int:
    """The empty cells that complete a line."""
    found = 0
    for line in lines:
        if not line & other and not (lack := line & ~own) & (lack - 1):
            found |= lack
    return found


def _value(lines: Sequence[int], own: int, other: int, full: int, known: dict[tuple[int, int], int]) -> int:
    """1, 0 or -1: what the side to move gets with perfect play of both. lines: those not yet spoilt for both. known: values found on the way."""
    if (own, other) in known:
        return known[own, other]
    value = 0
    danger = _completing(lines, other, own)
    lines = [line for line in lines if not (line & own and line & other)]
    if _completing(lines, own, other):
        value = 1
    elif danger & (danger - 1):
        value = -1
    elif lines and (tries := danger or full & ~(own | other)):
        value = -1
        while tries and value < 1:
            move = tries & -tries
            tries ^= move
            value = max(value, -_value(lines, other, own | move, full, known))
    known[own, other] = value
    return value


def _rows(signs: Sequence[str], size: int) -> list[str]:
    return ["".join(signs[at : at + size]) for at in range(0, size * size, size)]


NAMES = {3: "three", 4: "four"}
OPENINGS = (
    "Play a move of tic-tac-toe as {player}.",
    "It is the turn of {player} in this game of tic-tac-toe. Find a right move.",
    "Here is a game of tic-tac-toe with {player} to move.",
    "Which move should {player} make on this tic-tac-toe board?",
)
RULES = (
    "Rules: X and O put stones on empty cells in turn, X began; who first has {size} in a row, a column or a diagonal from corner to corner wins. You are {player} and put "
    "one {player} on an empty cell. A move is right by the first of these that applies: (1) if you can win with this move, it must win; (2) if your opponent could win with "
    "the next move, it must take a cell where they would win (any such cell, if there are several); (3) otherwise its outcome, with perfect play of both sides from then on, "
    "must be the best that any move can get: a win before a draw, a draw before a loss. Several moves may be right; give one of them.\n\nThe board (. is an empty cell):"
)
FORM = "the whole board after your move, {size} lines of {size} signs X, O or ., separated by blanks."
EXAMPLES = {3: "X . .\n. O .\n. . X", 4: "X . O .\n. X . O\nO . X .\n. O X ."}

register(
    Puzzle(
        "puzzles/tic_tac_toe",
        "search",
        "win, block or find a best move on a board of 3x3 or 4x4",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        form,
        draw=draw,
    )
)
