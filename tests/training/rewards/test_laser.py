"""The table of length rewards: golden numbers, a reference in plain Python, and the traps of the published code."""

from __future__ import annotations

import math
import statistics

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.core.errors import ConfigError
from thinkwell.training.rewards.laser import group_penalty, kimi, l1_exact, l1_max, laser, laser_d, laser_de, think_prune, truncation
from thinkwell.training.rewards.laser_targets import LengthTargets

# correct / correct / wrong / wrong / invalid
CORRECT = torch.tensor([1, 1, 0, 0, 0], dtype=torch.float64)
LENGTHS = torch.tensor([900, 1500, 900, 1500, 1500])
VALID = torch.tensor([True, True, True, True, False])
ONE = torch.zeros(5, dtype=torch.int64)


def flags(*values: int) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def long(*values: int) -> torch.Tensor:
    return torch.tensor(values)


def test_golden_laser_and_laser_d() -> None:
    assert laser(CORRECT, LENGTHS, ONE, target=1024, valid=VALID).tolist() == [1.5, 1, -0.5, -0.5, -1]
    assert laser_d(CORRECT, LENGTHS, ONE, targets=1024, valid=VALID).tolist() == [1.5, 1, -0.5, -0.5, -1]


def test_golden_laser_de() -> None:
    assert laser_de(CORRECT, LENGTHS, ONE, targets=(1024, 1024, 1024), valid=VALID).tolist() == [1.5, 1, -0.5, 0, -1]


def test_repetition_earns_nothing_for_looking_on() -> None:
    circles = torch.tensor([False, False, False, True, False])
    got = laser_de(CORRECT, LENGTHS, ONE, targets=1024, valid=VALID, repetitive=circles, preset="repo")
    assert got.tolist() == [1.5, 1, -0.5, -0.5, -1]


def test_the_published_code_needs_to_know_what_is_repetitive() -> None:
    with pytest.raises(ConfigError, match="repetitive"):
        laser_de(CORRECT, LENGTHS, ONE, preset="repo")


def test_a_response_as_long_as_the_target_is_short_enough() -> None:
    assert laser(flags(1, 1), long(1024, 1025), target=1024).tolist() == [1.5, 1]


def test_the_target_of_laser_d_is_that_of_the_own_groups_difficulty() -> None:
    correct = flags(1, 1, 1, 1, 1, 0, 1, 0, 0, 1, 0, 0, 0)
    groups = long(7, 7, 7, 2, 2, 2, 5, 5, 5, 9, 9, 9, 9)  # shares 1, 2/3, 1/3, 1/4: easy, easy, medium, hard
    lengths = torch.full((13,), 150)
    for targets, bonus in (((100, 200, 200), (0, 0, 1, 1)), ((200, 100, 200), (1, 1, 0, 1)), ((200, 200, 100), (1, 1, 1, 0))):
        got = laser_d(correct, lengths, groups, targets=targets)
        assert [got[index].item() for index in (0, 3, 6, 9)] == [1 + 0.5 * paid for paid in bonus]


def test_laser_d_takes_the_targets_that_a_monitoring_set_moved() -> None:
    targets = LengthTargets(lower=1024, upper=4096)
    assert laser_d(flags(1, 1), long(8192, 8193), long(0, 0), targets=targets).tolist() == [1.5, 1]
    targets.update(flags(*[1] * 8), long(*[500] * 8), torch.zeros(8, dtype=torch.int64))
    assert laser_d(flags(1, 1), long(1024, 1025), long(0, 0), targets=targets).tolist() == [1.5, 1]


def test_a_group_of_right_answers_below_the_target_feels_no_pressure() -> None:
    got = laser(flags(1, 1, 1), long(10, 500, 900), long(0, 0, 0), target=1024)
    assert len(set(got.tolist())) == 1
    assert len(set(group_penalty(flags(1, 1, 1), long(10, 500, 900), long(0, 0, 0)).tolist())) == 3


def test_a_short_wrong_answer_never_beats_a_long_right_one() -> None:
    for reward in (laser, laser_d, laser_de):
        got = reward(flags(1, 0), long(16000, 10), long(0, 0))
        assert got[0] > got[1]


def test_a_right_answer_in_an_invalid_format_is_not_right() -> None:
    assert laser(flags(1), long(10), valid=torch.tensor([False])).tolist() == [-1]


@pytest.mark.parametrize("reward", [laser, laser_d, laser_de, group_penalty, kimi, l1_exact, l1_max, truncation, think_prune])
def test_a_shaped_score_is_refused(reward: object) -> None:
    """The published code compares the score with 1.0 exactly: a score that was shaped before loses the bonus without a word."""
    with pytest.raises(ConfigError, match="correct"):
        reward(torch.tensor([1.2, 0.0]), long(10, 20), long(0, 0))  # type: ignore[operator]


def test_truncation_and_its_stages() -> None:
    correct, lengths = flags(1, 1, 0, 0), long(2048, 2049, 2048, 2049)
    assert truncation(correct, lengths, target=2048).tolist() == [1, 0, -0.5, 0]
    assert truncation(correct, lengths, target=2048, rho=-0.5).tolist() == [1, -0.5, -0.5, -0.5]
    lengths = long(2048, 3072, 4096, 4097)
    paid = [think_prune(flags(1, 1, 1, 1), lengths, stage=stage).tolist() for stage in (0, 1, 2)]
    assert paid == [[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]]


def test_l1_has_its_budget_for_each_prompt() -> None:
    lengths = long(900, 1100, 1000)
    assert l1_exact(flags(1, 1, 0), lengths, target=1000).tolist() == pytest.approx([0.97, 0.97, -0.5])
    assert l1_exact(flags(1, 1, 0), lengths, target=long(900, 100, 0)).tolist() == pytest.approx([1, 0.7, -0.8])
    assert l1_max(flags(1, 1, 1), long(1000, 1025, 1100), target=1000).tolist() == pytest.approx([0.5, 0.25, 0])
    assert l1_max(flags(1, 0), long(900, 900), target=1000).tolist() == [1, 0]


def test_l1_max_as_printed_rewards_length() -> None:
    lengths = long(975, 1000, 1025)
    printed = l1_max(flags(1, 1, 1), lengths, target=1000, as_printed=True).tolist()
    assert printed == pytest.approx([0.25, 0.5, 0.75])
    assert l1_max(flags(1, 1, 1), lengths, target=1000).tolist() == pytest.approx(printed[::-1])


def test_kimi_pays_from_plus_half_to_minus_half_and_the_wrong_nothing_for_shortness() -> None:
    got = kimi(flags(1, 1, 1, 0, 0), long(100, 200, 300, 100, 250), long(0, 0, 0, 0, 0))
    assert got.tolist() == pytest.approx([1.5, 1, 0.5, -0.5, -0.75])
    assert kimi(flags(1, 0), long(100, 100), long(0, 0)).tolist() == [1, -0.5]


def test_golden_group_penalty_with_both_kinds_of_std() -> None:
    correct, lengths, group = flags(1, 1, 1), long(100, 200, 300), long(0, 0, 0)
    assert group_penalty(correct, lengths, group).tolist() == pytest.approx([0.95458, 0.9, 0.84542], abs=1e-5)
    for preset in ("trl", "verl", "repo"):
        assert group_penalty(correct, lengths, group, preset=preset).tolist() == pytest.approx([0.94621, 0.9, 0.85379], abs=1e-5)


def test_the_only_right_answer_is_not_punished_most() -> None:
    """The published code measures mean 0 and deviation 1 for it, so that z is its length."""
    correct, lengths, group = flags(1, 0, 0), long(800, 100, 200), long(0, 0, 0)
    assert group_penalty(correct, lengths, group).tolist() == pytest.approx([0.9, -0.5, -0.5])
    assert group_penalty(correct, lengths, group, preset="repo").tolist() == pytest.approx([0.8, -0.5, -0.5])


def test_equal_lengths_have_no_deviation_and_half_the_penalty() -> None:
    for std in ("population", "sample"):
        got = group_penalty(flags(1, 1, 1, 0), long(7, 7, 7, 9), long(0, 0, 0, 0), std=std, eps=0.0)
        assert got.tolist() == pytest.approx([0.9, 0.9, 0.9, -0.5])


Sample = tuple[bool, bool, int, int]
SAMPLES = st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 4000), st.integers(-2, 3)), min_size=1, max_size=14)


def reference(samples: list[Sample]) -> dict[str, list[float]]:
    """The table, one sample at a time."""
    out: dict[str, list[float]] = {name: [] for name in ("laser", "laser_d", "laser_de", "group", "kimi", "exact")}
    for correct, valid, length, group in samples:
        mine = [(c and v, other) for c, v, other, g in samples if g == group]
        base = -1.0 if not valid else 1.0 if correct else -0.5
        right = correct and valid
        share = sum(c for c, _ in mine) / len(mine)
        target = 500 if share >= 2 / 3 - 1e-9 else 1000 if share >= 1 / 3 - 1e-9 else 2000
        bonus = 0.5 if right and length <= target else 0
        out["laser"].append(base + (0.5 if right and length <= 1000 else 0))
        out["laser_d"].append(base + bonus)
        out["laser_de"].append(base + bonus + (0.5 if valid and not correct and length > target else 0))
        among = [other for c, other in mine if c]
        deviation = statistics.pstdev(among) if right else 0
        z = (length - statistics.mean(among)) / (deviation + 1e-6) if deviation else 0
        out["group"].append(base - 0.2 / (1 + math.exp(-z)) if right else base)
        low, high = min(other for _, other in mine), max(other for _, other in mine)
        short = 0.5 - (length - low) / (high - low) if high > low else 0
        out["kimi"].append(base + (short if right else min(0, short)))
        out["exact"].append(base - 0.0003 * abs(length - 1000))
    return out


@given(SAMPLES)
def test_every_row_of_the_table_is_what_plain_python_gives(samples: list[Sample]) -> None:
    correct = torch.tensor([float(c) for c, *_ in samples], dtype=torch.float64)
    valid = torch.tensor([v for _, v, *_ in samples])
    lengths, groups = torch.tensor([s[2] for s in samples]), torch.tensor([s[3] for s in samples])
    got = {
        "laser": laser(correct, lengths, groups, target=1000, valid=valid),
        "laser_d": laser_d(correct, lengths, groups, targets=(500, 1000, 2000), valid=valid),
        "laser_de": laser_de(correct, lengths, groups, targets=(500, 1000, 2000), valid=valid),
        "group": group_penalty(correct, lengths, groups, valid=valid),
        "kimi": kimi(correct, lengths, groups, valid=valid),
        "exact": l1_exact(correct, lengths, groups, target=1000, valid=valid),
    }
    for name, expected in reference(samples).items():
        assert got[name].tolist() == pytest.approx(expected, abs=1e-9), name


@pytest.mark.parametrize(
    ("wrong", "about"),
    [
        (lambda: laser(CORRECT, LENGTHS, target=-1), "target"),
        (lambda: laser(CORRECT, LENGTHS, target=long(1, 2)), "target"),
        (lambda: laser(CORRECT, LENGTHS, alpha=-0.1), "alpha"),
        (lambda: laser(CORRECT, LENGTHS, alpha=math.nan), "alpha"),
        (lambda: laser(CORRECT, -LENGTHS), "lengths"),
        (lambda: laser(CORRECT, LENGTHS[:3]), "shapes"),
        (lambda: laser_d(CORRECT, LENGTHS, ONE, targets=(1, 2)), "targets"),
        (lambda: laser_d(CORRECT, LENGTHS, ONE, boundary="middle"), "boundary"),
        (lambda: laser_de(CORRECT, LENGTHS, ONE, repetitive=VALID[:2]), "repetitive"),
        (lambda: group_penalty(CORRECT, LENGTHS, ONE, std="robust"), "std"),
        (lambda: group_penalty(CORRECT, LENGTHS, ONE, eps=-1.0), "eps"),
        (lambda: group_penalty(CORRECT, LENGTHS, ONE, single="half"), "single"),
        (lambda: think_prune(CORRECT, LENGTHS, stage=3), "stage"),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(wrong: object, about: str) -> None:
    with pytest.raises(ConfigError, match=about):
        wrong()  # type: ignore[operator]


def test_a_bonus_keeps_the_precision_of_float64() -> None:
    """A Python float times flags is a float32 tensor: 0.1 would come out as 0.10000000149."""
    for reward in (laser, laser_d, laser_de):
        assert reward(flags(1), long(5), long(0), alpha=0.1).item() == 1.1
