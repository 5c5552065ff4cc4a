"""Advantage estimators: the golden numbers of the fixtures, references in plain Python, and what must not change a result."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.training.advantage_batches import REWARDS, batches, f64, fixture, mask_of
from thinkwell.core.errors import ConfigError
from thinkwell.training import advantages as adv

PRESETS = ("paper", "trl", "verl")
GROUPED = (adv.rloo, adv.grpo, adv.dr_grpo, adv.s_grpo)
WHITENED = (adv.reinforce_pp, adv.reinforce_pp_baseline)
Estimator = Callable[..., Tensor]
unit = st.floats(0, 1)


def one_a_sample(advantages: Tensor, mask: Tensor) -> list[float]:
    """The number that stands at every token of a sample; fails if they differ or if there is one outside the mask."""
    assert not advantages[~mask].any()
    rows = [row[keep] for row, keep in zip(advantages, mask, strict=True)]
    assert all(bool((row == row[0]).all()) for row in rows)
    return [float(row[0]) for row in rows]


# Golden numbers, the first six computed by running the frameworks' own functions.


@pytest.mark.parametrize(
    ("estimator", "knobs", "expected"),
    [
        (adv.grpo, {"preset": "verl"}, [0.866024, -0.866024, 0.866024, -0.866024, 0.499999, 0.499999, 0.499999, -1.499997]),
        (adv.grpo, {"preset": "trl"}, [0.865875, -0.865875, 0.865875, -0.865875, 0.4999, 0.4999, 0.4999, -1.4997]),
        (
            adv.grpo,
            {"preset": "trl", "scale": "batch"},
            [0.965905, -0.965905, 0.965905, -0.965905, 0.482953, 0.482953, 0.482953, -1.448858],
        ),
        (adv.reinforce_pp, {"preset": "verl"}, [0.738549, -1.292461, 0.738549, -1.292461, 0.738549, 0.738549, 0.738549, -1.292461]),
        (adv.reinforce_pp_baseline, {"preset": "verl"}, [1, -1, 1, -1, 0.5, 0.5, 0.5, -1.5]),
        (adv.rloo, {"preset": "verl"}, [0.666667, -0.666667, 0.666667, -0.666667, 0.333333, 0.333333, 0.333333, -1]),
        (adv.grpo, {}, [1, -1, 1, -1, 0.57735, 0.57735, 0.57735, -1.732051]),
        (adv.dr_grpo, {}, [0.5, -0.5, 0.5, -0.5, 0.25, 0.25, 0.25, -0.75]),
        (adv.grpo, {"scale": "none"}, [0.5, -0.5, 0.5, -0.5, 0.25, 0.25, 0.25, -0.75]),
        (adv.reinforce, {}, REWARDS),
    ],
)
def test_golden_numbers_of_two_groups(estimator: Estimator, knobs: dict[str, Any], expected: list[float]) -> None:
    rewards, mask, groups = fixture()
    assert one_a_sample(estimator(rewards, mask, groups, **knobs), mask) == pytest.approx(expected, abs=1e-5)


def test_golden_numbers_of_a_serial_group() -> None:
    decayed = f64([0, 1, 0, 0.5, 0.25, 0.125, 0, 0.0625, 0.03125])
    mask = mask_of([3, 4, 5, 6, 7, 8, 9, 10, 12])
    found = one_a_sample(adv.s_grpo(decayed, mask, torch.zeros(9, dtype=torch.int64)), mask)
    assert found == pytest.approx([-0.21875, 0.78125, -0.21875, 0.28125, 0.03125, -0.09375, -0.21875, -0.15625, -0.1875])
    assert sum(found) == pytest.approx(0.0, abs=1e-12)  # what all members share gets no gradient on policy


# References in plain Python: lists, dictionaries and the statistics module.


CONVENTIONS = {"paper": (statistics.pstdev, 0.0, False), "trl": (statistics.stdev, 1e-4, False), "verl": (statistics.stdev, 1e-6, True)}


def plain(name: str, preset: str, rewards: list[float], groups: list[int]) -> list[float]:
    """What a sample gets, by its definition."""
    std, eps, raw = CONVENTIONS[preset]
    found = []
    for mine, (reward, group) in enumerate(zip(rewards, groups, strict=True)):
        members = [r for r, g in zip(rewards, groups, strict=True) if g == group]
        others = [r for i, (r, g) in enumerate(zip(rewards, groups, strict=True)) if g == group and i != mine]
        if not others:
            found.append((reward / (1 + eps) if name == "grpo" else reward) if raw else 0.0)
        elif name == "rloo":
            found.append(reward - statistics.fmean(others))
        elif name != "grpo":
            found.append(reward - statistics.fmean(members))
        else:
            found.append(0.0 if len(set(members)) == 1 else (reward - statistics.fmean(members)) / (std(members) + eps))
    return found


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("estimator", GROUPED)
@given(batch=batches())
def test_group_estimators_agree_with_their_definition(estimator: Estimator, preset: str, batch: tuple[Tensor, Tensor, Tensor]) -> None:
    rewards, mask, groups = batch
    found = estimator(rewards, mask, groups, preset=preset)
    expected = f64(plain(estimator.__name__, preset, rewards.tolist(), groups.tolist()))
    torch.testing.assert_close(found, expected[:, None] * mask, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("preset", "std"), [("verl", statistics.variance), ("openrlhf", statistics.pvariance)])
@given(batch=batches())
def test_reinforce_pp_whitens_over_all_tokens(preset: str, std: Callable[..., float], batch: tuple[Tensor, Tensor, Tensor]) -> None:
    rewards, mask, groups = batch
    raw = adv.reinforce(rewards, mask, gaps="reset" if preset == "verl" else "skip")
    tokens = raw[mask].tolist()
    if len(set(tokens)) < 2:
        assert not adv.reinforce_pp(rewards, mask, groups, preset=preset).any()
        return
    variance = std(tokens) + 1e-8 if preset == "verl" else max(std(tokens), 1e-8)
    expected = (raw - statistics.fmean(tokens)) / math.sqrt(variance) * mask
    torch.testing.assert_close(adv.reinforce_pp(rewards, mask, groups, preset=preset), expected, rtol=1e-9, atol=1e-9)


@given(data=st.data(), gamma=unit, width=st.integers(1, 6))
def test_reinforce_is_the_discounted_return_to_go(data: st.DataObject, gamma: float, width: int) -> None:
    row = st.lists(st.floats(-2, 2), min_size=width, max_size=width)
    rewards, keep = data.draw(row), data.draw(st.lists(st.booleans(), min_size=width, max_size=width))
    inside = [r for r, k in zip(rewards, keep, strict=True) if k]
    expected = [sum(gamma**k * r for k, r in enumerate(inside[t:])) for t in range(len(inside))]
    mask = torch.tensor([keep])
    assert adv.reinforce(f64([rewards]), mask, gamma=gamma)[mask].tolist() == pytest.approx(expected, abs=1e-9)


def test_leave_one_out_is_without_bias_and_the_group_mean_shrinks_by_its_share() -> None:
    """By enumeration of all groups of three of a policy over three answers: E[A grad log p] against the gradient of the expected reward."""
    p, rewards = f64([0.2, 0.5, 0.3]), f64([1.0, 0.0, 0.4])
    score = torch.eye(3, dtype=torch.float64) - p  # of a softmax: row a is the gradient of log p(a)
    true = (p * rewards) @ score
    for estimator, share in ((adv.rloo, 1.0), (adv.dr_grpo, 2 / 3)):
        total = torch.zeros(3, dtype=torch.float64)
        for drawn in itertools.product(range(3), repeat=3):
            index = torch.tensor(drawn)
            gained = estimator(rewards[index], torch.ones(3, 1, dtype=torch.bool), torch.zeros(3, dtype=torch.int64))
            total += p[index].prod() * (gained * score[index]).mean(0)
        torch.testing.assert_close(total, share * true)


# What must not change a result.


def all_estimators() -> list[Any]:
    def with_critic(function: Estimator, **more: Any) -> Estimator:
        def call(rewards: Tensor, mask: Tensor, groups: Tensor, **knobs: Any) -> Tensor:
            values = torch.where(mask, 0.1 * rewards[:, None] + 0.3 * mask.long().cumsum(1), torch.nan)
            flags = dict.fromkeys(more, rewards > 0)
            return function(rewards, mask, groups, values=values, **flags, **knobs)

        return call

    plain_ones = [adv.reinforce, *GROUPED, *WHITENED]
    critics: list[Any] = [with_critic(adv.gae), with_critic(adv.egae, finished=True), with_critic(adv.value_targets)]
    critics += [lambda *a, i=i, **k: with_critic(adv.decoupled_gae)(*a, **k)[i] for i in (0, 1)]
    names = ["gae", "egae", "value_targets", "vapo advantages", "vapo targets"]
    found = [pytest.param(function, id=function.__name__) for function in plain_ones]
    return found + [pytest.param(function, id=name) for function, name in zip(critics, names, strict=True)]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("estimator", all_estimators())
@settings(max_examples=40)
@given(batch=batches(), data=st.data())
def test_order_of_samples_numbers_of_groups_and_padding_change_nothing(
    estimator: Estimator, preset: str, batch: tuple[Tensor, Tensor, Tensor], data: st.DataObject
) -> None:
    rewards, mask, groups = batch
    if preset == "trl":
        mask = mask.int().cummin(1).values.bool()  # its gaps are steps; here are none
    expected = estimator(rewards, mask, groups, preset=preset)
    order = torch.tensor(data.draw(st.permutations(range(len(rewards)))))
    left, right = data.draw(st.integers(0, 2)), data.draw(st.integers(0, 2))
    wide = torch.nn.functional.pad(mask, (left, right))
    found = estimator(rewards[order], wide[order], 3 - 2 * groups[order], preset=preset)
    torch.testing.assert_close(found, torch.nn.functional.pad(expected, (left, right))[order], rtol=1e-9, atol=1e-9)
    assert torch.isfinite(found).all()
    assert not found[~wide[order]].any()


@pytest.mark.parametrize("estimator", GROUPED)
@given(batch=batches())
def test_a_batch_may_be_split_between_groups(estimator: Estimator, batch: tuple[Tensor, Tensor, Tensor]) -> None:
    rewards, mask, groups = batch
    whole = estimator(rewards, mask, groups)
    for group in groups.unique():
        part = groups == group
        torch.testing.assert_close(estimator(rewards[part], mask[part], groups[part]), whole[part])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("estimator", all_estimators())
def test_the_dtype_stays_and_no_gradient_flows(estimator: Estimator, dtype: torch.dtype) -> None:
    rewards, mask, groups = fixture()
    found = estimator(rewards.to(dtype).requires_grad_(), mask, groups)
    assert found.dtype == dtype
    assert not found.requires_grad


# Corners.


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("estimator", [*GROUPED, *WHITENED])
def test_equal_rewards_give_exactly_zero(estimator: Estimator, preset: str, dtype: torch.dtype) -> None:
    rewards, mask = torch.full((7,), 0.1, dtype=dtype), mask_of([1, 2, 3, 4, 5, 6, 7])  # the mean of seven 0.1 is not 0.1 in floats
    assert not estimator(rewards, mask, torch.zeros(7, dtype=torch.int64), preset=preset).any()


def test_a_group_of_one_gives_what_its_convention_says() -> None:
    rewards, mask, groups = f64([0.7, 0.0, 1.0]), torch.ones(3, 2, dtype=torch.bool), torch.tensor([5, 9, 9])
    for estimator in GROUPED:
        assert float(estimator(rewards, mask, groups)[0, 0]) == 0.0
        assert float(estimator(rewards, mask, groups, preset="trl")[0, 0]) == 0.0
        assert float(estimator(rewards, mask, groups, preset="verl")[0, 0]) == pytest.approx(0.7, abs=1e-5)
        assert float(estimator(rewards, mask, groups, preset="verl", singles="zero")[0, 0]) == 0.0
    unwhitened = adv.reinforce_pp_baseline(rewards, mask, groups, preset="verl", whiten="off")
    assert unwhitened[:, 0].tolist() == pytest.approx([0.7, -0.5, 0.5])


def test_the_reward_of_a_sample_without_tokens_counts_in_its_group() -> None:
    mask = torch.tensor([[True], [True], [False]])
    found = adv.dr_grpo(f64([1.0, 0.0, 2.0]), mask, torch.zeros(3, dtype=torch.int64))
    assert found[:, 0].tolist() == pytest.approx([0.0, -1.0, 0.0])


@pytest.mark.parametrize("estimator", all_estimators())
def test_a_batch_without_a_token_gives_zeros(estimator: Estimator) -> None:
    for width in (0, 3):
        found = estimator(f64([1.0, 0.0]), torch.zeros(2, width, dtype=torch.bool), torch.tensor([0, 0]))
        assert found.shape == (2, width)
        assert not found.any()


def test_whitening_knobs() -> None:
    rewards, mask, groups = fixture()
    ones, zeros = 14, 8  # tokens of right and wrong samples
    mean = ones / 22
    variance = ones * zeros / 22**2
    knobs: dict[str, Any]
    for knobs, divisor in (
        ({"whiten": "off"}, None),
        ({"whiten": "mean"}, 1.0),
        ({"whiten": "population", "eps": 0.0}, math.sqrt(variance)),
        ({"whiten": "population", "eps": 0.5}, math.sqrt(variance + 0.5)),
        ({"whiten": "population", "eps": 0.5, "eps_at": "floor"}, math.sqrt(0.5)),
        ({"whiten": "sample", "eps": 0.5, "eps_at": "std"}, math.sqrt(variance * 22 / 21) + 0.5),
    ):
        found = one_a_sample(adv.reinforce_pp(rewards, mask, groups, **knobs), mask)[0]
        assert found == pytest.approx(1.0 if divisor is None else (1 - mean) / divisor)


GAP = torch.tensor([[True, True, False, False, True]])


def test_verl_forgets_the_return_at_a_gap_and_the_others_do_not() -> None:
    for preset, before in (("paper", 1.0), ("openrlhf", 1.0), ("verl", 0.0)):
        assert adv.reinforce_pp(f64([1.0]), GAP, preset=preset, whiten="off")[0].tolist() == [before, before, 0.0, 0.0, 1.0]


def test_kl_is_taken_off_the_rewards_of_tokens() -> None:
    mask = torch.tensor([[False, True, True], [True, False, False]])
    kl = f64([[torch.nan, 0.1, 0.2], [-0.3, torch.nan, 5.0]])
    found = adv.token_rewards(f64([1.0, 2.0]), mask, kl=kl, beta=0.5)
    torch.testing.assert_close(found, f64([[0, -0.05, 0.9], [2.15, 0, 0]]))
    torch.testing.assert_close(adv.reinforce(found, mask), f64([[0, 0.85, 0.9], [2.15, 0, 0]]))
    torch.testing.assert_close(adv.token_rewards(f64([1.0, 2.0]), mask), f64([[0, 0, 1.0], [2.0, 0, 0]]))


# Refusals.


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: adv.grpo(*fixture(), preset="deepseek"), "no preset 'deepseek'; expected one of 'paper', 'trl', 'verl'"),
        (lambda: adv.grpo(*fixture(), std="bessel"), "std='bessel' is unknown"),
        (lambda: adv.grpo(*fixture(), scale="token"), "scale='token' is unknown"),
        (lambda: adv.grpo(*fixture(), eps=-1e-6), "eps=-1e-06 is out of range"),
        (lambda: adv.rloo(*fixture(), singles="one"), "singles='one' is unknown"),
        (lambda: adv.reinforce(*fixture(), gamma=1.01), "gamma=1.01 is out of range"),
        (lambda: adv.reinforce(*fixture(), gamma=math.nan), "gamma=nan is out of range"),
        (lambda: adv.reinforce(*fixture(), gaps="step"), "gaps='step' is unknown"),
        (lambda: adv.reinforce_pp(*fixture(), whiten="batch"), "whiten='batch' is unknown"),
        (lambda: adv.reinforce_pp(*fixture(), eps_at="mean"), "eps_at='mean' is unknown"),
        (lambda: adv.grpo(fixture()[0], fixture()[1].long(), fixture()[2]), "mask is torch.int64"),
        (lambda: adv.grpo(fixture()[0].long(), *fixture()[1:]), "rewards are torch.int64"),
        (lambda: adv.grpo(fixture()[0][:, None], *fixture()[1:]), "rewards are torch.float64 of shape"),
        (lambda: adv.grpo(fixture()[0] / 0, *fixture()[1:]), "rewards hold NaN or infinity"),
        (lambda: adv.grpo(*fixture()[:2], fixture()[2][:3]), "group_ids are torch.int64 of shape"),
        (lambda: adv.grpo(*fixture()[:2], None), "group_ids are missing"),
        (lambda: adv.token_rewards(*fixture()[:2], beta=-1.0), "beta=-1.0 is out of range"),
        (lambda: adv.token_rewards(*fixture()[:2], kl=f64([1.0])), "kl has shape"),
    ],
)
def test_what_cannot_be_is_refused_with_what_was_expected(call: Callable[[], object], says: str) -> None:
    with pytest.raises(ConfigError, match="expected") as refused:
        call()
    assert says in str(refused.value)
