"""Known key: decrypt a short text, given the ciphertext, the cipher and its key. Nine classical ciphers; the plaintext is cut from English sentences, letters only.

An answer counts if it encrypts to the ciphertext under the key. For all ciphers but two that is one text; Playfair writes J as I and inserts X, and Hill fills up with X, so there
the answer may spell these letters either way. The original compares with the plaintext as it was before encryption (a fifth of its Playfair items cannot be matched by correct
decryption, J and inserted X being gone or there): that is `verify_paper`. Its bulk driver makes Caesar only; ours draws over all nine. Where the original has four strengths, its
naive one is a knob here.
"""

from __future__ import annotations

import random
from typing import Literal

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import Drawn, Item, Puzzle, Redraw, ask, register
from thinkwell.tasks.puzzles.crypto._ciphers import HOW, METHODS, NUMBERING, Method, decrypt, doubled, encrypt
from thinkwell.tasks.puzzles.crypto._keys import draw_key, key_text
from thinkwell.tasks.puzzles.crypto._plaintext import letters_of, verify, verify_paper
from thinkwell.tasks.puzzles.crypto._sentences import piece

STRENGTHS = ("naive", "easy", "medium", "hard")
LENGTHS: dict[Method, tuple[int, int, int, int]] = {  # letters of the plaintext at each strength
    "vigenere": (3, 5, 8, 12),
    "substitution": (1, 5, 10, 15),
    "rail_fence": (3, 5, 10, 15),
    "playfair": (2, 6, 10, 20),
    "hill": (2, 4, 6, 9),
    "affine": (2, 5, 10, 15),
    "caesar": (5, 10, 15, 20),
    "autokey": (3, 5, 10, 15),
    "atbash": (10, 15, 20, 25),
}
SIZES: dict[Method, tuple[int, int, int, int]] = {  # of the key, as `draw_key` takes it
    "vigenere": (2, 3, 4, 5),
    "rail_fence": (2, 2, 3, 4),
    "playfair": (5, 6, 7, 8),
    "hill": (2, 2, 3, 3),
    "affine": (1, 1, 2, 3),
    "autokey": (2, 3, 4, 5),
}


class Config(Knobs):
    method: Literal["any"] | Method = "any"
    """The cipher: vigenere, substitution, rail_fence, playfair, hill, affine, caesar, autokey, atbash, or any for one of the nine at random."""
    strength: Literal["naive", "easy", "medium", "hard"] = "easy"
    """How long text and key are: naive, easy, medium or hard, each with the original's lengths for each cipher."""
    length: int = Field(0, ge=0, le=60)
    """Letters of the plaintext, 5 to 60; 0 for what the strength says."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if 0 < self.length < 5:
            raise ValueError(f"length={self.length} is too short for some keys; expected 0 (as the strength says) or 5 to 60")
        return self


LEVELS = {"easy": {"strength": "easy"}, "medium": {"strength": "medium"}, "hard": {"strength": "hard"}}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Cut a text, draw a key, encrypt; drawn again if the ciphertext is the text itself."""
    method: Method = rng.choice(METHODS) if config.method == "any" else config.method
    step = STRENGTHS.index(config.strength)
    key = draw_key(rng, method, SIZES[method][step] if method in SIZES else 0)
    text = piece(rng, config.length or LENGTHS[method][step])
    ciphertext = encrypt(method, key, text)
    if ciphertext == text or (method == "playfair" and doubled(text)):
        raise Redraw
    board = f"Cipher: {HOW[method]}\n\nKey: {key_text(key)}\n\nCiphertext: {ciphertext}"
    prompt = ask(rng.choice(OPENINGS), NUMBERING, board, FORM + MORE.get(method, ""), EXAMPLE)
    meta = {"method": method, "key": dict(key), "ciphertext": ciphertext}
    return Drawn(prompt, text, meta, f"{method} {sorted(key.items())} {ciphertext}")


def solve(item: Item) -> str:
    """Decryption, which is code of its own for every cipher."""
    return decrypt(item.meta["method"], item.meta["key"], item.meta["ciphertext"])


OPENINGS = (
    "Decrypt this message.",
    "Find the plaintext of the ciphertext below. The cipher and its key are known.",
    "A short English text was encrypted. Recover it with the key.",
    "Use the key to read the following ciphertext.",
)
FORM = "the plaintext, as capital letters in one word without blanks or punctuation."
MORE = {
    "playfair": " I may stand for J, and letters X that were put in may be left in or taken out.",
    "hill": " Letters X that only fill up the end may be left in or taken out.",
}
EXAMPLE = "THELAMPISOUT"

register(
    Puzzle(
        "puzzles/crypto_kka",
        "crypto",
        "decrypt a text with a known cipher and key",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        letters_of,
        verify_paper,
    )
)
