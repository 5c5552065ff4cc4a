"""Single paths and self-consistency: who votes, with what weight, and how a budget becomes paths."""

import math

import pytest

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.errors import MissingCapability
from thinkwell.core.method import METHODS, require
from thinkwell.engines.scripted import Reply

BOX = "so \\boxed{%s}"


def test_single_gives_the_answer_of_its_one_path(play):
    run = play("single", {"*": BOX % 7})
    assert run.answer == "7"
    assert run.outcome.chosen.text == "so \\boxed{7}"
    assert len(run.outcome.paths) == 1


def test_single_without_an_answer_gives_none_and_no_path(play):
    run = play("single", {"*": "no idea"})
    assert run.outcome.answer is None
    assert run.outcome.chosen is None


def test_majority_ignores_missing_answers(play):
    """Three of five paths say nothing; two against none is a majority."""
    run = play("self_consistency", {"*": ["hm", BOX % 4, "well", BOX % 4, "dunno"]}, n_paths=5)
    assert run.answer == "4"
    assert dict(run.outcome.facts["votes"]) == {"4": 2.0}
    assert run.outcome.chosen.id == "1"


def test_nobody_answering_is_no_answer(play):
    run = play("self_consistency", {"*": "hm"}, n_paths=3)
    assert run.outcome.answer is None
    assert run.outcome.chosen is None
    assert len(run.outcome.paths) == 3


def test_answers_vote_by_their_canonical_form(play):
    run = play("self_consistency", {"*": [BOX % "1,000", BOX % 5, BOX % 1000, BOX % "1000"]}, n_paths=4)
    assert run.answer == "1000"


def test_thinking_cut_by_its_ceiling_does_not_vote(play, toy):
    """Both long paths hold a box in thinking that never closed."""
    long = Reply("<think> maybe \\boxed{3}", eos=False)
    run = play("self_consistency", {"*": [long, long, "<think> x </think> " + BOX % 7]}, n_paths=3)
    assert run.answer == "7"


def test_first_tie_goes_to_the_answer_that_occurred_first(play):
    run = play("self_consistency", {"*": [BOX % 5, BOX % 3, BOX % 3, BOX % 5]}, n_paths=4)
    assert run.answer == "5"
    assert run.outcome.facts["tie"]


def test_random_ties_follow_the_seed_and_reach_every_tied_answer(play):
    script = {"*": [BOX % 5, BOX % 3]}
    drawn = [play("self_consistency", script, n_paths=2, tie="random", seed=seed).answer for seed in range(12)]
    assert drawn == [play("self_consistency", script, n_paths=2, tie="random", seed=seed).answer for seed in range(12)]
    assert set(drawn) == {"3", "5"}


def test_shortest_majority_weighs_short_answers_more(play):
    """Counting tokens by hand: "so" " \\boxed{" "3" "}" end = 5; with 19 more words 24. 2/ln 5 = 1.243 against 3/ln 24 = 0.944."""
    long = "so" + " on" * 19 + " \\boxed{9}"
    script = {"*": [long, long, long, BOX % 3, BOX % 3]}
    run = play("self_consistency", script, n_paths=5, rule="shortest_majority")
    assert run.answer == "3"
    assert run.outcome.facts["votes"] == pytest.approx({"9": 3 / math.log(24), "3": 2 / math.log(5)})
    assert play("self_consistency", script, n_paths=5).answer == "9"


def test_confidence_weighs_by_the_mean_log_prob(play):
    """One path at exp(-0.1) = 0.905 outweighs two at exp(-1) = 0.368 each."""
    sure, unsure = Reply(BOX % 7, logprobs=(-0.1,)), Reply(BOX % 2, logprobs=(-1.0,))
    run = play("self_consistency", {"*": [unsure, sure, unsure]}, n_paths=3, rule="confidence")
    assert run.answer == "7"
    assert run.outcome.scores == pytest.approx((math.exp(-1), math.exp(-0.1), math.exp(-1)))
    assert run.outcome.chosen.id == "1"


def test_confidence_alone_needs_log_probs():
    cls = METHODS.get("self_consistency")
    plain, confident = cls(), cls(cls.Config(rule="confidence"))
    assert plain.needs == frozenset()
    assert confident.needs == {Capability.LOGPROBS}
    require(plain, "chat", frozenset({Capability.CHAT_ONLY}), [])
    with pytest.raises(MissingCapability, match="logprobs"):
        require(confident, "chat", frozenset({Capability.CHAT_ONLY}), [("local", frozenset({Capability.LOGPROBS}))])


@pytest.mark.parametrize(("tokens", "paths"), [(1, 1), (10, 1), (14, 1), (16, 2), (1024, 102)])
def test_fit_buys_as_many_typical_paths_as_the_budget_holds(toy, tokens, paths):
    for name in ("self_consistency", "best_of_n"):
        assert METHODS.get(name)().fit(Budget(tokens=tokens), toy).config.n_paths == paths


def test_fit_leaves_what_the_user_set(toy):
    for name in ("self_consistency", "best_of_n"):
        cls = METHODS.get(name)
        fitted = cls(cls.Config(n_paths=3)).fit(Budget(tokens=1000), toy)
        assert fitted.config.n_paths == 3
        assert not fitted.config.fill


def test_fit_without_a_token_ceiling_changes_nothing(toy):
    assert METHODS.get("self_consistency")().fit(Budget(seconds=3), toy).config.n_paths == 16


def test_tokens_left_by_early_endings_open_more_paths(play):
    """A path is 5 tokens where 10 are typical. A pilot of ceil(5 / 4) = 2; 40 tokens hold 8, less a margin 6; then 10 hold 1 and 5 hold 1."""
    run = play("self_consistency", {"*": BOX % 7}, budget=Budget(tokens=50), fit=True)
    assert len(run.outcome.paths) == 10
    assert run.usage.generated_tokens == 50
    assert [path.id for path in run.outcome.paths] == [str(i) for i in range(10)]


def test_a_problem_longer_than_typical_is_not_starved(play):
    """60 tokens hold six paths of 10, but here a path is 25: opened all at once they would be cut at 10 each and nobody would answer."""
    run = play("self_consistency", {"*": "so" + " on" * 20 + " \\boxed{7}"}, budget=Budget(tokens=60), fit=True)
    assert run.answer == "7"
    assert all(path.complete for path in run.outcome.paths)
    assert len(run.outcome.paths) == 2


def test_without_fitting_the_asked_number_of_paths_is_kept(play):
    run = play("self_consistency", {"*": BOX % 7}, budget=Budget(tokens=50), n_paths=2)
    assert len(run.outcome.paths) == 2


def test_a_model_that_ends_at_once_is_not_asked_for_ever(play):
    run = play("self_consistency", {"*": ""}, budget=Budget(tokens=100), fit=True)
    assert len(run.outcome.paths) == 40
    assert run.outcome.answer is None


def test_recorded_samples_are_all_there_is(play, ledger):
    class Recorded(ledger):
        def samples_of(self, problem: str) -> int:
            return 3

    run = play("self_consistency", {}, budget=Budget(tokens=100), fit=True, engine=Recorded({"*": [BOX % 7, BOX % 1, BOX % 7]}))
    assert len(run.outcome.paths) == 3
    assert run.answer == "7"


def test_paths_cut_by_the_budget_do_not_vote(play):
    """11 tokens: two paths of five end; the third gets one token."""
    run = play("self_consistency", {"*": [BOX % 7, BOX % 7, BOX % 8]}, budget=Budget(tokens=11), n_paths=3)
    assert run.usage.generated_tokens == 11
    assert sum(run.outcome.facts["votes"].values()) <= 2
