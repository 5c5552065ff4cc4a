"""What a plaintext and its ciphertext say about another ciphertext under the same cipher and key, when neither is known: every text that it can stand for.

`readings` goes through all nine ciphers and, for each, through every key that turns the known plaintext into the known ciphertext: by trying (caesar, affine, rail_fence, lengths
of a keyword), by reading off (substitution, vigenere, autokey), by linear algebra modulo 2 and 13 (hill), and by search over key squares (playfair). So one reading is a proof that
the target has one plaintext, whatever the cipher may have been. It raises `Undetermined` where the known pair leaves a letter open.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from thinkwell.tasks.puzzles.crypto._ciphers import (
    ALPHABET,
    METHODS,
    MOST_KEYWORD,
    MOST_RAILS,
    SQUARE_ALPHABET,
    UNITS,
    Key,
    decrypt,
    determinant,
    digraphs,
    encrypt,
)
from thinkwell.tasks.puzzles.crypto._squares import Undetermined, read_pair, squares

MOST_SQUARES = 200  # squares in full, up to what the known pair leaves open


def readings(plain: str, cipher: str, target: str, methods: Collection[str] = METHODS) -> set[str]:
    """Every text that `target` can stand for. Empty: no key of these methods turns plain into cipher. Raises `Undetermined`."""
    if len(plain) < MOST_KEYWORD:
        raise Undetermined("the known text may be shorter than the keyword")
    return {reading for method in methods for reading in _READERS[method](plain, cipher, target)}


def _of_keys(method: str, keys: list[Key], plain: str, cipher: str, target: str) -> set[str]:
    """For ciphers with few keys: all that fit the pair."""
    return {decrypt(method, key, target) for key in keys if encrypt(method, key, plain) == cipher}


def _letter_by_letter(method: str, keys: list[Key], plain: str, cipher: str, target: str) -> set[str]:
    """The same where a letter always becomes the same letter: each is looked at once."""
    table = _as_function(plain, cipher, 1)
    return set() if table is None else _of_keys(method, keys, "".join(table), "".join(table.values()), target)


def _caesar(plain: str, cipher: str, target: str) -> set[str]:
    shift = (ord(cipher[0]) - ord(plain[0])) % 26
    return _letter_by_letter("caesar", [{"shift": shift}] if shift else [], plain, cipher, target)


def _atbash(plain: str, cipher: str, target: str) -> set[str]:
    return _letter_by_letter("atbash", [{}], plain, cipher, target)


def _affine(plain: str, cipher: str, target: str) -> set[str]:
    keys: list[Key] = [{"a": a, "b": (ord(cipher[0]) - 65 - a * (ord(plain[0]) - 65)) % 26} for a in UNITS]
    return _letter_by_letter("affine", keys, plain, cipher, target)


def _rail_fence(plain: str, cipher: str, target: str) -> set[str]:
    if sorted(plain) != sorted(cipher):
        return set()
    return _of_keys("rail_fence", [{"rails": rails} for rails in range(2, MOST_RAILS + 1)], plain, cipher, target)


def _vigenere(plain: str, cipher: str, target: str) -> set[str]:
    """The key stream is the difference of the two texts; a keyword of each length must repeat in it."""
    if len(plain) != len(cipher):
        return set()
    stream = _differences(plain, cipher)
    return {
        decrypt("vigenere", {"keyword": stream[:size]}, target) for size in range(2, MOST_KEYWORD + 1) if stream[size:] == stream[:-size]
    }


def _autokey(plain: str, cipher: str, target: str) -> set[str]:
    if len(plain) != len(cipher):
        return set()
    stream = _differences(plain, cipher)
    return {decrypt("autokey", {"keyword": stream[:size]}, target) for size in range(2, MOST_KEYWORD + 1) if stream[size:] == plain[:-size]}


def _differences(plain: str, cipher: str) -> str:
    return "".join(ALPHABET[(ord(c) - ord(p)) % 26] for p, c in zip(plain, cipher, strict=True))


def _substitution(plain: str, cipher: str, target: str) -> set[str]:
    table = _as_function(plain, cipher, 1)
    if table is None or len(set(table.values())) < len(table):
        return set()
    if len(table) == 25:  # the last letter goes to the last place
        table[(set(ALPHABET) - table.keys()).pop()] = (set(ALPHABET) - set(table.values())).pop()
    back = {after: before for before, after in table.items()}
    if open_letters := set(target) - back.keys():
        raise Undetermined(f"the known text says nothing of {', '.join(sorted(open_letters))}")
    return {"".join(back[letter] for letter in target)}


def _as_function(plain: str, cipher: str, size: int) -> dict[str, str] | None:
    """Blocks of the plaintext and what becomes of each, None if one becomes two things."""
    if len(plain) != len(cipher):
        return None
    table: dict[str, str] = {}
    for place in range(0, len(plain), size):
        after = cipher[place : place + size]
        if table.setdefault(plain[place : place + size], after) != after:
            return None
    return table


# ---- hill -----------------------------------------------------------------------------------------------------------------------


def _hill(plain: str, cipher: str, target: str) -> set[str]:
    found = set()
    for n in (2, 3):
        table = None if len(target) % n else _as_function(plain + "X" * (-len(plain) % n), cipher, n)
        parts = None if table is None else [_solved(table, n, prime) for prime in (2, 13)]
        if parts is None or parts[0] is None or parts[1] is None:
            continue
        # 13 is 1 modulo 2 and 0 modulo 13; 14 the other way about
        matrix = [
            [(13 * even + 14 * other) % 26 for even, other in zip(*rows, strict=True)] for rows in zip(parts[0], parts[1], strict=True)
        ]
        if determinant(matrix) % 2 and determinant(matrix) % 13:
            found.add(decrypt("hill", {"matrix": matrix}, target))
    return found


def _solved(table: dict[str, str], n: int, prime: int) -> list[list[int]] | None:
    """The matrix modulo a prime that takes each block of the table to its image, None if there is none. Gauss-Jordan, a block at a time."""
    basis: dict[int, list[int]] = {}  # leading column -> row [block | image], with a 1 there
    for before, after in table.items():
        row = [(ord(char) - 65) % prime for char in before + after]
        for column in range(n):
            if factor := row[column]:
                if column in basis:
                    row = [(x - factor * y) % prime for x, y in zip(row, basis[column], strict=True)]
                else:
                    unit = pow(factor, -1, prime)
                    basis[column] = [x * unit % prime for x in row]
                    break
        else:
            if any(row):
                return None
    if len(basis) < n:
        raise Undetermined(f"the known text says too little of a {n}x{n} matrix")
    for column in reversed(range(n)):  # back substitution: row c becomes the image of the c-th unit vector
        for other in range(column + 1, n):
            factor = basis[column][other]
            basis[column] = [(x - factor * y) % prime for x, y in zip(basis[column], basis[other], strict=True)]
    return [[basis[column][n + row] for column in range(n)] for row in range(n)]


# ---- playfair -------------------------------------------------------------------------------------------------------------------


def _playfair(plain: str, cipher: str, target: str) -> set[str]:
    """By search over the places of the letters in the square, which count only up to cyclic shifts of its rows and columns."""
    pairs = digraphs(plain)
    table = None if "J" in cipher or "J" in target or len(target) % 2 else _as_function(pairs, cipher, 2)
    if table is None or any(image[0] in (pair[0], image[1]) or pair[1] == image[1] for pair, image in table.items()):
        return set()
    back: dict[str, str] = {}
    for pair, image in table.items():  # a pair read backwards gives its ciphertext backwards
        if back.setdefault(image, pair) != pair or back.setdefault(image[::-1], pair[::-1]) != pair[::-1]:
            return set()
    wanted = [target[place : place + 2] for place in range(0, len(target), 2)]
    if any(pair[0] == pair[1] for pair in wanted):
        return set()
    if all(pair in back for pair in wanted):  # whatever the square
        return {"".join(back[pair] for pair in wanted)}
    found = set()
    for number, square in enumerate(
        squares([tuple(SQUARE_ALPHABET.index(x) for x in back[pair] + pair) for pair in back if pair < pair[::-1]])
    ):
        if number == MOST_SQUARES:
            raise Undetermined("many key squares fit the known text")
        found.add("".join(back[pair] if pair in back else read_pair(square, pair) for pair in wanted))
        if len(found) > 1:
            raise Undetermined("key squares that fit the known text read the target in different ways")
    return found


_READERS: dict[str, Callable[[str, str, str], set[str]]] = {
    "vigenere": _vigenere,
    "substitution": _substitution,
    "rail_fence": _rail_fence,
    "playfair": _playfair,
    "hill": _hill,
    "affine": _affine,
    "caesar": _caesar,
    "autokey": _autokey,
    "atbash": _atbash,
}
