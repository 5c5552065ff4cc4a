"""LaTeX of short answers: one spelling, one key, and the parts of an answer at its outermost level."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.answers.latex import (
    MAX_NESTING,
    MAX_SYMBOLIC,
    Parts,
    Shape,
    based,
    key,
    label,
    parsable,
    parts,
    tidy,
    unwrap,
    without_unit,
    word,
)

PAIRS = {Shape.TUPLE: "()", Shape.CLOSED: "[]", Shape.LEFT_OPEN: "(]", Shape.RIGHT_OPEN: "[)"}


@pytest.mark.parametrize(
    ("text", "tidied"),
    [
        (r"\dfrac12", r"\frac{1}{2}"),
        (r"\tfrac{1}2", r"\frac{1}{2}"),
        (r"\frac{a} {b}", r"\frac{a}{b}"),
        (r"\left( 1, 2 \right)", "( 1, 2 )"),
        (r"\leftarrow", r"\leftarrow"),  # only a whole command is one
        (r"x \le 3", r"x \leq 3"),
        (r"x \leq 3", r"x \leq 3"),
        (r"\sqrt2 + sqrt(3)", r"\sqrt{2} + \sqrt{3}"),
        ("2**10", "2^10"),
        ("**73**", "73"),
        ("`x`", "x"),
        (r"1{,}450{,}000", "1,450,000"),
        (r"11,\! 111", "11,111"),
        (r"1{,}5", "1{,}5"),  # no group of three digits: not a thousands' mark
        (r"90^\circ", r"90\text{ degrees}"),
        ("−½", r"-\frac{1}{2}"),
        (r"\begin{bmatrix} 1 \end{bmatrix}", r"\begin{pmatrix} 1 \end{pmatrix}"),
        (r"\(x\)", "x"),
        (r"\[x\]", "x"),
        (r"\$18.", "18"),
        ("= 5,", "5"),
        ("1, 2, ...", "1, 2, ..."),
        ("pi r", r"\pi r"),
        ("spin", "spin"),
        ("", ""),
    ],
)
def test_many_spellings_are_tidied_to_one(text: str, tidied: str) -> None:
    assert tidy(text) == tidied
    assert tidy(tidied) == tidied


def test_text_is_unwrapped_however_it_is_set() -> None:
    assert unwrap(r"5 \text{ or } \mathrm{six}") == "5 or six"
    assert unwrap(r"\boxed{\text{a}}") == "a"
    assert unwrap(r"\textstyle{a}") == r"\textstyle{a}"


@pytest.mark.parametrize(
    "same",
    [
        (r"x^{2} + 1", "x^2+1"),
        (r"\text{No Solution}", "no solution", "No  Solution"),
        (r"\text{(C)}", "(C)", "C"),
        ("{5}", "5"),
        (r"a_{n}", "a_n"),
    ],
)
def test_equal_spellings_have_one_key(same: tuple[str, ...]) -> None:
    assert len({key(tidy(text)) for text in same}) == 1


def test_different_answers_keep_different_keys() -> None:
    assert key("x^{12}") != key("x^12")  # x^1 times 2
    assert key("{1},{2}") == "{1},{2}"  # two groups are no pair of braces around all
    assert key("AB") != key("ab")  # a product of letters is no word


def test_words_are_told_from_mathematics() -> None:
    assert word("no solution")
    assert word("Evelyn")
    assert word("it's")
    assert not word("xy")
    assert word("xy", letters=2)
    assert not word("2 apples")
    assert not word(r"\pi")
    assert not word("")


def test_only_a_text_that_names_a_unit_is_dropped() -> None:
    assert without_unit(r"12\pi \text{ inches per second}") == r"12\pi"
    assert without_unit(r"864 \text{ inches}") == "864"
    assert without_unit(r"5 \text{ or more}") == r"5 \text{ or more}"
    assert without_unit(r"\text{ inches}") == r"\text{ inches}"  # nothing would be left
    assert without_unit("1" * 301 + r" \text{ inches}").endswith("inches}")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2516_8", ("2516", 8)),
        (r"4210_{5}", ("4210", 5)),
        ("(1A)_{16}", ("1a", 16)),
        ("204 base 5", ("204", 5)),
        (r"0012_3", ("12", 3)),
        ("000_2", ("0", 2)),
        ("12_1", None),
        ("12_37", None),
        ("12", None),
        ("x_2", None),
    ],
)
def test_the_base_is_read_with_the_digits(text: str, found: tuple[str, int] | None) -> None:
    assert based(text) == found


@given(st.text(alphabet="{}()[]a", max_size=30))
def test_a_parser_gets_only_brackets_that_close(text: str) -> None:
    depths = [0]
    for character in text:
        depths.append(depths[-1] + (character in "{([") - (character in "})]"))
    assert parsable(text) == (min(depths) == 0 == depths[-1])


def test_a_parser_gets_nothing_too_deep_or_too_long() -> None:
    assert parsable("{" * MAX_NESTING + "}" * MAX_NESTING)
    assert not parsable("{" * (MAX_NESTING + 1) + "}" * (MAX_NESTING + 1))
    assert parsable("1" * MAX_SYMBOLIC)
    assert not parsable("1" * (MAX_SYMBOLIC + 1))
    assert parsable(r"\{1\}")


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("x = 5", ("x", "5")),
        ("f(x)=2x", ("f(x)", "2x")),
        (r"a_{10} = 7", ("a_{10}", "7")),
        (r"x \in [-2,7]", ("x", "[-2,7]")),
        (r"x \in \{1\}", ("x", r"\{1\}")),
        ("x + y = 5", ("", "x + y = 5")),
        ("x = y = 5", ("", "x = y = 5")),
        ("x =", ("", "x =")),
        (r"x \infty", ("", r"x \infty")),
        ("5", ("", "5")),
    ],
)
def test_a_name_before_the_sign_is_a_label_and_a_term_is_none(text: str, sides: tuple[str, str]) -> None:
    assert label(text) == sides


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("5", Parts(Shape.SINGLE, ("5",))),
        ("1,450,000", Parts(Shape.SINGLE, ("1,450,000",))),  # one number, not three
        ("1, 2", Parts(Shape.BARE, ("1", "2"))),
        ("1; 2", Parts(Shape.BARE, ("1", "2"))),
        (r"x=2 \text{ or } x=-3", Parts(Shape.BARE, ("x=2", "x=-3"))),
        ("1 and and 2", Parts(Shape.BARE, ("1", "2"))),
        ("candy", Parts(Shape.SINGLE, ("candy",))),
        (r"\{5\}", Parts(Shape.SET, ("5",))),
        (r"\{\}", Parts(Shape.SET, ())),
        ("(5)", Parts(Shape.SINGLE, ("(5)",))),
        ("{1, 2}", Parts(Shape.BARE, ("1", "2"))),
        ("(1,2),(3,4)", Parts(Shape.BARE, ("(1,2)", "(3,4)"))),
        ("((1,2),3)", Parts(Shape.TUPLE, ("(1,2)", "3"))),
        (r"f(x,y)", Parts(Shape.SINGLE, ("f(x,y)",))),
        (r"1 \pm 2", Parts(Shape.BARE, ("1 + 2", "1 - 2"))),
        (r"\pm 2", Parts(Shape.BARE, ("2", "- 2"))),
        (r"1 \pm 2 \mp 3", Parts(Shape.SINGLE, (r"1 \pm 2 \mp 3",))),
        (r"(1,2) \cup (3,4)", Parts(Shape.SINGLE, (r"(1,2) \cup (3,4)",))),
        (r"x < 1, y", Parts(Shape.SINGLE, (r"x < 1, y",))),
        (", ,", Parts(Shape.SINGLE, (", ,",))),
        ("(1, 2", Parts(Shape.SINGLE, ("(1, 2",))),  # not closed: its comma is inside
    ],
)
def test_an_answer_is_taken_apart_at_its_outermost_level(text: str, found: Parts) -> None:
    assert parts(text) == found


@given(st.sampled_from(list(PAIRS)), st.lists(st.integers(-99, 99), min_size=2, max_size=5))
def test_brackets_say_the_shape_and_keep_the_order(shape: Shape, values: list[int]) -> None:
    left, right = PAIRS[shape]
    assert parts(left + ", ".join(map(str, values)) + right) == Parts(shape, tuple(map(str, values)))
    assert shape.ordered


@given(st.text(alphabet=r"\{}()[],;= andorxpm123_^<|", max_size=40))
def test_nothing_is_invented(text: str) -> None:
    found = parts(tidy(text))
    assert found.shape is not Shape.SINGLE or len(found.items) == 1
    assert sum(len(item) for item in found.items) <= 2 * len(text) + 60  # a plus-minus is said twice, spellings grow a little
