"""What a player reaches who takes the best-looking step and never takes one back: thinkwell-Eval's greedy row.

Where no such heuristic is written (`HEURISTICS` names those that are), the player gives the answer that is gold most often among `LEARNT` training items of that task and level:
right now and then where answers are words or letters, an answer of the right form elsewhere. No heuristic looks at the gold answer, and none asks the verifier.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from thinkwell.tasks.puzzle import Item, load

LEARNT = 12  # training items that the fallback has seen
MOST_MOVES = 200  # of a sliding puzzle

Meta = Any  # the facts of an item


def answer(item: Item) -> str:
    """The greedy player's answer to any item."""
    heuristic = HEURISTICS.get(item.task)
    return heuristic(item.meta) if heuristic else _commonest(item.task, item.level)


@lru_cache(maxsize=512)
def _commonest(task: str, level: str) -> str:
    stream = load(task, level, split="train")
    return Counter(stream.item(0, place).answer for place in range(LEARNT)).most_common(1)[0][0]


def stones(game: str) -> Callable[[Meta], str]:
    """Wins if it can; else takes the free point on most winning sets that the opponent has not touched. Blocks nothing."""

    def play(meta: Meta) -> str:
        from thinkwell.tasks.games import cttt, dttt, ottt, sttt

        boards = {
            "ottt": ottt.BOARD,
            "dttt": dttt.BOARD,
            "sttt": sttt.BOARD,
            "cttt": cttt.FACES if meta.get("planes") == "faces" else cttt.DIAGONALS,
        }
        board = boards[game]
        mine, theirs = board.stones([board.labels.index(label) for label in meta["history"]])
        free = [point for point in range(len(board.labels)) if not (mine | theirs) >> point & 1]
        winning = board.completing(mine, theirs)
        return board.labels[max(free, key=lambda point: (winning >> point & 1, sum(not mask & theirs for mask in board.through[point])))]

    return play


def digits(meta: Meta) -> str:
    """Sudoku of any size: every empty cell in reading order gets the smallest digit that its row, column and box do not hold yet, or 1."""
    board = [list(row) for row in meta["board"]]
    n = len(board)
    box = round(n**0.5)
    for row in range(n):
        for column in range(n):
            if not board[row][column]:
                top, left = row // box * box, column // box * box
                seen = {*board[row], *(line[column] for line in board), *(board[top + k // box][left + k % box] for k in range(n))}
                board[row][column] = min(set(range(1, n + 1)) - seen, default=1)
    return _grid(board)


def latin(meta: Meta) -> str:
    """Skyscrapers: every cell in reading order gets the tallest building that row and column still allow if the nearer clue is 1, else the lowest; 1 where none is left."""
    n = int(meta["size"])
    board: list[list[int]] = [[0] * n for _ in range(n)]
    for row in range(n):
        for column in range(n):
            left = set(range(1, n + 1)) - {*board[row], *(line[column] for line in board)}
            tall = (row == 0 and meta["top"][column] in (1, n)) or (column == 0 and meta["left"][row] in (1, n))
            board[row][column] = (max if tall else min)(left, default=1)
    return _grid(board)


def walk(meta: Meta) -> str:
    """Hamiltonian path: from the vertex with fewest neighbours, always to the unvisited neighbour with fewest unvisited ones of its own (Warnsdorff)."""
    near: dict[int, set[int]] = {vertex: set() for vertex in range(1, int(meta["vertices"]) + 1)}
    for one, other in meta["edges"]:
        near[one].add(other)
        near[other].add(one)
    trail = [min(near, key=lambda vertex: len(near[vertex]))]
    while ahead := near[trail[-1]] - set(trail):
        trail.append(min(sorted(ahead), key=lambda vertex: len(near[vertex] - set(trail))))
    return str(trail)


def cycle(meta: Meta) -> str:
    """The same, closed."""
    return walk(meta)[:-1] + f", {walk(meta)[1:-1].split(',')[0]}]"


def nearest(meta: Meta) -> str:
    """Countdown: always makes the join, of all that the rules allow, whose result is nearest to the target."""
    values = [(int(number), str(number)) for number in meta["numbers"]]
    while len(values) > 1:
        joins = []
        for i, (a, first) in enumerate(values):
            for j, (b, second) in enumerate(values):
                if i != j and (a > b or (a == b and i < j)):
                    results = [(a + b, "+"), (a * b, "*")] + ([(a - b, "-")] if a > b else []) + ([(a // b, "/")] if a % b == 0 else [])
                    joins += [(abs(result - meta["target"]), i, j, result, f"({first} {sign} {second})") for result, sign in results]
        _, i, j, result, text = min(joins)
        values = [value for place, value in enumerate(values) if place not in (i, j)] + [(result, text)]
    return values[0][1]


def slide(meta: Meta) -> str:
    """Sliding puzzles with a blank: always the move after which the tiles' distances to their places are least, never back to a board seen before."""
    board = tuple(meta["board"])
    side = round(len(board) ** 0.5)
    goal = (*range(1, len(board)), 0)
    seen, made = {board}, ""
    while board != goal and len(made) < MOST_MOVES:
        blank = board.index(0)
        row, column = divmod(blank, side)
        after = []
        for move, down, right in (("U", -1, 0), ("D", 1, 0), ("L", 0, -1), ("R", 0, 1)):
            if 0 <= row + down < side and 0 <= column + right < side:
                tiles, place = list(board), blank + down * side + right
                tiles[blank], tiles[place] = tiles[place], 0
                if tuple(tiles) not in seen:
                    after.append((_distance(tiles, side), move, tuple(tiles)))
        if not after:
            break
        _, move, board = min(after)
        seen.add(board)
        made += move
    return made or "U"


def shade(meta: Meta) -> str:
    """Kakurasu: row by row, from the last column on, blackens every cell that neither sum forbids yet."""
    rows, columns, black = list(meta["rows"]), list(meta["columns"]), []
    for row in range(len(rows)):
        for column in reversed(range(len(columns))):
            if (
                column < rows[row] and row < columns[column]
            ):  # a black cell adds its column's number to the row's sum, and its row's number to the column's
                rows[row] -= column + 1
                columns[column] -= row + 1
                black.append((row + 1, column + 1))
    return _cells(black)


def bulbs(meta: Meta) -> str:
    """Light-up: a bulb in every cell, in reading order, that no bulb lights yet and that no number beside it forbids."""
    board = meta["board"]
    height, width = len(board), len(board[0])
    steps = ((0, 1), (1, 0), (0, -1), (-1, 0))
    lit: set[tuple[int, int]] = set()
    placed: list[tuple[int, int]] = []

    def inside(row: int, column: int) -> bool:
        return 0 <= row < height and 0 <= column < width

    def full(row: int, column: int) -> bool:
        if not (inside(row, column) and board[row][column].isdigit()):
            return False
        return sum((row + down, column + right) in placed for down, right in steps) >= int(board[row][column])

    for row in range(height):
        for column in range(width):
            if board[row][column] != "." or (row, column) in lit or any(full(row + down, column + right) for down, right in steps):
                continue
            placed.append((row, column))
            for down, right in steps:
                at = row, column
                while inside(*at) and board[at[0]][at[1]] == ".":
                    lit.add(at)
                    at = at[0] + down, at[1] + right
    return _cells(placed)


def mines(meta: Meta) -> str:
    """Minesweeper: the hidden neighbours of every number that has just as many of them, and no other reasoning."""
    board = meta["board"]
    found: set[tuple[int, int]] = set()
    for row, line in enumerate(board):
        for column, sign in enumerate(line):
            if sign.isdigit():
                around = [(r, c) for r in range(row - 1, row + 2) for c in range(column - 1, column + 2)]
                hidden = [(r, c) for r, c in around if 0 <= r < len(board) and 0 <= c < len(line) and board[r][c] == "#"]
                found |= set(hidden) if len(hidden) == int(sign) else set()
    return _cells(sorted(found))


def sums(meta: Meta) -> str:
    """Magic square: fills the last hole of any line once a complete line has told the sum; what is left becomes 0."""
    board = [list(row) for row in meta["board"]]
    n = len(board)
    rows = [[(i, k) for k in range(n)] for i in range(n)]
    columns = [[(k, i) for k in range(n)] for i in range(n)]
    units = [*rows, *columns, [(k, k) for k in range(n)], [(k, n - 1 - k) for k in range(n)]]
    totals = [sum(line) for line in ([board[r][c] for r, c in unit] for unit in units) if None not in line]
    while totals:
        open_ = [[(r, c) for r, c in unit if board[r][c] is None] for unit in units]
        last = next(((unit, holes[0]) for unit, holes in zip(units, open_, strict=True) if len(holes) == 1), None)
        if last is None:
            break
        unit, (row, column) = last
        board[row][column] = totals[0] - sum(board[r][c] for r, c in unit if (r, c) != (row, column))
    return _grid([[value or 0 for value in row] for row in board])


def _distance(tiles: Sequence[int], side: int) -> int:
    return sum(abs(place // side - (tile - 1) // side) + abs(place % side - (tile - 1) % side) for place, tile in enumerate(tiles) if tile)


def _grid(board: Sequence[Sequence[int]]) -> str:
    return "\n".join(" ".join(map(str, row)) for row in board)


def _cells(cells: Sequence[tuple[int, int]]) -> str:
    return ", ".join(f"({row},{column})" for row, column in cells) or "none"


HEURISTICS: dict[str, Callable[[Meta], str]] = {
    **{f"games/{game}": stones(game) for game in ("ottt", "dttt", "cttt", "sttt")},
    "puzzles/sudoku": digits,
    "puzzles/sudoku2": digits,
    "puzzles/skyscraper": latin,
    "puzzles/sum_skyscraper": latin,
    "puzzles/magic_square": sums,
    "puzzles/kakurasu": shade,
    "puzzles/light_up": bulbs,
    "puzzles/minesweeper": mines,
    "puzzles/hamiltonian_path": walk,
    "puzzles/hamiltonian_cycle": cycle,
    "puzzles/countdown": nearest,
    "puzzles/eight_puzzle": slide,
    "puzzles/fifteen_puzzle": slide,
}
