"""First-order logic in English: do some premises make a conclusion true, or false, or do they leave it open?

The original draws from FOLIO (stories written by people; `tasks/pools.py` reads its files, and the benchmark itself is the task `folio`). Here premises and conclusion come from a
grammar: sentences about all, some and named people with one-place predicates. What follows is decided exactly, for domains of any size (`_people.py` says why). No true or
false conclusion rests on fewer premises than the level says: dropping any of so many loses it. The labels are equally frequent. Paper rule: the label's very text.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.puzzles._lines import picture
from thinkwell.tasks.puzzles.logic._people import (
    LABELS,
    Body,
    Literal,
    Models,
    Sentence,
    canonical,
    denied,
    english,
    literals,
    negated,
    plain,
)
from thinkwell.tasks.puzzles.logic._witnesses import has_model
from thinkwell.tasks.reading import label

WRONG = {
    "True": "the conclusion does not follow from the premises",
    "False": "the conclusion does not contradict the premises",
    "Uncertain": "the premises decide the conclusion",
}
DRAWS, TRIES = 200, 12  # sets of premises tried for a label, conclusions tried for a set


class Config(Knobs):
    min_premises: int = Field(3, ge=2, le=12)
    """Fewest premises, 2 to 12."""
    max_premises: int = Field(5, ge=2, le=12)
    """Most premises, 2 to 12."""
    predicates: int = Field(5, ge=3, le=8)
    """What is said of people: so many predicates, 3 to 8."""
    people: int = Field(2, ge=1, le=3)
    """People with names, 1 to 3."""
    needed: int = Field(2, ge=1, le=6)
    """Premises, 1 to 6, each of which a true or false conclusion needs."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_premises > self.max_premises:
            raise ValueError(f"min_premises={self.min_premises} is above max_premises={self.max_premises}")
        if self.needed > self.min_premises:
            raise ValueError(f"needed={self.needed} premises are more than min_premises={self.min_premises}")
        if self.predicates * self.people > 18:
            raise ValueError(
                f"{self.predicates} predicates of {self.people} people are too many to decide; expected a product of at most 18"
            )
        return self


LEVELS = {
    "easy": {"min_premises": 3, "max_premises": 5, "predicates": 5, "people": 2, "needed": 2},
    "medium": {"min_premises": 6, "max_premises": 6, "predicates": 6, "people": 2, "needed": 3},
    "hard": {"min_premises": 7, "max_premises": 9, "predicates": 6, "people": 3, "needed": 4},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Draw a label, then premises and a conclusion until they have it."""
    wanted = rng.choice(LABELS)
    count = rng.randint(config.min_premises, config.max_premises)
    for _ in range(DRAWS):
        premises = _premises(rng, config, count)
        conclusion = _conclusion(rng, config, premises, wanted)
        if conclusion is not None:
            break
    else:
        raise Redraw
    phrases = rng.sample(rng.choice(THEMES), config.predicates)
    names = rng.sample(NAMES, config.people)
    texts = [english(premise, phrases, names, rng.randrange(6)) for premise in premises]
    asked = english(conclusion, phrases, names, rng.randrange(6))
    board = "\n".join(["Premises:", *(f"{number}. {text}" for number, text in enumerate(texts, 1)), "", f"Conclusion: {asked}"])
    meta = {
        "premises": premises, "conclusion": conclusion, "predicates": config.predicates, "people": config.people, "sentences": texts, "asked": asked,
    }  # fmt: skip
    return Drawn(ask(rng.choice(OPENINGS), RULES, board, FORM, EXAMPLE), wanted, meta, canonical(premises, conclusion))


def verify(answer: str, item: Item) -> Score:
    """One of the three labels; Unknown, as FOLIO's training file spells the third, is read as Uncertain."""
    said = form(answer)
    if said != item.answer:
        raise Refused(WRONG[said])
    return RIGHT


def verify_paper(answer: str, item: Item) -> Score:
    """The original's rule: the text of the label, in this case of letters."""
    if answer.strip() != item.answer:
        raise Refused("this is not the text of the label")
    return RIGHT


def solve(item: Item) -> str:
    """Looks for models of the premises with the conclusion, and with its denial, on the named people and a witness for every "some"."""
    premises, conclusion, people = item.meta["premises"], item.meta["conclusion"], item.meta["people"]
    can_fail, can_hold = (has_model([*premises, last], people) for last in (denied(conclusion), conclusion))
    if not can_fail and not can_hold:
        raise ValueError("the premises contradict each other")
    return "Uncertain" if can_fail and can_hold else "True" if can_hold else "False"


def form(answer: str) -> str:
    return label(answer, (*LABELS, "Unknown")).replace("Unknown", "Uncertain")


def draw(item: Item) -> str:
    """Premises and conclusion as an SVG picture."""
    return picture([*(f"{number}. {text}" for number, text in enumerate(item.meta["sentences"], 1)), f"? {item.meta['asked']}"])


def _premises(rng: random.Random, config: Config, count: int) -> list[Sentence]:
    """A chain of "all" sentences from literal to literal, and for the rest sentences about named or some people, which mostly begin at its start."""
    order = rng.sample(range(config.predicates), config.predicates)
    chain: list[Literal] = [[predicate, rng.random() < 0.75, None] for predicate in order]
    links = min(max(1, round(0.6 * count)), config.predicates - 1)
    premises: list[Sentence] = []
    for one, other in pairwise(chain[: links + 1]):
        third = rng.choice([literal for literal in chain if literal not in (one, other)])
        roll = rng.random()
        body: Body = ["if", [one], ["is", other]]
        if roll < 0.15:
            body = ["if", [negated(other)], ["is", negated(one)]]
        elif roll < 0.25:
            body = ["if", [one, third], ["is", other]]
        elif roll < 0.4:
            body = ["if", [one], ["or", other, third]]
        elif roll < 0.5:
            body = ["or", negated(one), other]
        premises.append(["all", body])
    while len(premises) < count:
        first, second = (chain[min(int(rng.expovariate(0.8)), len(chain) - 1)] for _ in range(2))
        fact = _fact(rng, config, first, second)
        if plain(fact) not in map(plain, premises):
            premises.append(fact)
    rng.shuffle(premises)
    return premises


def _fact(rng: random.Random, config: Config, first: Literal, second: Literal) -> Sentence:
    person, other = rng.randrange(config.people), rng.randrange(config.people)
    roll = rng.random()
    if first[0] == second[0] or roll < 0.35:
        return ["named", ["is", _of(first, person)]]
    if roll < 0.45:
        return ["some", ["and", first, second]]
    if roll < 0.75:
        return ["named", [rng.choice(("or", "or", "xor")), _of(first, person), _of(second, person if roll < 0.6 else other)]]
    return ["named", ["if", [_of(negated(first) if roll < 0.82 else first, person)], ["is", _of(second, other)]]]


def _conclusion(rng: random.Random, config: Config, premises: Sequence[Sentence], wanted: str) -> Sentence | None:
    """A sentence about what the premises speak of, with this label and enough premises behind it; None if none was found."""
    said = [literal for premise in premises for literal in literals(premise[1])]
    predicates, people = sorted({literal[0] for literal in said}), sorted({literal[2] for literal in said if literal[2] is not None})
    if len(predicates) < 2:
        return None
    known = Models(config.predicates, config.people).of(*premises)
    if not known.exist:
        return None
    for _ in range(TRIES):
        first, second = ([predicate, rng.random() < 0.5, None] for predicate in rng.sample(predicates, 2))
        roll = rng.random()
        if roll < 0.15:
            conclusion: Sentence = ["all", ["if", [first], ["is", second]]]
        elif roll < 0.25:
            conclusion = ["some", rng.choice((["and", first, second], ["is", first]))]
        elif not people:
            continue
        elif roll < 0.6:
            conclusion = ["named", ["is", _of(first, rng.choice(people))]]
        else:
            one, other = rng.choice(people), rng.choice(people)
            kind = rng.choice(("and", "or", "xor", "if"))
            pair = [_of(first, one), _of(second, other)]
            conclusion = ["named", ["if", pair[:1], ["is", pair[1]]] if kind == "if" else [kind, *pair]]
        if known.label(conclusion) == wanted and _resting_on(premises, conclusion, wanted, config) >= config.needed:
            return conclusion
    return None


def _resting_on(premises: Sequence[Sentence], conclusion: Sentence, found: str, config: Config) -> int:
    """How many premises the label cannot do without; for an open conclusion, how many speak of its predicates."""
    if found == "Uncertain":
        asked = {literal[0] for literal in literals(conclusion[1])}
        return sum(bool(asked & {literal[0] for literal in literals(premise[1])}) for premise in premises)
    before, needed = Models(config.predicates, config.people), 0
    for place, premise in enumerate(premises, 1):
        needed += before.of(*premises[place:]).label(conclusion) != found
        before = before.of(premise)
    return needed


def _of(literal: Literal, person: int) -> Literal:
    return [literal[0], literal[1], person]


THEMES: tuple[tuple[str, ...], ...] = (
    ("is a student", "plays chess", "sings in the choir", "reads poetry", "speaks French", "is in the drama club", "wears glasses", "lives near the school"),
    ("owns a bicycle", "works at the harbour", "lives downtown", "drives a van", "is a member of the library", "likes jazz", "keeps a dog", "grows roses"),
    ("speaks Spanish", "travels by train", "is a photographer", "keeps a diary", "collects stamps", "likes mountains", "owns a tent", "drinks coffee"),
    ("runs marathons", "swims every day", "is a vegetarian", "plays tennis", "climbs mountains", "wears a helmet", "is an early riser", "drinks green tea"),
    ("is an engineer", "works from home", "cooks lunch", "speaks German", "reads reports", "is a manager", "likes puzzles", "owns a laptop"),
    ("plays the violin", "is a composer", "sings opera", "owns a piano", "writes songs", "reads music", "is a conductor", "likes Bach"),
)  # fmt: skip
NAMES = (
    "Ada", "Bruno", "Chloe", "David", "Emma", "Frank", "Gina", "Henry", "Ines", "Jakob", "Kate", "Liam", "Mona", "Noah", "Olga", "Peter", "Ruth", "Simon", "Tina", "Victor",
)  # fmt: skip
OPENINGS = (
    "Decide what follows from these premises.",
    "Read the premises and judge the conclusion.",
    "Is the conclusion true, false or uncertain, given the premises?",
    "Here are some premises and a conclusion. Does it follow?",
)
RULES = (
    "All premises are true. Judge by them alone: what they do not settle may be one way or the other. 'Everyone', 'someone' and 'no one' speak of all people, also of those "
    "without a name here; 'at least one person' may be any of them. 'If ... then' is false only when its first part is true and its second part is false.\n"
    "- True: the conclusion is true whenever the premises are;\n"
    "- False: the conclusion is false whenever the premises are true;\n"
    "- Uncertain: neither."
)
FORM = "one of the words True, False, Uncertain."
EXAMPLE = "False"

register(
    Puzzle(
        "puzzles/folio",
        "logic",
        "decide what follows from premises about people",
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
