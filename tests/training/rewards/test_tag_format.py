"""Texts keep the format or not, also those written to get by: an independent parser that cuts the text in pieces must agree."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.core.errors import ConfigError
from thinkwell.training.rewards.tag_format import tag_format

KEPT = "<think>\n1 + 1\n</think>\n<answer>2</answer>"


def one(text: str, **knobs: object) -> float:
    return tag_format([text], **knobs).item()  # type: ignore[arg-type]


def test_the_format_is_kept() -> None:
    assert one(KEPT) == 1
    assert one(f"  {KEPT}\n") == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2",
        "<think>a</think>",
        "<think>a</think><answer>2",
        "<answer>2</answer><think>a</think>",  # order
        "<think>a<answer>2</answer></think>",  # the answer inside the thinking
        "<think>a</think><think>b</think><answer>2</answer>",
        "<think>a</think><answer>2</answer><answer>3</answer>",
        "<think>I write </think> now</think><answer>2</answer>",
        "so: <think>a</think><answer>2</answer>",
        "<think>a</think>so<answer>2</answer>",
        "<think>a</think><answer>2</answer>done",
        "<Think>a</Think><answer>2</answer>",
        "</think>a<think><answer>2</answer>",
    ],
)
def test_the_format_is_not_kept(text: str) -> None:
    assert one(text) == 0


def test_text_outside_can_be_allowed() -> None:
    assert one(f"so: {KEPT}", before="text") == 1
    assert one(f"{KEPT} done", after="text") == 1
    assert one(f"{KEPT}\n", after="nothing") == 0
    assert one("<think>a</think> <answer>2</answer>", after="nothing") == 0


def test_empty_tags_pass_unless_they_must_be_filled() -> None:
    assert one("<think></think><answer> </answer>") == 1
    assert one("<think></think><answer>2</answer>", filled=True) == 0
    assert one("<think>a</think><answer> \n</answer>", filled=True) == 0
    assert one(KEPT, filled=True) == 1


def test_a_prompt_that_opened_the_thinking_is_not_to_be_repeated() -> None:
    assert one("a</think><answer>2</answer>", opened=True) == 1
    assert one(KEPT, opened=True) == 0


def test_other_styles_have_other_tags() -> None:
    assert one("<examples>a</examples><answer>2</answer>", tags=("examples", "answer")) == 1
    assert one(KEPT, tags=("examples", "answer")) == 0


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("<think>\nThis is my reasoning.\n</think>\nThis is my answer.", 1),  # the example of TRL's documentation
        ("<think>\nThis is my reasoning.\nThis is my answer.", 0),
        (" <think>a</think>2", 0),
        ("<think>a</think>b</think>2", 1),  # only the opening mark is counted there
        ("<think>a<think>b</think>2", 0),
        ("a</think>2", 0),
        ("</think><think>a</think>", 0),
        ("<think></think>", 1),
    ],
)
def test_trls_preset(text: str, kept: int) -> None:
    assert one(text, preset="trl") == kept


def by_cutting(text: str) -> bool:
    """The default format by string methods: every mark once, and the pieces between them in order."""
    marks = ["<think>", "</think>", "<answer>", "</answer>"]
    if any(text.count(mark) != 1 for mark in marks):
        return False
    places = [text.index(mark) for mark in marks]
    if places != sorted(places):
        return False
    before, between, after = text[: places[0]], text[places[1] + 8 : places[2]], text[places[3] + 9 :]
    return not (before + between + after).strip()


@given(
    st.lists(st.sampled_from(["<think>", "</think>", "<answer>", "</answer>", " ", "a", "<", "</", "think>", "\n"]), max_size=9).map(
        "".join
    )
)
def test_any_text_is_judged_as_by_cutting_it(text: str) -> None:
    assert one(text) == by_cutting(text)


def test_a_long_hostile_text_is_read_once() -> None:
    """Quadratic reading of these would take hours."""
    size = 300_000
    assert tag_format(["<think>" * size, "<" * size, "</think>" * size, "<think>" + " " * size], preset="paper").tolist() == [0] * 4
    assert tag_format(["<think>" + "</think>" * size, "<think" * size], preset="trl").tolist() == [1, 0]


def test_one_number_a_text_in_the_dtype_asked_for() -> None:
    found = tag_format([KEPT, "2"], dtype=torch.float64)
    assert found.dtype == torch.float64
    assert found.tolist() == [1, 0]
    assert tag_format([]).shape == (0,)


@pytest.mark.parametrize(
    "knobs", [{"preset": "r1"}, {"tags": ()}, {"tags": ("a", "a")}, {"tags": ("a>",)}, {"before": "some"}, {"after": ""}]
)
def test_impossible_knobs_are_refused(knobs: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        one(KEPT, **knobs)
