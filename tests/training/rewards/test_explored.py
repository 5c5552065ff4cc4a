from __future__ import annotations

import pytest

from tests.training.small import rollouts, sample
from thinkwell.core.errors import ConfigError
from thinkwell.training.rewards.explored import Explored, tokens_before_answer

HALF = "x" * 10 + "\\boxed{7}" + "."  # ten characters before the box, ten from there on
CHECKED = "Let me check.\n\nThat is wrong.\n\nAlternatively, 7.\n\n\\boxed{7}"


def test_reasoning_is_what_was_written_before_the_box() -> None:
    batch = rollouts(sample(HALF, tokens=40), sample("no box here", tokens=12))
    lengths, answered = tokens_before_answer(batch, [one.path.own_text for one in batch.samples])
    assert lengths.tolist() == [20.0, 12.0]
    assert answered.tolist() == [True, False]


def test_short_reasoning_costs_right_and_wrong_answers_alike() -> None:
    batch = rollouts(sample(HALF, tokens=40), sample(HALF, tokens=40, correct=False), sample("none", tokens=10, correct=False))
    assert Explored("length", {"scale": 20.0})(batch, 0).values.tolist() == [0.0, -1.0, -2.5]
    assert Explored("none", {"scale": 20.0})(batch, 0).values.tolist() == [1.0, 0.0, -0.5]


def test_effort_is_graded_by_steps_or_by_marked_behaviours() -> None:
    batch = rollouts(sample(CHECKED, tokens=50))
    steps = Explored("steps", {"scale": 0.0})(batch, 0)
    assert steps.values.tolist() == pytest.approx([0.8 + 0.2 * 4 / 10])
    shown = Explored("behaviours", {"scale": 0.0}, full=4.0)(batch, 0)
    assert shown.values.tolist() == pytest.approx([0.8 + 0.2 * 3 / 4])
    assert shown.parts["behaviours"].tolist() == [3.0]


def test_no_reasoning_at_all_is_the_worst_and_no_hole() -> None:
    batch = rollouts(sample("\\boxed{7}", tokens=4), sample("x" * 30 + "\\boxed{7}", tokens=39))
    none, some = Explored("length", {"scale": 30.0})(batch, 0).values.tolist()
    assert none == -29.0  # a length of 1 at least
    assert some == 0.0


def test_a_response_that_could_not_be_graded_is_refused() -> None:
    with pytest.raises(ConfigError, match="could not be graded"):
        Explored()(rollouts(sample(correct=None)), 0)
