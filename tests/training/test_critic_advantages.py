"""Advantages with a critic: GAE, the windows of T-PPO, the two lambdas of VAPO. Golden numbers, and references in plain Python."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tests.training.advantage_batches import batches, f64, fixture, mask_of
from thinkwell.core.errors import ConfigError
from thinkwell.training import advantages as adv

VALUES = f64([[0.5, 0.6, 0.4, 0.7]])
WHOLE = torch.ones(1, 4, dtype=torch.bool)
DONE, OPEN = torch.tensor([True]), torch.tensor([False])


def gae_of(**knobs: Any) -> list[float]:
    return adv.gae(f64([1.0]), WHOLE, values=VALUES, **knobs)[0].tolist()


def test_golden_numbers_of_gae() -> None:
    assert gae_of(lam=1.0) == pytest.approx([0.5, 0.4, 0.6, 0.3])
    assert gae_of(lam=0.95) == pytest.approx([0.4379625, 0.35575, 0.585, 0.3])
    assert gae_of(lam=0.95, preset="verl") == pytest.approx([0.147539, -0.515844, 1.334003, -0.965697], abs=1e-5)
    assert gae_of(lam=0.95, preset="trl") == pytest.approx([0.147539, -0.515844, 1.334003, -0.965697], abs=1e-5)


def test_golden_numbers_of_value_targets() -> None:
    assert adv.value_targets(f64([1.0]), WHOLE, values=VALUES)[0].tolist() == pytest.approx([1, 1, 1, 1])
    assert adv.value_targets(f64([1.0]), WHOLE, values=VALUES, lam=0.95)[0].tolist() == pytest.approx([0.9379625, 0.95575, 0.985, 1])


@pytest.mark.parametrize(
    ("finished", "knobs", "expected"),
    [
        (OPEN, {"lam": 1.0}, [0.2, 0.1, 0.3, 0.0]),
        (OPEN, {}, [0.18075, 0.085, 0.3, 0.0]),
        (OPEN, {"bootstrap": "zero"}, [-0.4194125, -0.54675, -0.365, -0.7]),
        (OPEN, {"preset": "verl", "lam": 0.95, "whiten": "off"}, [-0.4194125, -0.54675, -0.365, -0.7]),
        (DONE, {}, [0.43796, 0.35575, 0.585, 0.3]),
    ],
)
def test_golden_numbers_of_egae(finished: Tensor, knobs: dict[str, Any], expected: list[float]) -> None:
    found = adv.egae(f64([1.0]), WHOLE, values=VALUES, finished=finished, **knobs)  # a reward of 1 that an open response does not have yet
    assert found[0].tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("length", "bare", "expected"), [(10, -1, 0), (20, 0, 0), (40, 0.5, 0.5), (100, 0.8, 0.8), (1000, 0.98, 0.98)])
def test_golden_numbers_of_length_adaptive_lambda(length: int, bare: float, expected: float) -> None:
    mask = mask_of([length, 1000])
    assert float(adv.length_adaptive_lambda(mask, dtype=torch.float64)[0]) == pytest.approx(expected)
    assert float(adv.length_adaptive_lambda(mask, floor=None, dtype=torch.float64)[0]) == pytest.approx(bare)


def n_step_average(rewards: list[float], values: list[float], tail: float, gamma: float, lam: float) -> list[float]:
    """GAE as it is defined, an average of n-step advantages with weights (1 - lam) lam^(n-1), the last of which takes what is left."""
    found = []
    for t in range(len(rewards)):
        left = len(rewards) - t
        total = 0.0
        for n in range(1, left + 1):
            value = values[t + n] if n < left else tail
            step = sum(gamma**k * rewards[t + k] for k in range(n)) + gamma**n * value - values[t]
            total += step * lam ** (n - 1) * (1 - lam if n < left else 1)
        found.append(total)
    return found


unit = st.floats(0, 1)


@given(data=st.data(), gamma=unit, lam=unit, width=st.integers(1, 6))
def test_gae_is_the_average_of_n_step_advantages(data: st.DataObject, gamma: float, lam: float, width: int) -> None:
    row = st.lists(st.floats(-2, 2), min_size=width, max_size=width)
    rewards, values, keep = data.draw(row), data.draw(row), data.draw(st.lists(st.booleans(), min_size=width, max_size=width))
    cut, tail = data.draw(st.booleans()), data.draw(st.floats(-2, 2))
    mask, inside = torch.tensor([keep]), [i for i in range(width) if keep[i]]
    noise = torch.where(mask, f64([values]), torch.nan)
    given_rewards = torch.where(mask, f64([rewards]), torch.nan)
    found = adv.gae(
        given_rewards, mask, values=noise, truncated=torch.tensor([cut]), bootstrap_values=f64([tail]), gamma=gamma, lam=lam
    )  # fmt: skip
    expected = n_step_average([rewards[i] for i in inside], [values[i] for i in inside], tail if cut else 0.0, gamma, lam)
    assert found[mask].tolist() == pytest.approx(expected, abs=1e-9)
    assert not found[~mask].any()


GAP = torch.tensor([[True, True, False, False, True]])


def test_gae_carries_over_a_gap_or_takes_its_tokens_as_steps() -> None:
    values = f64([[0.5, 0.6, 0.1, 0.2, 0.4]])
    carried = n_step_average([0, 0, 1], [0.5, 0.6, 0.4], 0.0, 0.9, 0.8)
    steps = n_step_average([0, 0, 0, 0, 1], values[0].tolist(), 0.0, 0.9, 0.8)
    found = adv.gae(f64([1.0]), GAP, values=values, gamma=0.9, lam=0.8)
    assert found[GAP].tolist() == pytest.approx(carried)
    found = adv.gae(f64([1.0]), GAP, values=values, gamma=0.9, lam=0.8, gaps="step")
    assert found[GAP].tolist() == pytest.approx([steps[0], steps[1], steps[4]])
    assert not found[~GAP].any()


# How a response ended.


def test_a_truncated_response_is_bootstrapped_and_a_terminated_one_is_not() -> None:
    mask, values = torch.ones(2, 2, dtype=torch.bool), f64([[0.5, 0.6], [0.5, 0.6]])
    knobs: dict[str, Any] = {"truncated": torch.tensor([True, False]), "bootstrap_values": f64([0.9, math.nan]), "lam": 1.0}
    found = adv.gae(f64([0.0, 0.0]), mask, values=values, **knobs)
    torch.testing.assert_close(found, f64([[0.4, 0.3], [-0.5, -0.6]]))
    torch.testing.assert_close(adv.value_targets(f64([0.0, 0.0]), mask, values=values, **knobs), f64([[0.9, 0.9], [0.0, 0.0]]))


@given(batch=batches(), lam=unit, gamma=unit)
def test_egae_is_gae_with_what_stands_for_the_value_after_the_cut(batch: tuple[Tensor, Tensor, Tensor], lam: float, gamma: float) -> None:
    rewards, mask, _ = batch
    values = torch.where(mask, rewards[:, None] - 0.2 * mask.long().cumsum(1), torch.nan)
    finished = torch.arange(len(rewards)) % 2 == 0
    ask = {"values": values, "lam": lam, "gamma": gamma}
    last = f64([([0.0, *row[keep].tolist()])[-1] for row, keep in zip(values, mask, strict=True)])
    known = torch.where(finished, rewards, 0.0)
    unknown = torch.where(finished, rewards, torch.nan)

    def cut(tail: Tensor) -> Tensor:
        return adv.gae(known, mask, truncated=~finished, bootstrap_values=tail, **ask)

    def windowed(**knobs: Any) -> Tensor:
        return adv.egae(unknown, mask, finished=finished, **ask, **knobs)

    torch.testing.assert_close(windowed(), cut(last))
    torch.testing.assert_close(windowed(bootstrap="critic", bootstrap_values=rewards + 3), cut(rewards + 3))
    torch.testing.assert_close(windowed(bootstrap="zero"), adv.gae(known, mask, **ask))


def test_a_window_as_long_as_every_response_is_plain_ppo() -> None:
    rewards, mask, _ = fixture()
    values = 0.1 * mask.double().cumsum(1)
    finished = torch.ones(8, dtype=torch.bool)
    for bootstrap in ("hold", "critic", "zero"):
        found = adv.egae(rewards, mask, values=values, finished=finished, bootstrap=bootstrap, bootstrap_values=rewards)
        assert torch.equal(found, adv.gae(rewards, mask, values=values))


def test_hold_gives_the_last_token_of_an_open_window_no_advantage() -> None:
    mask, values = mask_of([2, 3]), f64([[0.5, 0.8, 9.0], [0.1, 0.4, 0.2]])
    finished = torch.tensor([False, False])
    found = adv.egae(f64([0.0, 0.0]), mask, values=values, finished=finished, lam=1.0)
    torch.testing.assert_close(found, f64([[0.3, 0, 0], [0.1, -0.2, 0]]))  # the last known value less the value here
    held = adv.egae(f64([0.0, 0.0]), mask, values=values, finished=finished, bootstrap="zero")
    assert held[mask].max() < 0  # a zero at the cut says that going on was worth nothing


def test_vapo_decouples_the_actor_from_the_critic() -> None:
    mask = mask_of([10, 4])
    values = 0.05 * mask.double().cumsum(1)
    rewards = f64([1.0, 0.0])
    found = adv.decoupled_gae(rewards, mask, values=values, alpha=1.5)
    torch.testing.assert_close(found.targets, rewards[:, None] * mask)  # Monte Carlo, whatever the values
    rows = [
        n_step_average([0.0] * (n - 1) + [r], values[i, :n].tolist(), 0.0, 1.0, 1 - 1 / (1.5 * n))
        for i, (n, r) in enumerate(((10, 1.0), (4, 0.0)))
    ]
    assert found.advantages[mask].tolist() == pytest.approx(rows[0] + rows[1])
    fixed = adv.decoupled_gae(rewards, mask, values=values, lam_policy=0.95, lam_value=0.5)
    torch.testing.assert_close(fixed.advantages, adv.gae(rewards, mask, values=values, lam=0.95))
    torch.testing.assert_close(fixed.targets, adv.value_targets(rewards, mask, values=values, lam=0.5))


def test_a_longer_response_keeps_more_of_its_reward() -> None:
    """With values of zero the first token gets lambda^(l-1): next to nothing with a fixed lambda, about exp(-1/alpha) with VAPO's."""
    mask = torch.ones(1, 400, dtype=torch.bool)
    values = torch.zeros(1, 400, dtype=torch.float64)
    adaptive = adv.decoupled_gae(f64([1.0]), mask, values=values, alpha=1.5).advantages[0, 0]
    assert float(adaptive) == pytest.approx((1 - 1 / 600) ** 399)
    assert float(adv.gae(f64([1.0]), mask, values=values, lam=0.95)[0, 0]) < 1e-8


# Refusals.

CUT = torch.tensor([True])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: adv.length_adaptive_lambda(WHOLE, alpha=0.0), "alpha=0"),
        (lambda: gae_of(lam=1.5), "lam=1.5 is out of range"),
        (lambda: gae_of(lam=f64([1.5])), "lam holds numbers above 1"),
        (lambda: gae_of(gaps="reset"), "gaps='reset' is unknown"),
        (lambda: gae_of(truncated=CUT), "truncated was given without bootstrap_values"),
        (lambda: gae_of(bootstrap_values=f64([0.0])), "bootstrap_values was given without truncated"),
        (lambda: gae_of(truncated=CUT, bootstrap_values=f64([math.nan])), "bootstrap_values hold NaN"),
        (lambda: gae_of(truncated=CUT.long(), bootstrap_values=f64([0.0])), "truncated is of torch.int64"),
        (lambda: gae_of(truncated=CUT, bootstrap_values=VALUES), "bootstrap_values is torch.float64 of shape"),
        (lambda: adv.gae(f64([1.0]), WHOLE, values=VALUES[:, :2]), "values are torch.float64 of shape"),
        (lambda: adv.gae(f64([1.0]), WHOLE, values=VALUES * math.nan), "values hold NaN"),
        (lambda: adv.egae(f64([1.0]), WHOLE, values=VALUES, finished=OPEN, bootstrap="critic"), "has no bootstrap_values"),
        (lambda: adv.egae(f64([1.0]), WHOLE, values=VALUES, finished=OPEN, bootstrap="last"), "bootstrap='last' is unknown"),
    ],
)
def test_what_cannot_be_is_refused_with_what_was_expected(call: Callable[[], object], says: str) -> None:
    with pytest.raises(ConfigError, match="expected") as refused:
        call()
    assert says in str(refused.value)
