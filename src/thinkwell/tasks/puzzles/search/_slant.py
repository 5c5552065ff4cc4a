"""Slant's board and the search for a second filling, apart from its rules and prompts."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

RISES, FALLS = 1, -1  # / and \


def ends(cell: int, diagonal: int, size: int) -> tuple[int, int]:
    """The two corners that a diagonal joins."""
    corner = cell + cell // size  # top left; a row of corners is one longer than a row of cells
    return (corner + 1, corner + size + 1) if diagonal == RISES else (corner, corner + size + 2)


class Board:
    """A filling in the making, and all that numbers and loops force in it."""

    __slots__ = ("clues", "grid", "groups", "met", "open", "size", "waiting")

    def __init__(self, size: int, clues: Sequence[int | None]) -> None:
        self.size = size
        self.clues = clues
        self.grid = [0] * (size * size)
        self.met = [0] * len(clues)  # diagonals that meet at a corner
        self.open = [0] * len(clues)  # empty cells around it
        for cell in range(size * size):
            for diagonal in (RISES, FALLS):
                for corner in ends(cell, diagonal, size):
                    self.open[corner] += 1
        self.groups = list(range(len(clues)))
        self.waiting = deque(range(len(clues)))  # corners to look at

    def copy(self) -> Board:
        other = object.__new__(Board)
        other.size, other.clues = self.size, self.clues
        other.grid, other.met, other.open, other.groups = self.grid.copy(), self.met.copy(), self.open.copy(), self.groups.copy()
        other.waiting = deque()
        return other

    def fill(self, cell: int, diagonal: int) -> bool:
        """False if it closes a loop."""
        first, second = ends(cell, diagonal, self.size)
        old, new = self.groups[first], self.groups[second]
        if old == new:
            return False
        self.grid[cell] = diagonal
        self.groups = [new if group == old else group for group in self.groups]
        self.met[first] += 1
        self.met[second] += 1
        corner = cell + cell // self.size
        for touched in (corner, corner + 1, corner + self.size + 1, corner + self.size + 2):
            self.open[touched] -= 1
            self.waiting.append(touched)
        return True

    def settle(self) -> bool:
        """Fill what is forced. False if a rule is broken."""
        size, grid = self.size, self.grid
        while True:
            while self.waiting:
                corner = self.waiting.popleft()
                clue = self.clues[corner]
                if clue is None:
                    continue
                left, free = clue - self.met[corner], self.open[corner]
                if not 0 <= left <= free:
                    return False
                if free and left in (0, free):
                    row, column = divmod(corner, size + 1)
                    for r, c, meets in (
                        (row - 1, column - 1, FALLS),
                        (row - 1, column, RISES),
                        (row, column - 1, RISES),
                        (row, column, FALLS),
                    ):
                        if (
                            0 <= r < size
                            and 0 <= c < size
                            and not grid[r * size + c]
                            and not self.fill(r * size + c, meets if left else -meets)
                        ):
                            return False
            for cell, diagonal in enumerate(grid):
                if not diagonal:
                    corner = cell + cell // size
                    groups = self.groups
                    falls, rises = groups[corner] != groups[corner + size + 2], groups[corner + 1] != groups[corner + size + 1]
                    if not (falls and rises) and not self.fill(cell, FALLS if falls else RISES):
                        return False
            if not self.waiting:
                return True


def other_filling(size: int, clues: Sequence[int | None], known: Sequence[int]) -> list[int] | None:
    """A filling that keeps the rules and is not `known`, None if there is none."""
    boards = [Board(size, clues)]
    while boards:
        board = boards.pop()
        while board.settle():
            cell = next((cell for cell, diagonal in enumerate(board.grid) if not diagonal), None)
            if cell is None:
                if board.grid != known:
                    return board.grid
                break
            branch = board.copy()
            board.fill(cell, known[cell])  # comes back to, after the other way
            branch_alive = branch.fill(cell, -known[cell])
            boards.append(board)
            if not branch_alive:
                break
            board = branch
    return None
