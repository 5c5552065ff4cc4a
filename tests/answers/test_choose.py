"""Voting: who wins, who never votes, and what happens in a tie. The numbers are worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.answers.choose import choose, confidences, majority, shortest_majority, tied_score, weighted
from thinkwell.core.answer import Answer


def said(*names: str | None) -> list[Answer | None]:
    return [None if name is None else Answer(name, name) for name in names]


def test_majority_ignores_missing_answers() -> None:
    choice = majority(said(None, "3", None, "4", "4", None, None))
    assert choice.canonical == "4"
    assert dict(choice.votes) == {"3": 1.0, "4": 2.0}
    assert (choice.index, choice.tie) == (3, False)


def test_nobody_answered() -> None:
    choice = majority(said(None, None))
    assert (choice.answer, choice.index, dict(choice.votes), choice.tied) == (None, None, {}, ())
    assert tied_score(choice, {"3": 1.0}) == 0.0


def test_votes_are_grouped_by_canonical_form_and_keep_the_first_wording() -> None:
    choice = majority([Answer("0.5", "1/2"), Answer("3", "3"), Answer(r"\frac12", "1/2")])
    assert choice.answer == Answer("0.5", "1/2")


def test_weighted_sums_beat_a_single_high_score_and_best_takes_it() -> None:
    answers, scores = said("3", "4", "4"), [0.9, 0.5, 0.6]
    assert weighted(answers, scores).canonical == "4"  # 1.1 against 0.9
    best = choose(answers, weights=scores, rule="best")
    assert (best.canonical, best.index, dict(best.votes)) == ("3", 0, {"3": 0.9, "4": 0.6})


def test_best_shows_the_best_path_of_the_winning_answer() -> None:
    assert choose(said("4", "3", "4"), weights=[0.1, 0.5, 0.9], rule="best").index == 2


def test_shortest_majority_prefers_short_paths() -> None:
    answers = said("3", "3", "4", "4")
    choice = shortest_majority(answers, [1000, 3000, 50, 150])
    assert choice.canonical == "4"
    assert choice.votes["3"] == pytest.approx(2 / math.log(2000))
    assert choice.votes["4"] == pytest.approx(2 / math.log(100))


def test_first_tie_goes_to_the_answer_given_first_and_is_reported() -> None:
    choice = majority(said("4", "3", "3", "4", "5"))
    assert (choice.canonical, choice.tie, choice.tied) == ("4", True, ("4", "3"))


def test_random_ties_follow_the_generator_and_reach_every_answer() -> None:
    answers = said("4", "3")
    draws = [majority(answers, tie="random", rng=np.random.default_rng(seed)).canonical for seed in range(40)]
    assert set(draws) == {"3", "4"}
    assert draws == [majority(answers, tie="random", rng=np.random.default_rng(seed)).canonical for seed in range(40)]


def test_a_tie_is_averaged_for_metrics() -> None:
    assert tied_score(majority(said("4", "3")), {"4": 1.0}) == 0.5
    assert tied_score(majority(said("4", "3", "4")), {"4": 1.0}) == 1.0


def test_weights_that_differ_only_by_rounding_tie() -> None:
    assert weighted(said("3", "4", "4", "4"), [0.3, 0.1, 0.1, 0.1]).tie


def test_equal_groups_can_be_merged() -> None:
    answers = [Answer("x(x+1)", "a"), Answer("7", "7"), Answer("7", "7"), Answer("x^2+x", "b"), Answer("x+x^2", "c")]
    same = {"x(x+1)", "x^2+x", "x+x^2"}
    choice = majority(answers, equal=lambda left, right: {left, right} <= same)
    assert (choice.canonical, dict(choice.votes)) == ("a", {"a": 3.0, "7": 2.0})


def test_confidences_are_a_softmax() -> None:
    weights = confidences([math.log(0.1), math.log(0.3)])
    assert weights == pytest.approx([0.25, 0.75])
    assert confidences([]) == []
    with pytest.raises(ValueError, match="above 0"):
        confidences([1.0], temperature=0)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"rule": "loudest"}, "unknown voting rule"),
        ({"tie": "last"}, "unknown tie rule"),
        ({"rule": "weighted"}, "one weight for each"),
        ({"rule": "weighted", "weights": [1.0]}, "one weight for each"),
        ({"rule": "weighted", "weights": [1.0, math.nan]}, "finite"),
        ({"rule": "shortest_majority"}, "one length for each"),
        ({"tie": "random"}, "need a generator"),
    ],
)
def test_bad_requests_are_refused(knobs: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        choose(said("3", "4"), **knobs)  # type: ignore[arg-type]


def test_a_missing_answer_may_have_a_meaningless_weight() -> None:
    assert weighted(said("3", None), [1.0, math.nan]).canonical == "3"


@given(st.lists(st.one_of(st.none(), st.sampled_from("abc")), max_size=12), st.randoms())
def test_without_a_tie_the_order_does_not_matter(names: list[str | None], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = names[:]
    random.shuffle(shuffled)
    left, right = majority(said(*names)), majority(said(*shuffled))
    assert set(left.tied) == set(right.tied)
    assert dict(left.votes) == dict(right.votes)
