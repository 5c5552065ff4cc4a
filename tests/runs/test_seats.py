"""Engines by role through a whole run: what is refused before anything runs, who writes, what the books say."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from thinkwell.ask import solve
from thinkwell.core.answer import AnswerKind
from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.errors import ConfigError, MissingCapability, RunFolderError, UnknownName
from thinkwell.core.method import METHODS, seats_of
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.engines.scripted import ScriptedEngine
from thinkwell.runs.compare import compare
from thinkwell.runs.seats import engines_for, engines_of, load_engines
from thinkwell.runs.store import Store

PROBLEMS = [Problem(f"p{i}", f"Question {i}?", "7", AnswerKind.INTEGER) for i in range(3)]
PRESET = Preset("toy", 1, "{question}", think_open="", think_close="", max_tokens=200, typical_tokens=20)


def solver() -> ScriptedEngine:
    """Wrong at first, right when told."""
    return ScriptedEngine({"Weigh what": "\\boxed{7}", "*": "\\boxed{3}"}, name="small")


def critic(says: str = "[Disagree]", model: str = "big") -> ScriptedEngine:
    engine = ScriptedEngine({"*": says}, name=model, level="char")
    engine.info = replace(engine.info, model=model, fingerprint=f"{model}-1")
    return engine


def run(engine, methods=("single", "multi_agent:ceo=false,recruiter=false,evaluator=false,max_turns=1,max_inner_turns=1"), **more):
    return compare("toy", methods, engine=engine, problems=PROBLEMS, preset=PRESET, **more)


def test_a_role_has_an_engine_of_its_own_for_the_methods_that_have_the_role():
    main, other = solver(), critic()
    table = run(main, engines_for={"critic": other})
    assert [row.accuracy.mean for row in table.rows] == [0, 1]
    assert len(other.requests) == 3
    assert table.rows[1].tokens_by_role["critic"] == 11  # characters: "[Disagree]" and the end
    assert table.rows[1].generated_tokens == sum(table.rows[1].tokens_by_role.values())
    assert not other.closed  # it was passed in


def test_the_budget_is_of_all_engines_together():
    other = critic("x" * 500)
    table = run(solver(), engines_for={"critic": other}, budget=Budget(tokens=60))
    assert other.requests
    assert all(record.usage["generated_tokens"] <= 60 for record in table.records)


def test_a_role_that_no_method_has_is_refused_before_anything_is_loaded():
    main = solver()
    with pytest.raises(UnknownName, match=r"role in --engine-for 'critik'.*critic"):
        run(main, engines_for={"critik": "no such engine"})
    with pytest.raises(UnknownName, match="critic"):
        run(main, methods=("single",), engines_for={"critic": critic()})
    assert main.requests == []


def test_what_a_method_needs_is_checked_for_the_engine_of_every_role():
    chat = ScriptedEngine({"*": ""}, name="recorded", capabilities=frozenset({Capability.RESUME_OWN}))
    main = solver()
    with pytest.raises(MissingCapability, match=r"multi_agent.*fresh_samples.*recorded"):
        run(main, engines_for={"critic": chat})
    assert main.requests == []
    talks = ScriptedEngine({"*": "[Agree]"}, capabilities=frozenset({Capability.CHAT_ONLY, Capability.FRESH_SAMPLES}))
    table = run(main, methods=("beam_search", "multi_agent"), engines_for={"critic": talks}, scorers={"prm": _any_scorer()})
    assert {record.verdict.value for record in table.records} <= {
        "correct",
        "wrong",
        "no_answer",
        "truncated",
    }  # beam search is not held to the critic's engine


def _any_scorer():
    from thinkwell.scorers.scripted import ScriptedScorer

    return ScriptedScorer(lambda text: 0.5)


def test_rows_of_a_method_depend_on_the_engines_of_its_roles_and_on_no_others():
    def keys(**more):
        return {record.method: record.key for record in run(solver(), **more).records}

    plain, same, other = (
        keys(),
        keys(engines_for={"critic": critic()}),
        keys(engines_for={"critic": critic(model="third")}),
    )
    (team,) = [label for label in plain if label != "single"]
    assert plain["single"] == same["single"] == other["single"]
    assert len({plain[team], same[team], other[team]}) == 3


def test_a_run_folder_says_which_engines_wrote_and_refuses_others(tmp_path):
    run(solver(), engines_for={"critic": critic()}, out=tmp_path)
    with Store.read(tmp_path) as store:
        details = store.fact("engine")["details"]
    assert details["engine for critic"] == critic().info.model
    again = run(solver(), engines_for={"critic": critic()}, out=tmp_path)
    assert again.rows[1].accuracy.mean == 1
    with pytest.raises(RunFolderError, match="engines_for"):
        run(solver(), out=tmp_path)
    events = [json.dumps(event) for record in again.records for event in _events(tmp_path, record.key)]
    assert any('"said"' in event for event in events)


def _events(folder, key):
    with Store.read(folder) as store:
        return store.trace(key).events


def test_one_question_takes_engines_by_role_too():
    main, other = solver(), critic()
    done = solve(PROBLEMS[0], "multi_agent", main, preset=PRESET, engines_for={"critic": other}, ceo=False, evaluator=False, max_turns=1)
    assert done.answer == "7"
    assert other.requests
    with pytest.raises(UnknownName, match="critic"):
        solve(PROBLEMS[0], "single", main, preset=PRESET, engines_for={"critic": other})


def test_engine_for_texts_are_pairs():
    assert engines_of(["critic=lab", " ceo = openai:model=big,base_url=http://x:1/v1"]) == {
        "critic": "lab",
        "ceo": "openai:model=big,base_url=http://x:1/v1",
    }
    for wrong in ("critic", "=lab", "critic="):
        with pytest.raises(ConfigError, match="critic=lab"):
            engines_of([wrong])
    with pytest.raises(ConfigError, match="twice"):
        engines_of(["critic=a", "critic=b"])


def test_an_engine_named_for_several_roles_is_made_once_and_the_runs_own_is_taken():
    main, owned = solver(), []
    made = load_engines({"critic": "scripted:script={}", "ceo": "scripted:script={}", "solver": "lab", "x": main}, {"lab": main}, owned)
    assert made["critic"] is made["ceo"]
    assert made["solver"] is main
    assert made["x"] is main
    assert owned == [made["critic"]]
    with pytest.raises(UnknownName, match="engine"):
        load_engines({"critic": "labb"}, {}, [])


def test_a_method_that_says_nothing_has_the_solvers_seat():
    assert seats_of(METHODS.get("single")) == {"solver"}
    assert "critic" in seats_of(METHODS.get("multi_agent"))
    mixture = METHODS.get("mixture_of_agents")
    engine = solver()
    assert engines_for(mixture(mixture.Config(n_agents=2)), {"agent2": engine, "agent3": engine}) == {"agent2": engine}


def test_an_engine_that_was_loaded_is_closed_with_the_run():
    async def work(methods):
        from thinkwell.runs.load import load_arena
        from thinkwell.runs.spec import CompareSpec

        spec = CompareSpec("toy", methods, engines_for={"critic": "scripted:script={}"})
        return await load_arena(spec, solver(), PROBLEMS, PRESET, {})

    arena = asyncio.run(work(("multi_agent",)))
    assert arena.owned == (arena.engines["critic"],)
    asyncio.run(arena.aclose())
    assert arena.engines["critic"].closed


@pytest.mark.parametrize(
    "command", [("compare", "--task", "lab/arithmetic", "--methods", "single"), ("solve", "What is 2 + 3?", "--method", "single")]
)
@pytest.mark.parametrize(
    ("text", "said"), [("critic=lab", "unknown role in --engine-for 'critic'; known: solver"), ("critic", "expected ROLE=ENGINE")]
)
def test_the_command_line_refuses_what_cannot_be(cli, command, text, said):
    done = cli(*command, "--engine-for", text)
    assert done.code == 2
    assert said in done.err
