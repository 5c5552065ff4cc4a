"""Runs on a scripted engine, with results that can be worked out by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import runs_world as world

from thinkwell.core.answer import VerdictValue
from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.errors import (
    BudgetError,
    ConfigError,
    DataError,
    MissingCapability,
    RunFolderError,
    ServerUnreachable,
    UnknownName,
    UsageError,
)
from thinkwell.core.problem import Problem
from thinkwell.engines.scripted import Ask, Reply, ScriptedEngine
from thinkwell.runs.compare import Progress, compare, compare_async
from thinkwell.runs.comparison import Comparison
from thinkwell.runs.spec import CompareSpec, parse_method
from thinkwell.runs.store import Store
from thinkwell.scorers.scripted import ScriptedScorer


def run(
    methods: Sequence[str] = ("one", "vote"),
    engine: ScriptedEngine | None = None,
    n: int = 6,
    problems: list[Problem] | None = None,
    **knobs: Any,
) -> Comparison:
    run.engine = engine or world.engine()  # type: ignore[attr-defined]
    return compare("toy", methods, engine=run.engine, problems=problems or world.problems(n), preset=world.PRESET, **knobs)  # type: ignore[attr-defined]


def untimed(comparison: Comparison) -> dict[str, Any]:
    table = comparison.as_dict()
    del table["timing"]
    for row in table["rows"]:
        del row["seconds"]
    return table


def script(**lines: Any) -> ScriptedEngine:
    return ScriptedEngine(lines)


def boxed(*answers: str) -> list[Reply]:
    return [Reply(f"</think>\n\\boxed{{{answer}}}") for answer in answers]


# ---- the table ------------------------------------------------------------------------------------------------------------------


def test_table_has_the_contract_keys_first_and_in_order() -> None:
    table = run().as_dict()
    assert list(table)[:7] == ["task", "model", "engine", "problems", "seed", "budget", "rows"]
    assert list(table["rows"][0])[:12] == [
        "method", "config", "accuracy", "ci95", "pass_at_1", "generated_tokens", "prompt_tokens", "scorer_calls", "seconds", "no_answer", "truncated", "errors",
    ]  # fmt: skip
    assert [row["method"] for row in table["rows"]] == ["one", "vote"]
    assert (table["problems"], table["task"], table["engine"]) == (6, "toy", "scripted")
    json.dumps(table, allow_nan=False)


def test_accuracy_pass_at_1_and_difference_are_worked_out_by_hand() -> None:
    engine = script(p0=boxed("0", "0", "5", "0"), p1=boxed("3", "2", "2", "9"), p2=boxed("1", "1", "4", "4"))
    result = run(engine=engine, n=3)
    one, vote = result.rows
    assert one.accuracy.mean == pytest.approx(1 / 3)  # first paths: right, wrong, wrong
    assert vote.accuracy.mean == pytest.approx(2 / 3)  # majorities: 0, 2, and 1 (first of a tie)
    assert vote.pass_at_1.mean == pytest.approx((3 / 4 + 2 / 4 + 2 / 4) / 3)
    assert vote.difference is not None
    assert vote.difference.mean == pytest.approx(1 / 3)
    assert one.difference is None
    assert vote.levels["2"].mean == 1.0
    assert vote.levels["3"].mean == 0.0


def test_maj_at_k_and_pass_at_k_of_independent_samples() -> None:
    engine = script(p0=boxed("0", "0", "5", "0"), p1=boxed("3", "2", "2", "9"), p2=boxed("1", "1", "4", "4"))
    at = {at.k: at for at in run(engine=engine, n=3).row("vote").at_k}
    assert sorted(at) == [1, 2, 4]
    assert at[1].maj_at_k.mean == at[1].pass_at_k.mean == pytest.approx((3 / 4 + 1 / 2 + 1 / 2) / 3)
    assert at[4].pass_at_k.mean == 1.0
    assert at[4].maj_at_k.mean == pytest.approx((1 + 1 + 1 / 2) / 3)  # the tie of 1 and 4 is averaged
    assert at[2].pass_at_k.mean == pytest.approx((1 + 5 / 6 + 5 / 6) / 3)


def test_searched_paths_get_no_pass_at_k() -> None:
    assert run(["fork"]).row("fork").at_k == ()


def test_no_answer_and_truncation_are_told_apart() -> None:
    engine = script(p0=Reply("no idea"), p1=Reply("and on", eos=False), p2=boxed("4"))
    row = run(["one"], engine=engine, n=3).row("one")
    assert (row.no_answer, row.truncated) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert row.verdicts == {"correct": 1, "no_answer": 1, "truncated": 1}


def test_costs_are_means_a_problem() -> None:
    engine = script(p0=boxed("0"), p1=[Reply("a b c \\boxed{2}")])
    row = run(["one"], engine=engine, n=2).row("one")
    tokens = [len(engine.tokenizer.encode(text)) + 1 for text in ("</think>\n\\boxed{0}", "a b c \\boxed{2}")]
    assert row.generated_tokens == sum(tokens) / 2
    assert row.tokens_by_role["solver"] == row.generated_tokens
    assert row.prompt_tokens == sum(len(engine.tokenizer.encode(f"<user>What is {i} + {i}?\n<assistant>")) for i in range(2)) / 2


def test_seconds_are_the_wall_time_of_the_method_not_the_sum_of_its_sessions() -> None:
    result = run(["one", "vote"], n=40)
    for row in result.rows:
        sessions = sum(r.usage["seconds"] for r in result.records if r.method == row.method)
        assert 0 < row.seconds * 40 < sessions


def test_methods_fit_to_the_budget_unless_a_knob_is_set() -> None:
    result = run(["vote", "vote:n_paths=2"], budget={"tokens": 60})
    assert [row.config["n_paths"] for row in result.rows] == [3, 2]
    assert all(record.usage["generated_tokens"] <= 60 for record in result.records)


def test_samples_are_reduced_to_problems_before_the_interval() -> None:
    row = run(["one"], samples=3)
    assert len(row.records) == 18
    assert row.row("one").accuracy.n == 6
    assert {record.sample for record in row.records} == {0, 1, 2}
    assert [at.k for at in row.row("one").at_k] == [1, 2, 3]


def test_the_table_does_not_depend_on_order_or_problems_in_flight() -> None:
    tables = [
        untimed(run(["one", "vote", "fork"], in_flight=flight, order=order))
        for flight, order in ((1, "method"), (3, "method"), (64, "mixed"))
    ]
    assert tables[0] == tables[1] == tables[2]


def test_problems_in_flight_are_bounded() -> None:
    run(["one"], n=30, in_flight=5)
    assert 1 < run.engine.most_live <= 5  # type: ignore[attr-defined]


def test_one_method_is_finished_before_the_next_begins() -> None:
    seen: list[str] = []
    run(["one", "vote"], progress=lambda p: seen.append(p.record.method if p.record else ""))
    assert seen == [""] + ["one"] * 6 + ["vote"] * 6


def test_progress_counts_to_the_total() -> None:
    seen: list[Progress] = []
    run(progress=seen.append)
    assert [p.done for p in seen] == list(range(13))
    assert seen[0].total == 12
    assert seen[0].record is None


def test_compare_works_inside_a_running_loop() -> None:
    async def notebook() -> Comparison:
        return run(["one"])

    assert asyncio.run(notebook()).problems == 6


def test_scorers_reach_the_method_and_are_counted() -> None:
    assert run(["judged"], scorers={"prm": ScriptedScorer({})}).row("judged").scorer_calls == 1


# ---- errors ---------------------------------------------------------------------------------------------------------------------


def test_a_method_that_raises_is_an_error_row_and_never_a_wrong_answer(tmp_path: Path) -> None:
    result = run(["one", "broken"], out=tmp_path / "run")
    row = result.row("broken")
    assert row.errors == 2
    assert row.first_error == "RuntimeError: no idea about p1"
    assert row.verdicts["error"] == 2
    assert [r.problem for r in result.records if r.verdict is VerdictValue.ERROR] == ["p1", "p4"]
    assert result.row("one").errors == 0


def test_failed_problems_are_tried_again_by_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(["broken"], out=tmp_path / "run")
    monkeypatch.setattr(world.Broken, "solve", world.One.solve)
    seen: list[Progress] = []
    assert run(["broken"], out=tmp_path / "run", progress=seen.append).row("broken").errors == 0
    assert seen[0].resumed == 4


def test_a_lost_server_ends_the_run_and_keeps_what_is_done(tmp_path: Path) -> None:
    healthy = untimed(run(out=tmp_path / "undisturbed"))

    def dies(ask: Ask) -> Reply:
        return Reply(fail=ServerUnreachable("nobody there")) if ask.problem == "p4" and ask.path == "2" else world.write(ask)

    with pytest.raises(ServerUnreachable):
        run(engine=ScriptedEngine(dies), out=tmp_path / "run", in_flight=2)
    with Store.read(tmp_path / "run") as store:
        assert 8 <= len(store.records()) <= 11
    healed = untimed(run(out=tmp_path / "run"))
    assert healed == healthy


@pytest.mark.parametrize(
    ("methods", "knobs", "error", "words"),
    [
        (["vot"], {}, UnknownName, "did you mean 'vote'"),
        (["vote:n_path=3"], {}, UnknownName, "did you mean 'n_paths'"),
        (["vote:n_paths=0"], {}, ConfigError, "vote.n_paths"),
        (["vote:n_paths"], {}, ConfigError, "knob=value"),
        (["vote", "vote"], {}, ConfigError, "named twice"),
        ([], {}, ConfigError, "no method"),
        (["one"], {"budget": {"tokens": 2}}, BudgetError, "alone takes 3 tokens"),
        (["one"], {"budget": "tokens=0"}, BudgetError, "at least 1"),
        (["one"], {"samples": 0}, ConfigError, "samples=0"),
        (["one"], {"limit": 0}, ConfigError, "limit=0"),
        (["one"], {"problems": [Problem("a", "why?")]}, DataError, "no reference"),
        (["one"], {"problems": [Problem("a", "why?", "1"), Problem("a", "how?", "2")]}, DataError, "repeat"),
    ],
)
def test_bad_requests_are_refused_before_anything_runs(
    tmp_path: Path, methods: list[str], knobs: dict[str, Any], error: type[UsageError], words: str
) -> None:
    with pytest.raises(error, match=words):
        run(methods, out=tmp_path / "run", **knobs)
    assert not (tmp_path / "run").exists()
    assert not run.engine.requests  # type: ignore[attr-defined]


def test_a_method_the_engine_cannot_run_is_refused_first(tmp_path: Path) -> None:
    engine = world.engine(capabilities=frozenset({Capability.TOKEN_IDS}))
    with pytest.raises(MissingCapability, match="continue_prefix"):
        run(["one", "fork"], engine=engine, out=tmp_path / "run")
    assert not engine.requests
    assert not (tmp_path / "run").exists()


def test_method_specifications_are_yaml() -> None:
    name, knobs = parse_method("beam_search:n_beams=8,agg=last,words=[a, b],ratio=0.5,deep=true,none=null,quoted='x, y'")
    assert name == "beam_search"
    assert knobs == {"n_beams": 8, "agg": "last", "words": ["a", "b"], "ratio": 0.5, "deep": True, "none": None, "quoted": "x, y"}
    assert parse_method("single") == ("single", {})


# ---- resume ---------------------------------------------------------------------------------------------------------------------


def test_running_again_does_nothing_and_gives_the_same_table(tmp_path: Path) -> None:
    first = run(out=tmp_path)
    again = run(out=tmp_path)
    assert run.engine.requests == []  # type: ignore[attr-defined]
    assert untimed(first) == untimed(again)
    assert first.as_dict()["timing"] == again.as_dict()["timing"]


def test_only_what_is_missing_is_done_again(tmp_path: Path) -> None:
    full = untimed(run(out=tmp_path / "full"))

    class Stop(BaseException):
        pass

    def stop(progress: Progress) -> None:
        if progress.done == 8:
            raise Stop

    with pytest.raises(Stop):
        run(out=tmp_path / "part", in_flight=1, progress=stop)
    assert untimed(run(out=tmp_path / "part")) == full
    assert {r.key.problem for r in run.engine.requests} == {f"p{i}#0" for i in range(2, 6)}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"seed": 1}, "seed"),
        ({"budget": {"tokens": 100}}, "budget"),
        ({"n": 5}, "problems"),
        ({"methods": ["one"]}, "methods"),
        ({"samples": 2}, "samples"),
    ],
)
def test_a_folder_of_another_configuration_is_refused_by_key(tmp_path: Path, change: dict[str, Any], key: str) -> None:
    run(out=tmp_path)
    before = (tmp_path / "run.sqlite").read_bytes()
    with pytest.raises(RunFolderError, match=f"another configuration.*{key}: the folder has"):
        run(**{"out": tmp_path, **change})
    assert (tmp_path / "run.sqlite").read_bytes() == before


def test_a_grown_run_reuses_what_is_there(tmp_path: Path) -> None:
    run(["one"], n=4, out=tmp_path)
    seen: list[Progress] = []
    grown = run(["one", "vote"], n=6, out=tmp_path, grow=True, progress=seen.append)
    assert (seen[0].resumed, seen[0].total) == (4, 12)
    assert untimed(grown) == untimed(run(["one", "vote"], n=6, out=tmp_path / "fresh"))


def test_comparison_file_holds_the_table(tmp_path: Path) -> None:
    result = run(out=tmp_path)
    assert json.loads((tmp_path / "comparison.json").read_text()) == json.loads(json.dumps(result.as_dict()))


def test_async_front_takes_a_specification() -> None:
    spec = CompareSpec("toy", ("one",), budget=Budget(tokens=64))
    result = asyncio.run(compare_async(spec, engine=world.engine(), problems=world.problems(2), preset=world.PRESET))
    assert result.problems == 2
    assert result.budget == {"tokens": 64}
