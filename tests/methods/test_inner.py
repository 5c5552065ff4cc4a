"""A method inside a method: whatever the outer one is asked for, the inner one's needs are part of the answer."""

import asyncio

import pytest

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.errors import ConfigError, UnknownName
from thinkwell.core.method import METHODS, examine, seats_of
from thinkwell.engines.scripted import ScriptedEngine
from thinkwell.methods._inner import fit_inner, inner_method

OUTER = ("cyclic_reflex", "tip", "stand")
BASE = {"cyclic_reflex": Capability.TOKEN_BIAS, "tip": Capability.TOKEN_BIAS, "stand": Capability.TREE_VERIFY}


def made(name, **knobs):
    return METHODS.get(name)(METHODS.get(name).Config.parse(knobs, name))


@pytest.mark.parametrize("name", OUTER)
def test_needs_scorers_and_seats_are_those_of_both(name):
    outer = made(name, inner="beam_search")
    assert {BASE[name], Capability.CONTINUE_PREFIX} <= outer.needs
    assert outer.scorers == ("prm",)
    assert "critic" in seats_of(made(name, inner="multi_agent"))
    assert seats_of(made(name, inner="single")) == {"solver"}
    assert METHODS.get(name).needs == made(name, inner="single").needs  # the class stays as it was


def test_a_pipeline_has_the_seats_of_its_stages():
    assert {"critic", "ceo"} <= seats_of(made("pipeline", stages=["multi_agent", "subthoughts"]))
    assert seats_of(made("pipeline")) == {"solver"}


@pytest.mark.parametrize(
    ("name", "inner", "says"),
    [
        ("cyclic_reflex", "tip", "steer what is steered"),
        ("tip", "tip", "steer what is steered"),
        ("stand", "stand", "draft what is drafted"),
    ],
)
def test_a_method_inside_its_own_kind_is_refused(name, inner, says):
    with pytest.raises(ConfigError, match=f"{name}: inner={inner} would {says} already"):
        made(name, inner=inner)


@pytest.mark.parametrize("name", OUTER)
def test_names_and_knobs_that_do_not_exist_are_refused_when_it_is_made(name):
    with pytest.raises(UnknownName, match="single"):
        made(name, inner="singel")
    with pytest.raises(UnknownName, match="n_paths"):
        made(name, inner="best_of_n", inner_knobs={"n_path": 2})
    with pytest.raises(ConfigError, match=r"best_of_n\.n_paths"):
        made(name, inner="best_of_n", inner_knobs={"n_paths": 0})


CUT = {"words": ["in two"]}  # a marker word that the vocabulary has no single token for


@pytest.mark.parametrize(
    ("name", "knobs"),
    [("stand", {"inner": "tip", "inner_knobs": CUT}), ("pipeline", {"stages": ["tip", "subthoughts"], "knobs": {"tip": CUT}})],
)
def test_what_the_inner_method_asks_of_a_vocabulary_is_asked_before_anything_runs(name, knobs, toy):
    with pytest.raises(ConfigError, match="in two"):
        asyncio.run(examine(made(name, **knobs), ScriptedEngine({"*": ""}), toy))


@pytest.mark.parametrize("name", OUTER)
def test_the_inner_method_is_sized_and_keeps_what_was_set(name, toy):
    fitted = made(name, inner="best_of_n", inner_knobs={"weighted": True}).fit(Budget(tokens=50), toy)
    assert (fitted.inner.config.n_paths, fitted.inner.config.weighted) == (5, True)
    assert fitted.config.inner_knobs["n_paths"] == 5


def test_what_the_outer_method_sizes_gives_way_to_what_was_set(toy):
    inner = inner_method("single", {}, "tip", (), "")
    Config = METHODS.get("tip").Config
    assert fit_inner(Config(), inner, Budget(), toy, duration=2).duration == 2
    assert fit_inner(Config(duration=7), inner, Budget(), toy, duration=2).duration == 7
