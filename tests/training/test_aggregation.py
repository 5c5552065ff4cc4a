"""Six ways to divide, against sums over lists."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.core.errors import ConfigError
from thinkwell.training.aggregation import aggregate

VALUES = torch.tensor([[1.0, 2.0, math.nan], [4.0, 5.0, 6.0], [math.nan] * 3], dtype=torch.float64)
MASK = torch.tensor([[1, 1, 0], [1, 1, 1], [0, 0, 0]], dtype=torch.bool)


@pytest.mark.parametrize(
    ("how", "knobs", "expected"),
    [
        ("token-mean", {}, 18 / 5),
        ("token-mean", {"batch_tokens": 10}, 1.8),
        ("local-token-mean", {"batch_tokens": 10}, 18 / 5),
        ("seq-mean-token-mean", {}, (1.5 + 5) / 2),
        ("seq-mean-token-mean", {"preset": "trl"}, (1.5 + 5) / 3),
        ("seq-mean-token-mean", {"length_eps": 1.0}, (3 / 3 + 15 / 4) / 2),
        ("seq-mean-token-mean", {"preset": "trl", "count_empty": False}, (1.5 + 5) / 2),
        ("seq-mean-token-sum", {}, 18 / 2),
        ("seq-mean-token-sum", {"batch_sequences": 6}, 3.0),
        ("seq-mean-token-sum-norm", {"max_length": 9}, 1.0),
        ("token-sum", {}, 18.0),
    ],
)
def test_each_aggregation_divides_by_what_its_name_says(how: str, knobs: dict[str, float], expected: float) -> None:
    assert float(aggregate(VALUES, MASK, how, **knobs)) == pytest.approx(expected)


@given(values=st.lists(st.lists(st.floats(-5, 5), min_size=1, max_size=5), min_size=1, max_size=5), pad=st.integers(0, 3))
def test_padding_and_order_change_nothing(values: list[list[float]], pad: int) -> None:
    def placed(rows: list[list[float]], width: int) -> tuple[torch.Tensor, torch.Tensor]:
        tensor = torch.full((len(rows), width), math.inf, dtype=torch.float64)
        for i, row in enumerate(rows):
            tensor[i, width - len(row) :] = torch.tensor(row, dtype=torch.float64)
        return tensor, tensor.isfinite()

    for how in ("token-mean", "local-token-mean", "seq-mean-token-mean", "seq-mean-token-sum", "seq-mean-token-sum-norm", "token-sum"):
        first = aggregate(*placed(values, 5), how, max_length=7)
        again = aggregate(*placed(values[::-1], 5 + pad), how, max_length=7)
        assert float(again) == pytest.approx(float(first), abs=1e-9)


def test_no_token_gives_zero_with_a_zero_gradient() -> None:
    values = torch.full((2, 3), math.nan, requires_grad=True)
    for how in ("token-mean", "seq-mean-token-mean", "token-sum"):
        loss = aggregate(values, torch.zeros(2, 3, dtype=torch.bool), how)
        assert float(loss.detach()) == 0
        assert bool((torch.autograd.grad(loss, values)[0] == 0).all())


@pytest.mark.parametrize("how", ["token-mean", "seq-mean-token-mean", "seq-mean-token-sum-norm"])
def test_the_gradient_is_that_of_finite_differences(how: str) -> None:
    values = torch.rand(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: aggregate(x, MASK, how, max_length=4), values)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="max_length"):
        aggregate(VALUES, MASK, "seq-mean-token-sum-norm")
    with pytest.raises(ConfigError, match="token-mean"):
        aggregate(VALUES, MASK, "mean")
    with pytest.raises(ConfigError, match="batch_tokens"):
        aggregate(VALUES, MASK, batch_tokens=0)
    with pytest.raises(ConfigError, match="preset"):
        aggregate(VALUES, MASK, preset="nosuch")
    with pytest.raises(ConfigError, match="shape"):
        aggregate(VALUES[:, :1], MASK)
