"""Playfair's key squares, in part or in full, that agree with pairs of letters and what becomes of them.

The search goes over the places of the letters, as bit masks: two letters and their two images draw each other's places together. Cyclic shifts of rows and columns change
nothing in the cipher, so the busiest letter is put at the top left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import permutations

from thinkwell.tasks.puzzles.crypto._ciphers import SQUARE_ALPHABET

MOST_NODES = 4_000  # squares tried in part before the search gives up
NOWHERE = 25  # the place of a letter that is not placed yet

Square = list[int]  # letter, by its number in the alphabet without J -> place in the square, row by row


class Undetermined(Exception):
    """The known pair does not say what the target stands for, or not within the bounds of the search."""


@cache
def every_quadruple() -> list[tuple[int, int, int, int]]:
    """Places of two letters of the plaintext, and of what becomes of them."""
    found = []
    for a in range(25):
        for b in range(25):
            (r, c), (s, d) = divmod(a, 5), divmod(b, 5)
            if a == b:
                continue
            if r == s:
                found.append((a, b, 5 * r + (c + 1) % 5, 5 * s + (d + 1) % 5))
            elif c == d:
                found.append((a, b, (r + 1) % 5 * 5 + c, (s + 1) % 5 * 5 + d))
            else:
                found.append((a, b, 5 * r + d, 5 * s + c))
    return found


@cache
def _allowed() -> tuple[list[list[list[int]]], list[list[list[list[int] | None]]]]:
    """Bit masks of the places that a quadruple leaves to its four letters, once one of them (role, place) or two (role, role, 25 * place + place) are known."""
    one = [[[0] * 4 for _ in range(25)] for _ in range(4)]
    two: list[list[list[list[int] | None]]] = [[[None] * 625 for _ in range(4)] for _ in range(4)]
    for quadruple in every_quadruple():
        bits = [1 << place for place in quadruple]
        for role, place in enumerate(quadruple):
            for other, elsewhere in enumerate(quadruple):
                masks = two[role][other][25 * place + elsewhere] = two[role][other][25 * place + elsewhere] or [0] * 4
                for k in range(4):
                    masks[k] |= bits[k]
            for k in range(4):
                one[role][place][k] |= bits[k]
    return one, two


def squares(quadruples: Sequence[tuple[int, ...]]) -> Iterator[Square]:
    """Places of all letters that occur in the quadruples (two letters, what becomes of them) in every square that has them all, the busiest letter at the top left."""
    one, two = _allowed()
    uses: list[list[tuple[tuple[int, ...], int, int]]] = [[] for _ in range(25)]  # letter -> quadruple, its role there, another role
    for quadruple in quadruples:
        for role, partner in permutations(range(4), 2):
            uses[quadruple[role]].append((quadruple, role, partner))
    letters = [letter for letter in range(25) if uses[letter]]
    nodes = 0

    def narrow(domains: list[int], letter: int, mask: int, fixed: list[int]) -> bool:
        """Leave a letter the places of the mask; it goes to `fixed` if that makes them one. False if it has none."""
        left = domains[letter] & mask
        if left != domains[letter]:
            domains[letter] = left
            if not left & left - 1:
                fixed.append(letter)
        return left != 0

    def settle(domains: list[int], fixed: list[int]) -> bool:
        """Draw the consequences of letters that have one place left. False if a letter has none."""
        while fixed:
            letter = fixed.pop()
            bit = domains[letter]
            place = bit.bit_length() - 1
            for other in range(25):
                if other != letter and domains[other] & bit and not narrow(domains, other, ~bit, fixed):
                    return False
            for quadruple, role, partner in uses[letter]:
                spots = domains[quadruple[partner]]
                masks = one[role][place] if spots & spots - 1 else two[role][partner][25 * place + spots.bit_length() - 1]
                if masks is None:
                    return False
                for other, mask in zip(quadruple, masks, strict=True):
                    if domains[other] & ~mask and not narrow(domains, other, mask, fixed):
                        return False
        return True

    def search(domains: list[int]) -> Iterator[Square]:
        nonlocal nodes
        nodes += 1
        if nodes > MOST_NODES:
            raise Undetermined("the search over key squares is too long")
        open_letters = [letter for letter in letters if domains[letter] & domains[letter] - 1]
        if not open_letters:
            yield [domains[letter].bit_length() - 1 if uses[letter] else NOWHERE for letter in range(25)]
            return
        letter = min(open_letters, key=lambda letter: (domains[letter].bit_count(), -len(uses[letter])))
        spots = domains[letter]
        while spots:
            bit = spots & -spots
            spots ^= bit
            after = domains[:]
            after[letter] = bit
            if settle(after, [letter]):
                yield from search(after)

    start = [(1 << 25) - 1] * 25
    first = max(letters, key=lambda letter: len(uses[letter]))
    start[first] = 1
    if settle(start, [first]):
        yield from search(start)


def read_pair(square: Square, pair: str) -> str:
    """What the pair stands for in a square that may have letters without a place. Raises `Undetermined` if one of them is needed."""
    placed = {place: SQUARE_ALPHABET[letter] for letter, place in enumerate(square) if place != NOWHERE}
    if len(placed) == 24:
        last = square.index(NOWHERE)
        placed[next(place for place in range(25) if place not in placed)] = SQUARE_ALPHABET[last]
    cells = {letter: place for place, letter in placed.items()}
    try:
        first, second = cells[pair[0]], cells[pair[1]]
        before = next((a, b) for a, b, c, d in every_quadruple() if (c, d) == (first, second))
        return placed[before[0]] + placed[before[1]]
    except KeyError:
        raise Undetermined(f"the known text does not place a letter that {pair} needs") from None
