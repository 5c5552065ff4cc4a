"""Best-of-n: naive and weighted selection, aggregation, and what is not put to the scorer."""

import pytest

from thinkwell.core.budget import Budget
from thinkwell.core.method import METHODS, seats_of

SCRIPT = {"*": ["a \\boxed{1}", "b \\boxed{2}", "c \\boxed{2}", "d none", "e \\boxed{3}"]}
SCORES = {"a": 0.9, "b": 0.5, "c": 0.6, "d": 1.0, "e": 0.1}


def judge(text: str) -> float:
    return SCORES[text[0]]


def test_naive_takes_the_path_with_the_highest_score(play):
    run = play("best_of_n", SCRIPT, judge, n_paths=5)
    assert run.answer == "1"
    assert run.outcome.chosen.id == "0"


def test_weighted_adds_the_scores_of_equal_answers(play):
    """0.5 + 0.6 for the answer 2 is more than 0.9 for the answer 1; its best path is shown."""
    run = play("best_of_n", SCRIPT, judge, n_paths=5, weighted=True)
    assert run.answer == "2"
    assert run.outcome.chosen.id == "2"


def test_a_path_without_an_answer_is_not_scored_and_never_wins(play):
    run = play("best_of_n", SCRIPT, judge, n_paths=5)
    assert run.usage.scorer_calls == 4
    assert run.outcome.scores == (0.9, 0.5, 0.6, 0.0, 0.1)


def test_one_lucky_score_misleads_naive_but_not_weighted(play):
    """A scorer that is wrong once in nine: naive follows it, weighted does not."""
    script = {"*": ["good \\boxed{7}"] * 8 + ["lucky \\boxed{0}"]}
    rule = {"lucky": 0.99, "good": 0.8}
    assert play("best_of_n", script, rule, n_paths=9).answer == "0"
    assert play("best_of_n", script, rule, n_paths=9, weighted=True).answer == "7"


@pytest.mark.parametrize(
    ("agg", "answer"),
    [
        ("last", "1"),  # 0.9 against 0.6
        ("min", "2"),  # 0.2 against 0.6
        ("prod", "2"),  # 0.162 against 0.216
        ("mean", "1"),  # 0.6667 against 0.6
    ],
)
def test_step_scores_are_aggregated_as_asked(play, agg, answer):
    rule = {"up": (0.9, 0.2, 0.9), "flat": (0.6, 0.6, 0.6)}
    assert play("best_of_n", {"*": ["up \\boxed{1}", "flat \\boxed{2}"]}, rule, n_paths=2, agg=agg).answer == answer


def test_majority_cannot_mend_a_modal_mistake_and_the_scorer_can(play):
    script = {"*": ["w \\boxed{5}"] * 3 + ["r \\boxed{7}"] * 2}
    assert play("self_consistency", script, n_paths=5).answer == "5"
    assert play("best_of_n", script, {"w": 0.2, "r": 0.9}, n_paths=5, weighted=True).answer == "7"


def test_without_scorer_calls_weighted_is_a_majority_vote(play):
    run = play("best_of_n", SCRIPT, judge, n_paths=5, weighted=True, budget=Budget(scorer_calls=0))
    assert run.answer == "2"
    assert run.usage.scorer_calls == 0


def test_nothing_found_is_no_answer(play):
    run = play("best_of_n", {"*": "hm"}, n_paths=3)
    assert run.outcome.answer is None
    assert run.usage.scorer_calls == 0


def test_left_over_tokens_are_spent_on_more_paths(play):
    run = play("best_of_n", {"*": "so \\boxed{7}"}, budget=Budget(tokens=50), fit=True)
    assert len(run.outcome.paths) == 10
    assert run.usage.scorer_calls == 10


def test_a_reserve_leaves_tokens_to_a_scorer_that_writes(toy):
    cls = METHODS.get("best_of_n")
    sized = cls(cls.Config(scorer="flexive", reserve=0.5)).fit(Budget(tokens=100), toy).config
    assert (sized.n_paths, sized.fill) == (5, False)


@pytest.mark.parametrize(("scorer", "seats"), [("prm", {"solver"}), ("orm", {"solver"}), ("flexive", {"solver", "verifier"})])
def test_only_a_scorer_that_writes_has_a_seat(scorer, seats):
    cls = METHODS.get("best_of_n")
    assert seats_of(cls(cls.Config(scorer=scorer))) == seats
