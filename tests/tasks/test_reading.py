"""Readers of answers: tolerant in layout, strict in content, linear on any text."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from thinkwell.tasks import reading
from thinkwell.tasks.expressions import evaluate
from thinkwell.tasks.reading import Refused, check_text, integer_grid, integers, label, lines, moves, pairs, says, symbol_grid, tidy, words


@pytest.mark.parametrize(
    "text",
    ["1 -2\n3 4", " 1,-2\n\n 3 , 4 ", "[[1, -2], [3, 4]]", "1 & \u22122 \\\\ 3 & 4", "\\begin{pmatrix} 1 & -2 \\\\ 3 & 4 \\end{pmatrix}", "| 1 | -2 |\n|---|---|\n| 3 | +4 |"],
)  # fmt: skip
def test_a_grid_of_integers_is_read_in_any_layout(text: str) -> None:
    assert integer_grid(text, 2, 2) == [[1, -2], [3, 4]]


def test_a_compact_grid_is_read_only_where_that_is_allowed() -> None:
    assert integer_grid("12\n34", 2, 2, compact=True) == [[1, 2], [3, 4]]
    with pytest.raises(Refused, match="row 1 has 1 cells where 2"):
        integer_grid("12\n34", 2, 2)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("1 2\n3 x", "row 2 holds 'x'"), ("1 2", "1 rows where 2"), ("1 2\n3 4 5", "row 2 has 3 cells"), ("", "no grid"), ("1 02\n3 4", "'02'"),
     ("1 " + "9" * 19 + "\n3 4", "18 digits")],
)  # fmt: skip
def test_what_is_no_grid_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        integer_grid(text, 2, 2)


@pytest.mark.parametrize("text", ["X.*\n.X.", "X . *\n. X .", "['X', '.', '*'], ['.', 'X', '.']", "|X|.|*|\n|.|X|.|"])
def test_a_grid_of_symbols_is_read_in_any_layout(text: str) -> None:
    assert symbol_grid(text, "X.*", 2, 3) == ["X.*", ".X."]


def test_a_symbol_of_another_alphabet_or_case_is_refused() -> None:
    with pytest.raises(Refused, match="row 1 holds 'x'"):
        symbol_grid("x.*", "X.*")
    assert symbol_grid("- - |\n| | -", "-|") == ["--|", "||-"]


@pytest.mark.parametrize(
    "text", ["(0,1), (2,-3)", "[(0,1),(2,-3)]", "[[0, 1], [2, -3]]", "(0,1)->(2,-3)", "(0,1) → (2,-3)", "0 1\n2 -3", "{(0,1),(2,-3)}"]
)
def test_pairs_are_read_in_any_layout(text: str) -> None:
    assert pairs(text) == [(0, 1), (2, -3)]


def test_no_pair_can_be_said() -> None:
    assert pairs("[]") == pairs("none") == pairs("None.") == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [("(0,1", "not closed"), ("0,1)", "never opened"), ("(0,1,2)", "3 numbers"), ("(0,1),2", "no pairs"), ("(a,b)", "'a'"), ("[" * 9, "nested"),
     ("[[", "not closed"), (", ,", "no pairs"), ("(1.5,2)", "'.'"), ("(01,2)", "'01'")],
)  # fmt: skip
def test_what_is_no_list_of_pairs_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        pairs(text)


def test_a_repeated_pair_is_refused_where_pairs_are_distinct() -> None:
    assert pairs("(1,1),(1,1)") == [(1, 1), (1, 1)]
    with pytest.raises(Refused, match="twice"):
        pairs("(1,1),(1,1)", distinct=True)


def test_moves_are_read_by_name_or_as_one_word() -> None:
    assert moves("u, D -> l r", ("U", "D", "L", "R")) == moves("UDLR", ("U", "D", "L", "R")) == list("UDLR")
    assert moves("['R11', 'c32']", ("R11", "C32")) == ["R11", "C32"]
    with pytest.raises(Refused, match="none of the moves"):
        moves("UX", ("U", "D"))


@pytest.mark.parametrize(
    ("text", "said"), [("1 02", "leading zero"), ("1 -00", "leading zero"), ("1 two", "no integer"), ("1 " + "9" * 19, "18 digits")]
)
def test_what_is_wrong_with_a_number_is_said(text: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        integers(text)
    with pytest.raises(Refused, match=said):
        integer_grid(text)


def test_sentences_labels_words_and_lines() -> None:
    assert says(" No solution. ", "no solution")
    assert says("\\text{No solution.}", "no solution")
    assert not says("no solution here", "no solution")
    assert label("**true**", ("True", "False")) == "True"
    with pytest.raises(Refused, match="True, False"):
        label("maybe", ("True", "False"))
    assert words('apple, "pear tree"\n[fig]') == ["apple", "pear tree", "fig"]
    assert lines(" a  b \n\n c") == ["a b", "c"]
    assert tidy(" a  b \n\n c") == "a b\nc"
    assert integers("[1, 2] -> 3", 3) == [1, 2, 3]
    with pytest.raises(Refused, match="2 numbers are given where 3"):
        integers("1 2", 3)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "empty"), ("a\0", "null"), ("٣", "only 0 to 9"), ("x²", "only 0 to 9"), ("x" * (reading.LIMIT + 1), "at most")],
)
def test_no_answer_may_hold(text: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        check_text(text)


READERS: list[Callable[[str], Any]] = [
    integers,
    integer_grid,
    lambda text: symbol_grid(text, "X.*"),
    lambda text: pairs(text, distinct=True),
    lambda text: moves(text, "UDLR"),
    words,
    tidy,
    evaluate,
]  # fmt: skip


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "piece", ["-", "- ", "(", "()", "1", "1 ", "\\", "\\\\", "\\begin{", "|", "|-", "\n", "\r", "]", ";", "->", "→", "(0,1)", "1+", "(1+", " ", "\t \n", "'", "é", "X"]
)  # fmt: skip
def test_no_text_takes_long(reader: Callable[[str], Any], piece: str) -> None:
    for end in ("", "x", "\n1"):
        text = (piece * reading.LIMIT)[: reading.LIMIT - 2] + end
        started = time.process_time()
        with suppress(Refused):
            reader(text)
        assert time.process_time() - started < 1.0
