"""Sentences about people in first-order logic with one-place predicates: their English, and an exact decision what follows from them.

A sentence is [quantifier, body]. Quantifier: "all" or "some" people; "named" for sentences about people with a name. Body: [kind, literal, ...] with kind is, and, or, xor, or
["if", condition, body], where the condition is a list of one or two literals. Literal: [predicate, is it affirmed?, person]; person is null under a quantifier.

Why the decision is exact, though domains may be of any size: without equality a model matters only by the kinds of people in it, a kind being a set of predicates, and by
the kinds of the named ones. "All" sentences forbid kinds; nothing forbids that everything not forbidden occurs. So sentences have a model just if (1) the named can have
allowed kinds that fit all sentences about them, (2) for every "some" sentence an allowed kind fits it, (3) a kind is allowed at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

Sentence = list[Any]
Body = list[Any]
Literal = list[Any]

LABELS = ("True", "False", "Uncertain")


def follows(premises: Sequence[Sentence], conclusion: Sentence, predicates: int, people: int) -> str | None:
    """True if the conclusion holds in all models of the premises, False if in none, else Uncertain; None if there is no model."""
    known = Models(predicates, people)
    for premise in premises:
        known = known.with_(premise)
    if not known.exist:
        return None
    if not known.with_(denied(conclusion)).exist:
        return "True"
    return "Uncertain" if known.with_(conclusion).exist else "False"


def denied(sentence: Sentence) -> Sentence:
    quantifier, body = sentence
    return [{"all": "some", "some": "all"}.get(quantifier, quantifier), ["not", body]]


@dataclass(frozen=True)
class Models:
    """All models of some sentences.

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

    def with_(self, sentence: Sentence) -> Models:
        """The models of one sentence more."""
        quantifier, body = sentence
        size = self.predicates * self.people
        if quantifier == "named":
            return replace(self, named=self.named & _mask(body, size, self.predicates, None))
        kinds = _mask(body, self.predicates, self.predicates, None)
        if quantifier == "some":
            return replace(self, wanted=(*self.wanted, kinds))
        named = self.named
        for person in range(self.people):
            named &= _mask(body, size, self.predicates, person)
        return replace(self, kinds=self.kinds & kinds, named=named)


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


# ---- English ----------------------------------------------------------------------------------------------------------------


def english(sentence: Sentence, phrases: Sequence[str], names: Sequence[str], variant: int = 0) -> str:
    """phrases: for each predicate what one does, in the third person ("plays chess"). variant: which of several wordings."""
    quantifier, body = sentence
    kind, *parts = body
    if kind == "if" and quantifier == "all":
        who, then = _joined(parts[0], "and", phrases), parts[1]
        if then[0] == "is" and not then[1][1] and variant % 2:
            return f"No one who {who} {phrases[then[1][0]]}."
        text = _predicate(then, phrases)
        return f"If someone {who}, then that person {text}." if variant % 3 == 1 else f"Everyone who {who} {text}."
    if quantifier in ("all", "some"):
        return f"{'Everyone' if quantifier == 'all' else 'At least one person'} {_predicate(body, phrases)}."
    literals = [*parts[0], *parts[1][1:]] if kind == "if" else parts
    said = [f"{names[literal[2]]} {_phrase(literal, phrases)}" for literal in literals]
    if kind == "if":
        return f"If {said[0]}, then {said[1]}."
    if len({literal[2] for literal in literals}) == 1:
        return f"{names[literals[0][2]]} {_predicate(body, phrases)}."
    return f"{said[0]} and {said[1]}." if kind == "and" else f"{said[0]} or {said[1]}, {'or' if kind == 'or' else 'but not'} both."


def _predicate(body: Body, phrases: Sequence[str]) -> str:
    kind, *literals = body
    text = _joined(literals, "and" if kind == "and" else "or", phrases)
    return f"{text}, or both" if kind == "or" else f"either {text}, but not both" if kind == "xor" else text


def _joined(literals: Sequence[Literal], word: str, phrases: Sequence[str]) -> str:
    return f" {word} ".join(_phrase(literal, phrases) for literal in literals)


def _phrase(literal: Literal, phrases: Sequence[str]) -> str:
    phrase = phrases[literal[0]]
    if literal[1]:
        return phrase
    verb, _, rest = phrase.partition(" ")
    return f"is not {rest}" if verb == "is" else f"does not {verb[:-1]} {rest}"
