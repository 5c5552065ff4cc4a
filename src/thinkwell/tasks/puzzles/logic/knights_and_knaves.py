"""Knights and knaves: knights say what is true, knaves what is false. From what some people say: does a further statement follow, is it impossible, or is it open?

Entailment: true in every world (who is a knight, who a knave) that fits all that is said; Contradiction: false in every one; Unknown: neither. The original draws from a pool
(puzzte; `tasks/pools.py` reads its files). Here people and statements are drawn, and all worlds are looked at, each a bit of one integer, so the label is exact; at least
one world fits. The three labels are equally frequent. Paper rule: the label's very text, quotes dropped.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from functools import cache
from itertools import permutations, product
from typing import Any

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.reading import label

Claim = list[
    Any
]  # [kind, ...]: ["is", x], ["and" | "or" | "if", x, y] with x = [person, is a knight?]; ["same" | "differ", i, j]; ["exactly" | "at least" | "at most", k, knights?]

LABELS = ("Entailment", "Contradiction", "Unknown")
WRONG = {
    "Entailment": "the statement does not follow from what is said",
    "Contradiction": "the statement can be true",
    "Unknown": "what is said decides the statement",
}
DRAWS = 200  # sets of statements tried for one label, so that labels stay equally frequent
TRIES = 40  # conclusions tried for one set of statements
WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


class Config(Knobs):
    min_people: int = Field(2, ge=2, le=12)
    """Fewest people, 2 to 12; each says one thing."""
    max_people: int = Field(5, ge=2, le=12)
    """Most people, 2 to 12."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_people > self.max_people:
            raise ValueError(f"min_people={self.min_people} is above max_people={self.max_people}")
        return self


LEVELS = {
    "easy": {"min_people": 2, "max_people": 5},
    "medium": {"min_people": 6, "max_people": 7},
    "hard": {"min_people": 8, "max_people": 10},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Draw a label, then what everybody says and a conclusion until they have it."""
    count = rng.randint(config.min_people, config.max_people)
    people = rng.sample(NAMES, count)
    wanted = rng.choice(LABELS)
    for _ in range(DRAWS):
        statements = [_claim(rng, count, speaker) for speaker in range(count)]
        conclusion = _conclusion(rng, statements, wanted)
        if conclusion is not None:
            break
    else:
        raise Redraw
    said = [f'{people[speaker]} says: "{_sentence(claim, people, speaker)}"' for speaker, claim in enumerate(statements)]
    board = "\n".join([f"The people: {', '.join(people)}.", *said, "", f"Statement: {_sentence(conclusion, people, None)}"])
    meta = {"people": people, "statements": statements, "conclusion": conclusion}
    return Drawn(ask(rng.choice(OPENINGS), RULES, board, FORM, EXAMPLE), wanted, meta, _canonical(statements, conclusion))


def verify(answer: str, item: Item) -> Score:
    """One of the three labels."""
    said = label(answer, LABELS)
    if said != item.answer:
        raise Refused(WRONG[said])
    return RIGHT


def verify_paper(answer: str, item: Item) -> Score:
    """The original's rule: the text of the label, in this case of letters; quotes are dropped."""
    if answer.replace('"', "").replace("'", "").strip() != item.answer:
        raise Refused("this is not the text of the label")
    return RIGHT


def solve(item: Item) -> str:
    """Goes through the worlds one by one and believes or disbelieves everybody."""
    statements, conclusion = item.meta["statements"], item.meta["conclusion"]
    seen = {
        _holds(conclusion, world)
        for world in product((True, False), repeat=len(statements))
        if all(_holds(claim, world) is knight for claim, knight in zip(statements, world, strict=True))
    }
    return "Unknown" if len(seen) == 2 else "Entailment" if seen == {True} else "Contradiction"


def form(answer: str) -> str:
    return label(answer, LABELS)


def draw(item: Item) -> str:
    """Who says what, a line each, 24 pixels high; the statement in question below."""
    people = item.meta["people"]
    lines = [f"{people[i]}: “{_sentence(claim, people, i)}”" for i, claim in enumerate(item.meta["statements"])]
    lines += [f"? {_sentence(item.meta['conclusion'], people, None)}"]
    width, height = 24 + 8 * max(map(len, lines)), 16 + 24 * len(lines)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="14">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    parts += [f'<text x="12" y="{24 + 24 * i}" fill="black">{line}</text>' for i, line in enumerate(lines)]
    return "".join([*parts, "</svg>"])


def _conclusion(rng: random.Random, statements: list[Claim], wanted: str) -> Claim | None:
    """A claim with this label, None if no world fits or none was found."""
    count = len(statements)
    worlds = _everywhere(count)
    for speaker, claim in enumerate(statements):
        worlds &= ~(_knight(count)[speaker] ^ _true(claim, count))
    if not worlds or (wanted == "Unknown" and worlds.bit_count() == 1):
        return None
    for _ in range(TRIES):
        conclusion = _claim(rng, count, None)
        true = _true(conclusion, count)
        if true in (0, _everywhere(count)) or conclusion in statements:
            continue
        if wanted == ("Entailment" if worlds & true == worlds else "Unknown" if worlds & true else "Contradiction"):
            return conclusion
    return None


def _claim(rng: random.Random, count: int, speaker: int | None) -> Claim:
    """Something that `speaker` could say of the others, or of himself and another."""
    kind = rng.choice(("is", "is", "and", "or", "if", "same", "differ", "count"))
    first, second = rng.sample(range(count), 2)
    if kind == "is":
        return ["is", [second if first == speaker else first, rng.random() < 0.5]]
    if kind in ("same", "differ"):
        return [kind, first, second]
    if kind == "count":
        return [rng.choice(("exactly", "at least", "at most")), rng.randint(1, count - 1), rng.random() < 0.5]
    return [kind, [first, rng.random() < 0.5], [second, rng.random() < 0.5]]


def _holds(claim: Claim, world: Sequence[bool]) -> bool:
    kind, *parts = claim
    if kind in ("same", "differ"):
        return (world[parts[0]] is world[parts[1]]) is (kind == "same")
    if kind in ("exactly", "at least", "at most"):
        number = sum(knight is parts[1] for knight in world)
        return number == parts[0] if kind == "exactly" else number >= parts[0] if kind == "at least" else number <= parts[0]
    truths = [world[person] is knight for person, knight in parts]
    return truths[0] if kind == "is" else all(truths) if kind == "and" else any(truths) if kind == "or" else not truths[0] or truths[1]


# ---- all worlds at once: bit w stands for the world in which person i is a knight just if bit i of w is set -------------------


@cache
def _everywhere(count: int) -> int:
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


def _true(claim: Claim, count: int) -> int:
    """The worlds in which the claim holds."""
    kind, *parts = claim
    knight, everywhere = _knight(count), _everywhere(count)
    if kind in ("same", "differ"):
        different = knight[parts[0]] ^ knight[parts[1]]
        return different if kind == "differ" else everywhere ^ different
    if kind in ("exactly", "at least", "at most"):
        number, of_knights = parts
        fits = {"exactly": lambda n: n == number, "at least": lambda n: n >= number, "at most": lambda n: n <= number}[kind]
        return sum(mask for knights, mask in enumerate(_knights(count)) if fits(knights if of_knights else count - knights))
    masks = [knight[person] if is_knight else everywhere ^ knight[person] for person, is_knight in parts]
    if kind == "is":
        return masks[0]
    return masks[0] & masks[1] if kind == "and" else masks[0] | masks[1] if kind == "or" else (everywhere ^ masks[0]) | masks[1]


# ---- words ------------------------------------------------------------------------------------------------------------------


def _sentence(claim: Claim, people: Sequence[str], speaker: int | None) -> str:
    text = _clause(claim, people, speaker)
    return text[0].upper() + text[1:] + "."


def _clause(claim: Claim, people: Sequence[str], speaker: int | None) -> str:
    kind, *parts = claim
    if kind in ("exactly", "at least", "at most"):
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


def _canonical(statements: Sequence[Claim], conclusion: Claim) -> str:
    """The claims without names; of few people, in the order that gives the smallest text."""
    count = len(statements)
    orders = permutations(range(count)) if count <= 3 else [tuple(range(count))]
    return min(
        json.dumps(
            [[_renamed(statements[person], order) for person in sorted(range(count), key=order.__getitem__)], _renamed(conclusion, order)]
        )
        for order in orders
    )


def _renamed(claim: Claim, order: Sequence[int]) -> Claim:
    kind, *parts = claim
    if kind in ("exactly", "at least", "at most"):
        return claim
    if kind in ("same", "differ"):
        return [kind, *sorted(order[person] for person in parts)]
    moved = [[order[person], knight] for person, knight in parts]
    return [kind, *(moved if kind == "if" else sorted(moved))]


NAMES = (
    "Alice", "Boris", "Clara", "Dmitri", "Elena", "Felix", "Greta", "Hugo", "Irene", "Jonas", "Karin", "Leo", "Maya", "Nadia", "Oscar", "Paula", "Quentin", "Rosa", "Stefan",
    "Tilda", "Ulrich", "Vera", "Walter", "Yvonne",
)  # fmt: skip
OPENINGS = (
    "On an island everybody is either a knight or a knave.",
    "Here is a puzzle of knights and knaves.",
    "You visit an island of knights and knaves.",
    "Each of the following people is a knight or a knave.",
)
RULES = (
    "Rules: everybody is either a knight or a knave. All that a knight says is true, all that a knave says is false. "
    "In what is said, 'or' means one or both; 'if ... then' is false only when its first part is true and its second part is false; 'us' means all the people named.\n"
    "Decide about the statement at the end:\n"
    "- Entailment: it is true in every case that fits all that is said;\n"
    "- Contradiction: it is false in every case that fits all that is said;\n"
    "- Unknown: it is true in some of these cases and false in others."
)
FORM = "one of the words Entailment, Contradiction, Unknown."
EXAMPLE = "Contradiction"

register(
    Puzzle(
        "puzzles/knights_and_knaves",
        "logic",
        "decide what follows from the words of knights and knaves",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        form,
        verify_paper,
        draw,
    )
)
