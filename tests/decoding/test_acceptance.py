"""The rules give exactly the target's law: every outcome of every random choice is enumerated with fractions. Three known mistakes are put in, one by one,
and the enumeration must find each."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import pytest

from thinkwell.decoding.acceptance import Rule, accept, draw_children, gumbel_children

REJECTING = [Rule.CHAIN, Rule.WITH_REPLACEMENT, Rule.REJECTION]
RULES = [*REJECTING, Rule.MATCH]


def outcomes(program: Callable[[Callable[[Sequence[Any]], int]], Any]) -> dict[Any, Fraction]:
    """The exact law of what `program(choose)` returns: it is run once for every sequence of choices that can happen."""
    law: dict[Any, Fraction] = defaultdict(Fraction)
    open_: list[tuple[int, ...]] = [()]
    while open_:
        given = open_.pop()
        taken: list[int] = []
        chance = Fraction(1)

        def choose(weights: Sequence[Any], given: tuple[int, ...] = given, taken: list[int] = taken) -> int:
            nonlocal chance
            possible = [index for index, weight in enumerate(weights) if weight > 0]
            assert all(weight >= 0 for weight in weights)
            index = given[len(taken)] if len(taken) < len(given) else possible[0]
            if len(taken) >= len(given):
                open_.extend((*taken, other) for other in possible[1:])
            taken.append(index)
            chance *= Fraction(weights[index]) / sum(weights)
            return index

        law[program(choose)] += chance
    assert sum(law.values()) == 1
    return dict(law)


def random_law(rng: random.Random, size: int) -> list[Fraction]:
    """A law with small denominators and a few zeros."""
    weights = [rng.choice((0, 0, 1, 1, 2, 3, 5, 8)) for _ in range(size)]
    weights[rng.randrange(size)] += 1
    return [Fraction(weight, sum(weights)) for weight in weights]


def worlds(count: int, size: int = 4) -> Iterator[tuple[list[Fraction], dict[int, Fraction]]]:
    rng = random.Random(7)
    for _ in range(count):
        p, q = random_law(rng, size), random_law(rng, size)
        yield p, {token: weight for token, weight in enumerate(q) if weight > 0}


def tv(law: dict[Any, Fraction], other: dict[Any, Fraction]) -> Fraction:
    return sum((abs(law.get(key, Fraction(0)) - other.get(key, Fraction(0))) for key in law.keys() | other.keys()), Fraction(0)) / 2


def target(p: Sequence[Fraction]) -> dict[int, Fraction]:
    return {token: weight for token, weight in enumerate(p) if weight > 0}


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("rule", RULES)
def test_a_node_emits_exactly_the_law_of_the_target(rule: Rule, count: int) -> None:
    for p, q in worlds(40):
        law = outcomes(lambda choose, p=p, q=q: accept(rule, p, q, draw_children(rule, q, count, choose), choose)[1])
        assert law == target(p)


@pytest.mark.parametrize("rule", RULES)
def test_laws_that_do_not_sum_to_one_are_taken_as_weights(rule: Rule) -> None:
    for p, q in worlds(10):
        halved = {token: weight / 2 for token, weight in q.items()}
        doubled = [2 * weight for weight in p]
        law = outcomes(lambda choose, p=doubled, q=halved: accept(rule, p, q, draw_children(rule, q, 2, choose), choose)[1])
        assert law == target(p)


def test_the_match_rule_is_lossless_for_children_chosen_against_it() -> None:
    for p, q in worlds(20):
        worst = sorted(range(len(p)), key=lambda token: p[token])[:2]
        assert outcomes(lambda choose, p=p, q=q, worst=worst: accept(Rule.MATCH, p, q, worst, choose)[1]) == target(p)


# Two positions: what is drafted and put to the test at the second must not remember the noise of the first.

SECOND = {  # the target's law and the draft's after each first token
    0: ([Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)], {0: Fraction(1, 3), 1: Fraction(1, 3), 2: Fraction(1, 3)}),
    1: ([Fraction(1, 5), Fraction(1, 5), Fraction(3, 5)], {0: Fraction(1, 2), 2: Fraction(1, 2)}),
    2: ([Fraction(0), Fraction(1), Fraction(0)], {0: Fraction(1, 4), 1: Fraction(3, 4)}),
}
FIRST = ([Fraction(2, 5), Fraction(2, 5), Fraction(1, 5)], {0: Fraction(1, 2), 1: Fraction(1, 4), 2: Fraction(1, 4)})


def two_tokens(rule: Rule, choose: Callable[[Sequence[Any]], int], *, reuse: bool = False) -> tuple[int, int]:
    """Two levels of a draft tree drawn before anything is tested; a new draft where the first level falls. `reuse`: the second level is drawn with the noise
    of the first, so where both have the same law its children are the same."""
    (p, q), width = FIRST, 2
    first = draw_children(rule, q, width, choose)
    laws = {token: (FIRST if reuse else SECOND[token]) for token in range(3)}
    below = {node: (first if reuse else draw_children(rule, laws[token][1], width, choose)) for node, token in enumerate(first)}
    node, token = accept(rule, p, q, first, choose)
    p2, q2 = laws[token]
    children = draw_children(rule, q2, width, choose) if node is None else below[node]
    return token, accept(rule, p2, q2, children, choose)[1]


def product(reuse: bool = False) -> dict[tuple[int, int], Fraction]:
    laws = {token: FIRST if reuse else SECOND[token] for token in range(3)}
    both = {(a, b): FIRST[0][a] * laws[a][0][b] for a, b in itertools.product(range(3), repeat=2)}
    return {pair: chance for pair, chance in both.items() if chance > 0}


@pytest.mark.parametrize("rule", RULES)
def test_two_levels_of_a_tree_give_the_joint_law_of_two_tokens(rule: Rule) -> None:
    assert outcomes(lambda choose: two_tokens(rule, choose)) == product()


# The three mistakes


def sorted_by_q(p: Sequence[Fraction], q: dict[int, Fraction], choose: Callable[[Sequence[Any]], int]) -> int:
    """Children drawn without replacement but tested in the order of q, not of drawing."""
    children = draw_children(Rule.REJECTION, q, 2, choose)
    return accept(Rule.REJECTION, p, q, sorted(children, key=lambda token: -q[token]), choose)[1]


def wrong_law(p: Sequence[Fraction], q: dict[int, Fraction], choose: Callable[[Sequence[Any]], int]) -> int:
    """Children drawn without replacement but tested as if with."""
    return accept(Rule.WITH_REPLACEMENT, p, q, draw_children(Rule.REJECTION, q, 2, choose), choose)[1]


@pytest.mark.parametrize("broken", [sorted_by_q, wrong_law])
def test_the_enumeration_finds_a_broken_rule(broken: Callable[..., int]) -> None:
    bias = [tv(outcomes(lambda choose, p=p, q=q: broken(p, q, choose)), target(p)) for p, q in worlds(40)]
    assert sum(value > 0 for value in bias) >= 10
    assert max(bias) > Fraction(1, 100)


@pytest.mark.parametrize("rule", REJECTING)
def test_the_enumeration_finds_noise_that_is_used_twice(rule: Rule) -> None:
    law = outcomes(lambda choose: two_tokens(rule, choose, reuse=True))
    assert tv(law, product(reuse=True)) > Fraction(1, 100)
    first = defaultdict(Fraction)
    for (a, _), chance in law.items():
        first[a] += chance
    assert first == target(FIRST[0])  # single tokens look right: only the joint law shows it


def test_the_match_rule_does_not_mind_noise_that_is_used_twice() -> None:
    assert outcomes(lambda choose: two_tokens(Rule.MATCH, choose, reuse=True)) == product(reuse=True)


# Numbers worked out by hand


def test_how_often_a_child_stands() -> None:
    """The worked example of three rules with 1, 2 and 3 children."""
    p = [Fraction(n, 100) for n in (40, 25, 15, 10, 6, 4)]
    q = {token: Fraction(n, 10) for token, n in enumerate((3, 3, 2, 1, 1))}

    def standing(rule: Rule, count: int) -> float:
        law = outcomes(lambda choose: accept(rule, p, q, draw_children(rule, q, count, choose), choose)[0] is not None)
        return float(law[True])

    assert [standing(Rule.REJECTION, count) for count in (1, 2, 3)] == pytest.approx([0.860, 0.914, 0.956], abs=6e-4)
    assert [standing(Rule.WITH_REPLACEMENT, count) for count in (1, 2, 3)] == pytest.approx([0.860, 0.902, 0.931], abs=6e-4)
    assert [standing(Rule.MATCH, count) for count in (1, 2, 3)] == pytest.approx([0.400, 0.650, 0.800], abs=1e-12)


@pytest.mark.parametrize("rule", REJECTING)
def test_a_draft_that_is_right_always_stands(rule: Rule) -> None:
    q = {0: Fraction(1, 2), 1: Fraction(1, 2)}
    p = [Fraction(1, 2), Fraction(1, 2)]
    law = outcomes(lambda choose: accept(rule, p, q, draw_children(rule, q, 1, choose), choose)[0])
    assert law == {0: 1}


def test_a_residual_that_rounding_has_emptied_falls_back_to_the_target() -> None:
    asked: list[list[float]] = []

    def unlucky(weights: Sequence[float]) -> int:
        asked.append(list(weights))
        return len(weights) - 1

    p = [0.1 + 0.2, 0.7]
    index, token = accept(Rule.CHAIN, p, {0: 0.3, 1: 0.7}, [0], unlucky)
    assert (index, token) == (None, 1)
    assert asked[-1] == p


def test_fewer_ids_than_children_give_fewer_children() -> None:
    first = lambda weights: 0  # noqa: E731
    assert draw_children(Rule.REJECTION, {5: 0.5, 6: 0.5, 7: 0.0}, 4, first) == [5, 6]
    assert draw_children(Rule.CHAIN, {5: 0.5, 6: 0.5}, 4, first) == [5]
    assert draw_children(Rule.WITH_REPLACEMENT, {5: 1.0}, 3, first) == [5, 5, 5]
    assert draw_children(Rule.REJECTION, {}, 3, first) == []
    assert draw_children(Rule.MATCH, {5: 0.1, 6: 0.5}, 3, first) == [6, 5]


def test_the_largest_of_log_q_plus_gumbel_are_drawn_without_replacement() -> None:
    """Order of two children against q(a) q(b) / (1 - q(a)), by chi-square at 5 degrees of freedom (0.999: 20.5)."""
    import numpy as np

    rng = np.random.default_rng(3)
    q = np.array([0.5, 0.3, 0.2])
    count, seen = 20_000, defaultdict(int)
    for _ in range(count):
        seen[tuple(gumbel_children(np.log(q).tolist(), rng.gumbel(size=3).tolist(), 2))] += 1
    expected = {(a, b): count * q[a] * q[b] / (1 - q[a]) for a in range(3) for b in range(3) if a != b}
    assert sum((seen[pair] - mean) ** 2 / mean for pair, mean in expected.items()) < 20.5
