"""Calculations that a text states, done again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.methods._sums import MOST, wrong_sums


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("5 + 7 = 12.", []),
        ("5 + 7 = 13.", ["5 + 7 = 12"]),
        ("6 / 2 = 4, 3*4=11", ["6 / 2 = 3", "3 * 4 = 12"]),
        ("7 / 2 = 3", None),
        ("1 + 2 + 3 = 6", None),
        ("2 + 3 = 4 + 1", None),
        ("1.5 + 2 = 3.5", None),
        ("x = 5 + 7 = 13", ["5 + 7 = 12"]),
        ("2^3 + 1 = 8", None),
        ("3 - 5 = 2", ["3 - 5 = -2"]),
        ("nothing", None),
        ("5 / 0 = 5", None),
        ("9" * 500 + " + 1 = 3", None),
    ],
)
def test_only_whole_calculations_are_done_again(text, wrong):
    assert wrong_sums(text) == wrong


@given(st.integers(0, 10**9 - 1), st.sampled_from("+-*×"), st.integers(0, 10**9 - 1), st.integers(0, 10**9 - 1))
def test_a_calculation_is_wrong_if_its_result_is(left, op, right, stated):
    result = {"+": left + right, "-": left - right, "*": left * right, "×": left * right}[op]
    expected = [] if result == stated else [f"{left} {op} {right} = {result}"]
    assert wrong_sums(f"So {left} {op} {right} = {stated}.") == expected


def test_a_mistake_made_twice_is_told_once_and_not_more_than_can_be_read():
    assert wrong_sums("1 + 1 = 3. Again: 1 + 1 = 3, so 2 + 2 = 5.") == ["1 + 1 = 2", "2 + 2 = 4"]
    assert len(wrong_sums(" ".join(f"{n} + 1 = 0." for n in range(3 * MOST)))) == MOST
