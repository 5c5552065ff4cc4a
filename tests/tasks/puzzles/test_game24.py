"""Game of 24: what can be made, exactly; the sentence; fractions on the way."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import combinations_with_replacement

import pytest

from tests.tasks.checks.game24 import check, values
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item, PuzzleTask
from thinkwell.tasks.puzzles.arithmetic._splits import expression

NAME = "puzzles/game24"


def item_of(*numbers: int, answer: str = "") -> tuple[PuzzleTask, Item]:
    task = load(NAME)
    return task, replace(task.item(0, 0), meta={"numbers": list(numbers), "target": 24}, answer=answer)


def test_458_of_the_1820_hands_of_four_cannot_make_24() -> None:
    hands = list(combinations_with_replacement(range(1, 14), 4))
    made = [expression(hand, 24) for hand in hands]
    assert len(hands) == 1_820
    assert made.count(None) == 458
    for hand, found in zip(hands[::130], made[::130], strict=True):
        assert (24 in values(hand)) is (found is not None)
        assert found is None or check(found, item_of(*hand)[1])


def test_both_solvers_agree_on_five_numbers() -> None:
    rng = random.Random(6)
    hands = [
        [1, 1, 1, 1, 1],
        [13, 13, 13, 13, 13],
        [11, 11, 11, 11, 12],
        [1, 1, 1, 1, 13],
        *([rng.randint(1, 13) for _ in range(5)] for _ in range(12)),
    ]
    for hand in hands:
        task, item = item_of(*hand)
        found = expression(hand, 24)
        assert task.solve(item) == "cannot make 24" if found is None else check(found, item)
        assert found is None or check(task.solve(item), item)


def test_zero_times_anything_is_found() -> None:
    assert expression([24, 5, 5, 13, 11, 7], 24) is not None
    found = expression([5, 5, 1, 1], 0)
    assert found is not None
    assert check(found, replace(item_of(5, 5, 1, 1)[1], meta={"numbers": [5, 5, 1, 1], "target": 0}))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("8 / (3 - 8 / 3)", ""),
        ("8 ÷ (3 − 8 ÷ 3) = 24", ""),
        ("(8 - 3) * (8 - 3)", "the expression is 25, the target is 24"),
        ("8 * 3", "8 is not used as often as it is given"),
        ("3 * 8 * (8 - 8 + 3 / 3)", "3 is used more often than it is given"),
        ("8 ** 3", "'*' stands where a number is expected"),
        ("cannot make 24", "the numbers can make 24"),
    ],
)
def test_an_expression_is_judged_by_its_exact_value(answer: str, reason: str) -> None:
    task, item = item_of(8, 8, 3, 3, answer="8 / (3 - 8 / 3)")
    assert task.verify(f"```\n{answer}\n```", item).reason == reason


def test_the_sentence_counts_where_it_is_true() -> None:
    task, item = item_of(1, 1, 1, 1, answer="cannot make 24")
    assert task.solve(item) == "cannot make 24"
    assert task.verify("\\boxed{\\text{Cannot make 24.}}", item).right
    assert task.verify("\\boxed{Cannot make 24.}", item, "paper").right
    assert task.puzzle.form_of("Cannot make 24.") == "cannot make 24"


def test_the_paper_s_rule_refuses_an_equals_sign() -> None:
    task, item = item_of(8, 8, 3, 3, answer="8 / (3 - 8 / 3)")
    assert task.verify("\\boxed{8 / (3 - 8 / 3)}", item, "paper").right
    assert not task.verify("\\boxed{8 / (3 - 8 / 3) = 24}", item, "paper").right


def test_hands_that_cannot_may_be_left_out() -> None:
    task = load(NAME, cannot=False)
    assert all("cannot" not in task.item(0, i).prompt + task.item(0, i).answer for i in range(30))
