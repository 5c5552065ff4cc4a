"""Sums along time and statistics of batches, against plain loops over the tokens of the mask."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from thinkwell.core.errors import ConfigError
from thinkwell.training import _statistics as stat
from thinkwell.training._advantage_conventions import Whitening

MASKS = st.lists(st.lists(st.booleans(), min_size=5, max_size=5), min_size=1, max_size=4).map(torch.tensor)


def values_of(mask: Tensor) -> Tensor:
    """Numbers inside the mask, NaN outside: padding may hold anything."""
    drawn = torch.randn(mask.shape, generator=torch.Generator().manual_seed(int(mask.sum())), dtype=torch.float64)
    return torch.where(mask, drawn, math.nan)


@given(MASKS, st.sampled_from([0.0, 0.5, 1.0]))
def test_a_sum_to_go_is_the_discounted_sum_of_what_follows(mask: Tensor, factor: float) -> None:
    steps = values_of(mask)
    found = stat.sum_to_go(steps, mask, steps.new_full((len(mask),), factor))
    for row, (inside, out) in enumerate(zip(mask, found, strict=True)):
        places = [t for t, here in enumerate(inside.tolist()) if here]
        expected = [0.0] * 5
        for k, t in enumerate(places):
            expected[t] = sum(factor**n * float(steps[row, later]) for n, later in enumerate(places[k:]))
        assert out.tolist() == pytest.approx(expected)


def test_a_gap_ends_a_sum_only_if_asked() -> None:
    mask, steps, factor = torch.tensor([[True, False, True]]), torch.tensor([[1.0, 9.0, 2.0]]), torch.tensor([1.0])
    assert stat.sum_to_go(steps, mask, factor).tolist() == [[3, 0, 2]]
    assert stat.sum_to_go(steps, mask, factor, "reset").tolist() == [[1, 0, 2]]


@given(MASKS)
def test_next_and_last_values_are_those_of_the_masks_tokens(mask: Tensor) -> None:
    values = values_of(mask)
    tail = torch.full((len(mask),), 7.0, dtype=torch.float64)
    following, last, spanned = stat.following(values, mask, tail), stat.last_value(values, mask), stat.span(mask)
    reward = stat.at_last_token(tail, mask)
    for row in range(len(mask)):
        places = [t for t in range(5) if mask[row, t]]
        for t, after in zip(places, [*places[1:], None], strict=bool(places)):
            assert following[row, t] == (7.0 if after is None else values[row, after])
        assert last[row] == (values[row, places[-1]] if places else 0)
        assert reward[row].tolist() == [7.0 * (bool(places) and t == places[-1]) for t in range(5)]
        assert spanned[row].tolist() == [bool(places) and places[0] <= t <= places[-1] for t in range(5)]


@pytest.mark.parametrize("whiten", ["off", "mean", "sample", "population"])
def test_whitened_values_are_normalised_over_the_mask_alone(whiten: str) -> None:
    mask = torch.tensor([[True, True, False], [False, True, True]])
    values = torch.tensor([[1.0, 2.0, math.nan], [math.inf, 4.0, 7.0]], dtype=torch.float64)
    found = stat.whitened(values, mask, Whitening(whiten=whiten, eps=0.0, eps_at="std"))
    inside = torch.tensor([1.0, 2.0, 4.0, 7.0], dtype=torch.float64)
    scale = {"sample": inside.std(), "population": inside.std(correction=0)}.get(whiten, torch.tensor(1.0))
    assert torch.equal(found[~mask], torch.zeros(2, dtype=torch.float64))
    torch.testing.assert_close(found[mask], inside if whiten == "off" else (inside - 3.5) / scale)


def test_what_would_spread_in_silence_is_refused() -> None:
    mask = torch.ones(2, 3, dtype=torch.bool)
    for rewards, ids, words in (
        (torch.tensor([1.0, math.nan]), None, "NaN"),
        (torch.tensor([1, 0]), None, "floats"),
        (torch.ones(3), None, "shape"),
        (torch.ones(2), torch.tensor([0.0, 0.0]), "group_ids"),
    ):
        with pytest.raises(ConfigError, match=words):
            stat.checked(rewards, mask, ids, grouped=ids is not None)
