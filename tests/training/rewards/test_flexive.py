"""FlexiVe's reward: every case of location and length worked by hand, and a reference with plain ifs."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.core.errors import ConfigError
from thinkwell.training.rewards.flexive import ALL_RIGHT, UNPARSED, first_errors, flexive


def reward(predicted: int, target: int, length: float, **knobs: float) -> float:
    return flexive(torch.tensor([predicted]), torch.tensor([target]), torch.tensor([length], dtype=torch.float64), **knobs).item()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("predicted", "target", "expected"),
    [(3, 3, 1), (0, 0, 1), (2, 3, 0.5), (-1, 3, 0), (3, -1, 0), (-1, -1, 1), (UNPARSED, 3, 0), (UNPARSED, -1, 0), (-9, -1, 0)],
)
def test_location(predicted: int, target: int, expected: float) -> None:
    assert reward(predicted, target, 50) == expected  # 50 tokens cost nothing in either case


@pytest.mark.parametrize(("length", "cost"), [(0, 0), (50, 0), (51, 0.01), (100, 0.5), (150, 1), (4000, 1)])
def test_length_where_all_is_right(length: float, cost: float) -> None:
    assert reward(-1, -1, length) == pytest.approx(1 - cost)


@pytest.mark.parametrize(("length", "cost"), [(0, 1), (25, 0.5), (49, 0.02), (50, 0), (512, 0), (768, 0.5), (1024, 1), (4000, 1)])
def test_length_where_there_is_an_error(length: float, cost: float) -> None:
    assert reward(3, 3, length) == pytest.approx(1 - cost)
    assert reward(-1, 3, length) == pytest.approx(-cost)  # the truth decides, not what the verifier says


def by_cases(predicted: int, target: int, length: float) -> float:
    location = 0.0
    if predicted == target:
        location = 1.0
    elif predicted >= 0 and target >= 0:
        location = 0.5
    if target == -1:
        return location - (min(1.0, (length - 50) / 100) if length > 50 else 0.0)
    if length < 50:
        return location - min(1.0, (50 - length) / 50)
    return location - (min(1.0, (length - 512) / 512) if length > 512 else 0.0)


@given(st.lists(st.tuples(st.integers(-3, 4), st.integers(-1, 4), st.integers(0, 1500)), min_size=1, max_size=20))
def test_agrees_with_plain_ifs(rows: list[tuple[int, int, int]]) -> None:
    rows = [(predicted if predicted >= -1 else UNPARSED, target, length) for predicted, target, length in rows]
    predicted, target, length = (torch.tensor(column) for column in zip(*rows, strict=True))
    assert flexive(predicted, target, length.double()).tolist() == pytest.approx([by_cases(*row) for row in rows])


def test_knobs_win() -> None:
    assert reward(2, 3, 0, length_weight=0.0) == 0.5
    assert reward(2, 3, 100, near=0.25) == 0.25
    assert reward(-1, -1, 110, right_free=100.0, right_span=20.0) == pytest.approx(0.5)


def test_indices_are_read_from_the_last_whole_box() -> None:
    texts = [
        r"\boxed{3}",
        r"\boxed{1} or \boxed{-1}",
        r"\boxed{ 12 }",
        "3",
        "",
        r"\boxed{3",
        r"\boxed{-2}",
        r"\boxed{two}",
        r"\boxed{٣}",
        r"\boxed{1+1}",
    ]
    assert first_errors(texts).tolist() == [3, ALL_RIGHT, 12] + [UNPARSED] * 7


def test_hostile_numbers_are_not_read() -> None:
    texts = [r"\boxed{" + "9" * 5000 + "}", r"\boxed{" * 50_000, r"\boxed{__import__('os')}", r"\boxed{9999999}"]
    assert first_errors(texts).tolist() == [UNPARSED] * 4


def test_impossible_inputs_are_refused() -> None:
    for knobs in ({"near": 2.0}, {"length_weight": -1.0}, {"right_free": -1.0}, {"right_span": 0.0}, {"wrong_low": 600.0}):
        with pytest.raises(ConfigError, match="expected"):
            reward(1, 1, 50, **knobs)
    with pytest.raises(ConfigError, match="target"):
        reward(1, -2, 50)
    with pytest.raises(ConfigError, match="lengths"):
        reward(1, 1, -1)
    with pytest.raises(ConfigError, match="preset"):
        flexive(torch.tensor([1]), torch.tensor([1]), torch.tensor([1]), preset="mine")
    with pytest.raises(ConfigError, match="shapes do not fit"):
        flexive(torch.tensor([1]), torch.tensor([1, 2]), torch.tensor([1]))
