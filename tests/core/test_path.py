"""Paths are values: what extending, cutting and masking do to tokens, text and origins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.core.path import Finish, Origin, Path, Role, Segment, common_prefix

PROMPT = Segment("What?", Origin.PROMPT, (1, 2, 3))
SAMPLED = Segment("so 4", Origin.MODEL, (4, 5), logprobs=(-0.5, -0.25))
CUE = Segment("Wait", Origin.INJECTED, (6,))
LOOKED_UP = Segment("42", Origin.TOOL, (7, 8))
PATH = Path("0", (PROMPT, SAMPLED, CUE, LOOKED_UP))


def test_tokens_run_through_all_segments_and_text_leaves_the_prompt_out() -> None:
    assert PATH.tokens == [1, 2, 3, 4, 5, 6, 7, 8]
    assert PATH.text == "so 4Wait42"
    assert PATH.prompt == "What?"
    assert len(PATH) == 8


def test_loss_mask_marks_what_the_model_wrote() -> None:
    assert PATH.loss_mask() == [False, False, False, True, True, False, False, False]


def test_spans_name_origin_and_positions() -> None:
    assert PATH.spans() == [(Origin.PROMPT, 0, 3), (Origin.MODEL, 3, 5), (Origin.INJECTED, 5, 6), (Origin.TOOL, 6, 8)]


def test_plus_leaves_the_old_path_alone_and_drops_empty_segments() -> None:
    longer = PATH.plus(Segment("", Origin.MODEL), Segment("!", Origin.MODEL, (9,)), finish=Finish.EOS)
    assert longer.tokens[-1] == 9
    assert len(longer.segments) == len(PATH.segments) + 1
    assert longer.complete
    assert not PATH.done


@pytest.mark.parametrize(
    ("finish", "done"),
    [(None, False), (Finish.STOP, False), (Finish.LENGTH, False), (Finish.EOS, True), (Finish.BUDGET, True), (Finish.CONTEXT, True)],
)
def test_a_path_is_done_when_nothing_more_can_be_written(finish: Finish | None, done: bool) -> None:
    assert Path("0", (PROMPT,), finish).done is done


@given(st.integers(0, 8))
def test_head_keeps_exactly_the_first_tokens(length: int) -> None:
    kept = Path("0", PATH.head(length))
    assert kept.tokens == PATH.tokens[:length]
    assert len(kept.logprobs()) == kept.count(Origin.MODEL)


@pytest.mark.parametrize("length", [-1, 9])
def test_head_outside_the_path_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="8 tokens"):
        PATH.head(length)


def test_head_inside_a_segment_without_ids_is_refused() -> None:
    with pytest.raises(ValueError, match="chat-only"):
        Path("0", (Segment("abc", Origin.MODEL, n_tokens=3),)).head(2)


def test_a_segment_cannot_lie_about_its_length() -> None:
    with pytest.raises(ValueError, match="cannot count"):
        Segment("x", Origin.MODEL, (1, 2), n_tokens=3)
    with pytest.raises(ValueError, match="log-probs"):
        Segment("x", Origin.MODEL, (1, 2), logprobs=(0.0,))


@given(st.lists(st.integers(0, 2)), st.lists(st.integers(0, 2)))
def test_common_prefix_is_shared_and_as_long_as_can_be(left: list[int], right: list[int]) -> None:
    n = common_prefix(left, right)
    assert left[:n] == right[:n]
    assert n == min(len(left), len(right)) or left[n] != right[n]


def test_own_text_leaves_out_what_others_say():
    """A comment (injected, another role) is not the path's own; a forced word (injected, its own role), a summary it wrote and an observation are."""
    path = Path(
        "0",
        (
            Segment("Q", Origin.PROMPT),
            Segment("a", Origin.MODEL),
            Segment("Wait", Origin.INJECTED),
            Segment("s", Origin.MODEL, role=Role.SUMMARY),
            Segment("peer: 9", Origin.INJECTED, role=Role.SUMMARY),
            Segment("out", Origin.TOOL, role=Role.VERIFIER),
        ),
    )
    assert path.own_text == "aWaitsout"
    assert path.text == "aWaitspeer: 9out"
