"""Crosswords: fill a grid of cells (_) and blocks (*) from clues. Only rows and columns WITHOUT a block carry a word; the words across are asked for from top to bottom, then
those down from left to right.

The original draws from a pool of crosswords (`tasks/pools.py` reads its files) and has no hard level. Here grids are filled from a list of our own, `crossword_words.txt`, in which
every clue belongs to exactly one word: so the words asked for are determined, and answers are compared with them, as the original does. The filler keeps, for every open
word, the set of words that still fit as one bit mask, and makes the sets consistent with each other before every choice.
"""

from __future__ import annotations

import random
import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.reading import shown

LETTERS = "abcdefghijklmnopqrstuvwxyz"
MOST_CHOICES = 200  # of the filler in one grid; then another grid is tried
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
                raise ValueError(f"{name}={words} leaves no line for blocks; expected fewer than {side}={lines}")
        if self.across == self.down == 4 and min(self.height, self.width) < 7:
            raise ValueError("4 words across and 4 down are found in 7x7 grids only; take fewer words or height=7, width=7")
        return self


LEVELS = {
    "easy": {"height": 5, "width": 5, "across": 3, "down": 3},
    "medium": {"height": 7, "width": 7, "across": 4, "down": 3},
    "hard": {"height": 7, "width": 7, "across": 4, "down": 4},
}


class Slot(NamedTuple):
    """Place of a word. crossings: (the other slot, letter here, letter there)."""

    length: int
    crossings: list[tuple[int, int, int]]


def generate(rng: random.Random, config: Config) -> Drawn:
    """Draw which rows and columns carry words, and fill them."""
    rows = sorted(rng.sample(range(config.height), config.across))
    columns = sorted(rng.sample(range(config.width), config.down))
    found = _fill(rng, config, rows, columns)
    if found is None:
        raise Redraw
    across, down = found[: len(rows)], found[len(rows) :]
    grid = ["".join("_" if r in rows or c in columns else "*" for c in range(config.width)) for r in range(config.height)]
    clue = _words()[1]
    meta = {"grid": grid, "across": [clue[word] for word in across], "down": [clue[word] for word in down]}
    prompt = ask(rng.choice(OPENINGS), RULES, _board(meta), FORM, EXAMPLE)
    canonical = min(
        f"{rows} {across} {columns} {down}", f"{columns} {down} {rows} {across}"
    )  # mirrored in the diagonal it is the same puzzle
    return Drawn(prompt, _text(across, down), meta, canonical)


def verify(answer: str, item: Item) -> Score:
    """Numbers of words, their lengths, their crossings, and the words themselves. (A pool's item may have no grid.)"""
    given, right = _read(answer), _read(item.answer)
    for direction in ("across", "down"):
        words, golds = given[direction], right[direction]
        if len(words) != len(golds):
            raise Refused(f"{len(words)} words are given {direction} where {len(golds)} are expected")
        for number, (word, gold) in enumerate(zip(words, golds, strict=True), 1):
            if len(word) != len(gold):
                raise Refused(f"word {number} {direction}, {shown(word)}, has {len(word)} letters where {len(gold)} are expected")
    if grid := item.meta.get("grid"):
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
    word = {clue: word for word, clue in _words()[1].items()}
    return _text([word[clue] for clue in item.meta["across"]], [word[clue] for clue in item.meta["down"]])


def form(answer: str) -> str:
    words = _read(answer)
    return _text(words["across"], words["down"])


def draw(item: Item) -> str:
    """The empty grid as an SVG picture, 40 pixels a cell, with the numbers of the words beside it."""
    grid = item.meta["grid"]
    width, height = 40 * len(grid[0]) + 44, 40 * len(grid) + 44
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="18" text-anchor="middle">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for r, line in enumerate(grid):
        for c, cell in enumerate(line):
            fill = "black" if cell == "*" else "white"
            parts.append(f'<rect x="{40 + 40 * c}" y="{40 + 40 * r}" width="40" height="40" fill="{fill}" stroke="black"/>')
    rows, columns = _lines(grid)
    parts += [f'<text x="22" y="{66 + 40 * r}" fill="black">{number}</text>' for number, r in enumerate(rows, 1)]
    parts += [f'<text x="{60 + 40 * c}" y="30" fill="black">{number}</text>' for number, c in enumerate(columns, 1)]
    return "".join([*parts, "</svg>"])


@cache
def _words() -> tuple[dict[int, list[str]], dict[str, str]]:
    """(length -> words, word -> clue)."""
    text = files(__package__).joinpath("crossword_words.txt").read_text("utf-8")
    clues = dict(line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    by_length: dict[int, list[str]] = {}
    for word in clues:
        by_length.setdefault(len(word), []).append(word)
    return by_length, clues


@cache
def _holding(length: int) -> list[list[int]]:
    """[position][letter] -> the words of this length that hold the letter there, a bit for each."""
    words = _words()[0][length]
    return [[sum(1 << i for i, word in enumerate(words) if word[place] == letter) for letter in LETTERS] for place in range(length)]


def _fill(rng: random.Random, config: Config, rows: list[int], columns: list[int]) -> list[str] | None:
    """Distinct words for the rows, then the columns; None if none were found within `MOST_CHOICES`."""
    slots = [Slot(config.width, [(len(rows) + k, c, r) for k, c in enumerate(columns)]) for r in rows]
    slots += [Slot(config.height, [(i, r, c) for i, r in enumerate(rows)]) for c in columns]
    words = _words()[0]
    chosen: dict[int, str] = {}
    choices = 0

    def search(fitting: list[int]) -> bool:
        nonlocal choices
        open_slots = [s for s in range(len(slots)) if s not in chosen]
        if not open_slots:
            return True
        choices += 1
        for s in open_slots:
            fitting[s] = _narrowed(slots, fitting, chosen, s)
            if not fitting[s]:
                return False
        best = min(open_slots, key=lambda s: fitting[s].bit_count())
        length, crossings = slots[best]
        candidates = _bits(fitting[best])
        rng.shuffle(candidates)
        for i in candidates:
            if choices > MOST_CHOICES:
                return False
            word = chosen[best] = words[length][i]
            left = [s for s in open_slots if s != best]
            after = fitting[:]
            for other, here, there in crossings:
                after[other] &= _holding(slots[other].length)[there][ord(word[here]) - 97]
            for s in left:
                if slots[s].length == length:
                    after[s] &= ~(1 << i)
            if all(after[s] for s in left) and search(after):
                return True
            del chosen[best]
        return False

    found = search([(1 << len(words[slot.length])) - 1 for slot in slots])
    return [chosen[s] for s in range(len(slots))] if found else None


def _narrowed(slots: list[Slot], fitting: list[int], chosen: dict[int, str], s: int) -> int:
    """The words of slot s all of whose crossings some word of the other slot shares."""
    length, crossings = slots[s]
    left = fitting[s]
    for other, here, there in crossings:
        if other not in chosen:
            shared = 0
            for mine, theirs in zip(_holding(length)[here], _holding(slots[other].length)[there], strict=True):
                if theirs & fitting[other]:
                    shared |= mine
            left &= shared
    return left


def _bits(mask: int) -> list[int]:
    found = []
    while mask:
        lowest = mask & -mask
        found.append(lowest.bit_length() - 1)
        mask ^= lowest
    return found


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
        words = [word.translate(_LAYOUT).upper() for word in rest.strip("* ").split(",")]
        if odd := next((word for word in words if not re.fullmatch("[A-Z]+", word)), None):
            raise Refused(f"{shown(odd)} is no word of letters")
        if odd is not None:
            raise Refused(f"a word {direction} is missing between two commas")
        found[direction] = words
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
