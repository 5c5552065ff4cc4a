"""First-order logic in English: do some premises make a conclusion true, or false, or do they leave it open?

The original draws from FOLIO (stories written by people; `tasks/pools.py` reads its files, and the benchmark itself is the task `folio`). Here premises and conclusion come from a
grammar: sentences about all, some and named people with one-place predicates. What follows is decided exactly, for domains of any size (`_people.py` says why). No true or
false conclusion rests on fewer premises than the level says: dropping any of so many loses it. The labels are equally frequent. Paper rule: the label's very text.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from itertools import pairwise

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.puzzles.logic._people import LABELS, Body, Literal, Sentence, denied, english, follows
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
    canonical = json.dumps([sorted(map(json.dumps, premises)), conclusion])
    return Drawn(ask(rng.choice(OPENINGS), RULES, board, FORM, EXAMPLE), wanted, meta, canonical)


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
    can_fail, can_hold = (_has_model([*premises, last], people) for last in (denied(conclusion), conclusion))
    if not can_fail and not can_hold:
        raise ValueError("the premises contradict each other")
    return "Uncertain" if can_fail and can_hold else "True" if can_hold else "False"


def form(answer: str) -> str:
    return label(answer, (*LABELS, "Unknown")).replace("Unknown", "Uncertain")


def draw(item: Item) -> str:
    """Premises and conclusion as an SVG picture, a line each, 24 pixels high."""
    lines = [f"{number}. {text}" for number, text in enumerate(item.meta["sentences"], 1)] + [f"? {item.meta['asked']}"]
    width, height = 24 + 8 * max(map(len, lines)), 16 + 24 * len(lines)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="14">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    parts += [f'<text x="12" y="{24 + 24 * i}" fill="black">{line}</text>' for i, line in enumerate(lines)]
    return "".join([*parts, "</svg>"])


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
            body = ["if", [_not(other)], ["is", _not(one)]]
        elif roll < 0.25:
            body = ["if", [one, third], ["is", other]]
        elif roll < 0.4:
            body = ["if", [one], ["or", other, third]]
        elif roll < 0.5:
            body = ["or", _not(one), other]
        premises.append(["all", body])
    while len(premises) < count:
        first, second = (chain[min(int(rng.expovariate(0.8)), len(chain) - 1)] for _ in range(2))
        fact = _fact(rng, config, first, second)
        if fact not in premises:
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
    return ["named", ["if", [_of(_not(first) if roll < 0.82 else first, person)], ["is", _of(second, other)]]]


def _conclusion(rng: random.Random, config: Config, premises: Sequence[Sentence], wanted: str) -> Sentence | None:
    """A sentence about what the premises speak of, with this label and enough premises behind it; None if none was found."""
    said = [literal for premise in premises for literal in _literals(premise[1])]
    predicates, people = sorted({literal[0] for literal in said}), sorted({literal[2] for literal in said if literal[2] is not None})
    if len(predicates) < 2:
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
        found = follows(premises, conclusion, config.predicates, config.people)
        if found is None:
            return None
        if found == wanted and _resting_on(premises, conclusion, found, config) >= config.needed:
            return conclusion
    return None


def _resting_on(premises: Sequence[Sentence], conclusion: Sentence, found: str, config: Config) -> int:
    """How many premises the label cannot do without; for an open conclusion, how many speak of its predicates."""
    if found == "Uncertain":
        asked = {literal[0] for literal in _literals(conclusion[1])}
        return sum(bool(asked & {literal[0] for literal in _literals(premise[1])}) for premise in premises)
    rests = [[*premises[:i], *premises[i + 1 :]] for i in range(len(premises))]
    return sum(follows(rest, conclusion, config.predicates, config.people) != found for rest in rests)


def _literals(body: Body) -> list[Literal]:
    return [*body[1], *_literals(body[2])] if body[0] == "if" else body[1:]


def _not(literal: Literal) -> Literal:
    return [literal[0], not literal[1], literal[2]]


def _of(literal: Literal, person: int) -> Literal:
    return [literal[0], literal[1], person]


# ---- the solver -------------------------------------------------------------------------------------------------------------

Atom = tuple[int, int]  # predicate, person; witnesses are numbered after the named


def _has_model(sentences: Sequence[Sentence], people: int) -> bool:
    """ "All" sentences stay true when people leave a model, so the named and one witness for each "some" are people enough."""
    witnesses = sum(quantifier == "some" for quantifier, _ in sentences)
    everyone = range(max(1, people + witnesses))
    ground: list[tuple[Body, int]] = []
    for quantifier, body in sentences:
        if quantifier == "some":
            witnesses -= 1
            ground.append((body, people + witnesses))
        else:
            ground += [(body, person) for person in ((-1,) if quantifier == "named" else everyone)]
    return _search(ground, {})


def _search(ground: list[tuple[Body, int]], truth: dict[Atom, bool]) -> bool:
    open_ones = []
    for body, person in ground:
        value = _value(body, person, truth.get)
        if value is False:
            return False
        if value is None:
            open_ones.append((body, person))
    if not open_ones:
        return True
    body, person = min(open_ones, key=lambda one: len(_open_atoms(one[0], one[1], truth)))
    atom = _open_atoms(body, person, truth)[0]
    return any(_search(open_ones, {**truth, atom: guess}) for guess in (True, False))


def _open_atoms(body: Body, person: int, truth: dict[Atom, bool]) -> list[Atom]:
    literals = _literals(body[1] if body[0] == "not" else body)
    return [atom for literal in literals if (atom := (literal[0], person if literal[2] is None else literal[2])) not in truth]


def _value(body: Body, person: int, truth: Callable[[Atom], bool | None]) -> bool | None:
    """Kleene's three values: None as long as it depends on what is open."""
    kind, *parts = body
    if kind == "not":
        value = _value(parts[0], person, truth)
        return None if value is None else not value
    if kind == "if":
        return _any([_value(["is", _not(literal)], person, truth) for literal in parts[0]] + [_value(parts[1], person, truth)])
    values: list[bool | None] = []
    for predicate, affirmed, owner in parts:
        known = truth((predicate, person if owner is None else owner))
        values.append(None if known is None else known is affirmed)
    if kind == "and":
        return False if False in values else None if None in values else True
    if kind == "xor":
        return None if None in values else values[0] is not values[1]
    return _any(values)


def _any(values: Sequence[bool | None]) -> bool | None:
    return True if True in values else None if None in values else False


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
