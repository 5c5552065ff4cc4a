"""Particle filtering and Gibbs: weights, resampling, ended particles, references."""

from collections import Counter

import numpy as np
import pytest

from thinkwell.core.budget import Budget
from thinkwell.core.errors import ConfigError
from thinkwell.core.events import Cut, Forked, PathOpened
from thinkwell.core.method import METHODS
from thinkwell.core.path import Path
from thinkwell.engines.scripted import Ask, Reply
from thinkwell.methods._steps import Candidate
from thinkwell.methods.particle_filtering import Resampling, collapsed, draw, effective, weigh
from thinkwell.methods.particle_gibbs import after, keep


def population(*scores: float) -> list[Candidate]:
    return [Candidate(Path(str(i)), score) for i, score in enumerate(scores)]


def test_weights_are_the_odds_of_the_scores():
    """0.9 is 9:1, 0.5 is 1:1, 0.75 is 3:1, of 13 in all."""
    assert weigh(population(0.9, 0.5, 0.75), 1.0) == pytest.approx([9 / 13, 1 / 13, 3 / 13])


def test_temperature_takes_the_root_of_the_odds():
    assert weigh(population(0.9, 0.5), 2.0) == pytest.approx([3 / 4, 1 / 4])


def test_scores_of_nothing_and_certainty_stay_finite():
    assert weigh(population(1.0, 0.0), 1.0) == pytest.approx([1.0, 1e-14], abs=1e-12)
    assert weigh(population(1.0, 1.0), 0.01) == pytest.approx([0.5, 0.5])


def test_effective_size_and_when_to_resample():
    assert effective([0.25] * 4) == pytest.approx(4)
    assert effective([0.5, 0.5, 0, 0]) == pytest.approx(2)
    assert effective([1.0, 0.0]) == pytest.approx(1)
    assert collapsed([0.25] * 4, 1.0)  # after every step
    assert not collapsed([0.25] * 4, 0.99)
    assert collapsed([0.5, 0.5, 0, 0], 0.5)
    assert not collapsed([1.0, 0.0], 0.0)


def test_systematic_resampling_leaves_no_accident_where_shares_are_whole():
    for seed in range(20):
        assert draw([0.5, 0.25, 0.25], 4, Resampling.SYSTEMATIC, np.random.default_rng(seed)) == [2, 1, 1]
        assert sum(draw([0.3, 0.3, 0.4], 5, Resampling.SYSTEMATIC, np.random.default_rng(seed))) == 5


def test_multinomial_resampling_follows_the_weights():
    counts = draw([0.7, 0.2, 0.1], 10_000, Resampling.MULTINOMIAL, np.random.default_rng(0))
    assert counts == pytest.approx([7000, 2000, 1000], abs=150)


def tree(ask: Ask) -> str:
    """Path "0" begins well; whoever began well answers 7 in the third step."""
    if not ask.so_far:
        return "good\n\n" if ask.path == "0" else "bad\n\n"
    box = "\\boxed{7}" if ask.so_far.startswith("good") else "\\boxed{0}"
    return "more\n\n" if ask.so_far.count("\n\n") < 2 else f"{ask.path} {box}"


ODDS = {"good": 0.9999999, "bad": 0.0000001}


def test_the_promising_particle_takes_over(play):
    run = play("particle_filtering", tree, ODDS, n_particles=4)
    assert run.answer == "7"
    assert all(text.startswith("good") for text in run.texts)
    assert {event.parent for event in run.events(Forked)} >= {"0"}
    assert run.usage.generated_tokens == run.engine.sampled


def test_without_resampling_every_particle_goes_its_own_way(play):
    run = play("particle_filtering", tree, ODDS, n_particles=4, ess_threshold=0)
    assert not run.events(Forked)
    assert sum(text.startswith("bad") for text in run.texts) == 3
    assert run.answer == "7"


def test_an_ended_particle_keeps_its_weight_and_is_neither_copied_nor_scored_again(play):
    """Path 0 ends in the first step with all the weight: every draw is it, so the run is over with one path and one score each."""

    def script(ask: Ask) -> str:
        return "done \\boxed{7}" if ask.path == "0" else "slow\n\n"

    run = play("particle_filtering", script, {"done": 0.9999999, "slow": 0.0000001}, n_particles=4)
    assert run.answer == "7"
    assert run.texts == ["done \\boxed{7}"]
    assert not run.events(Forked)
    assert run.usage.scorer_calls == 4


def test_copies_of_an_ended_particle_vote_once(play):
    """Two early particles with the answer 1 (copied by resampling) against three with 7, all equally scored."""

    def script(ask: Ask) -> str:
        if ask.path in ("0", "1"):
            return f"early {ask.path} \\boxed{{1}}"
        return f"late {ask.path}\n\n" if "late" not in ask.so_far else f"{ask.path} \\boxed{{7}}"

    for seed in range(8):
        run = play("particle_filtering", script, n_particles=5, selection="vote", seed=seed)
        kinds = Counter("1" if "early" in text else "7" for text in run.texts)
        assert kinds["1"] <= 2
        assert run.answer == ("7" if kinds["7"] > kinds["1"] else run.answer)
        assert len(set(run.texts)) == len(run.texts)


def test_selection_by_sampling_follows_the_weights_and_the_seed(play):
    script = {"*": ["fine \\boxed{1}", "poor \\boxed{2}"]}
    answers = [
        play("particle_filtering", script, {"fine": 0.75, "poor": 0.25}, n_particles=2, selection="sample", seed=s).answer
        for s in range(50)
    ]
    assert 0.7 < answers.count("1") / 50 < 1  # odds 3 : 1/3, so 9 of 10
    assert play("particle_filtering", script, {"fine": 0.75, "poor": 0.25}, n_particles=2).answer == "1"


@pytest.mark.parametrize("selection", ["argmax", "sample", "vote"])
def test_a_particle_without_an_answer_is_never_chosen(play, selection):
    script = {"*": ["mute", "says \\boxed{7}"]}
    run = play("particle_filtering", script, {"mute": 0.99, "says": 0.01}, n_particles=2, selection=selection)
    assert run.answer == "7"


def test_exactly_max_steps_are_taken(play):
    run = play("particle_filtering", {"*": "a\n\n" * 9 + "\\boxed{7}"}, n_particles=2, max_steps=3)
    assert len(run.scorer.calls) == 3
    assert run.answer == "7"


def test_steps_may_be_counted_in_tokens(play):
    """ "a b c d \\boxed{7}" has no blank line; two tokens a step make four steps of its eight tokens."""
    run = play("particle_filtering", {"*": "a b c d \\boxed{7}"}, n_particles=1, step_tokens=2)
    assert run.answer == "7"
    assert len(run.scorer.calls) == 4


def test_particles_shrink_so_that_some_end_within_the_budget(play):
    script = {"*": "a a a a\n\n" * 4 + "\\boxed{7}"}
    run = play("particle_filtering", script, n_particles=32, budget=Budget(tokens=60))
    assert len(run.events(PathOpened)) == 6
    assert run.answer == "7"
    assert run.usage.generated_tokens <= 60


def test_fit_sizes_the_population(toy):
    for name in ("particle_filtering", "particle_gibbs"):
        assert METHODS.get(name)().fit(Budget(tokens=100), toy).config.n_particles == 10
    gibbs = METHODS.get("particle_gibbs")
    assert gibbs().fit(Budget(tokens=5), toy).config.num_iterations == 1
    assert gibbs(gibbs.Config(num_iterations=4)).fit(Budget(tokens=5), toy).config.n_particles == 4


# ---- Gibbs ------------------------------------------------------------------------------------------------------------------


def test_a_reference_stands_in_the_pool_as_it_was_after_as_many_steps():
    reference = Candidate(Path("0"), 0.9, ((5, 0.2), (9, 0.6), (12, 0.9)))
    assert after(reference, 1).score == 0.2
    assert after(reference, 2).marks == ((5, 0.2), (9, 0.6))
    assert after(reference, 7).score == 0.9


def test_references_are_different_paths_drawn_by_weight():
    twins = population(0.5, 0.5)
    kept = keep([*twins, *twins], 2, 1.0, np.random.default_rng(0))
    assert {c.path.id for c in kept} == {"0", "1"}
    first = [keep(population(0.9, 0.5), 1, 1.0, np.random.default_rng(seed))[0].path.id for seed in range(1000)]
    assert first.count("0") / 1000 == pytest.approx(0.9, abs=0.03)


def second_sweep(ask: Ask) -> str:
    """Only path "0", of the first sweep, begins well; paths that begin badly end badly."""
    if not ask.so_far:
        return "good\n\n" if ask.path == "0" else "bad\n\n"
    return (
        "then\n\n" if ask.so_far.count("\n\n") < 2 else f"{ask.path} " + ("\\boxed{7}" if ask.so_far.startswith("good") else "\\boxed{0}")
    )


def test_a_drawn_reference_is_cut_at_the_current_step_and_goes_on(play):
    run = play("particle_gibbs", second_sweep, ODDS, n_particles=4, num_iterations=2)
    cuts = run.events(Cut)
    assert {event.parent.split(".")[0].split("~")[0] for event in cuts} == {"0"}
    first = cuts[0]
    prompt = run.outcome.paths[0].segments[0].n_tokens
    assert first.start == prompt + 2  # "good" and the blank line
    assert run.answer == "7"
    assert all(text.startswith("good") for text in run.texts)
    assert len(run.events(PathOpened)) == 4
    assert run.usage.generated_tokens == run.engine.sampled


def test_the_answer_comes_from_the_last_sweep_and_its_references(play):
    """Sweep one (paths 0, 1) answers 1 with certainty; sweep two (2, 3) answers 2 with less: the kept reference wins."""
    script = {"*": ["a \\boxed{1}", "b \\boxed{1}", "c \\boxed{2}", "d \\boxed{2}"]}
    run = play("particle_gibbs", script, {"a": 0.99, "b": 0.98, "c": 0.5, "d": 0.5}, n_particles=4, num_iterations=2)
    assert run.answer == "1"
    assert len(run.outcome.paths) == 3


def test_one_sweep_is_particle_filtering(play):
    one = play("particle_gibbs", tree, ODDS, n_particles=4, num_iterations=1)
    plain = play("particle_filtering", tree, ODDS, n_particles=4)
    assert one.texts == plain.texts
    assert one.usage.generated_tokens == plain.usage.generated_tokens


def test_more_references_than_particles_are_refused():
    cls = METHODS.get("particle_gibbs")
    with pytest.raises(ConfigError, match="num_ref_particles=3"):
        cls.Config.parse({"n_particles": 4, "num_ref_particles": 3}, "particle_gibbs")


def test_an_endless_model_gives_no_answer_and_ends(play):
    for name in ("particle_filtering", "particle_gibbs"):
        run = play(name, {"*": Reply("a\n\n", eos=False)}, n_particles=4, budget=Budget(tokens=40))
        assert run.outcome.answer is None
        assert run.usage.generated_tokens == 40
