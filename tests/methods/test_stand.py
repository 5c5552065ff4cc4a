"""`stand` runs another method with drafting on, and changes nothing about what it says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.errors import ConfigError, MissingCapability, UnknownName
from thinkwell.core.method import METHODS, require
from thinkwell.core.problem import Problem
from thinkwell.decoding.acceptance import Rule
from thinkwell.engines.scripted import ScriptedEngine
from thinkwell.session import Session

SCRIPT = {"*": "a b\n\nc\n\n</think>\n\n\\boxed{7}"}


def stand(**knobs: Any) -> Any:
    return METHODS.get("stand")(METHODS.get("stand").Config.parse(knobs, "stand"))


def test_every_request_of_the_inner_method_carries_the_same_drafting(play: Any) -> None:
    played = play("stand", SCRIPT, inner_knobs={"n_paths": 3}, rule="rejection", nodes=9)
    assert played.answer == "7"
    carried = {id(request.draft) for request in played.engine.requests}
    assert len(carried) == 1
    drafting = played.engine.requests[0].draft
    assert (drafting.rule, drafting.nodes) == (Rule.REJECTION, 9)
    assert played.outcome.facts["inner"] == "self_consistency"
    assert played.outcome.facts["target_calls"] == 0  # a script has no model to call
    assert played.outcome.facts["candidates"] == 3


@pytest.mark.parametrize("inner", ["single", "self_consistency", "best_of_n", "dvts", "beam_search", "budget_forcing", "leap"])
def test_the_inner_method_does_not_know(inner: str, play: Any) -> None:
    alone, drafted = play(inner, SCRIPT), play("stand", SCRIPT, inner=inner)
    assert drafted.texts == alone.texts
    assert drafted.answer == alone.answer
    assert all(request.draft is not None for request in drafted.engine.requests)
    assert all(request.draft is None for request in alone.engine.requests)


def test_drafting_ends_with_the_method_even_when_it_fails(problem: Problem, toy: Any) -> None:
    session = Session(problem, ScriptedEngine(SCRIPT), preset=toy)

    async def fail(*_: Any) -> Any:
        assert session._drafting is not None
        raise RuntimeError("no")

    method = stand()
    method.inner.solve = fail
    with pytest.raises(RuntimeError):
        asyncio.run(session.run(method))
    assert session._drafting is None


def test_the_inner_method_is_sized_to_the_budget(toy: Any) -> None:
    fitted = stand().fit(Budget(tokens=50), toy)
    assert fitted.inner.config.n_paths == 5
    assert stand(inner_knobs={"n_paths": 2}).fit(Budget(tokens=50), toy).inner.config.n_paths == 2


def test_what_the_inner_method_needs_is_needed() -> None:
    assert stand().needs == {Capability.TOKEN_IDS, Capability.TREE_VERIFY}
    assert Capability.CONTINUE_PREFIX in stand(inner="dvts").needs
    assert stand(inner="dvts").scorers == ("prm",)
    with pytest.raises(MissingCapability, match=r"tree_verify"):
        require(METHODS.get("stand"), "openai", frozenset({Capability.TOKEN_IDS}), [("local", frozenset(Capability))])


@pytest.mark.parametrize(
    ("knobs", "says"),
    [
        ({"inner": "stand"}, "drafted already"),
        ({"tree": "no/such/file.json"}, "cannot read"),
        ({"drafter": "suffix", "rule": "rejection"}, "candidates only"),
        ({"min_order": 5}, "min"),
        ({"nodes": 0}, "nodes"),
    ],
)
def test_knobs_that_cannot_be_are_refused_before_anything_runs(knobs: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        stand(**knobs)


def test_unknown_inner_names_are_refused() -> None:
    with pytest.raises(UnknownName):
        stand(inner="no_such_method")
    with pytest.raises(UnknownName):
        stand(inner_knobs={"no_such_knob": 1})


def test_none_is_plain_decoding(play: Any) -> None:
    played = play("stand", SCRIPT, drafter="none")
    assert all(request.draft is None for request in played.engine.requests)
    assert "target_calls" not in played.outcome.facts


@pytest.fixture(scope="module")
def lab() -> Any:
    from thinkwell.engines.registry import load_engine

    return load_engine("lab")


def on_the_lab(lab: Any, method: Any, question: str, seed: int = 3) -> tuple[list[str], dict[str, Any], int]:
    from thinkwell.scorers.scripted import ScriptedScorer
    from thinkwell.tasks.presets import preset

    session = Session(
        Problem.ask(question), lab, preset=preset("lab"), seed=seed, scorers={"prm": ScriptedScorer(lambda text: 1 / (1 + len(text)))}
    )
    outcome = asyncio.run(session.run(method))
    return [path.text for path in outcome.paths], outcome.facts, session.usage.generated_tokens


@pytest.mark.parametrize(
    ("inner", "knobs"),
    [("self_consistency", {"n_paths": 6}), ("best_of_n", {"n_paths": 4}), ("dvts", {"n_subtrees": 2, "n_expand": 2, "lookahead": 1})],
)
@pytest.mark.parametrize("nodes", [12, None])
def test_on_the_lab_model_the_paths_are_those_of_the_method_alone(inner: str, knobs: dict[str, Any], nodes: int | None, lab: Any) -> None:
    """In float32 two texts could part at a near-tie; with this seed they do not."""
    from thinkwell.lab import world

    question = world.generate(11, 3, "test").question
    alone, _, tokens = on_the_lab(lab, METHODS.get(inner)(METHODS.get(inner).Config(**knobs)), question)
    drafted, facts, spent = on_the_lab(lab, stand(inner=inner, inner_knobs=knobs, nodes=nodes), question)
    assert drafted == alone
    assert spent == tokens
    if nodes:  # without, the engine may find that drafting does not pay here
        assert facts["mean_accepted_tokens"] > 1.3
    assert facts["mean_accepted_tokens"] >= 1
    assert 0 < facts["target_calls"] <= tokens
