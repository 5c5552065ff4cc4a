"""Readers of answers, shared by all puzzles: tolerant in layout, strict in content, and safe on any text.

Tolerant: brackets, commas, table bars and LaTeX row ends are layout. Strict: every other character must belong to the answer, or the text is refused with the reason in words.
Safe: no answer above `LIMIT` characters is read, numbers have at most `DIGITS` digits, and every reader goes through the text a fixed number of times, without recursion,
without `eval` and with patterns that cannot backtrack. That is why puzzles are verified in the process itself and not in a killable one: nothing here can hang.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

LIMIT = 100_000  # characters of an answer
DIGITS = 18  # digits of a number
DEPTH = 4  # brackets inside brackets

Cell = tuple[int, int]

_NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,17})", re.ASCII)
_PAIR_TOKEN = re.compile(r"[+-]?[0-9]+|->|[()\[\]{},;:]|\s+|.", re.ASCII | re.DOTALL)
_ARROWS = str.maketrans({"→": " ", "⇒": " ", "➔": " ", "⟶": " "})
_LATEX = re.compile(r"\\(?:begin|end)\{[a-zA-Z]{1,20}\*?\}(?:\{[lcr|]{0,40}\})?|\\(?:left|right|text|mathrm|,|;|quad)(?![a-zA-Z])")
_RULE = set("-=+|: ")  # a line under a table's header
_BLANK_RUNS = re.compile(r"[^\S\n]+")


class Refused(Exception):
    """An answer that cannot be read or breaks a rule; `str()` is the reason in words. `Puzzle.verify` turns it into a score of 0."""


def check_text(answer: str) -> None:
    """What no answer may hold, checked for every puzzle before its own reader: too much text, null characters, digits other than 0 to 9."""
    if len(answer) > LIMIT:
        raise Refused(f"the answer has {len(answer)} characters; at most {LIMIT} are read")
    if not answer.strip():
        raise Refused("the answer is empty")
    if "\0" in answer:
        raise Refused("the answer holds a null character")
    if not answer.isascii() and (odd := next((char for char in answer if char.isdigit() and not char.isascii()), None)):
        raise Refused(f"the answer holds the digit {odd!r}; only 0 to 9 are read")


def tidy(answer: str) -> str:
    """Lines without blanks at their ends and runs of blanks as one; blank lines dropped. The form by which votes are grouped, unless a puzzle has its own."""
    return "\n".join(lines(answer))


def lines(answer: str) -> list[str]:
    """The lines that hold something, tidied."""
    return [line for raw in answer.splitlines() if (line := _BLANK_RUNS.sub(" ", raw).strip())]


def says(answer: str, sentence: str) -> bool:
    """Is the answer this sentence, but for case, blanks, punctuation and LaTeX's \\text?"""
    if len(answer) > 20 * len(sentence) + 1_000:
        return False
    return _letters(_plain(answer)) == _letters(sentence)


def label(answer: str, allowed: Iterable[str]) -> str:
    """The one of `allowed` that the answer says, as spelt there."""
    words = list(allowed)
    said = _letters(_plain(answer))
    for word in words:
        if _letters(word) == said:
            return word
    raise Refused(f"{shown(answer)} is none of {', '.join(words)}")


def integer(token: str) -> int:
    """A signed integer in ASCII digits, without leading zeros."""
    if _NUMBER.fullmatch(token) is None:
        raise Refused(f"{shown(token)} {_fault(token)}")
    return int(token)


def _fault(token: str) -> str:
    """What is wrong with a token that is no number to us."""
    leading = len(token) <= DIGITS and re.fullmatch(r"[+-]?0[0-9]+", token, re.ASCII) is not None
    return "has a leading zero" if leading else f"is no integer of at most {DIGITS} digits"


def integers(answer: str, count: int | None = None, most: int = 10_000) -> list[int]:
    """A list of integers, separated by blanks, commas or arrows, in brackets or not."""
    found = [integer(token) for token in _plain(answer).replace("->", " ").translate(_LAYOUT).split()]
    if count is not None and len(found) != count:
        raise Refused(f"{len(found)} numbers are given where {count} are expected")
    if len(found) > most:
        raise Refused(f"{len(found)} numbers are given; at most {most} are read")
    return found


def integer_grid(answer: str, rows: int | None = None, columns: int | None = None, *, compact: bool = False) -> list[list[int]]:
    """A grid of signed integers, a row a line (or a bracketed list a row). compact: a row may also be written as one run of `columns` digits."""
    grid = []
    for number, tokens in enumerate(_rows(answer), 1):
        if compact and columns is not None and len(tokens) == 1 and len(tokens[0]) == columns and columns > 1:
            tokens = list(tokens[0])
        row = []
        for token in tokens:
            if _NUMBER.fullmatch(token) is None:
                raise Refused(f"row {number} holds {shown(token)}, which {_fault(token)}")
            row.append(int(token))
        grid.append(row)
    _check_shape(grid, rows, columns)
    return grid


def symbol_grid(answer: str, symbols: str, rows: int | None = None, columns: int | None = None) -> list[str]:
    """A grid of one-character symbols, a row a line, with or without blanks, commas, bars or quotes between them; a string a row. Case is kept."""
    layout = {char: blank for char, blank in _SYMBOL_LAYOUT.items() if chr(char) not in symbols}
    grid: list[str] = []
    for line in _split_rows(answer, keep=symbols):
        row = "".join(line.translate(layout).split())
        if not row:
            continue
        if odd := next((char for char in row if char not in symbols), None):
            raise Refused(f"row {len(grid) + 1} holds {odd!r}, which is none of the symbols {' '.join(symbols)}")
        grid.append(row)
    _check_shape(grid, rows, columns)
    return grid


def pairs(answer: str, *, distinct: bool = False, most: int = 10_000) -> list[Cell]:
    """A list of pairs of integers: (0,1), (2,3), also in an outer list, joined by arrows, or a pair a line without brackets. `none` or [] is the empty list.

    distinct: refuse a pair that is given twice.
    """
    text = _plain(answer).translate(_ARROWS)
    if says(text, "none") or "".join(text.split()) in ("[]", "()", "{}"):
        return []
    numbers: list[int] = []
    held: list[int] = []  # per open bracket: how many numbers had been read
    for match in _PAIR_TOKEN.finditer(text):
        token = match[0]
        if token in "([{":
            held.append(len(numbers))
            if len(held) > DEPTH:
                raise Refused(f"brackets are nested more than {DEPTH} deep")
        elif token in ")]}":
            if not held:
                raise Refused("a bracket is closed that was never opened")
            inside = len(numbers) - held.pop()
            if inside % 2:
                raise Refused(f"a bracket holds {inside} numbers where pairs are expected")
        elif token[-1].isdigit():
            numbers.append(integer(token))
        elif token not in ("->", ",", ";", ":") and not token.isspace():
            raise Refused(f"{token!r} does not belong to a list of pairs")
    if held:
        raise Refused("a bracket is not closed")
    if not numbers:
        raise Refused("there are no pairs; an empty list is written [] or none")
    if len(numbers) % 2:
        raise Refused(f"{len(numbers)} numbers are given, which make no pairs")
    if len(numbers) > 2 * most:
        raise Refused(f"{len(numbers) // 2} pairs are given; at most {most} are read")
    found = list(zip(numbers[::2], numbers[1::2], strict=True))
    seen: set[Cell] = set()
    for pair in found if distinct else ():
        if pair in seen:
            raise Refused(f"{pair} is given twice")
        seen.add(pair)
    return found


def moves(answer: str, names: Collection[str], most: int = 100_000) -> list[str]:
    """A list of moves, by name in any case, separated by blanks, commas or arrows; moves of one letter may also be written as one word (UDLR)."""
    known = {name.upper(): name for name in names}
    found = []
    for token in _plain(answer).translate(_ARROWS).replace("->", " ").translate(_LAYOUT).upper().split():
        for word in (token,) if token in known else token:
            if word not in known:
                raise Refused(f"{shown(token)} is none of the moves {', '.join(names)}")
            found.append(known[word])
    if len(found) > most:
        raise Refused(f"{len(found)} moves are given; at most {most} are read")
    return found


def words(answer: str) -> list[str]:
    """Words or phrases separated by commas or line ends, tidied, quotes and brackets around them dropped. Case is kept."""
    parts = re.split(r"[,\n]", answer)
    return [word for part in parts if (word := " ".join(part.strip(" \t\r\"'`[](){}.").split()))]


def shown(text: str, most: int = 40) -> str:
    """A piece of an answer as a reason quotes it."""
    return repr(text if len(text) <= most else text[:most] + "...")


_LAYOUT = str.maketrans(dict.fromkeys(",;|&[](){}\"'", " "))
_SYMBOL_LAYOUT = str.maketrans(dict.fromkeys(",|&[](){}\"'`", " "))


def _letters(text: str) -> str:
    return " ".join("".join(char if char.isalnum() else " " for char in text.casefold()).split())


def _plain(answer: str) -> str:
    """LaTeX's environments and the typographic minus taken out."""
    return (_LATEX.sub(" ", answer) if "\\" in answer else answer).replace("\u2212", "-")


def _split_rows(answer: str, keep: str = "") -> list[str]:
    text = _plain(answer)
    for end in ("\\\\", "]", ";"):
        if end not in keep and not any(char in keep for char in end):
            text = text.replace(end, "\n")
    return [line for line in text.splitlines() if line.strip() and not ("--" in line and set(line) <= _RULE - set(keep))]


def _rows(answer: str) -> list[list[str]]:
    return [tokens for line in _split_rows(answer) if (tokens := line.translate(_LAYOUT).split())]


def _check_shape(grid: list[list[int]] | list[str], rows: int | None, columns: int | None) -> None:
    if not grid:
        raise Refused("the answer holds no grid")
    if rows is not None and len(grid) != rows:
        raise Refused(f"the grid has {len(grid)} rows where {rows} are expected")
    for number, row in enumerate(grid, 1):
        if columns is not None and len(row) != columns:
            raise Refused(f"row {number} has {len(row)} cells where {columns} are expected")
