"""S-GRPO's reward: golden numbers, its ablations, and independence of the order of the batch."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.core.errors import ConfigError
from thinkwell.training.rewards.decaying_exit import decaying_exit

CORRECT = torch.tensor([0, 1, 0, 1, 1, 1, 0, 1, 1], dtype=torch.float64)
PLACES = torch.tensor([10, 20, 30, 40, 50, 60, 70, 80, 90])
ONE = torch.zeros(9, dtype=torch.int64)


def test_golden_rewards_and_advantages() -> None:
    got = decaying_exit(CORRECT, PLACES, ONE)
    assert got.tolist() == [0, 1, 0, 0.5, 0.25, 0.125, 0, 0.0625, 0.03125]
    expected = [-0.21875, 0.78125, -0.21875, 0.28125, 0.03125, -0.09375, -0.21875, -0.15625, -0.1875]
    assert (got - got.mean()).tolist() == expected


def test_the_order_is_that_of_the_thought_and_not_of_the_batch() -> None:
    order = torch.tensor([8, 3, 0, 5, 1, 7, 2, 6, 4])
    assert torch.equal(decaying_exit(CORRECT[order], PLACES[order], ONE), decaying_exit(CORRECT, PLACES, ONE)[order])


def test_thoughts_do_not_touch_each_other() -> None:
    groups = torch.tensor([5, 1, 5, 1, 5, 1])
    got = decaying_exit(torch.tensor([1, 0, 1, 1, 1, 1]).double(), torch.tensor([1, 1, 2, 2, 3, 3]), groups)
    assert got.tolist() == [1, 0, 0.5, 1, 0.25, 0.5]


def test_the_ablations_are_the_ends_of_the_decay() -> None:
    assert torch.equal(decaying_exit(CORRECT, PLACES, ONE, decay=1), CORRECT)
    assert decaying_exit(CORRECT, PLACES, ONE, decay=math.inf).tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 0]


def test_the_whole_thought_comes_last_even_if_an_exit_is_at_its_end() -> None:
    places, full = torch.tensor([90, 40, 90]), torch.tensor([True, False, False])
    got = decaying_exit(torch.ones(3, dtype=torch.float64), places, torch.zeros(3, dtype=torch.int64), full=full)
    assert got.tolist() == [0.25, 1, 0.5]


def test_exits_at_one_place_are_worth_the_same() -> None:
    got = decaying_exit(torch.ones(4, dtype=torch.float64), torch.tensor([7, 7, 9, 3]), torch.zeros(4, dtype=torch.int64))
    assert got.tolist() == [0.5, 0.5, 0.125, 1]


def test_no_right_exit_no_reward() -> None:
    assert decaying_exit(torch.zeros(9), PLACES, ONE).tolist() == [0] * 9


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=1, max_size=20), st.sampled_from([1.0, 1.5, 2.0, 4.0]), st.randoms())
def test_walking_each_thought_gives_the_same(samples: list[tuple[bool, int]], decay: float, random: object) -> None:
    places = list(range(len(samples)))
    random.shuffle(places)  # type: ignore[attr-defined]
    expected = [0.0] * len(samples)
    for group in {group for _, group in samples}:
        found = 0
        for index in sorted((index for index in range(len(samples)) if samples[index][1] == group), key=lambda index: places[index]):
            if samples[index][0]:
                found += 1
                expected[index] = decay ** -(found - 1)
    correct = torch.tensor([float(c) for c, _ in samples], dtype=torch.float64)
    got = decaying_exit(correct, torch.tensor(places), torch.tensor([group for _, group in samples]), decay=decay)
    assert got.tolist() == pytest.approx(expected)


def test_what_is_out_of_range_is_refused_by_name() -> None:
    for decay in (0.5, -1.0, math.nan):
        with pytest.raises(ConfigError, match="decay"):
            decaying_exit(CORRECT, PLACES, ONE, decay=decay)
    with pytest.raises(ConfigError, match="full"):
        decaying_exit(CORRECT, PLACES, ONE, full=torch.ones(2, dtype=torch.bool))
