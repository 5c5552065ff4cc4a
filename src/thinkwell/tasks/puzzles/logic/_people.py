"""Sentences about people in first-order logic with one-place predicates: what follows from them, exactly; their English; and their form without names.

A sentence is [quantifier, body]. Quantifier: "all" or "some" people; "named" for sentences about people with a name. Body: [kind, literal, ...] with kind is, and, or, xor, or
["if", condition, body], where the condition is a list of one or two literals. Literal: [predicate, is it affirmed?, person]; person is null under a quantifier.

Why the decision is exact, though domains may be of any size: without equality a model matters only by the kinds of people in it, a kind being a set of predicates, and by
the kinds of the named ones. "All" sentences forbid kinds; nothing forbids that everything not forbidden occurs. So sentences have a model just if (1) the named can have
allowed kinds that fit all sentences about them, (2) for every "some" sentence an allowed kind fits it, (3) a kind is allowed at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from thinkwell.tasks.puzzles.logic._renaming import renamed

Sentence = list[Any]
Body = list[Any]
Literal = list[Any]

LABELS = ("True", "False", "Uncertain")


@dataclass(frozen=True)
class Models:
    """All models of some sentences; of none, as it is made.

    kinds: a bit for each allowed kind of people. named: a bit for each way to give the named their kinds. wanted: for each "some", the kinds of which one must occur.
    """

    predicates: int
    people: int
    kinds: int = -1
    named: int = -1
    wanted: tuple[int, ...] = ()

    @property
    def exist(self) -> bool:
        return bool(self.kinds and self.named) and all(self.kinds & some for some in self.wanted)

    def of(self, *sentences: Sentence) -> Models:
        """Those in which these sentences hold as well."""
        kinds, named, wanted = self.kinds, self.named, self.wanted
        size = self.predicates * self.people
        for quantifier, body in sentences:
            if quantifier == "named":
                named &= _mask(body, size, self.predicates, None)
                continue
            fitting = _mask(body, self.predicates, self.predicates, None)
            if quantifier == "some":
                wanted = (*wanted, fitting)
                continue
            kinds &= fitting
            for person in range(self.people):
                named &= _mask(body, size, self.predicates, person)
        return Models(self.predicates, self.people, kinds, named, wanted)

    def label(self, conclusion: Sentence) -> str | None:
        """True if the conclusion holds in all of them, False if in none, else Uncertain; None if there is no model."""
        if not self.exist:
            return None
        if not self.of(denied(conclusion)).exist:
            return "True"
        return "Uncertain" if self.of(conclusion).exist else "False"


def denied(sentence: Sentence) -> Sentence:
    quantifier, body = sentence
    return [{"all": "some", "some": "all"}.get(quantifier, quantifier), ["not", body]]


def negated(literal: Literal) -> Literal:
    predicate, affirmed, person = literal
    return [predicate, not affirmed, person]


def literals(body: Body) -> list[Literal]:
    return [*body[1], *literals(body[2])] if body[0] == "if" else body[1:]


@cache
def _full(size: int) -> int:
    return (1 << (1 << size)) - 1


@cache
def _table(size: int) -> list[int]:
    """For each of `size` atoms, the rows of a truth table (a bit each) in which it is true."""
    masks = []
    for atom in range(size):
        block = ((1 << (1 << atom)) - 1) << (1 << atom)
        width = 2 << atom
        while width < 1 << size:
            block |= block << width
            width *= 2
        masks.append(block)
    return masks


def _mask(body: Body, size: int, predicates: int, person: int | None) -> int:
    """The rows of a truth table of `size` atoms in which a body is true. person: of whom literals without a person speak; None where they speak of kinds, or have one."""
    full, table = _full(size), _table(size)

    def of(literal: Literal) -> int:
        owner = literal[2] if person is None else person
        mask = table[(owner or 0) * predicates + literal[0]]
        return mask if literal[1] else full ^ mask

    kind, *parts = body
    if kind == "not":
        return full ^ _mask(parts[0], size, predicates, person)
    if kind == "if":
        held = full
        for literal in parts[0]:
            held &= of(literal)
        return (full ^ held) | _mask(parts[1], size, predicates, person)
    masks = [of(literal) for literal in parts]
    if kind == "is":
        return masks[0]
    return masks[0] & masks[1] if kind == "and" else masks[0] | masks[1] if kind == "or" else masks[0] ^ masks[1]


# ---- without names ----------------------------------------------------------------------------------------------------------


def plain(sentence: Sentence) -> Sentence:
    """The sentence without conditions, its literals in order: equal for "if a, then b", "if not b, then not a" and "not a or b"."""
    quantifier, (kind, *parts) = sentence
    if kind == "if":
        kind, parts = "or", [*map(negated, parts[0]), *parts[1][1:]]
    elif kind == "xor":
        kind = "xor" if parts[0][1] is parts[1][1] else "same"
        parts = [[predicate, True, person] for predicate, _, person in parts]
    return [quantifier, [kind, *sorted(parts, key=_place)]]


def canonical(premises: Sequence[Sentence], conclusion: Sentence) -> str:
    """The sentences with predicates and people numbered by what is said of them, the premises in order."""
    told = [("premise", *plain(premise)) for premise in premises] + [("conclusion", *plain(conclusion))]
    things: dict[tuple[str, int], int] = {}
    facts = []
    for role, quantifier, (kind, *parts) in told:
        said = f"{role} {quantifier} {kind}"
        played = []
        for predicate, affirmed, person in parts:
            literal = [("yes" if affirmed else "no", things.setdefault(("predicate", predicate), len(things)))]
            if person is not None:
                literal.append(("who", things.setdefault(("person", person), len(things))))
            facts.append((f"in {said}", literal))
            played += literal
        facts.append((said, played))
    numbers = renamed(len(things), facts)

    def number(literal: Literal) -> Literal:
        predicate, affirmed, person = literal
        return [numbers[things["predicate", predicate]], affirmed, None if person is None else numbers[things["person", person]]]

    *written, asked = (f"{quantifier} {kind} {sorted(map(number, parts), key=_place)}" for _, quantifier, (kind, *parts) in told)
    return "; ".join([*sorted(written), asked])


def _place(literal: Literal) -> tuple[int, bool, int]:
    predicate, affirmed, person = literal
    return predicate, affirmed, -1 if person is None else person


# ---- English ----------------------------------------------------------------------------------------------------------------


def english(sentence: Sentence, phrases: Sequence[str], names: Sequence[str], variant: int = 0) -> str:
    """phrases: for each predicate what one does, in the third person ("plays chess"). variant: which of several wordings.

    Nothing is said in the form "everyone does not", which may also mean "not everyone does".
    """
    quantifier, body = sentence
    kind, *parts = body
    if quantifier == "all":
        return _of_all(body, phrases, variant)
    if quantifier == "some":
        return f"At least one person {_predicate(body, phrases)}."
    said = [f"{names[literal[2]]} {_phrase(literal, phrases)}" for literal in literals(body)]
    if kind == "if":
        return f"If {said[0]}, then {said[1]}."
    if len({person for _, _, person in parts}) == 1:
        return f"{names[parts[0][2]]} {_predicate(body, phrases)}."
    return f"{said[0]} and {said[1]}." if kind == "and" else f"{said[0]} or {said[1]}, {'or' if kind == 'or' else 'but not'} both."


def _of_all(body: Body, phrases: Sequence[str], variant: int) -> str:
    """A condition with what it implies (is, or), or two literals with "or"."""
    condition, then = body[1:] if body[0] == "if" else ([], body)
    kind, *parts = then
    parts.sort(key=lambda literal: not literal[1])  # what is denied stands last
    if not condition:
        if not parts[0][1]:
            return f"No one both {_joined(map(negated, parts), 'and', phrases)}."
        return f"Everyone {_predicate([kind, *parts], phrases)}."
    who = _joined(condition, "and", phrases)
    if kind == "is" and not parts[0][1] and variant % 2 == 0:
        return f"No one who {who} {phrases[parts[0][0]]}."
    if not parts[0][1] or variant % 3 == 1:
        return f"If someone {who}, then that person {_predicate([kind, *parts], phrases)}."
    return f"Everyone who {who} {_predicate([kind, *parts], phrases)}."


def _predicate(body: Body, phrases: Sequence[str]) -> str:
    kind, *parts = body
    text = _joined(parts, "and" if kind == "and" else "or", phrases)
    return f"{text}, or both" if kind == "or" else f"either {text}, but not both" if kind == "xor" else text


def _joined(parts: Iterable[Literal], word: str, phrases: Sequence[str]) -> str:
    return f" {word} ".join(_phrase(literal, phrases) for literal in parts)


def _phrase(literal: Literal, phrases: Sequence[str]) -> str:
    phrase = phrases[literal[0]]
    if literal[1]:
        return phrase
    verb, _, rest = phrase.partition(" ")
    return f"is not {rest}" if verb == "is" else f"does not {verb[:-1]} {rest}"
