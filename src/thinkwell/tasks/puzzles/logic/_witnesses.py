"""Whether sentences about people have a model: by trying who does what, for the named and as many others as can be needed. `_people.Models` has no part in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from thinkwell.tasks.puzzles.logic._people import Body, Sentence, literals, negated

Atom = tuple[int, int]  # predicate, person; witnesses are numbered after the named


def has_model(sentences: Sequence[Sentence], people: int) -> bool:
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
    said = literals(body[1] if body[0] == "not" else body)
    return [atom for predicate, _, owner in said if (atom := (predicate, person if owner is None else owner)) not in truth]


def _value(body: Body, person: int, truth: Callable[[Atom], bool | None]) -> bool | None:
    """Kleene's three values: None as long as it depends on what is open."""
    kind, *parts = body
    if kind == "not":
        value = _value(parts[0], person, truth)
        return None if value is None else not value
    if kind == "if":
        return _any([_value(["is", negated(literal)], person, truth) for literal in parts[0]] + [_value(parts[1], person, truth)])
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
