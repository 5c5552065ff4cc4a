from __future__ import annotations

from dataclasses import replace

import pytest

from tests.training.small import sample
from thinkwell.core.answer import AnswerKind
from thinkwell.core.path import Origin, Segment
from thinkwell.training.rewards.formats import boxed, boxed_expression, well_formed


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\n\n</think>\n\nIt is \\boxed{7}", True),
        ("\\boxed{7}", True),
        ("<think>\nIt is \\boxed{7}", False),
        ("a</think> It is \\boxed{}", False),
        ("a</think> It is \\boxed{7", False),
        ("a</think> It is 7", False),
        ("\\boxed{7} a</think> It is 7", False),
        ("", False),
    ],
)
def test_the_box_stands_after_the_thinking_and_holds_something(text: str, kept: bool) -> None:
    assert boxed(sample(text)) is kept


def test_a_prompt_that_opened_the_thinking_wants_it_closed() -> None:
    made = sample("\\boxed{7}")
    path = replace(made.path, segments=(Segment("?<think>\n", Origin.PROMPT, (0,)), made.path.segments[1]))
    assert not boxed(replace(made, path=path))


@pytest.mark.parametrize(
    "text", ["7", "x^2 + 1", "-\\frac{1}{2}", "2 \\times (3 + 4)", "\\sqrt{2}", "(1, 2]".replace("]", ")"), "a = b", "$12$"]
)
def test_well_formed_expressions(text: str) -> None:
    assert well_formed(text)


@pytest.mark.parametrize("text", ["", "3 +", "* 3", "3 * / 4", "(3 + 4", "3)", "(3]", "()", "x = ", "2^"])
def test_empty_boxes_dangling_operators_and_open_brackets_are_not(text: str) -> None:
    assert not well_formed(text)


def test_a_whole_number_is_asked_for_where_the_answer_is_one() -> None:
    worded = sample("</think>\\boxed{seven + 1}")
    assert boxed_expression(worded)
    whole = replace(worded, problem=replace(worded.problem, kind=AnswerKind.INTEGER))
    assert not boxed_expression(whole)
    assert boxed_expression(replace(sample("</think>\\boxed{41}"), problem=whole.problem))
