"""Expressions over fractions: values worked out by hand, limits, reasons."""

from __future__ import annotations

from fractions import Fraction

import pytest

from thinkwell.tasks.expressions import check_as_published, check_numbers, evaluate, worked_out
from thinkwell.tasks.reading import Refused


@pytest.mark.parametrize(
    ("text", "value"),
    [("7", 7), ("2 + 3 * 4", 14), ("(2 + 3) * 4", 20), ("8 - 3 - 2", 3), ("12 / 4 / 3", 1), ("3 × (10 ÷ 4)", Fraction(15, 2)),
     ("2 \\times 3 = 6", 6), ("1 - 2", -1), ("8 / (3 - 8 / 3)", 24)],
)  # fmt: skip
def test_values(text: str, value: int | Fraction) -> None:
    assert evaluate(text).value == value


def test_numbers_and_steps_are_kept_in_order() -> None:
    found = evaluate("(8 - 3) * 4 + 6 / 2")
    assert found.numbers == (8, 3, 4, 6, 2)
    assert [(int(left), operator, int(right), int(result)) for left, operator, right, result in found.steps] == [
        (8, "-", 3, 5), (5, "*", 4, 20), (6, "/", 2, 3), (20, "+", 3, 23)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no expression"), ("2 +", "ends where"), ("+2", "stands where"), ("2 * -3", "stands where"), ("2 3", "no operator before 3"),
        ("2(3)", "no operator before an opening"),
        ("(2", "not closed"), ("2)", "never opened"), ("()", "closes where"), ("1/0", "divided by 0"), ("1/(2-2)", "divided by 0"),
        ("2**3", "stands where"), ("2^3", "not allowed"),
        ("2 = 3", "but it is 2"), ("2 = x", "no whole number"), ("2 = 2 = 2", "no whole number"), ("1.5 + 2", "not allowed"),
        ("08 + 1", "starts with 0"), ("9" * 13, "12 digits"),
        ("(" * 101 + "1" + ")" * 101, "nested"), ("1+" * 100 + "1", "more than 100 numbers"), ("1" * 2001, "characters"),
        ("__import__('os')", "not allowed"), ("٣ + 1", "not allowed"), ("1$2", "no operator before 2"), ("1\\left2", "no operator before 2"),
    ],
)  # fmt: skip
def test_what_is_no_expression_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        evaluate(text)


@pytest.mark.parametrize(
    ("text", "reason"), [("8 - 3 * 2", ""), ("8 - 3", "2 is not used as often"), ("8 - 3 * 2 + 2", "2 is used more often"), ("8 - 3 * 7", "7 is used")]
)  # fmt: skip
def test_the_given_numbers_are_used_as_often_as_they_are_given(text: str, reason: str) -> None:
    if not reason:
        check_numbers(evaluate(text), [2, 3, 8])
        return
    with pytest.raises(Refused, match=reason):
        check_numbers(evaluate(text), [2, 3, 8])


def test_the_published_rule_forgives_less_than_a_ten_thousandth_and_no_equals_sign() -> None:
    check_as_published("2 + 1 / 10001", [1, 2, 10_001], 2)
    with pytest.raises(Refused, match="the target is 2"):
        check_as_published("2 + 1 / 10000", [1, 2, 10_000], 2)
    with pytest.raises(Refused, match="equals sign"):
        check_as_published("1 + 1 = 2", [1, 1], 2)


def test_brackets_that_change_nothing_do_not_split_votes() -> None:
    assert worked_out("(8-3)*4 + 6/2") == worked_out("((8 - 3) * 4) + (6 / 2) = 23") == "8-3=5 5*4=20 6/2=3 20+3=23"
    assert worked_out("8 - (3 - 2)") != worked_out("8 - 3 - 2")
    assert worked_out("7") == "7"
