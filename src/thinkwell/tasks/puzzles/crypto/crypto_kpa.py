"""Known plaintext: a text and its ciphertext are given, and another ciphertext made with the same cipher and key; decrypt it. Cipher (one of nine) and key are not told.

Every item has one plaintext, by proof: for all nine ciphers as the prompt describes them, every key that turns the known text into its ciphertext reads the target the same way
(`_known_plaintext.readings`); what the known text leaves open is drawn again. An answer counts if it encrypts to the target, so Playfair's I for J and its X, and Hill's X at the
end, may be spelt either way. The original does not look whether the pair says enough, and decrypts the target where it should encrypt it for vigenere; its comparison letter by
letter is `verify_paper`.
"""

from __future__ import annotations

import random
from typing import Literal

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import Drawn, Item, Puzzle, Redraw, ask, register
from thinkwell.tasks.puzzles.crypto._ciphers import HOW, METHODS, NUMBERING, Key, Method, decrypt, doubled, encrypt
from thinkwell.tasks.puzzles.crypto._keys import draw_key
from thinkwell.tasks.puzzles.crypto._known_plaintext import readings
from thinkwell.tasks.puzzles.crypto._plaintext import letters_of, verify, verify_paper
from thinkwell.tasks.puzzles.crypto._sentences import piece
from thinkwell.tasks.puzzles.crypto._squares import Undetermined

STRENGTHS = ("naive", "easy", "medium", "hard", "extreme")
LENGTHS: dict[str, tuple[int, ...]] = {  # letters of the target at each strength
    "affine": (5, 10, 10, 10, 15),
    "hill": (4, 8, 6, 9, 15),
    "": (5, 10, 10, 15, 20),  # all others
}
HINTS: dict[str, tuple[int, ...]] = {  # fewest letters of the known text at each strength; at most a quarter more
    "affine": (120, 120, 120, 80, 80),
    "": (120, 120, 80, 80, 80),
}
SIZES: dict[str, tuple[int, ...]] = {  # of the key, as `draw_key` takes it
    "vigenere": (2, 3, 4, 5, 5),
    "rail_fence": (2, 2, 3, 3, 4),
    "playfair": (5, 6, 7, 7, 8),
    "hill": (2, 2, 3, 3, 3),
    "autokey": (2, 3, 4, 5, 5),
}
TRIES = 30


class Config(Knobs):
    method: Literal["any"] | Method = "any"
    """The cipher: vigenere, substitution, rail_fence, playfair, hill, affine, caesar, autokey, atbash, or any for one of the nine at random."""
    strength: Literal["naive", "easy", "medium", "hard", "extreme"] = "easy"
    """How long texts and key are: naive, easy, medium, hard or extreme, each with the original's lengths for each cipher."""
    hint_length: int = Field(0, ge=0, le=400)
    """Letters of the known plaintext, 40 to 400; 0 for what the strength says (80 to 150)."""
    length: int = Field(0, ge=0, le=60)
    """Letters of the text to be found, 5 to 60; 0 for what the strength says."""
    tell_method: bool = False
    """Name the cipher in the prompt, so that only its key is to be found."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if 0 < self.length < 5:
            raise ValueError(f"length={self.length} is too short for some keys; expected 0 (as the strength says) or 5 to 60")
        if 0 < self.hint_length < 40:
            raise ValueError(f"hint_length={self.hint_length} says too little of most keys; expected 0 (as the strength says) or 40 to 400")
        return self


LEVELS = {"easy": {"strength": "easy"}, "medium": {"strength": "medium"}, "hard": {"strength": "hard"}}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Draw a key and two texts, and keep them if the first, with its ciphertext, leaves one reading of the second."""
    method: Method = rng.choice(METHODS) if config.method == "any" else config.method
    for _ in range(TRIES):  # with the same cipher, lest those with more open letters become rare
        key, hint, text = _draw(rng, method, config)
        hint_cipher, ciphertext = encrypt(method, key, hint), encrypt(method, key, text)
        if text in hint or ciphertext == text or (method == "playfair" and (doubled(hint) or doubled(text))):
            continue
        try:
            if readings(hint, hint_cipher, ciphertext, _possible(method, config.tell_method)) == {decrypt(method, key, ciphertext)}:
                break
        except Undetermined:
            continue
    else:
        raise Redraw
    rules = f"{NUMBERING} The cipher is {'this one' if config.tell_method else 'one of these nine'}:\n" + "\n".join(
        f"- {how}" for name, how in HOW.items() if name == method or not config.tell_method
    )
    board = f"Known plaintext: {hint}\nIts ciphertext: {hint_cipher}\n\nCiphertext to decrypt: {ciphertext}"
    prompt = ask(rng.choice(OPENINGS), rules, board, FORM, EXAMPLE)
    meta = {"method": method, "key": dict(key), "hint": hint, "hint_cipher": hint_cipher, "ciphertext": ciphertext}
    return Drawn(prompt, text, {**meta, "told": config.tell_method}, f"{method} {sorted(key.items())} {hint} {ciphertext}")


def solve(item: Item) -> str:
    """Finds cipher and key from the known text alone."""
    meta = item.meta
    return min(readings(meta["hint"], meta["hint_cipher"], meta["ciphertext"], _possible(meta["method"], meta["told"])))


def _draw(rng: random.Random, method: Method, config: Config) -> tuple[Key, str, str]:
    """A key, the known text and the text to be found."""
    step = STRENGTHS.index(config.strength)
    least = HINTS.get(method, HINTS[""])[step]
    hint = piece(rng, config.hint_length or rng.randint(least, least * 5 // 4))
    text = piece(rng, config.length or LENGTHS.get(method, LENGTHS[""])[step])
    return draw_key(rng, method, SIZES[method][step] if method in SIZES else 0), hint, text


def _possible(method: Method, told: bool) -> tuple[Method, ...]:
    """The ciphers that the prompt leaves open."""
    return (method,) if told else METHODS


OPENINGS = (
    "You know a text and its ciphertext. Use them to decrypt a second ciphertext, made with the same cipher and key.",
    "Break this cipher: one text is known in both forms, another only encrypted. Both were encrypted with the same cipher and key.",
    "Two texts were encrypted with one cipher and one key. The first is known; find the second.",
    "From a known plaintext and its ciphertext, work out how the encryption goes, and decrypt the other ciphertext.",
)
FORM = (
    "the plaintext of the ciphertext to decrypt, as capital letters in one word without blanks or punctuation. If the cipher is playfair, I may stand for J, and letters X that "
    "were put in may be left in or taken out; if it is hill, so may letters X that only fill up the end."
)
EXAMPLE = "THELAMPISOUT"

register(
    Puzzle(
        "puzzles/crypto_kpa",
        "crypto",
        "decrypt a text when another is known with its ciphertext",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        letters_of,
        verify_paper,
    )
)
