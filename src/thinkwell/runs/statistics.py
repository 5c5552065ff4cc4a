"""The statistics of a comparison: pure functions on arrays, no I/O.

The unit is the problem. With several samples a problem, reduce them to the problem's mean first: resampling over problems then accounts for both the spread
between problems and the noise within them (the clustered error). Every random draw is seeded, so a table is a function of its rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 10_000  # bootstrap resamples; the end points then move by less than a quarter of a point at 100 problems
MAJORITY_OPERATIONS = 2_000_000  # above this many big-integer operations `majority_at_k` draws subsets instead of counting them
MAJORITY_DRAWS = 20_000
Z95 = 1.959963984540054

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and its 95 % interval."""

    mean: float
    low: float
    high: float
    n: int  # problems

    @property
    def ci95(self) -> tuple[float, float]:
        return self.low, self.high

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


def _resampled_means(values_P: Floats, seed: int, resamples: int) -> Floats:
    """Means of `resamples` draws of P problems with replacement, in chunks that stay under about 30 MB."""
    rng = np.random.Generator(np.random.Philox(seed))
    chunk = max(1, 4_000_000 // len(values_P))
    means = [
        values_P[rng.integers(0, len(values_P), (min(chunk, resamples - start), len(values_P)))].mean(axis=1)
        for start in range(0, resamples, chunk)
    ]  # fmt: skip
    return np.concatenate(means)


def mean_interval(values: ArrayLike, seed: int = 0, resamples: int = RESAMPLES) -> Estimate:
    """Mean of one value a problem with its 95 % percentile-bootstrap interval over problems.

    Where all problems agree on 0 or on 1 a bootstrap has nothing to resample and would claim certainty: the Wilson interval stands in.
    """
    values_P = _checked(values)
    mean = math.fsum(values_P) / len(values_P)
    if np.all(values_P == values_P[0]):
        low, high = wilson(int(values_P.sum()), len(values_P)) if values_P[0] in (0.0, 1.0) else (mean, mean)
        return Estimate(mean, low, high, len(values_P))
    low, high = np.quantile(_resampled_means(values_P, seed, resamples), [0.025, 0.975])
    return Estimate(mean, float(low), float(high), len(values_P))


def paired_difference(left: ArrayLike, right: ArrayLike, seed: int = 0, resamples: int = RESAMPLES) -> Estimate:
    """Mean of left - right over the same problems with its 95 % paired-bootstrap interval.

    Problems are drawn as pairs, so what makes a problem hard for both cancels; two unpaired intervals that overlap may still differ here.
    """
    left_P, right_P = _checked(left), _checked(right)
    if len(left_P) != len(right_P):
        raise ValueError(f"paired values must be of the same problems, got {len(left_P)} and {len(right_P)}")
    difference_P = left_P - right_P
    mean = math.fsum(difference_P) / len(difference_P)
    if np.all(difference_P == difference_P[0]):
        return Estimate(mean, mean, mean, len(difference_P))
    low, high = np.quantile(_resampled_means(difference_P, seed, resamples), [0.025, 0.975])
    return Estimate(mean, float(low), float(high), len(difference_P))


def wilson(successes: int, n: int, z: float = Z95) -> tuple[float, float]:
    """Wilson score interval of a share: sensible at 0 and n successes and for small n."""
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"a share needs 0 <= successes <= n and n > 0, got {successes} of {n}")
    share = successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (0.0 if successes == 0 else max(0.0, middle - half)), (1.0 if successes == n else min(1.0, middle + half))


def pass_at_k(n: int, correct: int, k: int) -> float:
    """Chance that at least one of `k` samples drawn without replacement from `n` is correct: 1 - C(n-c, k) / C(n, k).

    Raises `ValueError` if n < k: missing samples must not silently count as wrong (that halves the score with every doubling of k).
    """
    if not 0 <= correct <= n or not 1 <= k <= n:
        raise ValueError(f"pass@{k} needs at least {k} samples of the problem and 0 <= correct <= n, got {correct} correct of n={n}")
    return 1.0 - math.comb(n - correct, k) / math.comb(n, k)


def majority_at_k(votes: Sequence[str | None], correct: Sequence[bool], k: int, seed: int = 0) -> float:
    """Expected credit of a majority vote among `k` of the samples, drawn without replacement.

    votes: canonical answer of each sample, None where it has none (it is drawn, but never votes). correct: whether that sample is right (equal votes must
    agree). A tie shares the credit among the tied answers; a draw in which nobody votes earns 0. Counted exactly with generating functions, one a top count t:
    an answer with m votes contributes sum_{x<t} C(m,x) z^x + C(m,t) z^t y, the coefficient of z^k y^j counts the draws with j answers tied at t. Where that would take more
    than `MAJORITY_OPERATIONS` steps, the mean over `MAJORITY_DRAWS` seeded random draws stands in (standard error below 0.004).
    """
    n = len(votes)
    if len(correct) != n or not 1 <= k <= n:
        raise ValueError(
            f"maj@{k} needs at least {k} samples of the problem with one verdict each, got {n} votes and {len(correct)} verdicts"
        )
    counts: dict[str, int] = {}
    right: dict[str, bool] = {}
    for vote, is_right in zip(votes, correct, strict=True):
        if vote is None:
            continue
        counts[vote] = counts.get(vote, 0) + 1
        if right.setdefault(vote, is_right) != is_right:
            raise ValueError(f"the answer {vote!r} is judged both right and wrong; equal votes must have one verdict")
    if not any(right.values()):
        return 0.0
    if all(right.values()):
        silent = n - sum(counts.values())
        return 1.0 - math.comb(silent, k) / math.comb(n, k)
    top = min(k, max(counts.values()))
    operations = sum(min(m, t) * k * (k // t) for t in range(1, top + 1) for m in counts.values()) * sum(right.values())
    if operations > MAJORITY_OPERATIONS:
        return _majority_by_draws(votes, right, k, seed)
    winners = 0.0
    total = math.comb(n, k)
    for t in range(1, top + 1):
        for answer in (a for a, is_right in right.items() if is_right and counts[a] >= t):
            ways_of_others = _ways([m for a, m in counts.items() if a != answer], n - sum(counts.values()), k - t, t)
            winners += math.fsum(math.comb(counts[answer], t) * ways / total / (others + 1) for others, ways in enumerate(ways_of_others))
    return min(1.0, winners)


def _ways(counts: Sequence[int], silent: int, k: int, t: int) -> list[int]:
    """Ways to draw `k` samples from answers with `counts` votes and `silent` samples without one, so that no answer gets more than `t`
    votes; entry j counts those where exactly j answers get t."""
    ways_JK = [[math.comb(silent, used) for used in range(k + 1)]]  # [tied][used]
    for m in counts:
        grown = [[0] * (k + 1) for _ in range(len(ways_JK) + 1)]
        for tied, row in enumerate(ways_JK):
            for used, ways in enumerate(row):
                if not ways:
                    continue
                for x in range(min(m, t, k - used) + 1):
                    grown[tied + (x == t)][used + x] += ways * math.comb(m, x)
        ways_JK = grown if any(grown[-1]) else grown[:-1]
    return [row[k] for row in ways_JK]


def _majority_by_draws(votes: Sequence[str | None], right: dict[str, bool], k: int, seed: int) -> float:
    rng = np.random.Generator(np.random.Philox(seed))
    answers = list(right)
    index = {answer: i for i, answer in enumerate(answers)}
    code_N = np.array([-1 if vote is None else index[vote] for vote in votes])
    right_A = np.array([right[answer] for answer in answers])
    credit = 0.0
    for _ in range(MAJORITY_DRAWS):
        drawn = code_N[rng.permutation(len(code_N))[:k]]
        drawn = drawn[drawn >= 0]
        if len(drawn):
            count_A = np.bincount(drawn, minlength=len(answers))
            credit += float(right_A[count_A == count_A.max()].mean())
    return credit / MAJORITY_DRAWS


def powers_of_two(n: int) -> list[int]:
    """1, 2, 4 ... and n itself."""
    return [k for k in (1 << i for i in range(n.bit_length())) if k < n] + [n] if n else []


def pareto(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the points (cost, value) that no other point beats (cheaper or equal and better), by rising cost."""
    best, line = -math.inf, []
    for i in sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1], i)):
        if points[i][1] > best:
            best = points[i][1]
            line.append(i)
    return line


def _checked(values: ArrayLike) -> Floats:
    values_P = np.asarray(values, dtype=np.float64)
    if values_P.ndim != 1 or not len(values_P) or not np.all(np.isfinite(values_P)):
        raise ValueError(f"expected one finite value a problem and at least one problem, got shape {values_P.shape}")
    return values_P
