"""Nine classical ciphers on A to Z. Letters count from 0: A = 0, ..., Z = 25.

A key is a dictionary of JSON values, as items carry it; `_keys` draws them. Text and ciphertext are capital letters only. `encrypt` and `decrypt` are separate code for each
cipher, so that each can check the other. Where a plaintext is not unique (Playfair writes J as I and inserts X, Hill fills up with X), every text that encrypts to the
ciphertext is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import gcd
from typing import Any, Literal

Method = Literal["vigenere", "substitution", "rail_fence", "playfair", "hill", "affine", "caesar", "autokey", "atbash"]
Key = Mapping[str, Any]

METHODS: tuple[Method, ...] = ("vigenere", "substitution", "rail_fence", "playfair", "hill", "affine", "caesar", "autokey", "atbash")
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SQUARE_ALPHABET = ALPHABET.replace("J", "")  # Playfair's 25 letters
UNITS = tuple(a for a in range(26) if gcd(a, 26) == 1)  # what affine can multiply by
MOST_KEYWORD = 8  # letters of a keyword of vigenere or autokey, as the rules say
MOST_RAILS = 8


def determinant(matrix: Sequence[Sequence[int]]) -> int:
    if len(matrix) == 2:
        return matrix[0][0] * matrix[1][1] - matrix[0][1] * matrix[1][0]
    (a, b, c), (d, e, f), (g, h, i) = matrix
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


def inverse(matrix: Sequence[Sequence[int]]) -> list[list[int]]:
    """The inverse modulo 26, by cofactors."""
    n, unit = len(matrix), pow(determinant(matrix), -1, 26)
    if n == 2:
        return [[matrix[1][1] * unit % 26, -matrix[0][1] * unit % 26], [-matrix[1][0] * unit % 26, matrix[0][0] * unit % 26]]
    m = [list(row) * 2 for row in matrix] * 2  # read around the edges, a 3x3 cofactor has no sign
    return [[(m[j + 1][i + 1] * m[j + 2][i + 2] - m[j + 1][i + 2] * m[j + 2][i + 1]) * unit % 26 for j in range(3)] for i in range(3)]


def digraphs(text: str) -> str:
    """Playfair's plaintext as it is encrypted: J as I, X between equal letters of a pair and after a last single letter."""
    text, out, place = text.replace("J", "I"), [], 0
    while place < len(text):
        first, second = text[place], text[place + 1 : place + 2]
        alone = not second or second == first
        out.append(first + ("X" if alone else second))
        place += 1 if alone else 2
    return "".join(out)


def doubled(text: str) -> bool:
    """Would Playfair meet the pair XX, for which it has no rule?"""
    pairs = digraphs(text)
    return any(pairs[i : i + 2] == "XX" for i in range(0, len(pairs), 2))


# ---- the ciphers: (key, text) -> text -------------------------------------------------------------------------------------------


def encrypt(method: str, key: Key, text: str) -> str:
    """The ciphertext of a text of capital letters."""
    return _CIPHERS[method][0](key, text)


def decrypt(method: str, key: Key, text: str) -> str:
    """The plaintext; for Playfair with I for J and with the X that were inserted, for Hill with the X at the end."""
    return _CIPHERS[method][1](key, text)


def _numbers(text: str) -> list[int]:
    return [ord(char) - 65 for char in text]


def _text(numbers: Sequence[int]) -> str:
    return "".join(ALPHABET[number % 26] for number in numbers)


def _shift(sign: int) -> Callable[[Key, str], str]:
    return lambda key, text: _text([number + sign * key["shift"] for number in _numbers(text)])


def _affine(key: Key, text: str) -> str:
    return _text([key["a"] * number + key["b"] for number in _numbers(text)])


def _unaffine(key: Key, text: str) -> str:
    unit = pow(key["a"], -1, 26)
    return _text([unit * (number - key["b"]) for number in _numbers(text)])


def _mirror(key: Key, text: str) -> str:
    return _text([25 - number for number in _numbers(text)])


def _substitute(key: Key, text: str) -> str:
    return text.translate(str.maketrans(ALPHABET, key["alphabet"]))


def _unsubstitute(key: Key, text: str) -> str:
    return text.translate(str.maketrans(key["alphabet"], ALPHABET))


def _vigenere(sign: int) -> Callable[[Key, str], str]:
    def run(key: Key, text: str) -> str:
        keyword = _numbers(key["keyword"])
        return _text([number + sign * keyword[place % len(keyword)] for place, number in enumerate(_numbers(text))])

    return run


def _autokey(key: Key, text: str) -> str:
    stream = _numbers(key["keyword"] + text)
    return _text([number + stream[place] for place, number in enumerate(_numbers(text))])


def _unautokey(key: Key, text: str) -> str:
    stream = _numbers(key["keyword"])
    for place, number in enumerate(_numbers(text)):
        stream.append((number - stream[place]) % 26)
    return _text(stream[len(key["keyword"]) :])


def _order(length: int, rails: int) -> list[int]:
    """Places of the letters in the order in which the rails are read."""
    turn = 2 * rails - 2
    return sorted(range(length), key=lambda place: (min(place % turn, turn - place % turn), place))


def _rail(key: Key, text: str) -> str:
    return "".join(text[place] for place in _order(len(text), key["rails"]))


def _unrail(key: Key, text: str) -> str:
    rows = dict(zip(_order(len(text), key["rails"]), text, strict=True))
    return "".join(rows[place] for place in range(len(text)))


def _multiply(matrix: Sequence[Sequence[int]], text: str) -> str:
    n = len(matrix)
    numbers = _numbers(text)
    blocks = [numbers[i : i + n] for i in range(0, len(numbers), n)]
    return _text([sum(a * b for a, b in zip(row, block, strict=True)) for block in blocks for row in matrix])


def _hill(key: Key, text: str) -> str:
    return _multiply(key["matrix"], text + "X" * (-len(text) % len(key["matrix"])))


def _unhill(key: Key, text: str) -> str:
    return _multiply(inverse(key["matrix"]), text)


def _square(sign: int) -> Callable[[Key, str], str]:
    def run(key: Key, text: str) -> str:
        square, out = key["square"], []
        places = {letter: divmod(place, 5) for place, letter in enumerate(square)}
        pairs = digraphs(text) if sign > 0 else text
        for first, second in zip(pairs[::2], pairs[1::2], strict=True):
            (r, c), (s, d) = places[first], places[second]
            if r == s:
                c, d = (c + sign) % 5, (d + sign) % 5
            elif c == d:
                r, s = (r + sign) % 5, (s + sign) % 5
            else:
                c, d = d, c
            out += [square[5 * r + c], square[5 * s + d]]
        return "".join(out)

    return run


_CIPHERS: dict[str, tuple[Callable[[Key, str], str], Callable[[Key, str], str]]] = {
    "vigenere": (_vigenere(1), _vigenere(-1)),
    "substitution": (_substitute, _unsubstitute),
    "rail_fence": (_rail, _unrail),
    "playfair": (_square(1), _square(-1)),
    "hill": (_hill, _unhill),
    "affine": (_affine, _unaffine),
    "caesar": (_shift(1), _shift(-1)),
    "autokey": (_autokey, _unautokey),
    "atbash": (_mirror, _mirror),
}

NUMBERING = "Letters count from A = 0 to Z = 25, and all sums and products are taken modulo 26."
HOW: dict[str, str] = {
    "vigenere": f"vigenere: letter i of the text is shifted forwards by letter i of the keyword (2 to {MOST_KEYWORD} letters), which is repeated as often as needed.",
    "substitution": "substitution: every letter is replaced by the letter that stands below it in a cipher alphabet, which is some order of the 26 letters.",
    "rail_fence": f"rail_fence: the text is written in a zigzag, down and up, over a number of rails (2 to {MOST_RAILS}) from the top left, and read rail by rail from the top.",
    "playfair": "playfair: J is written as I. The text is cut into pairs; if the two letters of a pair would be equal, an X is put between them, and a last single letter gets "
    "an X. In a 5x5 square of the 25 letters, two letters of one row become their right neighbours, two of one column the letters below them (both wrap around), and any others "
    "become each the letter in its own row and in the other's column.",
    "hill": "hill: the text, filled up with X at its end if need be, is cut into blocks of n letters (n is 2 or 3); each block, as a column of numbers, is multiplied from the "
    "left by an n x n matrix that is invertible modulo 26.",
    "affine": "affine: letter x becomes a * x + b, where a has no divisor in common with 26.",
    "caesar": "caesar: every letter is shifted forwards by one and the same shift (1 to 25).",
    "autokey": f"autokey: letter i of the text is shifted forwards by letter i of the key, which is a keyword (2 to {MOST_KEYWORD} letters) followed by the text itself.",
    "atbash": "atbash: the alphabet is mirrored, so A becomes Z, B becomes Y, and so on.",
}  # fmt: skip
