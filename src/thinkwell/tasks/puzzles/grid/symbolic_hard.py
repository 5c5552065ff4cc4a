"""Grids by example: some pairs of number grids show what a hidden rule does; apply it to one more grid.

The original draws from a pool (grids of ARC as text; `tasks/pools.py` reads its files) whose rules are anybody's guess. Here the rule is a sequence of steps of a family
(`_steps.py`) that the prompt states completely, and the answer is proved: the generator runs through all sequences of at most as many steps and keeps the puzzle only if all that
fit the examples make the same grid of the test (`_compose.py`), and if no shorter sequence fits. So answers are compared with one grid, as in the original.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.puzzles._cells import grid_text
from thinkwell.tasks.puzzles._compose import determined, run, sequence
from thinkwell.tasks.puzzles.grid._steps import STATED, Grid, family, kinds
from thinkwell.tasks.reading import integer_grid

Rows = list[list[int]]


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
    rule = [rng.choice(rng.choice(kinds(config.largest))) for _ in range(config.steps)]
    inputs = [_drawn(rng, config) for _ in range(config.examples + 1)]
    outputs = [run(rule, grid) for grid in inputs]
    if any(x == y for x, y in zip(inputs, outputs, strict=True)) or any(len(set(grid.cells)) == 1 for grid in outputs):
        raise Redraw
    test, wanted = inputs.pop(), outputs.pop()
    if len(set(inputs)) < len(inputs) or test in inputs:
        raise Redraw
    if determined(family(config.largest), inputs, outputs, test, config.steps) != wanted:
        raise Redraw
    pairs = [[_rows(x), _rows(y)] for x, y in zip(inputs, outputs, strict=True)]
    meta = {"largest": config.largest, "steps": config.steps, "examples": pairs, "test": _rows(test), "rule": [step.name for step in rule]}
    parts = [f"Example {i}, input:\n{grid_text(x)}\nExample {i}, output:\n{grid_text(y)}" for i, (x, y) in enumerate(pairs, 1)]
    many = ONE if config.steps == 1 else SEVERAL.format(steps=config.steps)
    board = "\n\n".join([*parts, f"Test, input:\n{grid_text(_rows(test))}"])
    prompt = ask(rng.choice(OPENINGS), RULES.format(many=many, largest=config.largest), board, FORM, EXAMPLE)
    return Drawn(prompt, grid_text(_rows(wanted)), meta, f"{config.largest} {config.steps} {sorted(pairs)} {_rows(test)}")


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
    rule = sequence(family(item.meta["largest"]), inputs, outputs, item.meta["steps"])
    return grid_text(_rows(run(rule, _grid(item.meta["test"]))))


def form(answer: str) -> str:
    return grid_text(integer_grid(answer))


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


def _drawn(rng: random.Random, config: Config) -> Grid:
    height, width = rng.randint(config.min_side, config.max_side), rng.randint(config.min_side, config.max_side)
    return Grid(height, width, bytes(rng.choices(range(config.largest + 1), k=height * width)))


def _grid(rows: Sequence[Sequence[int]]) -> Grid:
    return Grid(len(rows), len(rows[0]), bytes(number for row in rows for number in row))


def _rows(grid: Grid) -> Rows:
    return [list(grid.cells[r * grid.width : (r + 1) * grid.width]) for r in range(grid.height)]


OPENINGS = (
    "Find the rule that turns each input grid into its output grid, and apply it to the test.",
    "Here are grids before and after a hidden change. Make the same change to the last grid.",
    "Work out what was done to the example grids, then do it to the test grid.",
    "What does the rule behind these examples make of the test grid?",
)
RULES = (
    "The same hidden rule made every output from its input. The rule is {many}. The numbers go from 0 to {largest}. Every step is one of these:\n"
    f"{STATED}\nAll rules of this kind that fit the examples give the same output for the test."
)
ONE, SEVERAL = "a single step", "a sequence of at most {steps} steps, each applied to the result of the one before"
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
