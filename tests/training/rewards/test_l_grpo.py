"""L-GRPO: the gate, the advantages that follow, and its variants."""

from __future__ import annotations

import statistics

import pytest
import torch

from thinkwell.core.errors import ConfigError
from thinkwell.training.rewards.l_grpo import l_grpo

LENGTHS = torch.tensor([100, 200, 300, 600])
ALL = torch.ones(4, dtype=torch.float64)
ONE = torch.zeros(4, dtype=torch.int64)


def advantages(rewards: list[float]) -> list[float]:
    mean, deviation = statistics.mean(rewards), statistics.stdev(rewards)
    return [(reward - mean) / (deviation + 1e-6) for reward in rewards]


def test_a_group_of_right_answers_is_paid_for_what_is_left_of_the_window() -> None:
    assert l_grpo(ALL, LENGTHS, ONE, max_length=1000).tolist() == pytest.approx([1.9, 1.8, 1.7, 1.4])
    assert l_grpo(ALL, LENGTHS, ONE, max_length=1000, coef=0.5).tolist() == pytest.approx([1.45, 1.4, 1.35, 1.2])


@pytest.mark.parametrize(("coef", "first"), [(0.5, 0.9258), (5.0, 0.9258), (0.01, 0.9254)])
def test_golden_advantages_do_not_hang_on_the_weight(coef: float, first: float) -> None:
    got = advantages(l_grpo(ALL, LENGTHS, ONE, max_length=1000, coef=coef).tolist())
    assert got == pytest.approx([first, first / 2, 0, -1.5 * first], abs=1e-4)


def test_golden_advantages() -> None:
    assert advantages(l_grpo(ALL, LENGTHS, ONE).tolist()) == pytest.approx([0.9258, 0.4629, 0, -1.3887], abs=1e-4)


def test_one_wrong_answer_closes_the_gate_of_its_group_alone() -> None:
    correct = torch.tensor([1, 1, 1, 1, 1, 0], dtype=torch.float64)
    lengths, groups = torch.tensor([500, 500, 500, 500, 100, 100]), torch.tensor([3, 8, 3, 8, 3, 8])
    assert l_grpo(correct, lengths, groups, max_length=1000).tolist() == [1.5, 1, 1.5, 1, 1.9, 0]


def test_without_a_gate_every_right_answer_is_paid() -> None:
    correct = torch.tensor([1, 0, 0, 1], dtype=torch.float64)
    assert l_grpo(correct, LENGTHS, ONE, max_length=1000, gate="correct").tolist() == pytest.approx([1.9, 0, 0, 1.4])


def test_a_gate_can_be_a_share() -> None:
    correct = torch.tensor([1, 1, 1, 0], dtype=torch.float64)
    assert l_grpo(correct, LENGTHS, ONE, max_length=1000, gate=0.75).tolist() == pytest.approx([1.9, 1.8, 1.7, 0])
    assert l_grpo(correct, LENGTHS, ONE, max_length=1000, gate=0.76).tolist() == [1, 1, 1, 0]


@pytest.mark.parametrize("size", range(1, 31))
def test_a_share_that_is_met_exactly_opens_the_gate(size: int) -> None:
    for right in range(1, size + 1):
        correct = torch.tensor([index < right for index in range(size)])
        got = l_grpo(correct, torch.full((size,), 10), torch.zeros(size, dtype=torch.int64), gate=right / size)
        assert got[0] > 1


def test_a_group_of_nearly_equal_lengths_can_be_left_without_pressure() -> None:
    lengths = torch.tensor([100, 101, 100, 1000])
    groups = torch.tensor([0, 0, 1, 1])
    got = l_grpo(ALL, lengths, groups, max_length=1000, min_length_std=5)
    assert got[:2].tolist() == [1, 1]
    assert got[2] > got[3]


def test_a_right_answer_in_an_invalid_format_closes_the_gate() -> None:
    valid = torch.tensor([True, True, True, False])
    assert l_grpo(ALL, LENGTHS, ONE, valid=valid).tolist() == [1, 1, 1, 0]


@pytest.mark.parametrize("knobs", [{"max_length": 0}, {"coef": -1}, {"gate": "some"}, {"gate": 0.0}, {"gate": 1.5}, {"min_length_std": -1}])
def test_knobs_out_of_range_are_refused_by_name(knobs: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(knobs))):
        l_grpo(ALL, LENGTHS, ONE, **knobs)  # type: ignore[arg-type]
