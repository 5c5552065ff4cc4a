"""Golden numbers of the papers' cards, references in plain Python with what is stopped held fixed, and what no loss may depend on."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from thinkwell.core.errors import ConfigError
from thinkwell.training import losses

DOUBLE = torch.float64
OLD = torch.tensor([[0.5, 0.4, 0.2], [0.5, 0.4, 0.2]], dtype=DOUBLE).log()
NEW = torch.tensor([[0.5, 0.6, 0.1], [0.8, 0.2, 0.2]], dtype=DOUBLE).log()
ADVANTAGES = torch.tensor([[1.0] * 3, [-1.0] * 3], dtype=DOUBLE)
MASK = torch.tensor([[1, 1, 1], [1, 1, 0]], dtype=torch.bool)
POLICY_LOSSES = {"ppo_clip": losses.ppo_clip, "gspo": losses.gspo, "cispo": losses.cispo, "gppo": losses.gppo, "spc": losses.spc}
HIGHER = {"eps_low": 0.2, "eps_high": 0.28}


def with_gradient(loss: Callable[..., Any], *args: Tensor, **knobs: Any) -> tuple[float, Tensor, dict[str, float]]:
    logp = args[0].clone().requires_grad_()
    value, metrics = loss(logp, *args[1:], **knobs)
    (gradient,) = torch.autograd.grad(value, logp)
    return float(value.detach()), gradient, metrics


def golden(loss: Callable[..., Any], **knobs: Any) -> tuple[float, Tensor, dict[str, float]]:
    return with_gradient(loss, NEW, OLD, ADVANTAGES, MASK, **knobs)


def close(found: Tensor, expected: list[list[float]]) -> None:
    torch.testing.assert_close(found, torch.tensor(expected, dtype=found.dtype), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        ({"aggregation": "token-mean"}, -0.076),
        ({"aggregation": "seq-mean-token-mean"}, 0.136667),
        ({"aggregation": "seq-mean-token-sum"}, -0.19),
        ({"aggregation": "seq-mean-token-sum-norm", "max_length": 3}, -0.063333),
    ],
)
def test_ppo_clip_higher_with_dual_clip_has_the_golden_values(knobs: dict[str, Any], expected: float) -> None:
    value, gradient, _ = golden(losses.ppo_clip, preset="verl", **HIGHER, **knobs)
    assert value == pytest.approx(expected, abs=1e-6)
    if knobs["aggregation"] == "token-mean":
        close(gradient, [[-0.2, 0, -0.1], [0.32, 0, 0]])


def test_gspo_has_the_golden_values() -> None:
    value, gradient, _ = golden(losses.gspo, **HIGHER)
    assert value == pytest.approx(-0.0070665, abs=1e-6)
    close(gradient, [[-0.151427] * 3, [0.223607, 0.223607, 0]])


def test_cispo_has_the_golden_values() -> None:
    value, gradient, _ = golden(losses.cispo, preset="verl", **HIGHER)
    assert value == pytest.approx(0.32318, abs=1e-5)
    close(gradient, [[-0.2, -0.256, -0.16], [0.256, 0.16, 0]])


def test_gppo_has_the_golden_values_and_no_token_without_a_gradient() -> None:
    value, gradient, metrics = golden(losses.gppo)
    assert value == pytest.approx(-0.076, abs=1e-6)
    close(gradient, [[-0.2, -0.256, -0.1], [0.32, 0.16, 0]])
    assert metrics["zero_gradient_fraction"] == 0
    assert golden(losses.ppo_clip, **HIGHER)[2]["zero_gradient_fraction"] == pytest.approx(2 / 5)
    assert (metrics["clip_fraction_low"], metrics["clip_fraction_high"]) == (pytest.approx(1 / 5), pytest.approx(1 / 5))


def test_metrics_are_means_over_the_tokens_of_the_mask() -> None:
    _, _, metrics = golden(losses.ppo_clip, **HIGHER)
    ratios = [1, 1.5, 0.5, 1.6, 0.5]
    assert metrics["ratio_mean"] == pytest.approx(sum(ratios) / 5)
    assert (metrics["ratio_min"], metrics["ratio_max"]) == (pytest.approx(0.5), pytest.approx(1.6))
    assert metrics["approx_kl_k1"] == pytest.approx(-sum(map(math.log, ratios)) / 5)
    assert metrics["approx_kl"] == pytest.approx(sum(r - 1 - math.log(r) for r in ratios) / 5)
    assert metrics["entropy_estimate"] == pytest.approx(-sum(map(math.log, [0.5, 0.6, 0.1, 0.8, 0.2])) / 5)


# references: one token, log-probability x, the same y where the gradient is stopped


def clip(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def ppo_token(x: float, y: float, old: float, a: float, low: float, high: float, dual: float) -> float:
    rho = math.exp(x - old)
    value = max(-rho * a, -clip(rho, 1 - low, 1 + high) * a)
    return min(value, -dual * a) if a < 0 else value


def cispo_token(x: float, y: float, old: float, a: float, low: float, high: float, dual: float) -> float:
    return -clip(math.exp(y - old), 1 - low, 1 + high) * a * x


def gppo_token(x: float, y: float, old: float, a: float, low: float, high: float, dual: float) -> float:
    rho, stopped = math.exp(x - old), math.exp(y - old)
    value = max(-rho * a, -clip(rho, (1 - low) / stopped * rho, (1 + high) / stopped * rho) * a)
    return min(value, -dual * a) if a < 0 else value


def world(seed: int, spread: float = 1.0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    source = torch.Generator().manual_seed(seed)
    old = -torch.rand(4, 6, generator=source, dtype=DOUBLE) * 3 - 0.1
    new = old + spread * torch.randn(4, 6, generator=source, dtype=DOUBLE)
    advantages = torch.randn(4, 6, generator=source, dtype=DOUBLE)
    mask = torch.rand(4, 6, generator=source) < 0.7
    mask[:, 0] = True
    return new, old, advantages, mask


@pytest.mark.parametrize(("loss", "token"), [(losses.ppo_clip, ppo_token), (losses.cispo, cispo_token), (losses.gppo, gppo_token)])
@pytest.mark.parametrize("seed", range(4))
def test_values_and_gradients_are_those_of_a_plain_reference_by_finite_differences(
    loss: Callable[..., Any], token: Callable[..., float], seed: int
) -> None:
    new, old, advantages, mask = world(seed)
    bounds = {"eps_low": 0.2, "eps_high": 0.3}
    knobs = bounds if loss is losses.cispo else {**bounds, "dual_clip": 2.0}
    value, gradient, _ = with_gradient(loss, new, old, advantages, mask, **knobs)
    count, total, step = int(mask.sum()), 0.0, 1e-6
    for b in range(4):
        for t in range(6):
            if not mask[b, t]:
                assert gradient[b, t] == 0
                continue
            y, o, a = float(new[b, t]), float(old[b, t]), float(advantages[b, t])
            total += token(y, y, o, a, 0.2, 0.3, 2.0) / count
            difference = (token(y + step, y, o, a, 0.2, 0.3, 2.0) - token(y - step, y, o, a, 0.2, 0.3, 2.0)) / (2 * step * count)
            assert float(gradient[b, t]) == pytest.approx(difference, abs=1e-7)
    assert value == pytest.approx(total, abs=1e-9)


def gspo_reference(x: list[list[float]], old: Tensor, reward: list[float], mask: Tensor, low: float, high: float) -> float:
    total = 0.0
    for i, row in enumerate(x):
        logs = [row[t] - float(old[i, t]) for t in range(len(row)) if mask[i, t]]
        s = math.exp(sum(logs) / len(logs))
        total -= min(s * reward[i], clip(s, 1 - low, 1 + high) * reward[i]) / len(x)
    return total


def spc_reference(x: list[list[float]], old: Tensor, reward: list[float], mask: Tensor, low: float, high: float) -> float:
    """The first three samples are games, the last is supervised."""
    last = [x[3][t] for t in range(len(x[3])) if mask[3, t]]
    return gspo_reference(x[:3], old, reward, mask, low, high) - 0.15 * sum(last) / len(last)


@pytest.mark.parametrize("name", ["gspo", "spc"])
@pytest.mark.parametrize("seed", range(4))
def test_sequence_losses_are_those_of_a_plain_reference_by_finite_differences(name: str, seed: int) -> None:
    new, old, _, mask = world(seed, spread=0.6)
    reward = [1.0, -1.0, 1.0, -1.0]
    advantages = torch.tensor(reward, dtype=DOUBLE)[:, None].expand(4, 6)
    reference = gspo_reference if name == "gspo" else spc_reference
    knobs = {} if name == "gspo" else {"sft": torch.tensor([False, False, False, True])}
    value, gradient, _ = with_gradient(POLICY_LOSSES[name], new, old, advantages, mask, eps_low=0.2, eps_high=0.3, **knobs)
    rows = new.tolist()
    assert value == pytest.approx(reference(rows, old, reward, mask, 0.2, 0.3), abs=1e-9)
    step = 1e-6
    for b in range(4):
        for t in range(6):
            if mask[b, t]:
                at = rows[b][t]
                rows[b][t] = at + step
                up = reference(rows, old, reward, mask, 0.2, 0.3)
                rows[b][t] = at - step
                down = reference(rows, old, reward, mask, 0.2, 0.3)
                rows[b][t] = at
                assert float(gradient[b, t]) == pytest.approx((up - down) / (2 * step), abs=1e-7)
            else:
                assert gradient[b, t] == 0


@pytest.mark.parametrize("name", ["ppo_clip", "gspo", "cispo", "gppo"])
def test_on_policy_every_loss_has_the_gradient_of_reinforce(name: str) -> None:
    _, old, advantages, mask = world(7)
    advantages = advantages[:, :1].expand(4, 6)
    _, gradient, metrics = with_gradient(POLICY_LOSSES[name], old, old, advantages, mask, aggregation="token-mean")
    torch.testing.assert_close(gradient, torch.where(mask, -advantages / mask.sum(), 0.0))
    assert metrics["approx_kl"] == metrics["clip_fraction_low"] == metrics["zero_gradient_fraction"] == 0


@pytest.mark.parametrize("name", POLICY_LOSSES)
@pytest.mark.parametrize("preset", ["paper", "trl", "verl"])
@given(seed=st.integers(0, 10_000), junk=st.sampled_from([math.nan, math.inf, -math.inf, 1e30]))
def test_order_and_padding_change_nothing(name: str, preset: str, seed: int, junk: float) -> None:
    new, old, advantages, mask = world(seed)
    value, gradient, metrics = with_gradient(POLICY_LOSSES[name], new, old, advantages, mask, preset=preset)
    order = torch.randperm(4, generator=torch.Generator().manual_seed(seed))
    wide = torch.zeros(4, 9, dtype=torch.bool)
    wide[:, 2:8] = mask[order]
    padded = []
    for tensor in (new, old, advantages):
        padded.append(torch.full((4, 9), junk, dtype=DOUBLE))
        padded[-1][wide] = tensor[order][mask[order]]
    again, other, measured = with_gradient(POLICY_LOSSES[name], *padded, wide, preset=preset)
    assert again == pytest.approx(value, abs=1e-9)
    torch.testing.assert_close(other[wide], gradient[order][mask[order]])
    assert bool((other[~wide] == 0).all())
    assert measured == pytest.approx(metrics, abs=1e-9)


@pytest.mark.parametrize("name", ["ppo_clip", "gspo", "cispo", "gppo"])
@pytest.mark.parametrize("aggregation", ["token-mean", "seq-mean-token-mean", "seq-mean-token-sum", "seq-mean-token-sum-norm", "token-sum"])
def test_micro_batches_add_up_to_the_batch(name: str, aggregation: str) -> None:
    inputs = world(3)
    mask = inputs[3]
    knobs = {"aggregation": aggregation, "batch_tokens": int(mask.sum()), "batch_sequences": 4, "max_length": 6}
    whole, gradient, _ = with_gradient(POLICY_LOSSES[name], *inputs, aggregation=aggregation, max_length=6)
    parts = [with_gradient(POLICY_LOSSES[name], *(tensor[rows] for tensor in inputs), **knobs) for rows in (slice(0, 1), slice(1, 4))]
    assert sum(part[0] for part in parts) == pytest.approx(whole)
    torch.testing.assert_close(torch.cat([part[1] for part in parts]), gradient)


def test_spc_micro_batches_add_up_to_the_batch() -> None:
    inputs, sft = world(5), torch.tensor([True, False, False, True])
    whole = with_gradient(losses.spc, *inputs, sft=sft)
    parts = [
        with_gradient(losses.spc, *(tensor[rows] for tensor in inputs), sft=sft[rows], batch_rl=2, batch_sft=2)
        for rows in (slice(0, 2), slice(2, 4))
    ]
    assert parts[0][0] + parts[1][0] == pytest.approx(whole[0])


@pytest.mark.parametrize("name", POLICY_LOSSES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_empty_mask_gives_zero_and_the_dtype_stays(name: str, dtype: torch.dtype) -> None:
    logp = torch.full((2, 3), -1.0, dtype=dtype, requires_grad=True)
    loss, metrics = POLICY_LOSSES[name](logp, logp.detach(), torch.ones(2, 3, dtype=dtype), torch.zeros(2, 3, dtype=torch.bool))
    assert loss.dtype == dtype
    assert float(loss.detach()) == 0
    (gradient,) = torch.autograd.grad(loss, logp)
    assert bool((gradient == 0).all())
    assert all(math.isfinite(value) for value in metrics.values())


@pytest.mark.parametrize("name", ["ppo_clip", "gppo"])
def test_a_clipped_ratio_that_overflows_has_a_finite_gradient(name: str) -> None:
    logp, mask = torch.tensor([[-1.0]]), torch.ones(1, 1, dtype=torch.bool)
    value, gradient, _ = with_gradient(POLICY_LOSSES[name], logp, logp - 200, torch.ones(1, 1), mask, eps_high=0.28)
    assert value == pytest.approx(-1.28)
    assert float(gradient) == pytest.approx(0.0 if name == "ppo_clip" else -1.28)


def test_dual_clip_changes_only_negative_advantages_and_clip_higher_only_positive_ones() -> None:
    new, old, advantages, mask = world(11, spread=1.5)
    base = with_gradient(losses.ppo_clip, new, old, advantages, mask)[1]
    dual = with_gradient(losses.ppo_clip, new, old, advantages, mask, dual_clip=1.5)[1]
    higher = with_gradient(losses.ppo_clip, new, old, advantages, mask, eps_high=9.0)[1]
    assert bool((advantages[dual != base] < 0).all())
    assert bool((dual != base).any())
    assert bool((advantages[higher != base] > 0).all())
    assert bool((higher != base).any())
    both = with_gradient(losses.ppo_clip, new, old, advantages, mask, eps_high=9.0, dual_clip=1.5)[1]
    torch.testing.assert_close(both[advantages > 0], higher[advantages > 0])  # a bound below 1 + eps_high cuts no positive advantage


def test_gppo_weighs_what_it_lets_through_and_dual_clip_cuts_it_again() -> None:
    _, gradient, _ = golden(losses.gppo, beta1=0.5, beta2=2.0)
    close(gradient, [[-0.2, -0.512, -0.1], [0.32, 0.08, 0]])
    _, gradient, metrics = golden(losses.gppo, dual_clip=1.5)
    close(gradient, [[-0.2, -0.256, -0.1], [0, 0.16, 0]])
    assert metrics["zero_gradient_fraction"] == pytest.approx(1 / 5)


def test_trl_caps_cispo_at_its_epsilon_and_the_paper_has_no_lower_bound() -> None:
    close(golden(losses.cispo, preset="trl")[1], [[-0.04] * 3, [0.04, 0.04, 0]])
    close(golden(losses.cispo)[1], [[-0.2, -0.3, -0.1], [0.32, 0.1, 0]])


def test_weights_multiply_after_clipping() -> None:
    weights = torch.tensor([[2.0, 1.0, 0.0], [0.5, 1.0, math.nan]], dtype=DOUBLE)
    value, gradient, metrics = golden(losses.ppo_clip, weights=weights, **HIGHER)
    assert value == pytest.approx((-2 - 1.28 - 0 + 0.8 + 0.8) / 5)
    close(gradient, [[-0.4, 0, 0], [0.16, 0, 0]])
    assert metrics["zero_gradient_fraction"] == pytest.approx(3 / 5)


def test_the_gradient_reaches_nothing_but_the_policy() -> None:
    new, old, advantages, mask = (tensor.clone() for tensor in world(2))
    inputs = [tensor.requires_grad_() for tensor in (new, old, advantages)]
    for loss in POLICY_LOSSES.values():
        value, _ = loss(*inputs, mask)
        gradients = torch.autograd.grad(value, inputs, allow_unused=True)
        assert gradients[0] is not None
        assert gradients[1] is gradients[2] is None


def test_spc_takes_the_kl_from_the_reward() -> None:
    with_kl = golden(losses.spc, kl_coef=0.5)[2]["loss_rl"]
    s = [0.75 ** (1 / 3), 0.8**0.5]
    rewards = [1 - 0.5 * math.log(s[0]), -1 - 0.5 * math.log(s[1])]
    assert with_kl == pytest.approx(-sum(min(r * x, r * clip(x, 0.8, 1.2)) for r, x in zip(rewards, s, strict=True)) / 2)


def test_positive_nll_is_the_mean_over_tokens_of_correct_answers() -> None:
    correct = torch.tensor([False, True])
    value, gradient, metrics = with_gradient(lambda logp: losses.positive_nll(logp, correct, MASK), NEW)
    assert value == pytest.approx(-0.1 * (math.log(0.8) + math.log(0.2)) / 2)
    close(gradient, [[0, 0, 0], [-0.05, -0.05, 0]])
    assert metrics["positive_fraction"] == pytest.approx(2 / 5)
    assert with_gradient(lambda logp: losses.positive_nll(logp, ~correct & correct, MASK), NEW)[0] == 0
    assert float(losses.positive_nll(NEW, correct, MASK, batch_positive_tokens=4)[0]) == pytest.approx(value / 2)


def test_the_entropy_bonus_is_the_aggregated_entropy_and_its_gradient_is_right() -> None:
    logits = torch.randn(2, 3, 5, dtype=DOUBLE, generator=torch.Generator().manual_seed(0))
    entropy = losses.token_entropy(logits, temperature=1.3)
    torch.testing.assert_close(entropy, torch.distributions.Categorical(logits=logits / 1.3).entropy())
    value, metrics = losses.entropy_bonus(entropy, MASK, coef=0.01)
    assert float(value) == pytest.approx(-0.01 * float(entropy[MASK].mean()))
    assert metrics["entropy"] == pytest.approx(float(entropy[MASK].mean()))
    assert torch.autograd.gradcheck(lambda x: losses.entropy_bonus(losses.token_entropy(x), MASK)[0], logits.requires_grad_())
    assert float(losses.token_entropy(torch.tensor([0.0, 0.0, -math.inf]))) == pytest.approx(math.log(2))


@pytest.mark.parametrize("name", POLICY_LOSSES)
@pytest.mark.parametrize("knobs", [{"preset": "nosuch"}, {"eps_low": -0.1}, {"eps_high": math.nan}])
def test_knobs_out_of_range_are_refused_with_what_was_expected(name: str, knobs: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        golden(POLICY_LOSSES[name], **knobs)


def test_shapes_that_would_broadcast_are_refused() -> None:
    with pytest.raises(ConfigError, match="advantages has shape"):
        losses.ppo_clip(NEW, OLD, ADVANTAGES[:, :1], MASK)
    with pytest.raises(ConfigError, match=r"torch\.bool"):
        losses.gppo(NEW, OLD, ADVANTAGES, MASK.long())
    with pytest.raises(ConfigError, match="dual_clip"):
        losses.ppo_clip(NEW, OLD, ADVANTAGES, MASK, dual_clip=0.5)
