"""MPO against its formula in plain Python; the shift; pairs of different lengths."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError
from thinkwell.training.losses import mpo, running_shift

DOUBLE = torch.float64
NAN = math.nan
CHOSEN = torch.tensor([[-1.0, -2.0, -0.5], [-0.3, NAN, NAN]], dtype=DOUBLE)
REJECTED = torch.tensor([[-2.0, -1.0], [NAN, -4.0]], dtype=DOUBLE)
REF_CHOSEN = torch.tensor([[-1.5, -2.5, -1.0], [-0.1, NAN, NAN]], dtype=DOUBLE)
REF_REJECTED = torch.tensor([[-1.0, -1.5], [NAN, -3.0]], dtype=DOUBLE)


def inputs(rows: slice = slice(None)) -> list[Tensor]:
    tensors = [CHOSEN, REJECTED, REF_CHOSEN, REF_REJECTED, ~CHOSEN.isnan(), ~REJECTED.isnan()]
    return [tensor[rows].clone() for tensor in tensors]


def log_sigmoid(x: float) -> float:
    return -math.log(1 + math.exp(-x))


def reference(beta: float = 0.1, shift: float = 0.0, weights: tuple[float, float, float] = (0.8, 0.2, 1.0)) -> float:
    chosen, rejected = [beta * 1.5, beta * -0.2], [beta * -0.5, beta * -1.0]
    pref = sum(-log_sigmoid(c - r) for c, r in zip(chosen, rejected, strict=True)) / 2
    quality = sum(-log_sigmoid(c - shift) - log_sigmoid(shift - r) for c, r in zip(chosen, rejected, strict=True)) / 2
    gen = (3.5 / 3 + 0.3) / 2
    return weights[0] * pref + weights[1] * quality + weights[2] * gen


@pytest.mark.parametrize("knobs", [{}, {"beta": 2.0}, {"shift": 0.7}, {"beta": 0.5, "shift": -0.3}])
def test_the_loss_is_the_weighted_sum_of_its_three_terms(knobs: dict[str, float]) -> None:
    assert float(mpo(*inputs(), **knobs)[0]) == pytest.approx(reference(**knobs))
    alone = mpo(*inputs(), w_pref=0, w_quality=3, w_gen=0, **knobs)[0]
    assert float(alone) == pytest.approx(reference(**knobs, weights=(0, 3, 0)))


def test_the_gradient_is_that_of_finite_differences() -> None:
    chosen, rejected, *rest = inputs()
    rest[0], rest[1] = rest[0].nan_to_num(), rest[1].nan_to_num()

    def loss(x: Tensor, y: Tensor) -> Tensor:
        return mpo(x, y, *rest, beta=0.7, shift=0.2)[0]

    assert torch.autograd.gradcheck(loss, (chosen.nan_to_num().requires_grad_(), rejected.nan_to_num().requires_grad_()))


def test_padding_has_a_zero_gradient_and_references_have_none() -> None:
    tensors = inputs()
    for tensor in tensors[:4]:
        tensor.requires_grad_()
    loss, _ = mpo(*tensors)
    chosen, rejected, *references = torch.autograd.grad(loss, tensors[:4], allow_unused=True)
    assert chosen[1, 1:].tolist() == [0, 0]
    assert float(rejected[1, 0]) == 0
    assert bool(chosen.isfinite().all())
    assert references == [None, None]


def test_the_shift_follows_past_rewards_and_does_not_act_on_its_own_batch() -> None:
    _, metrics = mpo(*inputs(), shift=1.0)
    mean = 0.1 * (1.5 - 0.2 - 0.5 - 1.0) / 4
    assert metrics["next_shift"] == pytest.approx(0.99 + 0.01 * mean)
    assert metrics["loss_quality"] == pytest.approx(reference(shift=1.0, weights=(0, 1, 0)))
    assert mpo(*inputs(), preset="trl")[1]["next_shift"] == 0
    assert mpo(*inputs(), preset="trl", shift_momentum=0.0)[1]["next_shift"] == pytest.approx(mean)
    assert running_shift(0.4, torch.empty(0)) == 0.4


def test_micro_batches_add_up_to_the_batch() -> None:
    parts = [mpo(*inputs(slice(i, i + 1)), batch_pairs=2)[0] for i in range(2)]
    assert float(sum(parts)) == pytest.approx(reference())


def test_metrics_say_rewards_and_how_many_pairs_are_in_order() -> None:
    _, metrics = mpo(*inputs())
    assert metrics["reward_chosen"] == pytest.approx(0.1 * 1.3 / 2)
    assert metrics["reward_rejected"] == pytest.approx(-0.1 * 1.5 / 2)
    assert metrics["pair_accuracy"] == 1.0


@pytest.mark.parametrize("knobs", [{"preset": "nosuch"}, {"beta": 0.0}, {"w_gen": -1.0}, {"shift_momentum": 2.0}, {"batch_pairs": 0}])
def test_knobs_out_of_range_are_refused(knobs: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        mpo(*inputs(), **knobs)


def test_an_answer_without_its_pair_is_refused() -> None:
    chosen, rejected, ref_chosen, ref_rejected, mask, other = inputs()
    with pytest.raises(ConfigError, match="pair"):
        mpo(chosen, rejected[:1], ref_chosen, ref_rejected[:1], mask, other[:1])
