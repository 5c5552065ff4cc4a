"""Crosswords: fill a grid of cells (_) and blocks (*) from clues. Only rows and columns WITHOUT a block carry a word; the words across are asked for from top to bottom, then
those down from left to right.

The original draws from a pool of crosswords (`tasks/pools.py` reads its files) and has no hard level. Here grids are filled from a list of our own, `crossword_words.txt`, in which
every clue belongs to exactly one word: so the words asked for are determined, and answers are compared with them, as the original does.
"""

from __future__ import annotations

import random

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.puzzles._cells import mark, picture, square
from thinkwell.tasks.puzzles.grid._crossword import clues, filled
from thinkwell.tasks.reading import shown

_LAYOUT = str.maketrans(dict.fromkeys("[](){}\"'`. \t", None))


class Config(Knobs):
    height: int = Field(5, ge=3, le=7)
    """Rows of the grid, which is the length of the words down, 3 to 7."""
    width: int = Field(5, ge=3, le=7)
    """Columns of the grid, which is the length of the words across, 3 to 7."""
    across: int = Field(3, ge=1, le=4)
    """Words across, 1 to 4; fewer than rows."""
    down: int = Field(3, ge=1, le=4)
    """Words down, 1 to 4; fewer than columns."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        for name, words, side, lines in (("across", self.across, "height", self.height), ("down", self.down, "width", self.width)):
            if words >= lines:
                raise ValueError(
                    f"{name}={words} leaves no line for blocks; expected fewer than {side}={lines}. Take fewer words or a larger {side}"
                )
        if self.across == self.down == 4 and min(self.height, self.width) < 7:
            raise ValueError("4 words across and 4 down are found in 7x7 grids only; take fewer words or height=7, width=7")
        return self


LEVELS = {
    "easy": {"height": 5, "width": 5, "across": 3, "down": 3},
    "medium": {"height": 7, "width": 7, "across": 4, "down": 3},
    "hard": {"height": 7, "width": 7, "across": 4, "down": 4},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Draw which rows and columns carry words, and fill them."""
    rows = sorted(rng.sample(range(config.height), config.across))
    columns = sorted(rng.sample(range(config.width), config.down))
    found = filled(rng, config.height, config.width, rows, columns)
    if found is None:
        raise Redraw
    across, down = found[: len(rows)], found[len(rows) :]
    grid = ["".join("_" if r in rows or c in columns else "*" for c in range(config.width)) for r in range(config.height)]
    meta = {"grid": grid, "across": [clues()[word] for word in across], "down": [clues()[word] for word in down]}
    prompt = ask(rng.choice(OPENINGS), RULES, _board(meta), FORM, EXAMPLE)
    ways = (f"{rows} {across} {columns} {down}", f"{columns} {down} {rows} {across}")  # mirrored in the diagonal it is the same puzzle
    return Drawn(prompt, _text(across, down), meta, min(ways))


def verify(answer: str, item: Item) -> Score:
    """Numbers of words, their lengths, their crossings, and the words themselves. (A pool's item may have no grid.)"""
    given, right = _read(answer), _read(item.answer)
    grid = item.meta.get("grid")
    for direction in ("across", "down"):
        words, golds = given[direction], right[direction]
        if len(words) != len(golds):
            raise Refused(f"{len(words)} words are given {direction} where {len(golds)} are expected")
        for number, (word, gold) in enumerate(zip(words, golds, strict=True), 1):
            length = len(gold) if not grid else len(grid[0]) if direction == "across" else len(grid)
            if len(word) != length:
                raise Refused(f"word {number} {direction}, {shown(word)}, has {len(word)} letters where {length} are expected")
    if grid:
        rows, columns = _lines(grid)
        for i, row in enumerate(rows):
            for k, column in enumerate(columns):
                if (here := given["across"][i][column]) != (there := given["down"][k][row]):
                    raise Refused(f"word {i + 1} across has {here} where word {k + 1} down, which crosses it there, has {there}")
    for direction in ("across", "down"):
        for number, (word, gold) in enumerate(zip(given[direction], right[direction], strict=True), 1):
            if word != gold:
                raise Refused(f"word {number} {direction}, {word}, is not the word of its clue")
    return RIGHT


def solve(item: Item) -> str:
    """Looks the clues up in the list."""
    word = {clue: word for word, clue in clues().items()}
    return _text([word[clue] for clue in item.meta["across"]], [word[clue] for clue in item.meta["down"]])


def form(answer: str) -> str:
    words = _read(answer)
    return _text(words["across"], words["down"])


def draw(item: Item) -> str:
    """The empty grid as an SVG picture, 40 pixels a cell, with the numbers of the words beside it."""
    grid = item.meta["grid"]
    parts = [square(r, c, "black", left=40, top=40) for r, line in enumerate(grid) for c, cell in enumerate(line) if cell == "*"]
    rows, columns = _lines(grid)
    parts += [mark(r, -1, number, left=40, top=40) for number, r in enumerate(rows, 1)]
    parts += [mark(-1, c, number, left=40, top=40) for number, c in enumerate(columns, 1)]
    return picture(len(grid), len(grid[0]), parts, left=40, top=40)


def _lines(grid: list[str]) -> tuple[list[int], list[int]]:
    """Rows and columns without a block."""
    rows = [r for r, line in enumerate(grid) if "*" not in line]
    return rows, [c for c in range(len(grid[0])) if all(line[c] != "*" for line in grid)]


def _read(answer: str) -> dict[str, list[str]]:
    """The words in capitals, by direction."""
    found: dict[str, list[str]] = {}
    for line in filter(None, map(str.strip, answer.splitlines())):
        head, colon, rest = line.partition(":")
        direction = head.strip(" *\"'`").lower()
        if not colon or direction not in ("across", "down"):
            raise Refused(f"the line {shown(line)} begins with neither across: nor down:")
        if direction in found:
            raise Refused(f"there is more than one line of words {direction}")
        words = [word.translate(_LAYOUT) for word in rest.strip("* ").split(",")]
        for word in words:
            if not word:
                raise Refused(f"a word {direction} is missing between two commas")
            if not (word.isascii() and word.isalpha()):  # ascii, as some letters of other alphabets become A to Z as capitals
                raise Refused(f"{shown(word)} is no word of letters from A to Z")
        found[direction] = [word.upper() for word in words]
    for direction in ("across", "down"):
        if direction not in found:
            raise Refused(f"there is no line of words {direction}")
    return found


def _text(across: list[str], down: list[str]) -> str:
    return f"across: {', '.join(across).upper()}\ndown: {', '.join(down).upper()}"


def _board(meta: dict[str, list[str]]) -> str:
    rows, columns = _lines(meta["grid"])
    parts = [" ".join(line) for line in meta["grid"]]
    for direction, order, numbers, length in (
        ("Across", "top to bottom", rows, len(meta["grid"][0])),
        ("Down", "left to right", columns, len(meta["grid"])),
    ):
        kind = "row" if direction == "Across" else "column"
        parts.append(f"\n{direction}, from {order}:")
        for number, (line, clue) in enumerate(zip(numbers, meta[direction.lower()], strict=True), 1):
            parts.append(f"{number}. {clue} ({kind} {line + 1}, {length} letters)")
    return "\n".join(parts)


OPENINGS = (
    "Solve this crossword.",
    "Here is a small crossword; find its words.",
    "Find all the words of the crossword below.",
    "Fill in the following crossword.",
)
RULES = (
    "Rules: _ is a cell for one letter, * is a block. Every row without a block holds one word across, every column without a block one word down; "
    "rows and columns with a block hold no word of their own. Where a word across and a word down cross, they share the letter. "
    "Each word has a clue; the words are common English words.\n\nThe grid:"
)
FORM = (
    "two lines. The first is across: and the words across from top to bottom, separated by commas; the second is down: and the words down from left to right, "
    "separated by commas. Capital or small letters both count."
)
EXAMPLE = "across: STONE, EARLY\ndown: SHE, OUR"

register(
    Puzzle(
        "puzzles/full_crosswords",
        "grid",
        "find the words of a crossword from its clues",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        form,
        draw=draw,
    )
)
