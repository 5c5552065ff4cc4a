"""Which groups teach anything. The bug: a filter on accuracy drops the groups that length rewards are made for."""

from __future__ import annotations

import math
import statistics

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.core.errors import ConfigError
from thinkwell.training.rewards.grpo_lambda import grpo_lambda
from thinkwell.training.rewards.l_grpo import l_grpo
from thinkwell.training.rewards.laser import laser, laser_d
from thinkwell.training.rewards.signal import carries_signal

# all right with different lengths, all right with one length, mixed, all wrong with different lengths, one alone
CORRECT = torch.tensor([1, 1, 1, 1, 1, 0, 0, 0, 1], dtype=torch.float64)
LENGTHS = torch.tensor([100, 9000, 50, 50, 10, 10, 100, 9000, 70])
GROUPS = torch.tensor([4, 4, 0, 0, 2, 2, 7, 7, 1])


def kept(rewards: torch.Tensor) -> set[int]:
    return set(GROUPS[carries_signal(rewards, GROUPS)].tolist())


def test_accuracy_sees_the_mixed_group_alone() -> None:
    assert kept(CORRECT) == {2}


@pytest.mark.parametrize("reward", [laser, laser_d, l_grpo, lambda *batch: grpo_lambda(*batch, top=1.0)])
def test_a_group_of_right_answers_is_kept_for_its_lengths(reward: object) -> None:
    rewards = reward(CORRECT, LENGTHS, GROUPS)  # type: ignore[operator]
    assert kept(rewards) == {2, 4}
    assert kept(CORRECT) < kept(rewards)


def test_wrong_answers_whose_rewards_differ_carry_a_signal_too() -> None:
    assert 7 in kept(CORRECT - LENGTHS / 1e5)


def test_equal_rewards_that_no_float_holds_exactly_carry_none() -> None:
    for size in (3, 7, 10, 49):
        rewards = torch.full((size,), 0.1, dtype=torch.float64)
        assert not carries_signal(rewards, torch.zeros(size, dtype=torch.int64)).any()


def test_the_smallest_difference_counts_unless_a_floor_is_set() -> None:
    rewards = torch.tensor([1.0, 1.0 + 1e-12], dtype=torch.float64)
    group = torch.zeros(2, dtype=torch.int64)
    assert carries_signal(rewards, group).all()
    assert not carries_signal(rewards, group, min_std=1e-6).any()


def test_the_floor_is_a_population_deviation() -> None:
    rewards, group = torch.tensor([0.0, 1.0]), torch.zeros(2, dtype=torch.int64)
    assert carries_signal(rewards, group, min_std=0.49).all()
    assert not carries_signal(rewards, group, min_std=0.5).any()


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-3, 3)), min_size=1, max_size=30), st.sampled_from([0.0, 0.4501, 1.3007]))
def test_against_deviations_by_hand(samples: list[tuple[int, int]], floor: float) -> None:
    expected = [statistics.pstdev([reward for other, reward in samples if other == group]) > floor for group, _ in samples]
    rewards, groups = torch.tensor([float(reward) for _, reward in samples]), torch.tensor([group for group, _ in samples])
    assert carries_signal(rewards, groups, min_std=floor).tolist() == expected


def test_rewards_that_are_no_numbers_are_refused() -> None:
    for bad in (math.nan, math.inf):
        with pytest.raises(ConfigError, match="finite"):
            carries_signal(torch.tensor([1.0, bad]), torch.zeros(2, dtype=torch.int64))
    with pytest.raises(ConfigError, match="group_ids"):
        carries_signal(torch.ones(2), torch.zeros(3, dtype=torch.int64))
    with pytest.raises(ConfigError, match="min_std"):
        carries_signal(torch.ones(2), torch.zeros(2, dtype=torch.int64), min_std=-1)
