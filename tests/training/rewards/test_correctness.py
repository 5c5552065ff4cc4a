"""Right, wrong, malformed and ungraded responses are worth what the presets say, and nothing is graded in silence."""

from __future__ import annotations

import pytest
import torch

from thinkwell.core.errors import ConfigError
from thinkwell.training.rewards.correctness import PRESETS, correctness

CORRECT = torch.tensor([True, True, False, False])
FORMATTED = torch.tensor([True, False, True, False])


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("paper", [1, 0, 0, 0]),
        ("trl", [1, 0, 0, 0]),
        ("verl", [1, 0, 0, 0]),
        ("laser", [1, -1, -0.5, -1]),
        ("adactrl", [1, -1, -1, -1]),
        ("klear", [1, -1, -1, -1]),
    ],
)
def test_presets_give_the_published_values(preset: str, expected: list[float]) -> None:
    assert correctness(CORRECT, FORMATTED, preset=preset).tolist() == expected
    assert preset in PRESETS


def test_without_a_format_only_the_answer_counts_and_explicit_knobs_win() -> None:
    assert correctness(CORRECT, preset="laser").tolist() == [1, 1, -0.5, -0.5]
    assert correctness(CORRECT, preset="laser", right=2.0, wrong=0.0).tolist() == [2, 2, 0, 0]


def test_zeros_and_ones_are_flags_and_their_dtype_is_kept() -> None:
    assert correctness(torch.tensor([1.0, 0.0], dtype=torch.float64)).dtype == torch.float64
    assert correctness(torch.tensor([1, 0])).tolist() == [1, 0]


def test_a_reward_is_not_taken_for_a_flag() -> None:
    with pytest.raises(ConfigError, match="other values than 0 and 1"):
        correctness(torch.tensor([1.0, -1.0]))


def test_what_could_not_be_graded_must_be_named() -> None:
    known = torch.tensor([True, True, True, False])
    with pytest.raises(ConfigError, match="1 of 4 responses could not be graded"):
        correctness(CORRECT, known=known)
    assert correctness(CORRECT, FORMATTED, known, preset="laser", unknown=0.25).tolist() == [1, -1, -0.5, 0.25]
    assert correctness(CORRECT, known=torch.ones(4, dtype=torch.bool)).tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize("knobs", [{"preset": "gold"}, {"right": 0.0}, {"wrong": float("nan")}, {"malformed": 0.5}])
def test_impossible_knobs_are_refused(knobs: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        correctness(CORRECT, FORMATTED, **knobs)  # type: ignore[arg-type]


def test_shapes_that_would_broadcast_are_refused() -> None:
    with pytest.raises(ConfigError, match="shapes do not fit"):
        correctness(CORRECT, torch.tensor([True]))
    with pytest.raises(ConfigError, match="shapes do not fit"):
        correctness(CORRECT[:, None])
