"""What every reward reads first: what is right, lengths against their definition, and what is refused."""

from __future__ import annotations

import statistics

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.core.errors import ConfigError
from thinkwell.training.rewards._batch import Penalty, float_dtype, read_batch, standardised_lengths

RESPONSES = st.lists(st.tuples(st.booleans(), st.integers(1, 50), st.integers(0, 2)), min_size=1, max_size=9)


@given(RESPONSES, st.sampled_from(["population", "sample"]), st.sampled_from(["zero", "raw"]))
def test_lengths_are_standardised_over_the_right_responses_of_a_group(rows: list[tuple[bool, int, int]], std: str, single: str) -> None:
    right, lengths, groups = (list(column) for column in zip(*rows, strict=True))
    batch = read_batch("test", torch.tensor(right), torch.tensor(lengths), torch.tensor(groups))
    found = standardised_lengths(batch, Penalty(std, 0.0, single)).tolist()
    for z, (correct, length, group) in zip(found, rows, strict=True):
        counted = [n for ok, n, g in rows if ok and g == group]
        if not correct:
            expected = 0.0
        elif len(counted) == 1:
            expected = float(length) if single == "raw" else 0.0
        else:
            spread = statistics.stdev(counted) if std == "sample" else statistics.pstdev(counted)
            expected = (length - statistics.mean(counted)) / spread if spread else 0.0
        assert z == pytest.approx(expected)


def test_a_response_that_is_not_well_formed_is_not_right() -> None:
    batch = read_batch("test", torch.tensor([1.0, 1.0, 0.0]), torch.tensor([3, 4, 5]), valid=torch.tensor([True, False, True]))
    assert batch.right.tolist() == [True, False, False]
    assert batch.right_of_group.tolist() == [1, 0, 0]
    assert batch.dtype == torch.float32
    assert float_dtype(torch.ones(1, dtype=torch.float16), torch.ones(1, dtype=torch.float64)) == torch.float64


@pytest.mark.parametrize(
    ("correct", "lengths", "words"),
    [([1.0, -1.0], [3, 4], "other values than 0 and 1"), ([1.0], [3, 4], "shapes do not fit"), ([1.0, 0.0], [3, -1], "tokens, at least 0")],
)
def test_shaped_scores_other_shapes_and_impossible_lengths_are_refused(correct: list[float], lengths: list[int], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_batch("test", torch.tensor(correct), torch.tensor(lengths))
