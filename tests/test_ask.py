"""One question to one method, from Python."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import thinkwell.ask
from thinkwell.ask import solve, solve_async, with_sampling
from thinkwell.core.answer import AnswerKind, VerdictValue
from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.errors import BudgetError, ConfigError, MissingCapability, UnknownName
from thinkwell.core.method import METHODS
from thinkwell.core.path import Origin
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.core.sampling import Sampling
from thinkwell.engines.scripted import CAPABILITIES, ScriptedEngine
from thinkwell.scorers.scripted import ScriptedScorer

SCRIPT = {"*": ["one\n\nso \\boxed{7}", "two\n\nso \\boxed{7}", "three\n\nso \\boxed{8}"]}


def engine(**options: Any) -> ScriptedEngine:
    return ScriptedEngine(SCRIPT, **options)


def test_solve_answers_a_question_and_says_what_it_cost():
    solution = solve("How many?", "self_consistency", engine(), n_paths=3)
    assert solution.answer == "7"
    assert solution.verdict is None  # nothing to judge against
    assert len(solution.outcome.paths) == 3
    assert solution.usage.generated_tokens == sum(path.count(Origin.MODEL) for path in solution.outcome.paths)


def test_solve_grades_against_a_reference():
    problem = Problem("p", "How many?", "7", AnswerKind.INTEGER)
    assert solve(problem, "single", engine()).verdict is VerdictValue.CORRECT
    assert solve(Problem("p", "How many?", "9", AnswerKind.INTEGER), "single", engine()).verdict is VerdictValue.WRONG


def test_solve_tells_no_answer_from_a_cut_one():
    assert solve("?", "single", ScriptedEngine({"*": "nothing here"})).verdict is VerdictValue.NO_ANSWER
    assert solve("?", "single", engine(), budget={"tokens": 3}).verdict is VerdictValue.TRUNCATED


def test_a_budget_may_be_written_in_three_ways():
    for budget in ({"tokens": 13}, "tokens=13", Budget(tokens=13)):
        assert solve("?", "self_consistency", engine(), budget=budget, n_paths=3).usage.generated_tokens == 13


def test_an_engine_that_was_passed_in_stays_open_and_one_that_was_loaded_is_closed(monkeypatch):
    own = engine()
    solve("?", "single", own)
    assert not own.closed
    loaded = engine()
    monkeypatch.setattr(thinkwell.ask, "load_engine", lambda name, **options: loaded)
    solve("?", "single", "lab")
    assert loaded.closed


def test_what_cannot_be_is_refused_before_anything_is_written():
    with pytest.raises(UnknownName, match="n_paths"):
        solve("?", "self_consistency", engine(), n_path=3)
    blunt = engine(capabilities=frozenset())
    with pytest.raises(MissingCapability, match="continue_prefix"):
        solve("?", "budget_forcing", blunt)
    assert not blunt.requests


def test_solve_works_where_an_event_loop_is_running():
    import asyncio

    async def notebook() -> str | None:
        return solve("?", "single", engine()).answer

    assert asyncio.run(notebook()) == "7"


def test_sampling_changes_only_what_is_given():
    preset = Preset("p", 1, "{question}", temperature=0.6, top_p=0.95)
    assert with_sampling(None, None) is None
    assert with_sampling(0.0, None)(preset) == Sampling(0.0, 0.95)
    assert with_sampling(None, 0.5)(preset) == Sampling(0.6, 0.5)


@pytest.mark.parametrize("name", METHODS.names())
def test_every_knob_can_be_given_by_its_name(name):
    """No knob may be called like an option of `solve`, which would take it for itself."""
    options = {*inspect.signature(solve).parameters, *inspect.signature(solve_async).parameters} - {"options", "knobs"}
    assert not options & METHODS.get(name).Config.model_fields.keys()


def test_a_method_inside_a_method_is_named_as_a_knob():
    able = engine(capabilities=CAPABILITIES | {Capability.TREE_VERIFY})
    solution = solve(
        "?", "stand", able, inner="best_of_n", inner_knobs={"n_paths": 2}, drafter="none", scorers={"prm": ScriptedScorer(lambda text: 0.5)}
    )
    assert len(solution.outcome.paths) == 2
    assert solution.config["inner"] == "best_of_n"


def test_a_method_that_is_made_already_takes_no_more_knobs():
    made = METHODS.get("self_consistency")(METHODS.get("self_consistency").Config(n_paths=2))
    assert len(solve("?", made, engine()).outcome.paths) == 2
    with pytest.raises(ConfigError, match=r"n_paths.*self_consistency.*made already"):
        solve("?", made, engine(), n_paths=3)


def test_a_budget_below_one_answer_is_refused():
    blank = engine()
    with pytest.raises(BudgetError, match=r"\\boxed\{7\} alone takes 3 tokens"):
        solve("?", "single", blank, budget="tokens=2")
    with pytest.raises(BudgetError, match=r"boxed\{a \+ b\}"):
        solve(Problem("p", "?", "a + b"), "single", blank, budget="tokens=3")
    assert not blank.requests
