"""A degenerate output loses whatever it earned, and what is degenerate is told from what is not."""

from __future__ import annotations

import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.core.errors import ConfigError
from thinkwell.training.rewards.t1 import garbled, repetitive, t1

PROSE = (
    "We look for the sum of the first ten odd numbers. The n-th odd number is 2n - 1, so we add 1, 3, 5 and so on up to 19. Pairs from both ends "
    "give 20 each, and there are five of them, which makes 100. Wait, let me check this another way: the sum of the first n odd numbers is n squared, "
    "for each new odd number completes the next square. With n = 10 that is 100 again. Both agree, and the answer is 100."
)


def test_the_penalty_replaces_the_reward() -> None:
    got = t1(torch.tensor([1.0, 1.0, 0.0, 0.0]), torch.tensor([False, True, False, True]))
    assert got.tolist() == [1, -1, 0, -1]
    assert t1(torch.tensor([True, True]), torch.tensor([0, 1]), penalty=-0.25).tolist() == [1, -0.25]


def test_the_dtype_of_the_rewards_is_kept() -> None:
    assert t1(torch.tensor([1.0], dtype=torch.float64), torch.tensor([True])).dtype == torch.float64


def test_all_degenerate_is_all_equal() -> None:
    got = t1(torch.tensor([1.0, 0.0]), torch.tensor([True, True]))
    assert got.tolist() == [-1, -1]  # leave-one-out gives 0 to both: no signal, as the docstring says


def test_a_loop_at_the_end_is_repetitive_and_prose_is_not() -> None:
    words = PROSE.split()
    loop = words + ["so", "we", "check", "again"] * 200
    assert repetitive([words, loop, words[::-1]]).tolist() == [False, True, False]


def test_a_loop_of_one_token_and_characters() -> None:
    assert repetitive([[7] * 64, [7] * 63, "ha" * 40, ""]).tolist() == [True, False, True, False]


def test_distinct_tokens_never_repeat_and_only_the_end_is_looked_at() -> None:
    assert repetitive([list(range(5000)), [1] * 5000 + list(range(600))]).tolist() == [False, False]


@given(st.lists(st.integers(0, 3), min_size=0, max_size=80), st.integers(1, 4), st.integers(4, 40))
def test_the_share_is_counted_as_by_hand(ids: list[int], n: int, window: int) -> None:
    tail = ids[max(0, len(ids) - window) :]
    seen: list[list[int]] = []
    repeated = 0
    for at in range(len(tail) - n + 1):
        gram = tail[at : at + n]
        repeated += gram in seen
        seen.append(gram)
    expected = len(ids) >= 4 and 2 * repeated > len(seen)
    assert repetitive([ids], n=n, window=window, share=0.5, min_tokens=4).item() is expected


def test_unreadable_text_is_garbled() -> None:
    assert garbled([PROSE + "\ufffd" * 40, PROSE + "\x00\x01\x02" * 20, PROSE + "\n\t" * 90, PROSE]).tolist() == [True, True, False, False]


def test_mixed_scripts_are_garbled_and_formulas_are_not() -> None:
    chinese = "我们求前十个奇数的和。第 n 个奇数是 2n - 1，所以 S = n^2 = 100。"
    japanese = "最初の十個の奇数の和を求める。カタカナもある。"
    mixed = "the sum сумма 合計 सच is ผล كل one hundred"
    assert garbled([PROSE, chinese, japanese, mixed, "α + β = γ, Σ x", "𝑥 ∈ ℝ, 𝑦 ∈ ℤ", "сумма x равна 100", ""]).tolist() == [
        False,
        False,
        False,
        True,
        False,
        False,
        False,
        False,
    ]


def test_the_verdict_does_not_depend_on_the_order_of_the_characters() -> None:
    text = list("the sum сумма 合計 is 100")
    verdicts = set()
    for seed in range(10):
        random.Random(seed).shuffle(text)
        verdicts.add(garbled(["".join(text)]).item())
    assert len(verdicts) == 1


@pytest.mark.parametrize("knobs", [{"n": 0}, {"window": 4}, {"share": 1.0}, {"min_tokens": 3}])
def test_impossible_detectors_are_refused(knobs: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        repetitive([[1]], **knobs)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="expected"):
        garbled(["a"], strange=2.0)


def test_impossible_knobs_are_refused() -> None:
    one = torch.tensor([1.0])
    with pytest.raises(ConfigError, match="preset"):
        t1(one, one, preset="mine")
    with pytest.raises(ConfigError, match="penalty"):
        t1(one, one, penalty=float("nan"))
    with pytest.raises(ConfigError, match="shapes do not fit"):
        t1(one, torch.tensor([True, False]))
