"""Grids by example: some pairs of number grids show what a hidden rule does; apply it to one more grid.

The original draws from a pool (grids of ARC as text; `tasks/pools.py` reads its files) whose rules are anybody's guess. Here the rule is a sequence of steps of a family that
the prompt states completely, and the answer is proved: the generator runs through all sequences of at most as many steps and keeps the puzzle only if all that fit the
examples make the same grid of the test (`_compose.py`), and if no shorter sequence fits. So answers are compared with one grid, as in the original.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import cache, partial
from operator import itemgetter, mul
from typing import Any, NamedTuple

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.puzzles._compose import Step, determined, run, sequence
from thinkwell.tasks.reading import integer_grid

Rows = list[list[int]]


class Grid(NamedTuple):
    """cells: row by row, a number a byte; bytes permute and translate faster than lists."""

    height: int
    width: int
    cells: bytes


class Config(Knobs):
    steps: int = Field(1, ge=1, le=3)
    """Steps of the hidden rule, 1 to 3; no shorter rule fits."""
    examples: int = Field(2, ge=1, le=5)
    """Pairs that are shown, 1 to 5."""
    min_side: int = Field(3, ge=2, le=8)
    """Fewest rows and columns of an input, 2 to 8."""
    max_side: int = Field(4, ge=2, le=8)
    """Most rows and columns of an input, 2 to 8."""
    largest: int = Field(3, ge=2, le=9)
    """Numbers go from 0 to this, 2 to 9."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_side > self.max_side:
            raise ValueError(f"min_side={self.min_side} is above max_side={self.max_side}")
        if self.steps == 3 and self.largest > 6:
            raise ValueError(f"largest={self.largest} makes too many sequences of 3 steps; expected at most 6, or fewer steps")
        return self


LEVELS = {
    "easy": {"steps": 1, "examples": 2, "min_side": 3, "max_side": 4, "largest": 3},
    "medium": {"steps": 2, "examples": 3, "min_side": 3, "max_side": 5, "largest": 4},
    "hard": {"steps": 3, "examples": 3, "min_side": 4, "max_side": 6, "largest": 4},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Draw steps (first their kind, so that kinds are equally frequent) and grids; keep them if the answer is determined."""
    kinds = [kind for kind in _kinds(config.largest) if kind]
    rule = [rng.choice(rng.choice(kinds)) for _ in range(config.steps)]
    inputs = [_drawn(rng, config) for _ in range(config.examples + 1)]
    outputs = [run(rule, grid) for grid in inputs]
    if any(x == y for x, y in zip(inputs, outputs, strict=True)) or any(len(set(grid.cells)) == 1 for grid in outputs):
        raise Redraw
    test, wanted = inputs.pop(), outputs.pop()
    if len(set(inputs)) < len(inputs) or test in inputs:
        raise Redraw
    if determined(_family(config.largest), inputs, outputs, test, config.steps) != wanted:
        raise Redraw
    pairs = [[_rows(x), _rows(y)] for x, y in zip(inputs, outputs, strict=True)]
    meta = {"largest": config.largest, "steps": config.steps, "examples": pairs, "test": _rows(test), "rule": [step.name for step in rule]}
    parts = [f"Example {i}, input:\n{_text(x)}\nExample {i}, output:\n{_text(y)}" for i, (x, y) in enumerate(pairs, 1)]
    board = "\n\n".join([*parts, f"Test, input:\n{_text(_rows(test))}"])
    prompt = ask(rng.choice(OPENINGS), _rules(config.largest, config.steps), board, FORM, EXAMPLE)
    return Drawn(prompt, _text(_rows(wanted)), meta, f"{config.largest} {config.steps} {sorted(pairs)} {_rows(test)}")


def verify(answer: str, item: Item) -> Score:
    """Shape, then number by number."""
    right = integer_grid(item.answer)
    grid = integer_grid(answer, len(right), len(right[0]), compact=True)
    for r, (row, wanted) in enumerate(zip(grid, right, strict=True), 1):
        for c, (number, other) in enumerate(zip(row, wanted, strict=True), 1):
            if number != other:
                raise Refused(f"row {r}, column {c} holds {number}, which is not what the rule makes of the test")
    return RIGHT


def solve(item: Item) -> str:
    """Tries the sequences of the family one by one, shortest first."""
    pairs = item.meta["examples"]
    inputs, outputs = [_grid(x) for x, _ in pairs], [_grid(y) for _, y in pairs]
    rule = sequence(_family(item.meta["largest"]), inputs, outputs, item.meta["steps"])
    return _text(_rows(run(rule, _grid(item.meta["test"]))))


def form(answer: str) -> str:
    return _text(integer_grid(answer))


def draw(item: Item) -> str:
    """Examples and test as coloured squares, inputs above outputs, 16 pixels a cell; the number is written in each."""
    pairs = [*item.meta["examples"], [item.meta["test"], None]]
    side = max(max(len(grid), len(grid[0])) for pair in pairs for grid in pair if grid)
    width, height = 8 + (side + 1) * 16 * len(pairs), 8 + (side + 1) * 32
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="10" text-anchor="middle">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for i, pair in enumerate(pairs):
        for below, grid in enumerate(pair):
            left, top = 8 + (side + 1) * 16 * i, 8 + (side + 1) * 16 * below
            if grid is None:
                parts.append(f'<text x="{left + 24}" y="{top + 28}" font-size="28" fill="black">?</text>')
                continue
            for r, row in enumerate(grid):
                for c, number in enumerate(row):
                    x, y = left + 16 * c, top + 16 * r
                    parts.append(f'<rect x="{x}" y="{y}" width="16" height="16" fill="{COLOURS[number]}" stroke="#888"/>')
                    parts.append(f'<text x="{x + 8}" y="{y + 12}" fill="black">{number}</text>')
    return "".join([*parts, "</svg>"])


@cache
def _kinds(largest: int) -> tuple[tuple[Step, ...], ...]:
    """The family, by kind: the same that `_rules` states."""
    numbers = range(largest + 1)

    def moved(name: str, place: Callable[[int, int, int, int], tuple[int, int]], turned: bool) -> tuple[str, Callable[[Grid], Grid]]:
        """place: (row and column of the result, height and width of the input) -> row and column of the input."""

        @cache
        def picked(height: int, width: int) -> itemgetter[Any]:
            shape = (width, height) if turned else (height, width)
            cells = [place(r, c, height, width) for r in range(shape[0]) for c in range(shape[1])]
            return itemgetter(*(r * width + c for r, c in cells))

        def apply(grid: Grid) -> Grid:
            height, width, cells = grid
            return Grid(*((width, height) if turned else (height, width)), bytes(picked(height, width)(cells)))

        return name, apply

    clockwise = moved("turn clockwise", lambda r, c, h, w: (h - 1 - c, r), True)
    counter = moved("turn counterclockwise", lambda r, c, h, w: (c, w - 1 - r), True)
    right, left = (
        moved("shift right", lambda r, c, h, w: (r, (c - 1) % w), False),
        moved("shift left", lambda r, c, h, w: (r, (c + 1) % w), False),
    )
    down, up = (
        moved("shift down", lambda r, c, h, w: ((r - 1) % h, c), False),
        moved("shift up", lambda r, c, h, w: ((r + 1) % h, c), False),
    )
    itself = [
        moved("turn halfway", lambda r, c, h, w: (h - 1 - r, w - 1 - c), False),
        moved("mirror left-right", lambda r, c, h, w: (r, w - 1 - c), False),
        moved("mirror top-bottom", lambda r, c, h, w: (h - 1 - r, c), False),
        moved("transpose", lambda r, c, h, w: (c, r), True),
    ]
    turns = (Step(*clockwise, counter[1]), Step(*counter, clockwise[1]), *(Step(*one, one[1]) for one in itself))
    shifts = (Step(*right, left[1]), Step(*left, right[1]), Step(*down, up[1]), Step(*up, down[1]))

    def renamed(table: Callable[[int], int]) -> Callable[[Grid], Grid]:
        codes = bytes(table(number) if number in numbers else number for number in range(256))
        return lambda grid: Grid(grid.height, grid.width, grid.cells.translate(codes))

    def add(k: int) -> Callable[[Grid], Grid]:
        return renamed(lambda number: (number + k) % (largest + 1))

    def swap(a: int, b: int) -> Callable[[Grid], Grid]:
        return renamed(lambda number: {a: b, b: a}.get(number, number))

    adds = tuple(Step(f"add {k}", add(k), add(-k)) for k in numbers if k)
    swaps = tuple(Step(f"swap {a} and {b}", swap(a, b), swap(a, b)) for a in numbers for b in numbers if a < b)

    def only(kept: int | None, erased: int | None) -> Callable[[Grid], Grid]:
        return renamed(lambda number: 0 if number == erased or kept not in (None, number) else number)

    erases = tuple(Step(f"erase {a}", only(None, a)) for a in numbers if a)
    keeps = tuple(Step(f"keep {a}", only(a, None)) for a in numbers if a)
    falls = tuple(Step(f"fall {way}", partial(_fallen, way=way)) for way in ("down", "up", "left", "right"))
    masks = (
        Step("clear the border", partial(_masked, border=True)),
        Step("clear the inside", partial(_masked, border=False)),
    )
    return turns, shifts, adds, swaps, falls, erases + keeps + masks


@cache
def _family(largest: int) -> tuple[Step, ...]:
    return tuple(step for kind in _kinds(largest) for step in kind)


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
    """1 for a cell that stays."""
    return bytes((r in (0, height - 1) or c in (0, width - 1)) is not border for r in range(height) for c in range(width))


def _drawn(rng: random.Random, config: Config) -> Grid:
    height, width = rng.randint(config.min_side, config.max_side), rng.randint(config.min_side, config.max_side)
    return Grid(height, width, bytes(rng.choices(range(config.largest + 1), k=height * width)))


def _grid(rows: Sequence[Sequence[int]]) -> Grid:
    return Grid(len(rows), len(rows[0]), bytes(number for row in rows for number in row))


def _rows(grid: Grid) -> Rows:
    return [list(grid.cells[r * grid.width : (r + 1) * grid.width]) for r in range(grid.height)]


def _text(rows: Rows) -> str:
    return "\n".join(" ".join(map(str, row)) for row in rows)


def _rules(largest: int, steps: int) -> str:
    many = "a single step" if steps == 1 else f"a sequence of at most {steps} steps, each applied to the result of the one before"
    return (
        f"The same hidden rule made every output from its input. The rule is {many}. The numbers go from 0 to {largest}. Every step is one of these:\n"
        "- turn the grid: a quarter turn clockwise, a quarter turn counterclockwise, or a half turn;\n"
        "- mirror the grid left to right or top to bottom, or transpose it (rows become columns);\n"
        "- shift all rows one place to the right or to the left, or all columns one place down or up; what leaves on one side comes in on the other;\n"
        f"- add a fixed number from 1 to {largest} to every number; from {largest} counting goes on at 0;\n"
        "- swap two numbers: every a becomes b and every b becomes a;\n"
        "- let the numbers other than 0 fall down, up, to the left or to the right, until they lie on the edge or on each other; zeros fill the rest;\n"
        "- set every number equal to a fixed a (not 0) to 0, or set every number that differs from a fixed a (not 0) to 0;\n"
        "- set all cells of the border to 0, or set all cells that are not on the border to 0.\n"
        "All rules of this kind that fit the examples give the same output for the test."
    )


OPENINGS = (
    "Find the rule that turns each input grid into its output grid, and apply it to the test.",
    "Here are grids before and after a hidden change. Make the same change to the last grid.",
    "Work out what was done to the example grids, then do it to the test grid.",
    "What does the rule behind these examples make of the test grid?",
)
FORM = "the output grid of the test, a line for each row, numbers separated by single spaces."
EXAMPLE = "0 2 1\n1 0 0"
COLOURS = ("#ffffff", "#9cc9f5", "#f5a9a0", "#a9dba0", "#f7e08a", "#cfcfcf", "#e3a6e8", "#f8c48b", "#a0e0e0", "#d0a890")

register(
    Puzzle(
        "puzzles/symbolic_hard",
        "grid",
        "find the rule behind pairs of number grids and apply it",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        form,
        draw=draw,
    )
)
