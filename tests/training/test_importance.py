"""Weights for the gap between sampler and trainer: golden numbers, gates, and what padding may hold."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from thinkwell.core.errors import ConfigError
from thinkwell.training.losses import importance_weights

TRAIN = torch.tensor([[0.5, 0.4, 0.3, math.nan]], dtype=torch.float64).log()
ROLL = torch.tensor([[0.5, 0.1, 0.6, math.nan]], dtype=torch.float64).log()
MASK = torch.tensor([[True, True, True, False]])
ROOT = 2 ** (1 / 3)


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        ({"high": math.inf}, [1, 4, 0.5]),
        ({}, [1, 2, 0.5]),
        ({"preset": "verl"}, [1, 2, 0.5]),
        ({"preset": "trl"}, [2, 2, 2]),
        ({"preset": "trl", "high": 1.9}, [0, 0, 0]),
        ({"mode": "mask", "low": 0.499, "high": 5.0}, [1, 4, 0.5]),
        ({"mode": "mask", "low": 0.501, "high": 5.0}, [1, 4, 0]),
        ({"low": 0.6}, [1, 2, 0.6]),
        ({"level": "geometric"}, [ROOT] * 3),
        ({"level": "geometric", "mode": "gate"}, [1, 4, 0.5]),
        ({"level": "geometric", "mode": "gate", "high": 1.2}, [0, 0, 0]),
        ({"log_ratio_max": math.log(1.5)}, [1, 1.5, 1 / 1.5]),
        ({"normalise": True}, [1 / (3.5 / 3), 2 / (3.5 / 3), 0.5 / (3.5 / 3)]),
        ({"level": "sequence", "normalise": True}, [1, 1, 1]),
    ],
)
def test_weights_are_the_golden_ones(knobs: dict[str, Any], expected: list[float]) -> None:
    weights, metrics = importance_weights(TRAIN, ROLL, MASK, **knobs)
    assert weights[0].tolist() == pytest.approx([*expected, 0])
    assert metrics["weight_mean"] == pytest.approx(sum(expected) / 3)
    assert metrics["mismatch_kl"] == pytest.approx(-math.log(2) / 3)


def test_weights_have_no_gradient_and_count_what_was_outside() -> None:
    weights, metrics = importance_weights(TRAIN.clone().requires_grad_(), ROLL, MASK)
    assert not weights.requires_grad
    assert metrics["outside_fraction"] == pytest.approx(1 / 3)


def test_no_token_gives_no_weight_and_no_nan() -> None:
    weights, metrics = importance_weights(TRAIN, ROLL, torch.zeros_like(MASK), normalise=True)
    assert bool((weights == 0).all())
    assert all(math.isfinite(value) for value in metrics.values())


@pytest.mark.parametrize("knobs", [{"preset": "nosuch"}, {"level": "word"}, {"mode": "gate"}, {"low": 3.0, "high": 2.0}, {"low": -1.0}])
def test_knobs_out_of_range_are_refused(knobs: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        importance_weights(TRAIN, ROLL, MASK, **knobs)
