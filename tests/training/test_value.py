"""The critic's loss: golden numbers, presets, gradients, masks and the split into micro-batches."""

from __future__ import annotations

import math

import pytest
import torch

from thinkwell.core.errors import ConfigError
from thinkwell.training.value import VALUE, value_loss


def row(*numbers: float, grad: bool = False) -> torch.Tensor:
    return torch.tensor([numbers], dtype=torch.float64, requires_grad=grad)


GOLDEN = (row(0.9, 0.1), row(0.2, 0.3), row(1.0, 0.5), torch.ones(1, 2, dtype=torch.bool))


def test_verls_golden_number() -> None:
    """v .9 .1, old .2 .3, R 1 .5, clip .5: max(.01, .09) and max(.16, .16), halved and averaged; half of the tokens are clipped."""
    loss, metrics = value_loss(*GOLDEN, preset="verl")
    assert float(loss) == pytest.approx(0.0625)
    assert metrics["value_loss_clipped"] == 0.5


def test_presets_are_worked_out_by_hand() -> None:
    paper, _ = value_loss(*GOLDEN)
    trl, _ = value_loss(*GOLDEN, preset="trl")
    assert float(paper) == pytest.approx((0.01 + 0.16) / 2)  # plain squared error
    assert float(trl) == pytest.approx(0.5 * ((0.4 - 1.0) ** 2 + 0.4**2) / 2)  # .9 is held at .2 + .2; .1 may just stay
    assert float(value_loss(*GOLDEN, preset="verl", clip=math.inf)[0]) == pytest.approx(0.5 * float(paper))
    assert set(VALUE) == {"paper", "trl", "verl"}


def test_a_clipped_value_has_no_gradient_and_others_have_the_squared_errors() -> None:
    values = row(0.9, 0.1, grad=True)
    loss, _ = value_loss(values, *GOLDEN[1:], preset="verl")
    loss.backward()
    assert values.grad is not None
    assert values.grad.flatten().tolist() == pytest.approx([0.0, (0.1 - 0.5) / 2])


def test_the_gradient_is_that_of_finite_differences() -> None:
    torch.manual_seed(0)
    values, old, returns = (torch.randn(3, 5, dtype=torch.float64) for _ in range(3))
    mask = torch.rand(3, 5) > 0.3
    assert torch.autograd.gradcheck(lambda v: value_loss(v, old, returns, mask, preset="trl")[0], values.requires_grad_())


def test_what_lies_outside_the_mask_is_never_read() -> None:
    mask = torch.tensor([[True, True, False]])
    wild = torch.tensor([[math.nan]], dtype=torch.float64)
    padded = [torch.cat([tensor, wild], 1) for tensor in GOLDEN[:3]]
    values = padded[0].requires_grad_()
    loss, metrics = value_loss(values, padded[1], padded[2], mask, preset="verl")
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0.0625)
    assert all(math.isfinite(number) for number in metrics.values())
    assert values.grad is not None
    assert bool(values.grad.isfinite().all())


def test_micro_batches_add_up_when_the_whole_batch_is_named() -> None:
    torch.manual_seed(1)
    values, old, returns = (torch.randn(4, 6, dtype=torch.float64) for _ in range(3))
    mask = torch.rand(4, 6) > 0.4
    whole, _ = value_loss(values, old, returns, mask, preset="verl")
    parts = [
        value_loss(values[i : i + 2], old[i : i + 2], returns[i : i + 2], mask[i : i + 2], preset="verl", batch_tokens=float(mask.sum()))[0]
        for i in (0, 2)
    ]
    assert float(sum(parts)) == pytest.approx(float(whole))


def test_metrics_say_how_well_the_critic_explains_its_targets() -> None:
    mask = torch.ones(1, 4, dtype=torch.bool)
    returns = row(0.0, 1.0, 0.0, 1.0)
    perfect = value_loss(returns, returns, returns, mask)[1]
    constant = value_loss(row(0.5, 0.5, 0.5, 0.5), returns, returns, mask)[1]
    assert perfect["explained_variance"] == 1.0
    assert perfect["value_error"] == 0.0
    assert constant["explained_variance"] == 0.0
    assert constant["value_error"] == 0.5
    assert value_loss(returns, returns, row(1.0, 1.0, 1.0, 1.0), mask)[1]["explained_variance"] == 0.0


def test_no_token_at_all_gives_zero_with_a_gradient() -> None:
    values = row(1.0, 2.0, grad=True)
    loss, metrics = value_loss(values, *GOLDEN[1:3], torch.zeros(1, 2, dtype=torch.bool))
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert values.grad is not None
    assert metrics["value_error"] == 0.0


@pytest.mark.parametrize("knobs", [{"clip": 0.0}, {"clip": -1.0}, {"scale": math.inf}, {"preset": "nemo"}, {"aggregation": "mean"}])
def test_knobs_out_of_range_are_refused_by_name(knobs: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=str(next(iter(knobs))) if "preset" not in knobs else "nemo"):
        value_loss(*GOLDEN, **knobs)  # type: ignore[arg-type]


def test_a_shape_that_would_broadcast_is_refused() -> None:
    with pytest.raises(ConfigError, match="returns"):
        value_loss(GOLDEN[0], GOLDEN[1], torch.ones(1, 1), GOLDEN[3])
