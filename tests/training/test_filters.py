"""Filters: which samples go on, and the class of bug in which a filter on accuracy drops the groups that teach length."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.training.hand_made import batch, rewarded, sample
from thinkwell.core.answer import VerdictValue
from thinkwell.core.errors import ConfigError
from thinkwell.core.path import Finish
from thinkwell.training import advantages
from thinkwell.training.filters import InOrder, Judged, Signal, Whole, without_cut
from thinkwell.training.rewards import grpo_lambda, laser
from thinkwell.training.sample import Rollouts
from thinkwell.training.stage import View, of


def mixed() -> Rollouts:
    return batch(sample("a", True), sample("a", False), sample("b", True), sample("b", True), sample("c", False), sample("c", False))


def test_dynamic_sampling_keeps_groups_that_are_neither_all_right_nor_all_wrong() -> None:
    rewards = rewarded([1, 0, 1, 1, 0, 0])
    for on in ("reward", "accuracy"):
        assert Signal(on)(mixed(), rewards).tolist() == [True, True, False, False, False, False]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "reward",
    [
        lambda b: laser(b.correct, b.lengths, b.group_ids, target=50.0),
        lambda b: grpo_lambda(b.correct, b.lengths, b.group_ids),
    ],
    ids=["laser", "grpo_lambda"],
)
def test_a_group_of_right_answers_with_a_length_signal_survives_a_filter_on_the_final_reward_only(reward: object) -> None:
    """The bug class: accuracy does not vary in such a group, but its rewards do."""
    group = batch(sample("a", True, 10), sample("a", True, 90), sample("b", False, 10), sample("b", False, 90))
    values = reward(group)  # type: ignore[operator]
    rewards = rewarded(values.tolist())
    assert values[0] != values[1]
    assert Signal("reward")(group, rewards).tolist()[:2] == [True, True]
    assert Signal("accuracy")(group, rewards).tolist() == [False] * 4


def test_a_noisy_score_makes_every_group_differ_unless_the_filter_looks_at_accuracy_or_asks_for_more() -> None:
    rewards = rewarded([1.01, 0.02, 1.011, 1.012, 0.011, 0.012])
    assert Signal()(mixed(), rewards).all()
    assert Signal(min_std=0.1)(mixed(), rewards).tolist() == [True, True, False, False, False, False]
    assert Signal("accuracy")(mixed(), rewards).tolist() == [True, True, False, False, False, False]


def test_the_overlong_filter_drops_what_ended_at_any_limit() -> None:
    finishes = (Finish.EOS, Finish.LENGTH, Finish.BUDGET, Finish.CONTEXT, Finish.STOP)
    group = batch(*(sample("a", finish=finish) for finish in finishes))
    assert Whole()(group, rewarded([0.0] * 5)).tolist() == [True, False, False, False, True]


def test_unjudged_samples_are_dropped_and_no_answer_is_a_judgement() -> None:
    values = (VerdictValue.CORRECT, VerdictValue.NO_ANSWER, VerdictValue.TRUNCATED, VerdictValue.TIMEOUT, VerdictValue.ERROR)
    group = batch(*(sample("a", value is VerdictValue.CORRECT, value=value) for value in values))
    assert Judged()(group, rewarded([0.0] * 5)).tolist() == [True, True, True, False, False]


def test_a_filter_sees_what_those_before_it_kept() -> None:
    """One right answer beside a cut one carries no signal once the cut one is gone; in the other order it would stay alone in its group."""
    group = batch(sample("a", True), sample("a", False, finish=Finish.LENGTH), sample("b", True), sample("b", False))
    rewards = rewarded([1, 0, 1, 0])
    assert InOrder((Whole(), Signal()))(group, rewards).tolist() == [False, False, True, True]
    assert InOrder((Signal(), Whole()))(group, rewards).tolist() == [True, False, True, True]


def test_filters_in_order_refill_if_one_of_them_does() -> None:
    assert InOrder((Whole(), Signal())).refill
    assert not InOrder((Whole(), Signal(refill=False))).refill


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.booleans()), max_size=12))
def test_the_order_of_samples_does_not_matter_and_whole_groups_with_signal_stay(rows: list[tuple[int, bool, bool]]) -> None:
    samples = [sample(str(g), right, finish=Finish.LENGTH if cut else Finish.EOS) for g, right, cut in rows]
    values = [float(right) for _, right, _ in rows]
    both = InOrder((Whole(), Signal()))
    kept = both(batch(*samples), rewarded(values)).tolist()
    assert both(batch(*samples[::-1]), rewarded(values[::-1])).flip(0).tolist() == kept
    ended = {g: {right for h, right, cut in rows if h == g and not cut} for g, _, _ in rows}
    assert kept == [not cut and len(ended[g]) == 2 for g, _, cut in rows]


def test_without_filters_everything_stays() -> None:
    assert InOrder(())(mixed(), rewarded([0] * 6)).all()


def test_a_masked_overlong_sample_counts_in_its_group_and_teaches_nothing() -> None:
    group = batch(sample("a", True), sample("a", False), sample("a", False, finish=Finish.LENGTH), sample("a", True))
    view = View(group, torch.tensor([1.0, 0, 0, 1]), torch.ones(4, 5, dtype=torch.bool), group.group_ids, group.finished, group.cut)
    plain = of(advantages.grpo, std="population")
    values = without_cut(plain)(view)
    assert values[:, 0].tolist() == pytest.approx([1, -1, 0, 1], abs=1e-4)
    assert torch.equal(values[[0, 1, 3]], plain(view)[[0, 1, 3]])


@pytest.mark.parametrize("knobs", [{"on": "length"}, {"min_std": -1.0}, {"min_std": float("nan")}])
def test_knobs_out_of_range_are_refused(knobs: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Signal(**knobs)  # type: ignore[arg-type]
