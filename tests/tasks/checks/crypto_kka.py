"""An independent judge of decryptions: each cipher worked backwards letter by letter, from its description alone."""

from __future__ import annotations

from functools import cache
from itertools import cycle, product
from typing import Any

from thinkwell.tasks.puzzle import Item

A = [chr(65 + i) for i in range(26)]


def check(answer: str, item: Item) -> bool:
    return is_plaintext("".join(answer.split()).upper(), item.meta["ciphertext"], item.meta["method"], item.meta["key"])


def is_plaintext(text: str, secret: str, method: str, key: dict[str, Any]) -> bool:
    if not text or any(char not in A for char in text):
        return False
    if method == "playfair":
        spelt = text.replace("J", "I")
        for place in range(0, 10 * len(secret), 2):
            if place + 1 >= len(spelt):
                break
            if spelt[place] == spelt[place + 1]:
                spelt = spelt[: place + 1] + "X" + spelt[place + 1 :]
        return (spelt + "X" if len(spelt) % 2 else spelt) == _unplayfair(secret, key["square"])
    if method == "hill":
        found = _unhill(secret, tuple(map(tuple, key["matrix"])))
        return text + "X" * (len(found) - len(text)) == found and len(found) - len(text) < len(key["matrix"])
    return text == _plain(secret, method, key)


def _plain(secret: str, method: str, key: dict[str, Any]) -> str:
    if method == "caesar":
        return "".join(A[A.index(char) - key["shift"]] for char in secret)
    if method == "atbash":
        return "".join(A[-1 - A.index(char)] for char in secret)
    if method == "affine":
        table = {A[(key["a"] * x + key["b"]) % 26]: A[x] for x in range(26)}
        return "".join(table[char] for char in secret)
    if method == "substitution":
        return "".join(A[key["alphabet"].index(char)] for char in secret)
    if method == "vigenere":
        return "".join(A[A.index(char) - A.index(k)] for char, k in zip(secret, cycle(key["keyword"]), strict=False))
    if method == "autokey":
        text = ""
        for place, char in enumerate(secret):
            text += A[A.index(char) - A.index((key["keyword"] + text)[place])]
        return text
    assert method == "rail_fence"
    rails: list[list[int]] = [[] for _ in range(key["rails"])]
    row, down = 0, 1
    for place in range(len(secret)):
        rails[row].append(place)
        if not 0 <= row + down < len(rails):
            down = -down
        row += down
    return "".join(char for _, char in sorted(zip([place for rail in rails for place in rail], secret, strict=True)))


def _unplayfair(secret: str, square: str) -> str:
    grid = [square[5 * row : 5 * row + 5] for row in range(5)]
    text = ""
    for a, b in zip(secret[::2], secret[1::2], strict=True):
        row, line = (next(i for i in range(5) if char in grid[i]) for char in (a, b))
        column, other = grid[row].index(a), grid[line].index(b)
        if row == line:
            text += grid[row][column - 1] + grid[line][other - 1]
        elif column == other:
            text += grid[row - 1][column] + grid[line - 1][other]
        else:
            text += grid[row][other] + grid[line][column]
    return text


@cache  # a fuzzer asks thousands of times of one item
def _unhill(secret: str, matrix: tuple[tuple[int, ...], ...]) -> str:
    """The one block of n letters that gives each block of the ciphertext: found by trying, a row at a time."""
    n, text = len(matrix), ""
    for place in range(0, len(secret), n):
        want = [A.index(char) for char in secret[place : place + n]]
        for block in product(range(26), repeat=n):
            if all(sum(a * b for a, b in zip(row, block, strict=True)) % 26 == w for row, w in zip(matrix, want, strict=True)):
                text += "".join(A[x] for x in block)
                break
    return text
