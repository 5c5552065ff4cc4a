"""RLSP's exploration reward: golden numbers, a reference in plain loops, and the hole that paid for not thinking at all."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.core.errors import ConfigError
from thinkwell.training.rewards.rlsp import reasoning_lengths, rlsp


def tensor(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


WRONG = torch.tensor([False])


@pytest.mark.parametrize(("length", "expected"), [(250, -4.0), (500, -2.0), (1000, -1.0), (2000, -0.5), (4000, -0.25)])
def test_golden_length_term(length: float, expected: float) -> None:
    assert rlsp(WRONG, tensor(length)).item() == expected
    assert rlsp(~WRONG, tensor(length)).item() == 1 + expected


def test_scale_zero_is_the_arm_with_the_outcome_only() -> None:
    correct, answered = torch.tensor([True, False, False]), torch.tensor([True, True, False])
    assert rlsp(correct, tensor(0, 10, 10), answered=answered, scale=0.0).tolist() == [1, 0, -0.5]


def test_no_answer_is_worth_less_than_a_wrong_one_whatever_the_verifier_says() -> None:
    got = rlsp(torch.tensor([True, False]), tensor(1000, 1000), answered=torch.tensor([False, False]))
    assert got.tolist() == [-1.5, -1.5]


def test_a_short_right_answer_is_worth_less_than_a_long_wrong_one() -> None:
    assert rlsp(torch.tensor([True, False]), tensor(250, 2000)).tolist() == [-3.0, -0.5]


def test_an_empty_chain_is_the_worst_of_all() -> None:
    """The released code divides by zero and gives 0 for it, more than any short chain gets."""
    lengths = tensor(0, 0.25, 1, 2, 250)
    got = rlsp(torch.zeros(5, dtype=torch.bool), lengths).tolist()
    assert got == [-1000, -1000, -1000, -500, -4]
    assert rlsp(torch.zeros(5, dtype=torch.bool), lengths, preset="repo").tolist() == [-10, -10, -10, -10, -4]


@given(st.lists(st.floats(0, 1e5), min_size=2, max_size=20).map(sorted), st.floats(0, 5000))
def test_never_less_for_a_longer_chain(lengths: list[float], scale: float) -> None:
    got = rlsp(torch.zeros(len(lengths), dtype=torch.bool), tensor(*lengths), scale=scale).tolist()
    assert all(math.isfinite(value) for value in got)
    assert got == sorted(got)
    assert max(got) <= 0


def test_a_judge_is_mixed_in_and_its_failures_fall_back() -> None:
    judge = tensor(1.0, 0.0, -1.0, math.nan, 7.0, 0.25)
    got = rlsp(torch.ones(6, dtype=torch.bool), torch.full((6,), 1000.0), judge=judge).tolist()  # base 1 - 1 = 0
    assert got == pytest.approx([0.2, 0.0, 0.1, 0.1, 0.1, 0.05])


def test_mixed_with_the_weights_of_the_large_run() -> None:
    assert rlsp(~WRONG, tensor(2000), judge=tensor(0.6)).item() == pytest.approx(0.8 * (1 - 0.5) + 0.2 * 0.6)


def test_steps_instead_of_a_judge() -> None:
    got = rlsp(torch.zeros(4, dtype=torch.bool), torch.zeros(4), steps=torch.tensor([0, 5, 10, 500]), scale=0.0)
    assert got.tolist() == pytest.approx([0, 0.1, 0.2, 0.2])
    with pytest.raises(ConfigError, match="at most one"):
        rlsp(WRONG, tensor(1), judge=tensor(1), steps=tensor(1))


def test_length_for_right_answers_only() -> None:
    correct, answered = torch.tensor([True, False, True]), torch.tensor([True, True, False])
    got = rlsp(correct, tensor(1000, 1000, 1000), answered=answered, apply_to="correct")
    assert got.tolist() == [0.0, 0.0, -0.5]


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 5000), st.floats(-1, 1)), min_size=1, max_size=15))
def test_agrees_with_the_server_read_line_by_line(rows: list[tuple[bool, bool, int, float]]) -> None:
    expected = []
    for right, boxed, length, grade in rows:
        score = (1.0 if right else 0.0) if boxed else -0.5
        score -= 1000 / max(length, 1)
        score = 0.8 * score + 0.2 * (grade if grade >= 0 else 0.5)
        expected.append(max(-10.0, min(10.0, score)))
    right, boxed, lengths, grades = (list(column) for column in zip(*rows, strict=True))
    got = rlsp(torch.tensor(right), tensor(*lengths), answered=torch.tensor(boxed), judge=tensor(*grades), preset="repo")
    assert got.tolist() == pytest.approx(expected)


def test_group_ids_are_taken_and_not_looked_at() -> None:
    assert rlsp(WRONG, tensor(250), torch.tensor([3])).item() == -4


def test_reasoning_is_what_stands_before_the_box() -> None:
    texts = [
        "x" * 400 + r"\boxed{7}",
        "x" * 40,
        r"\boxed{7}",
        "",
        r"ab\boxed{\frac{1}{2}} cd\boxed{3}",
        r"ab\boxed{}",
        r"ab\boxed{1",
        r"a\boxed{b \boxed{1",
    ]
    lengths, answered = reasoning_lengths(texts)
    assert lengths.tolist() == [100, 10, 0, 0, 0.5, len(texts[5]) / 4, len(texts[6]) / 4, len(texts[7]) / 4]
    assert answered.tolist() == [True, False, True, False, True, False, False, False]


def test_the_last_box_does_not_stop_at_an_intermediate_result() -> None:
    text = r"ab\boxed{\frac{1}{2}} cd\boxed{3}"
    assert reasoning_lengths([text], box="last", characters_per_token=1.0)[0].tolist() == [text.rindex("\\boxed")]
    nested = r"ab\boxed{x = \boxed{3}}"
    assert reasoning_lengths([nested], box="last", characters_per_token=1.0)[0].tolist() == [2]
    assert reasoning_lengths([nested], box="first", characters_per_token=1.0)[0].tolist() == [2]


def test_a_complete_box_inside_one_that_is_cut_counts_and_escaped_braces_do_not() -> None:
    assert reasoning_lengths([r"a\boxed{b \boxed{1} c"], characters_per_token=1.0)[0].tolist() == [10]
    assert reasoning_lengths([r"a\boxed{\{1, 2\}}"])[1].tolist() == [True]
    assert reasoning_lengths([r"a\boxed{1\}"])[1].tolist() == [False]


def test_hostile_texts_are_read_once() -> None:
    size = 100_000
    texts = [
        r"\boxed{" * size,
        "\\boxed" + " " * size,
        r"\boxed{1}" * size,
        "{" * size + "}" * size,
        "\\" * size,
        r"\boxed{" * size + "1" + "}" * size,
    ]
    assert reasoning_lengths(texts)[1].tolist() == [False, False, True, False, False, True]


@pytest.mark.parametrize(
    "knobs",
    [
        {"preset": "mine"},
        {"scale": -1.0},
        {"outcome_weight": -0.1},
        {"exploration_weight": math.inf},
        {"apply_to": "none"},
        {"judge_fallback": 2.0},
        {"full_steps": 0.0},
        {"min_length": 0.0},
        {"clip": 0.0},
    ],
)
def test_impossible_knobs_are_refused(knobs: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        rlsp(WRONG, tensor(1), **knobs)  # type: ignore[arg-type]


def test_impossible_batches_are_refused() -> None:
    with pytest.raises(ConfigError, match="lengths"):
        rlsp(WRONG, tensor(-1))
    with pytest.raises(ConfigError, match="shapes do not fit"):
        rlsp(WRONG, tensor(1, 2))
    with pytest.raises(ConfigError, match="steps"):
        rlsp(WRONG, tensor(1), steps=tensor(-1))
