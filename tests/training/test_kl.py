"""Estimators of KL: golden numbers, expectations by enumeration of a small vocabulary, gradients, and T1's centred form."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from thinkwell.core.errors import ConfigError
from thinkwell.training.losses import adaptive_kl_coef, centred_kl, ema_anchor, kl, kl_loss, kl_reward

DOUBLE = torch.float64
LOGP = torch.tensor([[0.4, 0.25, 0.3]], dtype=DOUBLE).log()
REF = torch.tensor([[0.5, 0.25, 0.1]], dtype=DOUBLE).log()
ALL = torch.ones(1, 3, dtype=torch.bool)
K1 = [-0.223144, 0.0, 1.098612]


def gradient(**knobs: Any) -> list[float]:
    logp = LOGP.clone().requires_grad_()
    return torch.autograd.grad(kl(logp, REF, **knobs).sum(), logp)[0][0].tolist()


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [("k1", K1), ("k2", [0.024897, 0.0, 0.603474]), ("k3", [0.026856, 0.0, 0.431946]), ("k3+", [0.026856, 0.0, 0.431946]), ("k1+", K1)],
)
def test_values_are_the_golden_ones(estimator: str, expected: list[float]) -> None:
    assert kl(LOGP, REF, estimator=estimator)[0].tolist() == pytest.approx(expected, abs=1e-6)


def test_gradients_are_the_golden_ones() -> None:
    assert gradient(estimator="k1") == pytest.approx([1, 1, 1])
    assert gradient(estimator="k3") == pytest.approx([-0.25, 0, 0.666667], abs=1e-6)
    for knobs in ({"estimator": "k2"}, {"estimator": "k3+"}, {"estimator": "k1+"}, {"estimator": "k3", "old_logp": LOGP}):
        assert gradient(**knobs) == pytest.approx(K1, abs=1e-6)


@pytest.mark.parametrize("estimator", ["k1", "k2", "k3"])
def test_gradients_are_those_of_finite_differences(estimator: str) -> None:
    logp = LOGP.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: kl(x, REF, estimator=estimator), logp)
    assert torch.autograd.gradcheck(lambda x: kl(x, REF, estimator=estimator, old_logp=REF), logp)
    assert torch.autograd.gradcheck(lambda x: kl_loss(x, REF, ALL, coef=0.3, estimator=estimator)[0], logp)


def test_expected_estimates_and_gradients_over_a_vocabulary_are_those_of_the_reverse_kl() -> None:
    logits = torch.tensor([0.3, -0.8, 0.5], dtype=DOUBLE, requires_grad=True)
    reference = torch.tensor([0.2, 0.5, 0.3], dtype=DOUBLE).log()[None]
    logp = torch.log_softmax(logits, -1)[None]
    p = logp.detach().exp()
    exact = (logp.exp() * (logp - reference)).sum()
    (true,) = torch.autograd.grad(exact, logits, retain_graph=True)

    def expected(**knobs: Any) -> tuple[float, torch.Tensor]:
        mean = (p * kl(logp, reference, **knobs)).sum()
        return float(mean.detach()), torch.autograd.grad(mean, logits, retain_graph=True)[0]

    assert expected(estimator="k1")[0] == pytest.approx(float(exact.detach()))
    assert expected(estimator="k3")[0] == pytest.approx(float(exact.detach()))
    torch.testing.assert_close(expected(estimator="k1")[1], torch.zeros(3, dtype=DOUBLE))  # no pull at all
    for knobs in ({"estimator": "k2"}, {"estimator": "k1+"}, {"estimator": "k3+"}, {"estimator": "k3", "old_logp": logp.detach()}):
        torch.testing.assert_close(expected(**knobs)[1], true)
    assert not torch.allclose(expected(estimator="k3")[1], true)


def test_verl_clamps_k3_alone_and_explicit_bounds_win() -> None:
    far = torch.tensor([[-30.0, 3.0]], dtype=DOUBLE)
    zero = torch.zeros(1, 2, dtype=DOUBLE)
    assert kl(far, zero, preset="verl")[0].tolist() == pytest.approx([10.0, math.exp(-3) + 2])
    assert kl(far, zero, preset="verl", estimator="k1")[0].tolist() == [-30.0, 3.0]
    assert kl(far, zero, estimator="k1", value_max=10.0)[0].tolist() == [-10.0, 3.0]
    assert float(kl(far, zero)[0, 0]) == pytest.approx(math.expm1(30) - 30)


def test_what_is_outside_the_mask_has_neither_value_nor_gradient() -> None:
    logp = torch.tensor([[-1.0, math.nan]], requires_grad=True)
    mask = torch.tensor([[True, False]])
    loss, metrics = kl_loss(logp, torch.tensor([[-2.0, math.inf]]), mask, coef=2.0, estimator="k2")
    assert float(loss.detach()) == pytest.approx(1.0)
    assert metrics["kl"] == pytest.approx(0.5)
    assert torch.autograd.grad(loss, logp)[0].tolist() == [[2.0, 0.0]]


def test_kl_in_the_reward_is_taken_by_token_or_by_sequence_without_a_gradient() -> None:
    logp = LOGP.clone().requires_grad_()
    taken = kl_reward(logp, REF, ALL, coef=0.1)
    assert not taken.requires_grad
    assert taken[0].tolist() == pytest.approx([-0.1 * x for x in K1], abs=1e-6)
    assert kl_reward(logp, REF, ALL, coef=0.05, level="sequence").tolist() == pytest.approx([-0.05 * sum(K1)], abs=1e-6)
    with pytest.raises(ConfigError, match="estimator"):
        kl_reward(LOGP, REF, ALL, coef=0.1, estimator="k3+")


def test_the_adaptive_coefficient_moves_by_a_fifth_of_the_horizon_at_most() -> None:
    assert adaptive_kl_coef(0.1, 10.0, target=1.0, horizon=100, samples=50) == pytest.approx(0.1 * 1.1)
    assert adaptive_kl_coef(0.1, 1.1, target=1.0, horizon=100, samples=100) == pytest.approx(0.1 * 1.1)
    assert adaptive_kl_coef(0.1, 0.0, target=1.0, horizon=100, samples=100) == pytest.approx(0.1 * 0.8)


def test_the_centred_kl_sums_to_zero_and_orders_samples_by_their_kl() -> None:
    ref = torch.zeros(4, 2, dtype=DOUBLE)
    logp = torch.tensor([[1.0, 1.0], [2.0, math.nan], [6.0, 0.0], [math.nan, math.nan]], dtype=DOUBLE)
    mask = torch.tensor([[1, 1], [1, 0], [1, 1], [0, 0]], dtype=torch.bool)
    added = centred_kl(logp, ref, mask, coef=0.5)
    mean = (2 + 2 + 6) / 3
    assert added[:, 0].tolist() == pytest.approx([-0.5 * (2 - mean), -0.5 * (2 - mean), -0.5 * (6 - mean), 0])
    assert added[1, 1] == 0
    groups = torch.tensor([9, 4, 9, 4])
    assert centred_kl(logp, ref, mask, groups, coef=0.5, centre="group")[:, 0].tolist() == pytest.approx([1.0, 0.0, -1.0, 0.0])
    with pytest.raises(ConfigError, match="group_ids"):
        centred_kl(logp, ref, mask, centre="group")


def test_the_anchor_follows_the_policy_and_the_inputs_stay() -> None:
    anchor = {"w": torch.tensor([1.0]), "steps": torch.tensor(3)}
    policy = {"w": torch.tensor([2.0], requires_grad=True), "steps": torch.tensor(4)}
    following = ema_anchor(anchor, policy, decay=0.9)
    assert float(following["w"]) == pytest.approx(1.1)
    assert int(following["steps"]) == 4
    assert not following["w"].requires_grad
    assert float(anchor["w"]) == 1.0
    with pytest.raises(ConfigError, match="names"):
        ema_anchor(anchor, {"v": torch.ones(1)})
    with pytest.raises(ConfigError, match="decay"):
        ema_anchor(anchor, policy, decay=1.5)


def test_unknown_estimators_and_presets_are_refused() -> None:
    with pytest.raises(ConfigError, match="k1"):
        kl(LOGP, REF, estimator="k4")
    with pytest.raises(ConfigError, match="preset"):
        kl(LOGP, REF, preset="nosuch")
