"""Canonical forms: what votes are grouped by. Random numbers survive every way of writing them."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinkwell.answers.canonical import canonical
from thinkwell.answers.compare import compare
from thinkwell.answers.grade import grade
from thinkwell.answers.numbers import read_int, read_number
from thinkwell.core.answer import AnswerKind, VerdictValue


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("25", "25"),
        ("025", "25"),
        ("25.0", "25"),
        ("+25", "25"),
        ("−25", "-25"),
        ("$25", "25"),
        (r"\$25.", "25"),
        ("1,450,000", "1450000"),
        (r"1{,}450{,}000", "1450000"),
        (r"11,\! 111,\! 111,\! 100", "11111111100"),
        ("0.5", "1/2"),
        (".5", "1/2"),
        ("1/2", "1/2"),
        (r"\frac{1}{2}", "1/2"),
        (r"\dfrac12", "1/2"),
        (r"\frac 12", "1/2"),
        (r"\tfrac{2}{4}", "1/2"),
        (r"-\frac{1}{2}", "-1/2"),
        (r"\frac{-1}{2}", "-1/2"),
        (r"1\frac{4}{5}", "9/5"),
        (r"137 \frac{1}{2}", "275/2"),
        (r"4.5 \times 10^{3}", "4500"),
        ("4.5e3", "4500"),
        ("2^{10}", "1024"),
        (r"90^\circ", "90"),
        ("90°", "90"),
        (r"864 \mbox{ inches}^2", "864"),
        (r"5.4 \text{ cents}", "27/5"),
        (r"\text{13}", "13"),
        ("**73**", "73"),
        ("six", "6"),
        (r"\text{six}", "6"),
        ("x = 5", "5"),
        (r"10\%", "10"),
        (r"0.5\%", "1/200"),
        (r"2516_8", "2516_8"),
        (r"4210_{5}", "4210_5"),
        (r"1, -2", "{-2,1}"),
        (r"-2,1", "{-2,1}"),
        (r"\{1, -2\}", "{-2,1}"),
        ("1331 and 1728", "{1331,1728}"),
        (r"x=2 \text{ or } x=-3", "{-3,2}"),
        (r"(3, \frac{\pi}{2})", r"(3,\frac{\pi}{2})"),
        (r"\left( 3, \dfrac\pi2 \right)", r"(3,\frac\pi2)"),
        ("(3,4]", "(3,4]"),
        (r"1 \pm \sqrt{19}", r"{1+\sqrt{19},1-\sqrt{19}}"),
        (r"\text{Evelyn}", "evelyn"),
        (r"\text{(C)}", "C"),
        (r"x \in [-2,7]", "[-2,7]"),
        (r"3\sqrt{13}", r"3\sqrt{13}"),
        (r"4\sqrt(2)", r"4\sqrt{2}"),
    ],
)
def test_mathematics_has_one_form_for_many_spellings(text: str, form: str) -> None:
    assert canonical(text) == form


@pytest.mark.parametrize(
    ("text", "form"), [("25 apples", "25"), ("m+n = 33", "33"), ("$18 per day", "18"), ("10 m^2", "10"), ("5 or 6", "{5,6}")]
)
def test_integer_answers_may_carry_words(text: str, form: str) -> None:
    assert canonical(text, "integer") == form


@pytest.mark.parametrize(
    "text",
    [r"3\sqrt{13}", "2k", "52_8", "1e999999999", "9" * 5000, "1/0", r"\frac{1}{0}", "", "-", "1.2.3", r"2\frac{3}{2}", "3 pi", "12 xy"],
)
def test_what_is_not_plainly_a_number_is_not_read_as_one(text: str) -> None:
    assert read_number(text) is None


def test_other_kinds_have_their_own_forms() -> None:
    assert canonical("(c)", "choice") == canonical("C) blue", "choice") == "C"
    assert canonical("blue", "choice", ("red", "blue")) == "B"
    assert canonical("Unknown", "label") == canonical("uncertain", "label")
    assert canonical("The  Beatles!", "span") == canonical("beatles", "span") == "beatles"


INTEGERS = st.integers(-(10**12), 10**12)
SPELLINGS = (
    str,
    "{:,}".format,
    "{}.0".format,
    "${}$".format,
    "\\${}".format,
    "\\text{{{}}}".format,
    " {} ".format,
    "{}.".format,
    "\\({}\\)".format,
    "**{}**".format,
)


@given(INTEGERS, st.sampled_from(SPELLINGS), st.sampled_from(["math", "integer"]))
@settings(max_examples=150, deadline=None)
def test_every_spelling_of_an_integer_is_that_integer(value: int, spell, kind: str) -> None:  # type: ignore[no-untyped-def]
    text = spell(value)
    assert canonical(text, kind) == str(value)
    assert grade(f"Thus\n</think>\n\n\\boxed{{{text}}}", str(value), kind).value is VerdictValue.CORRECT
    assert grade(f"\\boxed{{{text}}}", str(value + 1), kind).value is VerdictValue.WRONG


@given(
    st.fractions(min_value=-1000, max_value=1000, max_denominator=500),
    st.sampled_from(["{n}/{d}", "\\frac{{{n}}}{{{d}}}", "\\dfrac{{{n}}}{{{d}}}", "$\\tfrac{{{n}}}{{{d}}}$"]),
)
@settings(max_examples=200, deadline=None)
def test_every_spelling_of_a_fraction_is_that_fraction(value: Fraction, spelling: str) -> None:
    text = spelling.format(n=value.numerator, d=value.denominator)
    assert canonical(text) == str(value)
    assert grade(f"\\boxed{{{text}}}", str(value)).value is VerdictValue.CORRECT
    assert grade(f"\\boxed{{{text}}}", str(value + 1)).value is VerdictValue.WRONG


@given(st.lists(st.integers(-99, 99), min_size=2, max_size=6), st.randoms())
@settings(max_examples=100, deadline=None)
def test_sets_are_equal_in_any_order_and_tuples_only_in_theirs(values: list[int], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = values[:]
    random.shuffle(shuffled)
    joined, other = ", ".join(map(str, values)), ", ".join(map(str, shuffled))
    assert canonical(joined) == canonical(other) == canonical(f"\\{{{other}\\}}")
    assert compare(f"\\{{{joined}\\}}", other).correct
    assert compare(f"({joined})", f"({other})").correct == (values == shuffled)
    assert not compare(joined, ", ".join(map(str, values[:-1]))).correct


@given(st.text(max_size=60), st.sampled_from(list(AnswerKind)))
@settings(max_examples=150, deadline=None)
def test_canonical_never_raises_and_knows_itself(text: str, kind: AnswerKind) -> None:
    assert canonical(text, kind, ("red", "blue")) == canonical(text, kind, ("red", "blue"))
    read_int(text)


@given(st.text(alphabet="0123456789.,/\\{}()[]^_%$ xpi=+-fracsqrt", max_size=40))
@settings(max_examples=150, deadline=None)
def test_equal_forms_always_compare_equal(text: str) -> None:
    if text.strip(" .,;$"):
        verdict = compare(text, f" {text} ")
        assert verdict.value is not VerdictValue.WRONG or not canonical(text)


def test_a_very_long_answer_has_a_short_form() -> None:
    assert len(canonical("1+" * 10**6)) < 80
