"""Extraction: what counts as the answer, what is cut, what is no answer; on any text, in linear time."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinkwell.answers.extract import CUT, NOTHING, Extraction, extract
from thinkwell.core.answer import AnswerKind

ABCD = ("red", "green", "blue", "black")


def box(text: str, **how: object) -> str | None:
    found = extract(text, "math", **how)  # type: ignore[arg-type]
    return "CUT" if found.truncated else found.text


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so \boxed{5}", "5"),
        (r"\boxed{4}. No, \boxed{5}", "5"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{\{1,2\}}", r"\{1,2\}"),
        (r"\boxed {7}", "7"),
        (r"\fbox{7}", "7"),
        (r"\framebox{7}", "7"),
        (r"$\boxed 7$", "7"),
        (r"\boxed{a + \fbox{5}}", r"a + \fbox{5}"),
        ("\\boxed{\n5\n}", "5"),
        (r"a } stray { brace, \boxed{8}", "8"),
        (r"\boxed{5 was a slip. \boxed{7}", "7"),
        ("no box at all", None),
        ("", None),
    ],
)
def test_the_last_balanced_box_is_the_answer(text: str, answer: str | None) -> None:
    assert box(text) == answer


def test_an_unclosed_last_box_is_truncation_and_never_an_earlier_box() -> None:
    assert box(r"\boxed{4}. No, it is \boxed{5") == "CUT"
    assert box(r"\boxed{") == "CUT"
    assert box(r"\boxed{\frac{1}{2}") == "CUT"


def test_an_empty_box_does_not_erase_an_earlier_answer() -> None:
    assert box(r"The answer is \boxed{5}. (As asked, in \boxed{}.)") == "5"
    assert box(r"\boxed{ } \boxed{\ }") is None


def test_only_what_follows_the_last_end_of_thinking_counts() -> None:
    assert box(r"<think>\boxed{3}</think> \boxed{4}") == "4"
    assert box(r"\boxed{3}</think> no box here") is None
    assert box(r"\boxed{3}</think> \boxed{4} </think> \boxed{5}") == "5"
    assert box(r"<|begin_of_thought|>\boxed{3}<|end_of_thought|><|begin_of_solution|>\boxed{6}<|end_of_solution|>") == "6"


def test_a_box_inside_unfinished_thinking_is_truncation_unless_asked_otherwise() -> None:
    text = r"<think> it may be \boxed{3}, but"
    assert box(text) == "CUT"
    assert box(text, unfinished="accept") == "3"
    assert box(r"it may be \boxed{3}, but", thinking=True) == "CUT"
    assert box(r"<think>a</think>\boxed{3}<think> once more") == "CUT"


def test_a_whole_answer_element_at_the_end_closes_the_thinking() -> None:
    assert box(r"<think> so it is \end{think} <answer>45</answer>") == "45"
    assert box(r"<think> I must write <answer>45</answer> at the end, so") == "CUT"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The cost is <<2*3=6>>6 dollars.\n#### 6", "6"),
        ("#### 1,450,000", "1,450,000"),
        ("So 13 * 2 = <<13*2=26>>26\nA: 26", "26"),
        ("#### 3\nno\n#### 4", "4"),
        ("The final answer is: $42$.", "42"),
        ("**Answer:** 42", "42"),
        ("the answer is -7, I think", "-7"),
        ("Then 41 and later 42 turn up.", None),  # no last number in the text
        ("<answer> 12 </answer>", "12"),
    ],
)
def test_integers_in_words(text: str, answer: str | None) -> None:
    assert extract(text, "integer").text == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("So the answer is $m = 5$ and we are done.", "m = 5"),
        (r"The final answer is \(\frac{1}{2}\).", r"\frac{1}{2}"),
        ("The answer is 42, as required.", "42"),
        ("The answer is 5 or 6.", "5 or 6"),
        ("The answer is 2x+3.", "2x+3"),
        ("Answer: Evelyn", "Evelyn"),
        ("Answer: The speed is 1000 radians per second.", "1000"),
        ("The answer is 3.5. That was it.", "3.5"),
        ("The answer is unclear.", None),
        ("I am not sure that this answer is right.", None),
    ],
)
def test_mathematics_in_words(text: str, answer: str | None) -> None:
    assert extract(text, "math").text == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Answer: C", "C"),
        ("Answer: (C)", "C"),
        ("**Answer: C**", "C"),
        ("the answer is (c).", "C"),
        (r"\boxed{C}", "C"),
        (r"\boxed{\text{(C) blue}}", "C"),
        (r"\boxed{\textbf{(C)}}", "C"),
        (r"\boxed{blue}", "C"),
        ("I weigh (A) against (B).\nSo the answer is (B).", "B"),
        ("Long talk about a thing.\nC", "C"),
        ("Hence the choice is (D).", "D"),
        ("Answer: blue", "C"),
        (r"The correct answer is $\boxed{\text{B}}$", "B"),
        ("The correct answer is Option B", "B"),
        ("A man is seen. Nothing follows.", None),
        ("The answer is a matter of taste.", None),
        ("ANSWER: A MATTER", "A"),  # a capital letter after the cue, not an article
        ("The answer is A man", None),
        ("The answer is A because it fits.", "A"),
        ("It is (A) or (B).", None),
    ],
)
def test_choice_letters_and_never_the_article(text: str, answer: str | None) -> None:
    assert extract(text, "choice", ABCD).text == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Answer: True", "True"),
        ("**Answer: Unknown**", "Uncertain"),
        (r"\boxed{\text{false}}", "False"),
        (r"\boxed{the conclusion is False}", "False"),
        ("So the statement is false.", "False"),
        ("So the statement cannot be decided.", None),
        ("The conclusion is not true.", None),
        ("True", "True"),
        ("True or not, who knows", None),
    ],
)
def test_labels(text: str, answer: str | None) -> None:
    assert extract(text, "label", ("True", "False", "Uncertain")).text == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Answer: Warner Bros. Records", "Warner Bros. Records"),
        ("So the answer is Paris. It lies on the Seine.", "Paris"),
        ("Paris", "Paris"),
        ("One line.\nAnother line without a cue.", None),
    ],
)
def test_spans(text: str, answer: str | None) -> None:
    assert extract(text, "span").text == answer


def test_an_answer_in_words_at_the_very_cut_is_not_trusted() -> None:
    assert extract("#### 12", "integer", finished=False) == CUT
    assert extract("#### 12\nmore", "integer", finished=False) == Extraction("12")
    assert extract("nothing yet", "integer", finished=False) == CUT
    assert extract("nothing", "integer") == NOTHING
    assert extract(r"\boxed{12}", "integer", finished=False) == Extraction("12")


FRAGMENTS = st.sampled_from(
    [
        "\\boxed{",
        "\\boxed",
        "\\fbox{",
        "{",
        "}",
        "\\{",
        "\\}",
        "\\",
        "<think>",
        "</think>",
        "<answer>",
        "</answer>",
        "#### ",
        "answer is ",
        "Answer:",
        "(A)",
        "A",
        "True",
        "5",
        ",",
        "\n",
        " ",
        "$",
        "*",
    ]
)


@given(st.one_of(st.text(), st.lists(FRAGMENTS, max_size=40).map("".join)), st.sampled_from(list(AnswerKind)), st.booleans(), st.booleans())
@settings(max_examples=200, deadline=None)
def test_extraction_never_raises_and_answers_come_from_the_text(text: str, kind: AnswerKind, finished: bool, thinking: bool) -> None:
    found = extract(text, kind, ABCD, finished=finished, thinking=thinking)
    assert not (found.truncated and found.text is not None)
    if found.text is not None and kind in (AnswerKind.MATH, AnswerKind.INTEGER, AnswerKind.SPAN):
        assert found.text in text


@pytest.mark.parametrize(
    "unit",
    [
        "\\boxed{",
        "\\boxed{}",
        "{",
        "}",
        "\\",
        "<think>",
        "</think>",
        "<answer>",
        "answer is ",
        "answer",
        " ",
        "#### ",
        "(A) ",
        "\\boxed{\\frac{",
        "A",
        "**",
        "\n",
    ],
)
@pytest.mark.parametrize("kind", list(AnswerKind))
def test_a_megabyte_of_hostile_text_takes_linear_time(unit: str, kind: AnswerKind) -> None:
    text = unit * (1_000_000 // len(unit))
    start = time.process_time()
    extract(text, kind, ABCD)
    extract(text + "x", kind, ABCD, finished=False)
    assert time.process_time() - start < 3.0
