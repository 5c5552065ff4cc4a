"""Adaptive self-consistency: when the votes are clear enough, worked out independently, and what ends the sampling."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.core.budget import Budget
from thinkwell.core.errors import ConfigError
from thinkwell.core.events import Note
from thinkwell.core.method import METHODS
from thinkwell.methods.adaptive_consistency import beats_all, beats_second

BOX = "so \\boxed{%s}"  # five tokens with the end


@pytest.mark.parametrize(
    ("first", "second", "chance"),
    [(1, 0, 3 / 4), (2, 0, 7 / 8), (3, 0, 15 / 16), (4, 0, 31 / 32), (1, 1, 1 / 2), (2, 1, 11 / 16), (0, 0, 1 / 2)],
)
def test_the_chance_that_the_leader_leads_by_right(first, second, chance):
    """Integrals of beta densities over (1/2, 1) by hand, e.g. 12 x^2 (1 - x) for 2 : 1 gives 11/16."""
    assert beats_second(first, second) == pytest.approx(chance)


@given(st.integers(0, 12), st.integers(0, 12))
def test_the_chance_agrees_with_the_integral(first, second):
    x = (np.arange(20_000) + 0.5) / 20_000
    density = x**first * (1 - x) ** second
    assert beats_second(first, second) == pytest.approx(density[10_000:].sum() / density.sum(), abs=1e-6)


def test_among_three_equal_answers_each_is_as_likely():
    """Two seen with no vote and the unseen one: a third each (votes 0, 0 and the unseen 0)."""
    assert beats_all([0, 0]) == pytest.approx(1 / 3, abs=1e-4)
    assert beats_all([0, 0, 0]) == pytest.approx(1 / 4, abs=1e-4)


@pytest.mark.parametrize("first", [1, 3, 8, 30])
def test_one_answer_against_the_unseen_is_the_beta_rule(first):
    assert beats_all([first]) == pytest.approx(beats_second(first, 0), abs=1e-4)


def test_the_chance_against_all_agrees_with_draws():
    draws = np.random.default_rng(0).dirichlet([6, 3, 2, 1], 200_000)
    assert beats_all([5, 2, 1]) == pytest.approx((draws.argmax(axis=1) == 0).mean(), abs=0.005)


def test_a_unanimous_model_is_asked_four_times(play):
    """15/16 = 0.94 after three, 31/32 = 0.97 after four."""
    run = play("adaptive_consistency", {"*": BOX % 7})
    assert run.answer == "7"
    assert len(run.outcome.paths) == 4
    assert run.outcome.facts["stopped"]
    assert "beta after 4" in run.events(Note)[0].text


def test_a_divided_model_is_asked_to_the_end(play):
    run = play("adaptive_consistency", {"*": [BOX % (i % 2) for i in range(6)]}, n_paths=6)
    assert len(run.outcome.paths) == 6
    assert not run.outcome.facts["stopped"]
    assert run.outcome.facts["tie"]
    assert run.answer == "0"


def test_a_higher_threshold_asks_more(play):
    """1 - 2^-(n + 1) >= 0.99 from n = 6 on: 127/128 = 0.992."""
    assert len(play("adaptive_consistency", {"*": BOX % 7}, threshold=0.99).outcome.paths) == 6


def test_paths_without_an_answer_are_no_evidence(play):
    run = play("adaptive_consistency", {"*": ["hm", BOX % 7, "hm", BOX % 7, BOX % 7, BOX % 7, BOX % 1]}, n_paths=7)
    assert run.answer == "7"
    assert len(run.outcome.paths) == 6
    silent = play("adaptive_consistency", {"*": "hm"}, n_paths=5)
    assert silent.outcome.answer is None
    assert len(silent.outcome.paths) == 5


def test_a_lead_that_cannot_be_lost_stops(play):
    """Of five paths three agree at once: the two to come cannot change it. The rule never changes the answer of all five."""
    script = {"*": [BOX % a for a in (7, 7, 7, 1, 1)]}
    run = play("adaptive_consistency", script, n_paths=5, stop="lead")
    assert len(run.outcome.paths) == 3
    assert run.answer == play("self_consistency", script, n_paths=5).answer == "7"


def test_a_window_of_equal_answers_stops(play):
    script = {"*": [BOX % a for a in (1, 2, 7, 7, 7, 1, 1, 1)]}
    run = play("adaptive_consistency", script, n_paths=8, stop="window", window=3)
    assert len(run.outcome.paths) == 5
    assert run.answer == "7"


def test_dirichlet_waits_longer_where_there_are_several_rivals(play):
    script = {"*": [BOX % a for a in (1, 2, 3, *[7] * 20)]}
    beta, all_ = (len(play("adaptive_consistency", script, n_paths=23, stop=rule).outcome.paths) for rule in ("beta", "dirichlet"))
    assert beta == 3 + 6  # 6 against 1: P(at most 6 heads in 8) = 247/256 = 0.965; 5 against 1: 120/128 = 0.94
    assert all_ > beta


def test_waves_are_sampled_at_once(play):
    run = play("adaptive_consistency", {"*": BOX % 7}, wave=3)
    assert len(run.outcome.paths) == 6


def test_a_wave_is_no_wider_than_the_budget(play):
    """Eight paths at once would get 15 / 8 tokens each; one of typical length (10) fits, then two more of the length seen."""
    run = play("adaptive_consistency", {"*": BOX % 7}, wave=8, budget=Budget(tokens=15))
    assert run.answer == "7"
    assert len(run.outcome.paths) == 3


def test_the_budget_ends_the_sampling(play):
    """23 tokens: four paths of five, the fifth would be cut."""
    run = play("adaptive_consistency", {"*": [BOX % (i % 2) for i in range(40)]}, budget=Budget(tokens=23), fit=True)
    assert len(run.outcome.paths) == 4
    assert run.usage.generated_tokens == 20


def test_recorded_samples_are_all_there_is(play, ledger):
    class Recorded(ledger):
        def samples_of(self, problem: str) -> int:
            return 3

    run = play("adaptive_consistency", {}, engine=Recorded({"*": [BOX % 7, BOX % 1, BOX % 7]}))
    assert len(run.outcome.paths) == 3
    assert run.answer == "7"


def test_fit_leaves_the_end_to_the_tokens(toy):
    cls = METHODS.get("adaptive_consistency")
    assert cls().fit(Budget(tokens=100), toy).config.n_paths == 40  # four times the ten typical paths
    assert cls(cls.Config(n_paths=3)).fit(Budget(tokens=100), toy).config.n_paths == 3
    assert cls().fit(Budget(seconds=1), toy).config.n_paths == 40


@pytest.mark.parametrize("knobs", [{"threshold": 0.5}, {"threshold": 1.0}, {"stop": "never"}, {"wave": 0}, {"window": 0}])
def test_knobs_out_of_range_are_refused(knobs):
    with pytest.raises(ConfigError, match=r"adaptive_consistency\."):
        METHODS.get("adaptive_consistency").Config.parse(knobs, "adaptive_consistency")
