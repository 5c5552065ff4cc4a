"""What knights and knaves say: when it is true, in one world or in all at once; in words; and without names. A world says of each person whether he is a knight."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from thinkwell.tasks.puzzles.logic._renaming import renamed

# ["is", x], ["and" | "or" | "if", x, y] with x = [person, is he a knight?]; ["same" | "differ", person, person]; ["exactly" | "at least" | "at most", number, of knights?]
Claim = list[Any]

COUNTED = ("exactly", "at least", "at most")
WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def holds(claim: Claim, world: Sequence[bool]) -> bool:
    """Is the claim true in this world?"""
    kind, *parts = claim
    if kind in ("same", "differ"):
        return (world[parts[0]] is world[parts[1]]) is (kind == "same")
    if kind in COUNTED:
        number = sum(knight is parts[1] for knight in world)
        return number == parts[0] if kind == "exactly" else number >= parts[0] if kind == "at least" else number <= parts[0]
    truths = [world[person] is knight for person, knight in parts]
    return truths[0] if kind == "is" else all(truths) if kind == "and" else any(truths) if kind == "or" else not truths[0] or truths[1]


# ---- all worlds at once: bit w stands for the world in which person i is a knight just if bit i of w is set -------------------


@cache
def everywhere(count: int) -> int:
    """All worlds of so many people."""
    return (1 << (1 << count)) - 1


@cache
def _knight(count: int) -> list[int]:
    """For each person, the worlds in which he is a knight."""
    return [sum(1 << world for world in range(1 << count) if world >> person & 1) for person in range(count)]


@cache
def _knights(count: int) -> list[int]:
    """For each number, the worlds with so many knights."""
    masks = [0] * (count + 1)
    for world in range(1 << count):
        masks[world.bit_count()] |= 1 << world
    return masks


def worlds_of(claim: Claim, count: int) -> int:
    """The worlds in which the claim holds."""
    kind, *parts = claim
    knight, everything = _knight(count), everywhere(count)
    if kind in ("same", "differ"):
        different = knight[parts[0]] ^ knight[parts[1]]
        return different if kind == "differ" else everything ^ different
    if kind in COUNTED:
        number, of_knights = parts
        fits = {"exactly": lambda n: n == number, "at least": lambda n: n >= number, "at most": lambda n: n <= number}[kind]
        return sum(mask for knights, mask in enumerate(_knights(count)) if fits(knights if of_knights else count - knights))
    masks = [knight[person] if is_knight else everything ^ knight[person] for person, is_knight in parts]
    if kind == "is":
        return masks[0]
    return masks[0] & masks[1] if kind == "and" else masks[0] | masks[1] if kind == "or" else (everything ^ masks[0]) | masks[1]


def worlds_that_fit(claim: Claim, speaker: int, count: int) -> int:
    """The worlds in which the speaker is a knight just if the claim holds."""
    return everywhere(count) ^ _knight(count)[speaker] ^ worlds_of(claim, count)


# ---- words ------------------------------------------------------------------------------------------------------------------


def sentence(claim: Claim, people: Sequence[str], speaker: int | None) -> str:
    """The claim in English, as the speaker puts it; speaker: None for the statement that is asked about."""
    text = _clause(claim, people, speaker)
    return text[0].upper() + text[1:] + "."


def _clause(claim: Claim, people: Sequence[str], speaker: int | None) -> str:
    kind, *parts = claim
    if kind in COUNTED:
        number, of_knights = parts
        ending = ("is a knight" if of_knights else "is a knave") if number == 1 else ("are knights" if of_knights else "are knaves")
        return f"{kind} {WORDS[number]} of {'the people' if speaker is None else 'us'} {ending}"
    if kind in ("same", "differ"):
        return f"{_pair(parts, people, speaker, 'I')} are of {'the same kind' if kind == 'same' else 'different kinds'}"
    alike = len(parts) == 2 and parts[0][1] is parts[1][1]
    if kind == "and" and alike:
        return f"{_pair([person for person, _ in parts], people, speaker, 'I')} are both {'knights' if parts[0][1] else 'knaves'}"
    if kind == "or" and alike:
        return (
            f"at least one of {_pair([person for person, _ in parts], people, speaker, 'me')} is a {'knight' if parts[0][1] else 'knave'}"
        )
    said = [f"{'I am' if person == speaker else people[person] + ' is'} a {'knight' if knight else 'knave'}" for person, knight in parts]
    return said[0] if kind == "is" else f"if {said[0]}, then {said[1]}" if kind == "if" else f"{said[0]} {kind} {said[1]}"


def _pair(pair: Sequence[int], people: Sequence[str], speaker: int | None, myself: str) -> str:
    """Two people by name, the speaker last."""
    names = [people[person] for person in pair if person != speaker] + ([myself] if speaker in pair else [])
    return " and ".join(names)


# ---- without names ----------------------------------------------------------------------------------------------------------


def canonical(statements: Sequence[Claim], conclusion: Claim) -> str:
    """The claims with people numbered by what is said of them, each person's claim in the order of these numbers."""
    count = len(statements)
    told = [plain(claim, count) for claim in (*statements, conclusion)]
    facts = [(f"says {said}", [("speaker", speaker), *of]) for speaker, (said, of) in enumerate(told[:count])]
    numbers = renamed(count, [*facts, (f"asked {told[count][0]}", told[count][1])])
    written = [f"{said} {sorted((part, numbers[person]) for part, person in of)}" for said, of in told]
    return "; ".join([*(text for _, text in sorted(zip(numbers, written, strict=False))), written[count]])


def plain(claim: Claim, count: int) -> tuple[str, list[tuple[str, int]]]:
    """What is said, and of whom: equal for "if a, then b" and "not a or b", for numbers of knights and of knaves, and for either order of two people."""
    kind, *parts = claim
    if kind in COUNTED:
        number, of_knights = parts
        if not of_knights:
            kind, number = {"exactly": "exactly", "at least": "at most", "at most": "at least"}[kind], count - number
        return f"{kind} {number}", []
    if kind in ("same", "differ"):
        return kind, [("one", person) for person in sorted(parts)]
    if kind == "if":
        (person, knight), then = parts
        kind, parts = "or", [[person, not knight], then]
    return kind, sorted(("knight" if knight else "knave", person) for person, knight in parts)
