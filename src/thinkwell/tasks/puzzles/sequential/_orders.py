"""Moves that put all numbers of a board in another order, whatever the board: how they are played, and shortest ways home. Shared by twiddle, nine and sixteen puzzle.

A move is an `Order`: order[place] is the place that the number at `place` comes from. Home is 1, 2, 3, ... row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from operator import itemgetter

from thinkwell.tasks.puzzles.sequential._board import Board

Order = tuple[int, ...]


class Orders:
    """The moves of a puzzle.

    orders: every move by its name. near: boards that need at most so many moves are kept in a table, which is made when it is first asked for.
    """

    def __init__(self, orders: Mapping[str, Order], near: int) -> None:
        self.orders = dict(orders)
        self.near = near
        size = len(next(iter(self.orders.values())))
        self.home: Board = tuple(range(1, size + 1))
        self.undo: dict[str, Order] = {name: tuple([order.index(place) for place in range(size)]) for name, order in self.orders.items()}
        self._forth: dict[str, Callable[[Board], Board]] = {name: itemgetter(*order) for name, order in self.orders.items()}
        self._back: dict[str, Callable[[Board], Board]] = {name: itemgetter(*order) for name, order in self.undo.items()}

    def played(self, board: Board, names: Iterable[str]) -> Board:
        """The board after the moves."""
        for name in names:
            board = self._forth[name](board)
        return board

    def before(self, names: Sequence[str]) -> Board:
        """The board that the moves bring home."""
        board = self.home
        for name in reversed(names):
            board = self._back[name](board)
        return board

    def shortest(self, board: Board, most: int) -> list[str] | None:
        """A shortest way home, None if it takes more than `most` moves. Breadth first until a board is near, from where the table leads on."""
        ways: dict[Board, list[str]] = {board: []}
        front = [board]
        for _ in range(max(most - self.near, 0)):
            if any(one in self._table for one in front):
                break
            grown = []
            for one in front:
                for name, move in self._forth.items():
                    after = move(one)
                    if after not in ways:
                        ways[after] = [*ways[one], name]
                        grown.append(after)
            front = grown
        met = next((one for one in front if one in self._table), None)
        if met is None:
            return None
        names = ways[met]
        while met != self.home:
            name = self._table[met]
            names.append(name)
            met = self.played(met, (name,))
        return names if len(names) <= most else None

    @cached_property
    def _table(self) -> dict[Board, str]:
        """Every board that needs at most `near` moves, with the first of them."""
        first, front = {self.home: ""}, [self.home]
        for _ in range(self.near):
            grown = []
            for board in front:
                for name, move in self._back.items():
                    before = move(board)
                    if before not in first:
                        first[before] = name
                        grown.append(before)
            front = grown
        return first
