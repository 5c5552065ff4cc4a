"""A model that was not taught a method's turns: said once for all methods, with the engines that were; and nothing where nobody knows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from thinkwell.ask import solve
from thinkwell.core.answer import AnswerKind
from thinkwell.core.method import METHODS, Turn, turns_of
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.engines.registry import known_lessons
from thinkwell.engines.scripted import ScriptedEngine
from thinkwell.lab.skills.mixture import TAUGHT
from thinkwell.runs.compare import compare
from thinkwell.runs.turns import untaught
from thinkwell.scorers.flexive import FlexiVe

PROBLEMS = [Problem(f"p{i}", f"Question {i}?", "7", AnswerKind.INTEGER) for i in range(2)]
PRESET = Preset("lab", 1, "{question}", max_tokens=60, typical_tokens=20)
OTHERS = [("plain", frozenset[str]()), ("able", frozenset({"sift", "leap", "multi_agent", "solve_detect_verify"}))]


def model(name: str, taught: set[str] | None) -> ScriptedEngine:
    engine = ScriptedEngine({"*": "\\boxed{7}"}, name=name)
    engine.info = replace(engine.info, model=name, taught=None if taught is None else frozenset(taught))
    return engine


def made(name: str, **knobs: Any) -> Any:
    kind = METHODS.get(name)
    return kind(kind.Config.parse(knobs, name))


def said(*methods: Any, engine: ScriptedEngine, engines: dict[str, Any] | None = None, scorers: dict[str, Any] | None = None) -> list[str]:
    return untaught([(method.name, method) for method in methods], engine, engines or {}, scorers or {}, OTHERS)


def test_methods_that_one_model_was_not_taught_share_a_line_that_names_the_engine_whose_model_was():
    assert said(made("single"), made("leap"), made("sift"), engine=model("plain", set())) == [
        "leap and sift talk in turns that the model 'plain' was not taught; --engine able was."
    ]
    assert said(made("multi_agent"), engine=model("plain", {"sift"})) == [
        "multi_agent talks in turns that the model 'plain' was not taught; --engine able was."
    ]


def test_nothing_is_said_of_what_was_taught_nor_of_models_of_which_nobody_knows():
    methods = [made(name) for name in METHODS.names() if name != "stand"]
    assert said(*methods, engine=model("able", {turn.wording for method in methods for turn in turns_of(method)})) == []
    assert said(*methods, engine=model("served", None)) == []


def test_turns_that_no_known_model_was_taught_are_said_to_be_so():
    assert said(made("latent_seek"), engine=model("plain", set())) == [
        "latent_seek talks in turns that the model 'plain' was not taught; no engine is known whose model was."
    ]


def test_a_seat_with_a_model_of_its_own_is_judged_by_that_model():
    able, plain = model("able", {"multi_agent"}), model("plain", set())
    (line,) = said(made("multi_agent"), engine=plain, engines={"critic": able})
    assert line.startswith("multi_agent (as ceo, evaluator, recruiter, solver) talks in turns")
    (line,) = said(made("multi_agent"), engine=able, engines={"critic": plain})
    assert line.startswith("multi_agent (as critic) talks in turns that the model 'plain'")
    assert said(made("multi_agent", ceo=False), engine=able, engines={"ceo": plain}) == []  # there is no CEO
    assert said(made("sift"), engine=able, engines={"critic": plain}) == said(made("sift"), engine=able) != []  # sift has no critic


def test_agents_without_an_engine_of_their_own_have_the_solvers():
    wide, plain, able = made("mixture_of_agents", n_layers=3, n_agents=2), model("plain", set()), model("able", {"mixture_of_agents"})
    assert said(wide, engine=plain, engines={"solver": able, "aggregator": able}) == []
    (line,) = said(wide, engine=able, engines={"agent2": plain})
    assert line.startswith("mixture_of_agents (as agent2) talks")


def test_a_scorer_that_writes_asks_the_verifier():
    judged, scorers = made("best_of_n", scorer="flexive"), {"flexive": FlexiVe()}
    assert said(judged, engine=model("plain", set()), scorers=scorers) == [
        "best_of_n talks in turns that the model 'plain' was not taught; --engine able was."
    ]
    verifier = model("able", {"solve_detect_verify"})
    assert said(judged, engine=model("plain", set()), engines={"verifier": verifier}, scorers=scorers) == []


@pytest.mark.parametrize(
    ("name", "knobs", "wordings"),
    [
        ("single", {}, set()),
        ("latent_seek", {}, {"latent_seek"}),
        ("latent_seek", {"reward": "oracle"}, set()),
        ("self_refine", {"max_attempts": 0}, set()),
        ("mixture_of_agents", {"n_layers": 1}, set()),
        ("mixture_of_agents", {"n_layers": 2}, {"mixture_of_agents"}),
        ("stand", {"inner": "sift"}, {"sift"}),
        ("tip", {"inner": "leap"}, {"leap"}),
        ("pipeline", {"stages": ["sift", "latent_seek"]}, {"sift", "latent_seek"}),
        ("pipeline", {}, set()),
    ],
)
def test_knobs_decide_which_turns_a_method_puts(name: str, knobs: dict[str, Any], wordings: set[str]):
    assert {turn.wording for turn in turns_of(made(name, **knobs))} == wordings


def test_every_method_with_a_wording_says_so_and_the_multi_skill_model_was_taught_all_of_them():
    """The card keeps what the mixture of skills taught, so that no model has to be loaded to know."""
    declared = {turn.wording for _, kind in METHODS.items() for turn in turns_of(kind)}
    assert declared == set(TAUGHT)
    assert {name for name, kind in METHODS.items() if "wording" in kind.Config.model_fields} == declared
    assert known_lessons() == [("lab", frozenset()), ("lab-skills", frozenset(TAUGHT))]


def test_a_plugin_that_says_nothing_of_turns_has_none():
    assert turns_of(type("Plugin", (), {})) == frozenset()  # type: ignore[arg-type]  # all that is asked for is the attribute
    assert Turn("sift").seat == "solver"


def test_a_comparison_and_a_solution_keep_the_line_in_their_json():
    table = compare("toy", ["single", "sift"], engine=model("plain", set()), problems=PROBLEMS, preset=PRESET)
    expected = ["sift talks in turns that the model 'plain' was not taught; --engine lab-skills was."]
    assert table.as_dict()["notes"] == expected
    assert solve("?", "sift", model("plain", set()), preset=PRESET).as_dict()["notes"] == expected
    assert compare("toy", ["single"], engine=model("plain", set()), problems=PROBLEMS, preset=PRESET).as_dict()["notes"] == []
    assert solve("?", "sift", model("served", None), preset=PRESET).as_dict()["notes"] == []
