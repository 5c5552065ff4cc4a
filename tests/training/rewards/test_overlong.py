"""DAPO's punishment of responses near the cap."""

from __future__ import annotations

import pytest
import torch

from thinkwell.core.errors import ConfigError
from thinkwell.training.rewards.overlong import overlong

LENGTHS = torch.tensor([0, 80, 81, 90, 100, 110])
NOTHING = torch.zeros(6, dtype=torch.float64)


def test_golden_punishment() -> None:
    assert overlong(NOTHING, LENGTHS, max_length=100, cache=20).tolist() == pytest.approx([0, 0, -0.05, -0.5, -1, -1])


def test_verl_lets_it_fall_beyond_the_cap() -> None:
    knobs = {"max_length": 100, "cache": 20}
    assert overlong(NOTHING, LENGTHS, **knobs, preset="verl").tolist() == pytest.approx([0, 0, -0.05, -0.5, -1, -1.5])
    assert overlong(NOTHING, LENGTHS, **knobs, preset="trl")[-1] == -1
    assert overlong(NOTHING, LENGTHS, **knobs, preset="verl", clamp=True)[-1] == -1


def test_it_is_added_to_flags_and_to_any_score() -> None:
    lengths = torch.tensor([90, 90])
    assert overlong(torch.tensor([True, False]), lengths, max_length=100, cache=20).tolist() == [0.5, -0.5]
    assert overlong(torch.tensor([1.0, -1.0]), lengths, max_length=100, cache=20).tolist() == [0.5, -1.5]


def test_the_factor_scales_it() -> None:
    assert overlong(NOTHING, LENGTHS, max_length=100, cache=20, factor=2)[3] == -1
    assert overlong(NOTHING, LENGTHS, max_length=100, cache=20, factor=0).tolist() == [0] * 6


def test_every_length_against_the_three_cases() -> None:
    lengths = list(range(160))
    expected = [0 if length <= 68 else (68 - length) / 60 if length <= 128 else -1 for length in lengths]
    got = overlong(torch.zeros(160, dtype=torch.float64), torch.tensor(lengths), max_length=128, cache=60)
    assert got.tolist() == pytest.approx(expected)


def test_the_papers_window_is_the_default() -> None:
    assert overlong(NOTHING[:2], torch.tensor([16384, 18432])).tolist() == [0, -0.5]


@pytest.mark.parametrize("knobs", [{"max_length": 0}, {"cache": 0}, {"cache": 200, "max_length": 100}, {"factor": -1}])
def test_knobs_out_of_range_are_refused_by_name(knobs: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(knobs))):
        overlong(NOTHING, LENGTHS, **knobs)  # type: ignore[arg-type]
