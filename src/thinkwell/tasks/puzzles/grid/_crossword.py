"""The list of words of full_crosswords, and the filler of its grids.

The filler keeps, for every open word, the set of words that still fit as one bit mask, and makes the sets consistent with each other before every choice.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

LETTERS = "abcdefghijklmnopqrstuvwxyz"
MOST_CHOICES = 200  # of the filler in one grid; then another grid is tried


class Slot(NamedTuple):
    """Place of a word. crossings: (the other slot, letter here, letter there)."""

    length: int
    crossings: list[tuple[int, int, int]]


@cache
def clues() -> dict[str, str]:
    """Every word with its clue."""
    text = files(__package__).joinpath("crossword_words.txt").read_text("utf-8")
    return dict(line.split("\t") for line in text.splitlines() if not line.startswith("#"))


@cache
def _words(length: int) -> list[str]:
    return [word for word in clues() if len(word) == length]


@cache
def _holding(length: int) -> list[list[int]]:
    """[position][letter] -> the words of this length that hold the letter there, a bit for each."""
    words = _words(length)
    return [[sum(1 << i for i, word in enumerate(words) if word[place] == letter) for letter in LETTERS] for place in range(length)]


def filled(rng: random.Random, height: int, width: int, rows: Sequence[int], columns: Sequence[int]) -> list[str] | None:
    """Distinct words for the rows, then the columns; None if none were found within `MOST_CHOICES`."""
    slots = [Slot(width, [(len(rows) + k, c, r) for k, c in enumerate(columns)]) for r in rows]
    slots += [Slot(height, [(i, r, c) for i, r in enumerate(rows)]) for c in columns]
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
            word = chosen[best] = _words(length)[i]
            left = [s for s in open_slots if s != best]
            after = fitting[:]
            for other, here, there in crossings:
                after[other] &= _holding(slots[other].length)[there][LETTERS.index(word[here])]
            for s in left:
                if slots[s].length == length:
                    after[s] &= ~(1 << i)
            if all(after[s] for s in left) and search(after):
                return True
            del chosen[best]
        return False

    found = search([(1 << len(_words(slot.length))) - 1 for slot in slots])
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
    """The places of the ones."""
    found = []
    while mask:
        lowest = mask & -mask
        found.append(lowest.bit_length() - 1)
        mask ^= lowest
    return found
