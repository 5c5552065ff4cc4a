"""The steps that hidden rules of grids are made of: the family that `symbolic_hard` states and runs through.

`kinds` is the family in code, `STATED` the same in words; whoever changes one changes the other.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from operator import itemgetter, mul
from typing import Any, NamedTuple

from thinkwell.tasks.puzzles._compose import Step

Place = Callable[[int, int, int, int], tuple[int, int]]


class Grid(NamedTuple):
    """cells: row by row, a number a byte; bytes permute and translate faster than lists."""

    height: int
    width: int
    cells: bytes


STATED = (
    "- turn the grid: a quarter turn clockwise, a quarter turn counterclockwise, or a half turn;\n"
    "- mirror the grid left to right or top to bottom, or transpose it (rows become columns);\n"
    "- shift all rows one place to the right or to the left, or all columns one place down or up; what leaves on one side comes in on the other;\n"
    "- add a fixed number from 1 to {largest} to every number; from {largest} counting goes on at 0;\n"
    "- swap two numbers: every a becomes b and every b becomes a;\n"
    "- let the numbers other than 0 fall down, up, to the left or to the right, until they lie on the edge or on each other; zeros fill the rest;\n"
    "- set every number equal to a fixed a (not 0) to 0, or set every number that differs from a fixed a (not 0) to 0;\n"
    "- set all cells of the border to 0, or set all cells that are not on the border to 0."
)


@cache
def family(largest: int) -> tuple[Step, ...]:
    """All steps on grids of the numbers 0 to `largest`."""
    return tuple(step for kind in kinds(largest) for step in kind)


@cache
def kinds(largest: int) -> tuple[tuple[Step, ...], ...]:
    """The family, by kind: a rule is drawn kind first, so that the many swaps do not crowd out the rest."""
    numbers = range(largest + 1)

    def renamed(name: str, table: Callable[[int], int], back: Callable[[int], int] | None = None) -> Step:
        """Every number by itself; without a way back it sets some to 0 and leaves the others."""
        return Step(name, _translated(numbers, table), back and _translated(numbers, back), idempotent=back is None)

    def add(k: int) -> Step:
        return renamed(f"add {k}", lambda number: (number + k) % (largest + 1), lambda number: (number - k) % (largest + 1))

    def swap(a: int, b: int) -> Step:
        def table(number: int) -> int:
            return {a: b, b: a}.get(number, number)

        return renamed(f"swap {a} and {b}", table, table)

    def erase(a: int) -> Step:
        return renamed(f"erase {a}", lambda number: 0 if number == a else number)

    def keep(a: int) -> Step:
        return renamed(f"keep {a}", lambda number: number if number == a else 0)

    return (
        TURNS,
        SHIFTS,
        tuple(add(k) for k in numbers if k),
        tuple(swap(a, b) for a in numbers for b in numbers if a < b),
        FALLS,
        (*(erase(a) for a in numbers if a), *(keep(a) for a in numbers if a), *MASKS),
    )


def _translated(numbers: range, table: Callable[[int], int]) -> Callable[[Grid], Grid]:
    codes = bytes(table(number) if number in numbers else number for number in range(256))
    return lambda grid: Grid(grid.height, grid.width, grid.cells.translate(codes))


def _moved(name: str, place: Place, back: Place, *, turned: bool = False) -> Step:
    """The cells in another order. place: (row and column of the result, height and width of the input) -> row and column of the input. back: the same of its inverse."""
    return Step(name, _picked(place, turned), _picked(back, turned))


def _picked(place: Place, turned: bool) -> Callable[[Grid], Grid]:
    @cache
    def order(height: int, width: int) -> itemgetter[Any]:
        shape = (width, height) if turned else (height, width)
        cells = [place(r, c, height, width) for r in range(shape[0]) for c in range(shape[1])]
        return itemgetter(*(r * width + c for r, c in cells))

    def apply(grid: Grid) -> Grid:
        height, width, cells = grid
        return Grid(*((width, height) if turned else (height, width)), bytes(order(height, width)(cells)))

    return apply


def _fallen(grid: Grid, way: str) -> Grid:
    height, width, cells = grid
    upright = way in ("down", "up")
    lines = [cells[c::width] for c in range(width)] if upright else [cells[r * width : (r + 1) * width] for r in range(height)]
    pad = bytes.rjust if way in ("down", "right") else bytes.ljust
    joined = b"".join([pad(line.translate(None, b"\0"), len(line), b"\0") for line in lines])
    return Grid(height, width, b"".join([joined[r::height] for r in range(height)]) if upright else joined)


def _masked(grid: Grid, border: bool) -> Grid:
    return Grid(grid.height, grid.width, bytes(map(mul, grid.cells, _mask(grid.height, grid.width, border))))


@cache
def _mask(height: int, width: int, border: bool) -> bytes:
    """1 for a cell that stays, 0 for a cell of the border (or of the inside)."""
    return bytes((r in (0, height - 1) or c in (0, width - 1)) is not border for r in range(height) for c in range(width))


def _shift(name: str, down: int, right: int) -> Step:
    return _moved(name, lambda r, c, h, w: ((r - down) % h, (c - right) % w), lambda r, c, h, w: ((r + down) % h, (c + right) % w))


def _mirror(name: str, place: Place, *, turned: bool = False) -> Step:
    """Done twice it is undone."""
    return _moved(name, place, place, turned=turned)


TURNS = (
    _moved("turn clockwise", lambda r, c, h, w: (h - 1 - c, r), lambda r, c, h, w: (c, w - 1 - r), turned=True),
    _moved("turn counterclockwise", lambda r, c, h, w: (c, w - 1 - r), lambda r, c, h, w: (h - 1 - c, r), turned=True),
    _mirror("turn halfway", lambda r, c, h, w: (h - 1 - r, w - 1 - c)),
    _mirror("mirror left-right", lambda r, c, h, w: (r, w - 1 - c)),
    _mirror("mirror top-bottom", lambda r, c, h, w: (h - 1 - r, c)),
    _mirror("transpose", lambda r, c, h, w: (c, r), turned=True),
)
SHIFTS = (_shift("shift right", 0, 1), _shift("shift left", 0, -1), _shift("shift down", 1, 0), _shift("shift up", -1, 0))
FALLS = tuple(Step(f"fall {way}", partial(_fallen, way=way), idempotent=True) for way in ("down", "up", "left", "right"))
MASKS = (
    Step("clear the border", partial(_masked, border=True), idempotent=True),
    Step("clear the inside", partial(_masked, border=False), idempotent=True),
)
