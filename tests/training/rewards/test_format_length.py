"""The reward from format and length: its values, its slopes and what it never pays for."""

from __future__ import annotations

import math

import pytest
import torch

from thinkwell.core.errors import ConfigError
from thinkwell.training.rewards.format_length import format_length

SHAPES = ("quadratic", "polyline")


def length_term(shares: list[float], **knobs: object) -> list[float]:
    """R_l at shares of a cap of one million tokens: the reward of valid responses without the weight of the format."""
    lengths = torch.tensor([round(share * 1e6) for share in shares])
    valid = torch.ones(len(shares), dtype=torch.float64)
    return format_length(valid, lengths, max_length=1e6, format_weight=0.0, **knobs).tolist()  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("peak", [0.1, 0.4, 0.5, 0.8])
def test_nothing_at_zero_one_at_the_peak_minus_one_at_the_cap(shape: str, peak: float) -> None:
    assert length_term([0, peak, 1], shape=shape, peak=peak) == pytest.approx([0, 1, -1])


def test_golden_zero_crossing() -> None:
    assert length_term([0.5 + 0.5 / math.sqrt(2)]) == pytest.approx([0], abs=1e-5)
    assert 0.5 + 0.5 / math.sqrt(2) == pytest.approx(0.854, abs=5e-4)


def test_the_quadratic_against_its_formula() -> None:
    for peak in (0.3, 0.5, 0.8):
        shares = [step / 40 for step in range(41)]
        expected = [1 - (1 - x / peak) ** 2 if x <= peak else 1 - 2 * ((x - peak) / (1 - peak)) ** 2 for x in shares]
        assert length_term(shares, peak=peak) == pytest.approx(expected, abs=1e-5)


def test_the_quadratic_is_flat_at_the_peak_and_the_polyline_is_not() -> None:
    left, top, right = length_term([0.499, 0.5, 0.501])
    assert abs(left - top) < 1e-5
    assert abs(right - top) < 1e-4
    left, top, right = length_term([0.499, 0.5, 0.501], shape="polyline")
    assert ((top - left) / 0.001, (right - top) / 0.001) == pytest.approx((2, -4), rel=1e-3)


def test_the_polyline_is_the_papers_at_one_half() -> None:
    assert length_term([0.25, 0.5, 0.75, 0.9], shape="polyline") == pytest.approx([0.5, 1, 0, -0.6])


def test_a_valid_format_is_worth_one_in_the_paper_and_a_half_in_the_code() -> None:
    valid, lengths = torch.tensor([True, True]), torch.tensor([0, 1536])
    assert format_length(valid, lengths).tolist() == [1, 2]
    assert format_length(valid, lengths, preset="repo").tolist() == [0.5, 1.5]
    assert format_length(valid, lengths, preset="repo", format_weight=0.25).tolist() == [0.25, 1.25]


def test_an_invalid_format_is_never_rewarded_and_punished_when_long() -> None:
    got = format_length(torch.zeros(4), torch.tensor([0, 1536, 2000, 3072]))
    assert got.tolist() == [0, 0, 0, -1]


def test_the_format_only_arm() -> None:
    got = format_length(torch.tensor([True, False, True]), torch.tensor([10, 3000, 3000]), length_weight=0.0)
    assert got.tolist() == [1, 0, 1]


def test_a_response_beyond_the_cap_counts_as_one_at_the_cap() -> None:
    assert format_length(torch.ones(2), torch.tensor([3072, 9999])).tolist() == [0, 0]


@pytest.mark.parametrize(
    "knobs", [{"peak": 0.0}, {"peak": 1.0}, {"max_length": 0}, {"shape": "cubic"}, {"format_weight": -1}, {"length_weight": math.nan}]
)
def test_knobs_out_of_range_are_refused_by_name(knobs: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(knobs))):
        format_length(torch.ones(1), torch.tensor([5]), **knobs)  # type: ignore[arg-type]
