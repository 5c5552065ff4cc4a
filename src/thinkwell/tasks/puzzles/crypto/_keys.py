"""Keys of the nine ciphers: drawn, and as a prompt shows them."""

from __future__ import annotations

import random
from math import gcd

from thinkwell.tasks.puzzles.crypto._ciphers import ALPHABET, SQUARE_ALPHABET, UNITS, Key, Method, determinant

AFFINE_POOLS = {1: (3, 5, 7, 9), 2: (11, 15, 17), 3: (19, 21, 23, 25)}  # the original's easy, medium and hard multipliers


def draw_key(rng: random.Random, method: Method, size: int) -> Key:
    """A random key. size: letters of a keyword, rails, order of the matrix, pool of affine's multiplier (0: all); of no meaning to the others."""
    if method in ("vigenere", "autokey"):
        return {"keyword": "".join(rng.choices(ALPHABET, k=size))}
    if method == "playfair":
        keyword = "".join(rng.sample(SQUARE_ALPHABET, size))
        return {"square": keyword + "".join(letter for letter in SQUARE_ALPHABET if letter not in keyword)}
    if method == "substitution":
        return {"alphabet": "".join(rng.sample(ALPHABET, 26))}
    if method == "affine":
        return {"a": rng.choice(AFFINE_POOLS[size] if size else UNITS[1:]), "b": rng.randrange(26)}
    if method == "hill":
        while True:
            matrix = [[rng.randrange(26) for _ in range(size)] for _ in range(size)]
            if gcd(determinant(matrix), 26) == 1:
                return {"matrix": matrix}
    if method == "caesar":
        return {"shift": rng.randrange(1, 26)}
    return {"rails": size} if method == "rail_fence" else {}


def key_text(key: Key) -> str:
    """A key as the prompt shows it."""
    if "square" in key:
        return "key square\n" + "\n".join(" ".join(key["square"][i : i + 5]) for i in range(0, 25, 5))
    if "matrix" in key:
        return "matrix\n" + "\n".join(" ".join(map(str, row)) for row in key["matrix"])
    if "alphabet" in key:
        return f"cipher alphabet\n{ALPHABET}\n{key['alphabet']}"
    return ", ".join(f"{name} = {value}" for name, value in key.items()) or "none is needed"
