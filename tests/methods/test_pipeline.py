"""One method after another: a later stage goes on from the path the one before chose, within its share of the budget."""

import pytest

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.errors import ConfigError, UnknownName
from thinkwell.core.events import PathOpened
from thinkwell.core.method import METHODS
from thinkwell.engines.scripted import Ask, Reply
from thinkwell.methods.pipeline import Config, Pipeline

PATHS = ["One. So two.</think> \\boxed{5}", "Wait a. Now b.</think> \\boxed{7}", "Hmm c. Then d.</think> \\boxed{7}"]


def script(ask: Ask) -> Reply:
    """Three paths, 5 7 7; whatever is cut from one of them ends in 9."""
    return Reply("</think> \\boxed{9}") if "~" in ask.path else Reply(PATHS[int(ask.path) % 3])


def test_a_stage_goes_on_from_the_path_that_was_chosen(play):
    run = play("pipeline", script, knobs={"self_consistency": {"n_paths": 3}})
    assert run.answer == "9"
    assert [path.id for path in run.outcome.paths] == ["1~1", "1~2"]
    assert [path.text for path in run.outcome.paths] == ["Wait a.</think> \\boxed{9}", "Wait a. Now b.</think> \\boxed{9}"]
    assert len(run.events(PathOpened)) == 3  # no trace of its own
    first, second = run.outcome.facts["stages"]
    assert (first["method"], first["answer"]) == ("self_consistency", "7")
    assert (second["method"], second["answer"], second["facts"]["last"]) == ("subthoughts", "9", "7")
    assert first["tokens"] + second["tokens"] == run.usage.generated_tokens


def test_one_stage_is_the_method_itself(play):
    alone = play("single", {"*": PATHS[1]})
    run = play("pipeline", {"*": PATHS[1]}, stages=["single"])
    assert run.texts == alone.texts
    assert run.answer == alone.answer


def test_a_path_that_was_sampled_is_not_taken_for_the_greedy_one(play):
    """Greedy subthoughts skip the last prefix of a trace of their own; another method's path may end differently when finished greedily."""
    run = play("pipeline", script, stages=["single", "subthoughts"], knobs={"subthoughts": {"completion": "greedy"}})
    assert run.outcome.facts["stages"][1]["facts"]["answers"] == ["9", "9"]


def test_a_later_stage_without_an_answer_keeps_the_one_before(play):
    nothing = lambda ask: Reply("</think> dunno") if "~" in ask.path else Reply(PATHS[1])  # noqa: E731
    assert play("pipeline", nothing, stages=["single", "subthoughts"]).answer == "7"


def test_every_stage_has_its_share_of_the_tokens_left(play):
    """An endless first stage of a budget of 41 gets 20 tokens, the second what is left."""
    run = play("pipeline", lambda ask: Reply("on", eos=False), stages=["single", "subthoughts"], budget=Budget(tokens=41))
    assert [stage["tokens"] for stage in run.outcome.facts["stages"]] == [20, 21]
    assert run.session.budget == Budget(tokens=41)


def test_a_search_may_go_on_from_what_others_found(play):
    run = play(
        "pipeline",
        script,
        stages=["self_consistency", "latent_seek"],
        knobs={"self_consistency": {"n_paths": 3}, "latent_seek": {"search": "resample", "max_steps": 0}},
    )
    assert run.answer == "7"
    assert [path.id for path in run.outcome.paths] == ["1"]


def test_a_pipeline_needs_what_its_stages_need_and_is_fitted_as_they_are(toy):
    pipeline = Pipeline(Config(stages=("best_of_n", "latent_seek")))
    assert pipeline.needs >= {Capability.HIDDEN, Capability.CONTINUE_PREFIX}
    assert pipeline.scorers == ("prm",)
    fitted = Pipeline(Config()).fit(Budget(tokens=80), toy)
    alone = METHODS.get("self_consistency")().fit(Budget(tokens=40), toy)
    assert fitted.stages[0].config == alone.config
    kept = Pipeline(Config(knobs={"self_consistency": {"n_paths": 2}})).fit(Budget(tokens=80), toy)
    assert kept.stages[0].config.n_paths == 2


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"stages": ("single", "beam_search")}, ConfigError, r"beam_search.*subthoughts"),
        ({"stages": ("pipeline",)}, ConfigError, "cannot be a stage"),
        ({"stages": ("singel",)}, UnknownName, "single"),
        ({"knobs": {"beam_search": {}}}, ConfigError, "is no stage"),
        ({"knobs": {"subthoughts": {"cutz": 1}}}, UnknownName, "cuts"),
    ],
)
def test_what_cannot_be_is_refused(wrong, error, says):
    with pytest.raises(error, match=says):
        Pipeline(Config(**wrong))
