"""Answers that are plaintexts: read, and judged by encrypting them again."""

from __future__ import annotations

from thinkwell.tasks.puzzle import RIGHT, Item, Refused, Score
from thinkwell.tasks.puzzles.crypto._ciphers import encrypt
from thinkwell.tasks.reading import shown


def letters_of(answer: str) -> str:
    """An answer as capital letters; blanks and line ends are layout. Raises `Refused` for anything else in it."""
    text = "".join(answer.split())
    if odd := next((char for char in text if not ("A" <= char <= "Z" or "a" <= char <= "z")), None):
        raise Refused(f"{odd!r} in {shown(answer.strip())} is none of the letters A to Z")
    return text.upper()


def verify(answer: str, item: Item) -> Score:
    """Encrypts the answer with the key of the item, known or hidden, and compares with its ciphertext."""
    text, ciphertext = letters_of(answer), item.meta["ciphertext"]
    again = encrypt(item.meta["method"], item.meta["key"], text)
    if len(again) != len(ciphertext):
        raise Refused(
            f"the answer has {len(text)} letters; encrypted it gives {len(again)} letters, and the ciphertext has {len(ciphertext)}"
        )
    if again != ciphertext:
        place = next(place for place, pair in enumerate(zip(again, ciphertext, strict=True), 1) if pair[0] != pair[1])
        raise Refused(f"encrypted, the answer gives another text than the ciphertext, first at letter {place}")
    return RIGHT


def verify_paper(answer: str, item: Item) -> Score:
    """The original's rule: the plaintext as it was cut, in capitals, runs of blanks as one."""
    if " ".join(answer.split()) != item.answer:
        raise Refused("the answer is not the plaintext letter by letter")
    return RIGHT
