"""Numbers worked out by enumeration, or by hand."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest

from thinkwell.runs import statistics
from thinkwell.runs.statistics import majority_at_k, mean_interval, paired_difference, pareto, pass_at_k, powers_of_two, wilson


def pass_by_enumeration(correct: list[bool], k: int) -> float:
    draws = list(itertools.combinations(correct, k))
    return sum(any(draw) for draw in draws) / len(draws)


def majority_by_enumeration(votes: list[str | None], right: set[str], k: int) -> float:
    total = 0.0
    draws = list(itertools.combinations(votes, k))
    for draw in draws:
        counts = Counter(vote for vote in draw if vote is not None)
        if counts:
            tied = [vote for vote, count in counts.items() if count == max(counts.values())]
            total += sum(vote in right for vote in tied) / len(tied)
    return total / len(draws)


@pytest.mark.parametrize("n", range(1, 8))
def test_pass_at_k_equals_enumeration_for_every_c_and_k(n: int) -> None:
    for c, k in itertools.product(range(n + 1), range(1, n + 1)):
        assert pass_at_k(n, c, k) == pytest.approx(pass_by_enumeration([True] * c + [False] * (n - c), k), abs=1e-12)


def test_pass_at_k_golden_numbers() -> None:
    assert pass_at_k(50, 7, 1) == pytest.approx(0.14)
    assert pass_at_k(4, 1, 2) == pytest.approx(0.5)
    assert pass_at_k(4, 2, 4) == 1.0
    assert pass_at_k(4, 0, 4) == 0.0


def test_pass_at_k_refuses_fewer_samples_than_k() -> None:
    with pytest.raises(ValueError, match="at least 16 samples"):
        pass_at_k(8, 4, 16)


@pytest.mark.parametrize(
    "votes",
    [
        ["a", "a", "b", "c", None, "b", "a"],
        ["a", "b", "c", "d", "e", "f"],
        [None, None, "a", "b", "b"],
        ["b", "b", "b", "a"],
        [None, None, None],
        ["a", "a", "d", "d", "b", "b", "c", None],
    ],
)
def test_majority_at_k_equals_enumeration(votes: list[str | None]) -> None:
    right = {"a", "d"}  # two spellings of the right answer that the canonical form did not merge
    correct = [vote in right for vote in votes]
    for k in range(1, len(votes) + 1):
        assert majority_at_k(votes, correct, k) == pytest.approx(majority_by_enumeration(votes, right, k), abs=1e-12)


def test_majority_at_one_is_pass_at_one() -> None:
    votes = ["7"] * 5 + ["8"] * 10 + [None]
    assert majority_at_k(votes, [v == "7" for v in votes], 1) == pytest.approx(5 / 16)


def test_majority_ignores_missing_answers() -> None:
    assert majority_at_k([None, None, None, "7"], [False, False, False, True], 4) == 1.0


def test_majority_ties_are_averaged() -> None:
    assert majority_at_k(["7", "8"], [True, False], 2) == 0.5
    assert majority_at_k(["7", "8", "9"], [True, False, False], 3) == pytest.approx(1 / 3)


def test_majority_is_exact_for_64_distinct_answers() -> None:
    votes = [str(i) for i in range(64)]
    assert majority_at_k(votes, [v == "0" for v in votes], 32) == pytest.approx(1 / 64)  # 1/2 drawn times 1/32 of the tie


def test_majority_by_draws_is_seeded_and_close(monkeypatch: pytest.MonkeyPatch) -> None:
    votes = ["a"] * 6 + ["b"] * 5 + ["c"] * 3 + [None] * 2
    correct = [v == "a" for v in votes]
    exact = majority_at_k(votes, correct, 8)
    monkeypatch.setattr(statistics, "MAJORITY_OPERATIONS", 0)
    drawn = majority_at_k(votes, correct, 8, seed=3)
    assert drawn == majority_at_k(votes, correct, 8, seed=3)
    assert drawn == pytest.approx(exact, abs=0.012)


def test_majority_refuses_two_verdicts_for_one_answer() -> None:
    with pytest.raises(ValueError, match="both right and wrong"):
        majority_at_k(["a", "a"], [True, False], 1)


def bootstrap_by_enumeration(values: list[float]) -> tuple[float, float]:
    """Exact bootstrap distribution: all n^n resamples."""
    means = sorted(sum(draw) / len(draw) for draw in itertools.product(values, repeat=len(values)))
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def test_bootstrap_interval_matches_the_enumerated_distribution() -> None:
    values = [0.0, 1.0, 1.0, 0.5, 0.0, 1.0]
    estimate = mean_interval(values, seed=1)
    low, high = bootstrap_by_enumeration(values)
    assert estimate.mean == pytest.approx(3.5 / 6)
    assert estimate.low == pytest.approx(low, abs=0.03)
    assert estimate.high == pytest.approx(high, abs=0.03)


def test_bootstrap_interval_of_a_share_matches_the_binomial() -> None:
    estimate = mean_interval([1.0] * 60 + [0.0] * 40, seed=0)
    assert (estimate.low, estimate.high) == (
        pytest.approx(0.50, abs=0.011),
        pytest.approx(0.69, abs=0.011),
    )  # binomial quantiles of 100 at 0.6


def test_intervals_depend_on_the_seed_only() -> None:
    values = list(np.random.default_rng(0).random(40))
    assert mean_interval(values, seed=5) == mean_interval(values, seed=5)
    assert mean_interval(values, seed=5) != mean_interval(values, seed=6)


def test_unanimous_problems_get_a_wilson_interval_not_certainty() -> None:
    estimate = mean_interval([1.0] * 10)
    assert estimate.mean == estimate.high == 1.0
    assert estimate.low == pytest.approx(10 / (10 + 1.959963984540054**2))  # n / (n + z^2)


def test_paired_difference_is_tighter_than_two_intervals() -> None:
    rng = np.random.default_rng(2)
    hardness = rng.random(200)
    left = (hardness < 0.7).astype(float)
    right = (hardness < 0.63).astype(float)
    difference = paired_difference(left, right, seed=0)
    assert difference.mean == pytest.approx(left.mean() - right.mean())
    assert difference.excludes_zero
    assert mean_interval(left).low < mean_interval(right).high  # unpaired, they overlap


def test_paired_difference_matches_the_enumerated_distribution() -> None:
    left, right = [1.0, 1.0, 0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0, 1.0, 0.0]
    low, high = bootstrap_by_enumeration([x - y for x, y in zip(left, right, strict=True)])
    difference = paired_difference(left, right, seed=4)
    assert (difference.low, difference.high) == (pytest.approx(low, abs=0.04), pytest.approx(high, abs=0.04))


def test_wilson_golden_numbers() -> None:
    assert wilson(15, 30) == (pytest.approx(0.33154, abs=1e-5), pytest.approx(0.66846, abs=1e-5))
    assert wilson(0, 20)[0] == 0.0
    assert math.isclose(wilson(0, 20)[1], 1.959963984540054**2 / (20 + 1.959963984540054**2))


def test_bad_values_are_refused() -> None:
    for values in ([], [float("nan")], [[1.0]]):
        with pytest.raises(ValueError):
            mean_interval(values)
    with pytest.raises(ValueError):
        paired_difference([1.0], [1.0, 0.0])


def test_powers_of_two_end_at_n() -> None:
    assert powers_of_two(50) == [1, 2, 4, 8, 16, 32, 50]
    assert powers_of_two(16) == [1, 2, 4, 8, 16]
    assert powers_of_two(1) == [1]


def test_pareto_keeps_what_nothing_beats() -> None:
    assert pareto([(1, 0.5), (2, 0.4), (2, 0.7), (3, 0.7), (0.5, 0.1)]) == [4, 0, 2]
