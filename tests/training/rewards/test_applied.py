from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.training.small import rollouts, sample
from thinkwell.core.errors import ConfigError
from thinkwell.training import rewards
from thinkwell.training.rewards.applied import AnswerAndFormat, OnFormat, OnLengths

BATCH = rollouts(sample(tokens=10), replace(sample(tokens=20), valid=False), sample(tokens=30, correct=False))


def test_a_reward_on_lengths_reads_answers_lengths_and_formats_of_samples() -> None:
    reward = OnLengths(rewards.laser, {"target": 25}, {"long": lambda batch: batch.lengths > 15})
    given = reward(BATCH, 0)
    assert given.values.tolist() == [1.5, -1.0, -0.5]
    assert given.parts["long"].tolist() == [0.0, 1.0, 1.0]


def test_format_and_length_are_paid_whatever_the_answer() -> None:
    knobs: dict[str, Any] = {"max_length": 40, "peak": 0.5}
    both = OnFormat(knobs)(BATCH, 0)
    assert both.values.tolist() == pytest.approx([1 + 0.75, 0.0, 1 + 0.5])  # at the peak without the format: min(0, 1)
    assert both.parts["format"].tolist() == [1.0, 0.0, 1.0]
    assert OnFormat(knobs, "format")(BATCH, 0).values.tolist() == [1.0, 0.0, 1.0]
    assert OnFormat(knobs, "length")(BATCH, 0).values.tolist() == pytest.approx([0.75, 1.0, 0.5])


def test_answer_and_format_are_paid_independently() -> None:
    given = AnswerAndFormat(0.5, 0.25)(BATCH, 0)
    assert given.values.tolist() == [0.75, 0.5, 0.25]


@pytest.mark.parametrize("reward", [OnLengths(rewards.laser), AnswerAndFormat()])
def test_a_response_that_could_not_be_graded_is_no_wrong_one(reward: Any) -> None:
    with pytest.raises(ConfigError, match="1 of 2 responses could not be graded"):
        reward(rollouts(sample(), sample(correct=None)), 0)


def test_format_and_length_need_no_grader() -> None:
    ungraded = rollouts(sample(tokens=20, correct=None))
    assert OnFormat({"max_length": 40})(ungraded, 0).values.tolist() == [2.0]
