"""GRPO-lambda: golden numbers, the ends of lambda, the cut among ties, and the traps that its re-implementations fell into."""

from __future__ import annotations

import math
import statistics

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.core.errors import ConfigError
from thinkwell.training.rewards.grpo_lambda import efficiency_groups, grpo_lambda
from thinkwell.training.rewards.laser import group_penalty


def batch(*groups: tuple[str, list[int]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Each group as ("1101", lengths)."""
    correct = torch.tensor([float(flag) for flags, _ in groups for flag in flags], dtype=torch.float64)
    lengths = torch.tensor([length for _, lengths in groups for length in lengths])
    return correct, lengths, torch.tensor([number for number, (flags, _) in enumerate(groups) for _ in flags])


FIVE = batch(("110", [10, 20, 30]), ("111", [100, 200, 300]), ("100", [50, 60, 70]), ("000", [5, 5, 5]), ("110", [40, 50, 60]))


def test_golden_rewards_of_an_efficiency_group() -> None:
    only = batch(("111", [100, 200, 300]))
    assert grpo_lambda(*only, top=1.0).tolist() == pytest.approx([0.95458, 0.9, 0.84542], abs=1e-5)
    for preset in ("trl", "verl"):
        assert grpo_lambda(*only, top=1.0, preset=preset).tolist() == pytest.approx([0.94621, 0.9, 0.85379], abs=1e-5)
    assert grpo_lambda(*only, top=1.0, preset="trl", std="population").tolist() == pytest.approx([0.95458, 0.9, 0.84542], abs=1e-5)


def test_the_default_is_the_best_fifth_of_the_groups() -> None:
    got = grpo_lambda(*FIVE)
    assert got[3:6].tolist() == pytest.approx([0.95458, 0.9, 0.84542], abs=1e-5)
    assert [*got[:3].tolist(), *got[6:].tolist()] == [1, 1, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0]


def test_lambda_zero_is_the_plain_reward_and_lambda_one_the_plain_penalty_bit_for_bit() -> None:
    correct, lengths, groups = FIVE
    assert torch.equal(grpo_lambda(*FIVE, top=0.0), correct)
    assert torch.equal(grpo_lambda(*FIVE, top=1.0), group_penalty(correct, lengths, groups, scores=(1.0, 0.0, 0.0)))


def test_more_lambda_never_takes_a_group_away() -> None:
    before = torch.zeros(15, dtype=torch.bool)
    for top in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        now = efficiency_groups(*FIVE, top=top)
        assert bool((now | ~before).all())
        assert int(now.sum()) == 3 * round(5 * top)
        before = now


def test_wrong_responses_get_nothing_in_an_efficiency_group() -> None:
    got = grpo_lambda(*batch(("1100", [100, 200, 10, 900])), top=1.0)
    assert got[2:].tolist() == [0, 0]
    assert got[:2].min() > 0


def test_the_only_right_response_has_half_the_penalty() -> None:
    for std in ("population", "sample"):
        assert grpo_lambda(*batch(("100", [3000, 10, 20])), top=1.0, std=std).tolist() == pytest.approx([0.9, 0, 0])


def test_a_top_group_without_a_right_response_is_worth_zero() -> None:
    assert grpo_lambda(*batch(("000", [1, 2, 3])), top=1.0).tolist() == [0, 0, 0]


def test_equal_lengths_have_half_the_penalty() -> None:
    assert grpo_lambda(*batch(("111", [300, 300, 300])), top=1.0, eps=0.0).tolist() == pytest.approx([0.9] * 3)


@pytest.mark.parametrize(
    ("rounding", "top", "groups", "chosen"),
    [("ceil", 0.2, 6, 2), ("floor", 0.2, 6, 1), ("round", 0.25, 6, 2), ("floor", 0.1, 6, 1), ("ceil", 0.07, 100, 7), ("ceil", 0.01, 3, 1)],
)
def test_how_many_groups_are_chosen(rounding: str, top: float, groups: int, chosen: int) -> None:
    """7% of 100 groups are 7: in floating point the product is 7.000000000000001."""
    many = batch(*[("1", [10])] * groups)
    assert int(efficiency_groups(*many, top=top, rounding=rounding).sum()) == chosen


def test_among_ties_the_longer_group_is_chosen_wherever_it_stands() -> None:
    for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        lengths = [[10, 20], [500, 600], [30, 40]]
        tied = batch(*[("11", lengths[number]) for number in order])
        chosen = efficiency_groups(*tied, top=0.3)
        assert tied[1][chosen].tolist() == [500, 600]


def test_random_ties_hang_on_the_seed_and_not_on_the_order() -> None:
    correct, lengths, groups = batch(*[("11", [10, 10])] * 8)
    order = torch.randperm(16, generator=torch.Generator().manual_seed(3))
    drawn = set()
    for seed in range(12):
        chosen = efficiency_groups(correct, lengths, groups, top=0.25, ties="random", seed=seed)
        assert torch.equal(
            efficiency_groups(correct[order], lengths[order], groups[order], top=0.25, ties="random", seed=seed), chosen[order]
        )
        drawn.add(tuple(groups[chosen].tolist()))
        assert int(chosen.sum()) == 4
    assert len(drawn) > 3


def test_random_ties_never_prefer_a_worse_group() -> None:
    for seed in range(8):
        assert efficiency_groups(*FIVE, top=0.2, ties="random", seed=seed).tolist() == [False] * 3 + [True] * 3 + [False] * 9


def test_a_weak_batch_can_be_left_in_peace() -> None:
    weak = batch(("1000", [10, 20, 30, 40]), ("0000", [1, 2, 3, 4]))
    assert grpo_lambda(*weak, top=0.5)[0] < 1
    assert grpo_lambda(*weak, top=0.5, min_correct_ratio=0.5)[0] == 1


def test_the_ranking_is_over_the_whole_batch() -> None:
    """Called on shards, every shard would have efficiency groups of its own: here the second one has none."""
    whole = grpo_lambda(*batch(("11", [10, 20]), ("11", [30, 40]), ("10", [10, 20]), ("10", [10, 20])), top=0.5)
    assert whole[4:].tolist() == [1, 0, 1, 0]
    assert grpo_lambda(*batch(("10", [10, 20]), ("10", [10, 20])), top=0.5).tolist() == pytest.approx([0.9, 0, 1, 0])


@given(st.lists(st.lists(st.tuples(st.booleans(), st.integers(1, 5000)), min_size=1, max_size=5), min_size=1, max_size=6), st.floats(0, 1))
def test_the_reward_is_what_plain_python_gives(groups: list[list[tuple[bool, int]]], top: float) -> None:
    def rank(number: int) -> tuple[float, float, int]:
        group = groups[number]
        return -sum(c for c, _ in group) / len(group), -sum(length for _, length in group) / len(group), number

    best = sorted(range(len(groups)), key=rank)[: math.ceil(round(top * len(groups), 9)) or (1 if top > 0 else 0)]
    expected = []
    for number, group in enumerate(groups):
        right = [length for c, length in group if c]
        for c, length in group:
            reward = float(c)
            if c and number in best:
                deviation = statistics.pstdev(right)
                z = (length - statistics.mean(right)) / (deviation + 1e-6) if deviation else 0.0
                reward -= 0.2 / (1 + math.exp(-z))
            expected.append(reward)
    flat = [(c, length, number) for number, group in enumerate(groups) for c, length in group]
    correct = torch.tensor([float(c) for c, _, _ in flat], dtype=torch.float64)
    got = grpo_lambda(correct, torch.tensor([length for _, length, _ in flat]), torch.tensor([number for *_, number in flat]), top=top)
    assert got.tolist() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    "knobs",
    [
        {"top": 1.1},
        {"top": math.nan},
        {"alpha": -0.1},
        {"rounding": "up"},
        {"ties": "batch"},
        {"min_correct_ratio": 2},
        {"std": "x"},
        {"eps": -1},
    ],
)
def test_knobs_out_of_range_are_refused_by_name(knobs: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(knobs))):
        grpo_lambda(*FIVE, **knobs)  # type: ignore[arg-type]
