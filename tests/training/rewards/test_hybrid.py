"""The sum of rule, model and format, and what keeps the model's score from swamping the rule."""

from __future__ import annotations

import math

import pytest
import torch

from thinkwell.core.errors import ConfigError
from thinkwell.training.rewards.hybrid import hybrid

RULE = torch.tensor([True, False])
MODEL = torch.tensor([-3.0, 12.0], dtype=torch.float64)
FORMAT = torch.tensor([1, 0])


def test_the_papers_sum_is_unweighted() -> None:
    assert hybrid(RULE, MODEL, FORMAT).tolist() == [-1, 12]
    for preset in ("trl", "verl"):
        assert hybrid(RULE, MODEL, FORMAT, preset=preset).tolist() == [-1, 12]


def test_a_scaled_model_cannot_swamp_the_rule() -> None:
    """Unscaled, the wrong response wins by 13; scaled, the right one does."""
    got = hybrid(RULE, MODEL, FORMAT, preset="scaled").tolist()
    assert got == pytest.approx([2 + 1 / (1 + math.exp(3)), 1 / (1 + math.exp(-12))])
    assert got[0] > got[1]
    assert hybrid(RULE, MODEL, preset="paper", squash="clamp", center=-3.0, scale=30.0).tolist() == pytest.approx([1, 0.5])
    assert hybrid(RULE, MODEL, squash="clamp").tolist() == [1, 1]


def test_rule_and_format_by_halves() -> None:
    rule, kept = torch.tensor([1.0, 0.0, 1.0, 0.0]), torch.tensor([1.0, 1.0, 0.0, 0.0])
    assert hybrid(rule, format=kept, preset="prior_prompt").tolist() == [1, 0.5, 0.5, 0]
    assert hybrid(rule, torch.full((4,), 99.0), kept, preset="prior_prompt").tolist() == [1, 0.5, 0.5, 0]


def test_weights_are_knobs_and_missing_parts_add_nothing() -> None:
    assert hybrid(RULE).tolist() == [1, 0]
    assert hybrid(RULE, MODEL, FORMAT, rule_weight=2.0, model_weight=0.5, format_weight=0.25).tolist() == [0.75, 6]


def test_dtype_is_the_widest_given() -> None:
    assert hybrid(RULE, MODEL).dtype == torch.float64
    assert hybrid(RULE).dtype == torch.get_default_dtype()


@pytest.mark.parametrize(
    "knobs",
    [{"preset": "mine"}, {"rule_weight": -1.0}, {"model_weight": math.inf}, {"squash": "tanh"}, {"scale": 0.0}, {"center": math.nan}],
)
def test_impossible_knobs_are_refused(knobs: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        hybrid(RULE, MODEL, **knobs)  # type: ignore[arg-type]


def test_scores_that_are_none_are_refused() -> None:
    with pytest.raises(ConfigError, match="model holds NaN"):
        hybrid(RULE, torch.tensor([math.nan, 1.0]))
    with pytest.raises(ConfigError, match="shapes do not fit"):
        hybrid(RULE, torch.tensor([1.0]))
