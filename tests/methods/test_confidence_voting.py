"""Confidence-filtered voting: how sure a path is, who may vote, and with what weight."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.errors import ConfigError
from thinkwell.core.method import METHODS
from thinkwell.engines.scripted import Reply
from thinkwell.methods.confidence_voting import Measure, confidence, surest

BOX = "so \\boxed{%s}"  # "so", the box, the number, the brace, the end: five tokens


@pytest.mark.parametrize(("measure", "mean"), [("mean", -1.0), ("tail", -0.25), ("lowest", -2.5), ("bottom", -2.5)])
def test_the_four_measures_by_hand(measure, mean):
    """Windows of two: -0.25, -1.5, -2.5, -1.25, -0.25 (means); five windows: a tenth of them is one."""
    logprobs = [0.0, -0.5, -2.5, -2.5, 0.0, -0.5]
    assert confidence(logprobs, Measure(measure), 2) == pytest.approx(math.exp(mean))


def test_bottom_is_the_mean_of_the_lowest_tenth_of_the_windows():
    logprobs = [-float(n) for n in range(20)]
    assert confidence(logprobs, Measure.BOTTOM, 1) == pytest.approx(math.exp(-18.5))
    assert confidence(logprobs, Measure.LOWEST, 1) == pytest.approx(math.exp(-19))


@pytest.mark.parametrize("measure", Measure)
def test_a_path_shorter_than_the_window_is_one_window(measure):
    assert confidence([-1.0, -3.0], measure, 100) == pytest.approx(math.exp(-2))
    assert confidence([], measure, 100) == 0.0


@given(st.lists(st.floats(-50, 0), min_size=1, max_size=60), st.integers(1, 80))
def test_a_confidence_is_a_probability_and_the_lowest_is_least(logprobs, window):
    values = {measure: confidence(logprobs, measure, window) for measure in Measure}
    assert all(0 <= value <= 1 for value in values.values())
    assert values[Measure.LOWEST] <= values[Measure.BOTTOM] + 1e-12
    assert values[Measure.LOWEST] <= values[Measure.TAIL] + 1e-12


def test_the_surest_keep_their_order_and_at_least_one_is_left():
    ranks = [0.1, 0.9, 0.5, 0.9]
    assert surest([0, 1, 2, 3], ranks, 0.5) == [1, 3]
    assert surest([0, 2], ranks, 0.01) == [2]
    assert surest([0, 1, 2, 3], ranks, 0.75) == [1, 2, 3]
    assert surest([], ranks, 0.5) == []


def mixed(unsure: int) -> dict:
    """Two sure paths say 7, the others, unsure, say 2."""
    return {"*": [Reply(BOX % 7, logprobs=(-0.1,)), *[Reply(BOX % 2, logprobs=(-1.0,))] * unsure, Reply(BOX % 7, logprobs=(-0.2,))]}


def test_unsure_paths_do_not_vote(play):
    """Three against two, but of five the surest two (0.4 of them) say 7."""
    run = play("confidence_voting", mixed(3), n_paths=5, keep=0.4)
    assert run.answer == "7"
    assert run.outcome.facts["voters"] == ["0", "4"]
    assert run.outcome.chosen.id == "0"
    assert run.outcome.scores == pytest.approx((math.exp(-0.1), *[math.exp(-1)] * 3, math.exp(-0.2)))
    assert play("self_consistency", mixed(3), n_paths=5).answer == "2"


def test_all_vote_where_all_are_kept(play):
    """7 weighs 0.905 + 0.819 = 1.72; four times 0.368 is 1.47, five times 1.84. Unweighted the larger number wins."""
    assert play("confidence_voting", mixed(4), n_paths=6, keep=1.0).answer == "7"
    assert play("confidence_voting", mixed(5), n_paths=7, keep=1.0).answer == "2"
    assert play("confidence_voting", mixed(4), n_paths=6, keep=1.0, weighted=False).answer == "2"


def test_paths_without_an_answer_take_nobodys_place(play):
    script = {"*": [Reply("hm", logprobs=(0.0,)), Reply(BOX % 7, logprobs=(-1.0,)), Reply("hm", logprobs=(0.0,))]}
    run = play("confidence_voting", script, n_paths=3, keep=0.3)
    assert run.answer == "7"
    assert play("confidence_voting", {"*": "hm"}, n_paths=2).outcome.answer is None


def test_one_unsure_stretch_counts_under_lowest_only(play):
    """The first path hesitates over one token, the second is middling throughout: means -0.8 and -1, worst tokens -4 and -1."""
    script = {"*": [Reply(BOX % 3, logprobs=(0.0, -4.0, 0.0, 0.0, 0.0)), Reply(BOX % 7, logprobs=(-1.0,))]}
    assert play("confidence_voting", script, n_paths=2, window=1).answer == "7"
    assert play("confidence_voting", script, n_paths=2, measure="mean").answer == "3"


def test_it_needs_log_probs_and_fits_like_self_consistency(toy):
    cls = METHODS.get("confidence_voting")
    assert cls.needs == {Capability.LOGPROBS}
    fitted = cls().fit(Budget(tokens=100), toy).config
    assert (fitted.n_paths, fitted.fill) == (10, True)
    assert cls(cls.Config(n_paths=3)).fit(Budget(tokens=100), toy).config.n_paths == 3


@pytest.mark.parametrize("knobs", [{"keep": 0.0}, {"keep": 1.5}, {"window": 0}, {"measure": "median"}])
def test_knobs_out_of_range_are_refused(knobs):
    with pytest.raises(ConfigError, match=r"confidence_voting\."):
        METHODS.get("confidence_voting").Config.parse(knobs, "confidence_voting")
