"""The mix of structure and meaning moves along a cosine, and padding of steps is never read."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.core.errors import ConfigError
from thinkwell.training.rewards.datarus import cosine_weight, datarus, hierarchical


@pytest.mark.parametrize(("step", "weight"), [(0, 0.8), (25, 0.2 + 0.3 * (1 + math.sqrt(0.5))), (50, 0.5), (100, 0.2), (250, 0.2)])
def test_the_schedule(step: int, weight: float) -> None:
    assert cosine_weight(step, 100) == pytest.approx(weight)


@given(st.integers(1, 300))
def test_structure_never_gains_weight(total: int) -> None:
    weights = [cosine_weight(step, total) for step in range(2 * total)]
    assert weights == sorted(weights, reverse=True)


def test_knobs_of_the_schedule() -> None:
    assert [cosine_weight(step, 10, start=0.5, end=0.5) for step in (0, 3, 10)] == [0.5] * 3  # the constant ablation
    assert cosine_weight(0, 10, start=1.0) == 1
    assert cosine_weight(10, 10, end=0.0) == 0


def test_the_mix() -> None:
    structure, meaning = torch.tensor([1.0, 0.0], dtype=torch.float64), torch.tensor([0.0, 1.0], dtype=torch.float64)
    assert datarus(structure, meaning, step=0, total_steps=10).tolist() == pytest.approx([0.8, 0.2])
    assert datarus(structure, meaning, step=10, total_steps=10).tolist() == pytest.approx([0.2, 0.8])


def test_steps_and_whole() -> None:
    scores, mask = torch.tensor([[1.0, 0.5, 9.0], [0.25, 9.0, 9.0]]), torch.tensor([[1, 1, 0], [1, 0, 0]])
    whole = torch.tensor([0.25, 1.0])
    assert hierarchical(scores, mask, whole).tolist() == pytest.approx([0.5, 0.625])
    assert hierarchical(scores, mask, whole, step_weight=1.0).tolist() == pytest.approx([0.75, 0.25])
    assert hierarchical(scores, mask, whole, step_weight=0.0).tolist() == pytest.approx([0.25, 1.0])


def test_padding_may_be_anywhere_and_hold_anything() -> None:
    whole = torch.tensor([0.5, 0.5])
    scores = torch.tensor([[math.nan, 0.2, math.inf, 0.6], [0.2, 0.6, -math.inf, 5.0]])
    mask = torch.tensor([[False, True, False, True], [True, True, False, False]])
    for squash in ("none", "sigmoid"):
        got = hierarchical(scores, mask, whole, squash=squash).tolist()
        assert got[0] == got[1]
        assert math.isfinite(got[0])


def test_a_trajectory_without_steps_has_no_step_score() -> None:
    mask = torch.zeros(1, 3, dtype=torch.bool)
    assert hierarchical(torch.full((1, 3), math.nan), mask, torch.tensor([0.5])).tolist() == [0.25]
    assert hierarchical(torch.zeros(1, 3), mask, torch.tensor([0.0]), squash="sigmoid").tolist() == [0.25]  # sigmoid(0) / 2, steps 0


def test_raw_scores_are_squashed() -> None:
    got = hierarchical(torch.tensor([[2.0]]), torch.tensor([[True]]), torch.tensor([-1.0]), squash="sigmoid").item()
    assert got == pytest.approx(0.5 / (1 + math.exp(-2)) + 0.5 / (1 + math.e))


def test_impossible_inputs_are_refused() -> None:
    one, mask = torch.tensor([[0.5]]), torch.tensor([[True]])
    with pytest.raises(ConfigError, match="total_steps"):
        cosine_weight(0, 0)
    with pytest.raises(ConfigError, match="step"):
        cosine_weight(-1, 10)
    with pytest.raises(ConfigError, match="start"):
        cosine_weight(0, 10, start=1.5)
    with pytest.raises(ConfigError, match="preset"):
        cosine_weight(0, 10, preset="mine")
    with pytest.raises(ConfigError, match="meaning"):
        datarus(torch.tensor([0.5]), torch.tensor([7.0]), step=0, total_steps=1)
    with pytest.raises(ConfigError, match="step_scores"):
        hierarchical(one * 9, mask, torch.tensor([0.5]))
    with pytest.raises(ConfigError, match="trajectory_scores"):
        hierarchical(one, mask, torch.tensor([math.nan]))
    with pytest.raises(ConfigError, match="squash"):
        hierarchical(one, mask, torch.tensor([0.5]), squash="tanh")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="shapes do not fit"):
        hierarchical(one, mask[0], torch.tensor([0.5]))
