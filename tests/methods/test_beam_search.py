"""Beam search: who is kept, what is counted, and what becomes of unfinished and repeated beams."""

from thinkwell.core.budget import Budget
from thinkwell.core.events import Forked, PathOpened, Pruned
from thinkwell.core.method import METHODS
from thinkwell.core.path import Finish
from thinkwell.engines.scripted import Ask, Reply


def tree(ask: Ask) -> str:
    """Two steps, then the answer. Path "0" begins well, all others badly; whoever began well answers 7, the others 0."""
    if not ask.so_far:
        return "good\n\nmore\n\n\\boxed{7}" if ask.path == "0" else "bad\n\nmore\n\n\\boxed{0}"
    start = "\\boxed{7}" if ask.so_far.startswith("good") else "\\boxed{0}"
    return start if ask.so_far.count("\n\n") >= 2 else "more\n\n" + start


GOOD = {"good": 0.9, "bad": 0.2}


def test_the_best_beam_is_copied_and_the_others_are_given_up(play):
    """Four beams: "good" and three "bad" (one after repeats). Two are kept, copied to four, and the search ends with the four answers of them."""
    run = play("beam_search", tree, GOOD, n_beams=4, n_expand=2)
    assert run.answer == "7"
    pruned = [event.path for event in run.events(Pruned)]
    assert pruned[:2] == ["2", "3"]
    assert {event.parent for event in run.events(Forked)} == {"0", "1"}


def test_every_sampled_token_is_counted_siblings_too(play):
    run = play("beam_search", tree, GOOD, n_beams=4, n_expand=2)
    # 4 first steps and 4 second steps of 2 tokens, 4 ends of " \\boxed{", digit, brace, end of text
    assert run.usage.generated_tokens == run.engine.sampled
    assert run.usage.generated_tokens > sum(len(path) - path.segments[0].n_tokens for path in run.outcome.paths)


def test_repeated_beams_are_dropped_and_can_be_kept(play):
    """All beams write the same: one survives a step without repeats, two with them."""
    script = {"*": "a\n\nb\n\n\\boxed{7}"}
    fewer = play("beam_search", script, n_beams=4, n_expand=2)
    more = play("beam_search", script, n_beams=4, n_expand=2, drop_duplicates=False)
    assert sum(event.reason == "not among the best" for event in fewer.events(Pruned)) == 6  # 3 of 4 after each of two steps
    assert sum(event.reason == "not among the best" for event in more.events(Pruned)) == 4


def test_equal_beams_vote_once(play):
    """Three beams end word for word alike with 1, two differently with 2: the repeats are one vote."""
    script = {"*": ["x \\boxed{1}", "x \\boxed{1}", "x \\boxed{1}", "y \\boxed{2}", "z \\boxed{2}"]}
    run = play("beam_search", script, n_beams=5, n_expand=1, select="majority")
    assert run.answer == "2"
    assert len(run.outcome.paths) == 3


def test_the_search_stops_once_enough_beams_have_ended(play):
    """Path 0 ends at once, in the first step; the other would go on for ever."""

    def script(ask: Ask) -> str:
        return "\\boxed{7}" if ask.path in ("0", "1.0") else "on\n\n"

    run = play("beam_search", script, n_beams=2, n_expand=2, max_steps=10)
    assert run.answer == "7"
    assert len(run.outcome.paths) == 2


def test_a_solution_is_never_split_at_its_blank_lines(play):
    script = {"*": "<think>\n\nstep\n\n</think>\n\nThe answer\n\nis \\boxed{7}\n\n"}
    run = play("beam_search", script, n_beams=1, n_expand=1)
    assert run.answer == "7"
    assert run.outcome.chosen.finish is Finish.EOS
    assert len(run.scorer.calls) == 3  # the opening, the step, and the rest as one


def test_the_last_step_is_written_to_its_end(play):
    script = {"*": "a\n\nb\n\nc\n\nd\n\n\\boxed{7}"}
    run = play("beam_search", script, n_beams=1, n_expand=1, max_steps=2)
    assert run.answer == "7"
    assert len(run.scorer.calls) == 2


def test_unfinished_beams_are_no_answers(play):
    run = play("beam_search", {"*": Reply("a\n\n", eos=False)}, n_beams=4, budget=Budget(tokens=30))
    assert run.outcome.answer is None
    assert run.usage.generated_tokens == 30


def test_beams_narrow_so_that_some_end_within_the_budget(play):
    """Sixteen beams of 24 tokens asked for, 60 tokens given: the few that fit are taken to their ends."""
    script = {"*": "a a a a\n\n" * 4 + "\\boxed{7}"}
    run = play("beam_search", script, n_beams=16, budget=Budget(tokens=60))
    assert len(run.events(PathOpened)) == 6
    assert run.answer == "7"
    assert run.usage.generated_tokens <= 60


def test_its_hub_starts_with_the_expansion_and_ended_beams_keep_competing(play):
    """Path 0 ends at once with a poor score. In search-and-learn's rules it is a candidate for good; in its_hub's a better live beam takes its place."""

    def script(ask: Ask) -> str:
        return "early \\boxed{1}" if ask.path == "0" else ("fine\n\n" if "fine" not in ask.so_far else "\\boxed{7}")

    rule = {"early": 0.3, "fine": 0.8}
    ours = play("beam_search", script, rule, n_beams=4, n_expand=4, select="majority")
    theirs = play("beam_search", script, rule, n_beams=4, n_expand=4, variant="its_hub", select="majority")
    assert len(ours.events(PathOpened)) == 4
    assert "early \\boxed{1}" in ours.texts
    assert len(theirs.events(PathOpened)) == 4
    assert theirs.texts == ["fine\n\n\\boxed{7}"]
    assert len(play("beam_search", script, rule, n_beams=4, n_expand=2, variant="its_hub").events(PathOpened)) == 2


def test_ended_its_hub_beams_win_their_places_and_end_the_search(play):
    """The ended beam outscores all live ones, so the only place is its."""

    def script(ask: Ask) -> str:
        return "early \\boxed{7}" if ask.path == "0" else "slow\n\n"

    run = play("beam_search", script, {"early": 0.9, "slow": 0.1}, n_beams=3, n_expand=3, variant="its_hub")
    assert run.answer == "7"
    assert len(run.scorer.calls) == 1


def test_without_scorer_calls_beams_are_written_to_their_ends(play):
    run = play("beam_search", {"*": "a\n\n\\boxed{7}"}, n_beams=2, budget=Budget(scorer_calls=0))
    assert run.answer == "7"
    assert len(run.engine.requests) == 2  # no stop between the steps
    assert run.usage.scorer_calls == 0


def test_scorer_calls_that_run_out_leave_the_last_known_scores(play):
    """Two beams, three calls: the second step of the bad beam cannot be scored and keeps 0.2, not the 0.5 of no evidence."""
    run = play("beam_search", tree, GOOD, n_beams=2, n_expand=1, budget=Budget(scorer_calls=3))
    assert run.answer == "7"
    assert run.usage.scorer_calls == 3
    assert run.outcome.scores == (0.9, 0.2)


def test_fit_sizes_the_width_to_the_budget(toy):
    cls = METHODS.get("beam_search")
    assert cls().fit(Budget(tokens=100), toy).config.n_beams == 10
    assert cls().fit(Budget(tokens=1), toy).config.n_beams == 1
    assert cls(cls.Config(n_beams=3)).fit(Budget(tokens=100), toy).config.n_beams == 3
    assert cls().fit(Budget(seconds=1), toy).config.n_beams == 16
