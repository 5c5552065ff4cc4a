"""Stack permutations: which targets can be, and how pushes and pops are read."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from itertools import permutations

import pytest

from tests.tasks.checks.stack_permutation import reachable
from thinkwell.tasks import load
from thinkwell.tasks.puzzles.sequential.stack_permutation import NONE, _fits, _pushes


def test_reachable_targets_are_counted_by_the_catalan_numbers() -> None:
    for length, count in ((3, 5), (4, 14), (5, 42)):
        orders = list(permutations(range(length)))
        fitting = [order for order in orders if _fits(list(order))]
        assert len(fitting) == count
        assert all(reachable(tuple(range(length)), order) is (order in fitting) for order in orders)


def test_every_order_of_pushes_and_pops_is_drawn_alike_often() -> None:
    rng = random.Random(0)
    drawn = Counter(tuple(_pushes(rng, 3)) for _ in range(2_000))
    assert len(drawn) == 5
    assert all(300 < count < 500 for count in drawn.values())


def test_the_sentence_counts_where_it_is_true_and_only_there() -> None:
    impossible = load("puzzles/stack_permutation", "hard", impossible_share=1.0)
    item = impossible.item(0, 0)
    assert item.answer == impossible.solve(item) == NONE
    assert impossible.verify(f"\\boxed{{\\text{{{NONE.capitalize()}.}}}}", item).right
    possible = load("puzzles/stack_permutation", "hard", impossible_share=0.0)
    item = possible.item(0, 0)
    assert possible.verify(f"\\boxed{{{NONE}}}", item).reason == "the target can be reached"
    assert NONE not in item.prompt


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("['push( 2 )', 'Push(1)', 'Pop()', 'Push(3)', 'Pop()', 'Pop()']", ""),
        ("Push(2)Push(1)Pop()Push(3)Pop()Pop()", ""),
        ("Pop()", "step 1 pops from an empty stack"),
        ("Push(1)", "step 1 pushes 1, but the next to arrive is 2"),
        ("Push(2) -> Pop()", "step 2 lets 2 leave, the target says 1"),
        ("Push(2), Push(1), Pop()", "only 1 of 3 numbers have left at the end"),
        ("Push(2), Push(1), Pop(), Push(3), Pop(), Pop(), Pop()", "step 7 pops from an empty stack"),
        ("Push(2), then Push(1)", "'then' is neither Push(number) nor Pop()"),
    ],
)
def test_steps_are_played_and_the_broken_rule_is_named(answer: str, reason: str) -> None:
    task = load("puzzles/stack_permutation")
    item = replace(task.item(0, 0), meta={"numbers": [2, 1, 3], "target": [1, 3, 2], "possible": True})
    assert task.verify(f"```\n{answer}\n```", item).reason == reason
