"""`thinkwell solve` on a scripted model, live and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

import thinkwell.ask
from thinkwell.ask import solve
from thinkwell.core.capability import Capability
from thinkwell.core.path import Origin
from thinkwell.engines.scripted import ScriptedEngine

SCRIPT = {"*": ["one\n\nso \\boxed{7}", "two\n\nso \\boxed{7}", "three\n\nso \\boxed{8}"]}


def engine(**options: Any) -> ScriptedEngine:
    return ScriptedEngine(SCRIPT, **options)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The command line gets a scripted engine; what it asked for is recorded."""
    asked: list[dict[str, Any]] = []

    def load(name: str, **options: Any) -> ScriptedEngine:
        asked.append({"engine": name, **options})
        return engine()

    monkeypatch.setattr(thinkwell.ask, "load_engine", load)
    return asked


# ---- command line -----------------------------------------------------------------------------------------------------------


def test_solve_json_has_what_scripts_rely_on(cli, scripted):
    done = cli("solve", "How many?", "--method", "self_consistency", "--set", "self_consistency.n_paths=3", "--seed", "4", "--json")
    assert done.code == 0, done.err
    found = done.json
    assert (found["answer"], found["verdict"], found["seed"]) == ("7", None, 4)
    assert len(found["paths"]) == 3
    for path in found["paths"]:
        assert path["origin_spans"][0]["origin"] == "prompt"
        assert path["origin_spans"][-1]["end"] == len(path["tokens"])
        assert "boxed" in path["text"]
    assert found["usage"]["generated_tokens"] == sum(
        s["end"] - s["start"] for p in found["paths"] for s in p["origin_spans"] if s["origin"] == "model"
    )


def test_solve_prints_the_chosen_path_and_the_answer(cli, scripted):
    done = cli("solve", "How many?", "--method", "single", "--reference", "7")
    assert "so \\boxed{7}" in done.out
    assert "answer  7" in done.out
    assert "correct" in done.out


def test_the_engine_gets_its_options_and_local_without_a_model_is_the_lab(cli, scripted):
    cli("solve", "?", "--method", "single")
    cli("solve", "?", "--method", "single", "--engine", "local", "--model", "some/model", "--engine-set", "dtype=float32", "rows=8")
    cli(
        "solve",
        "?",
        "--method",
        "single",
        "--engine",
        "openai",
        "--base-url",
        "http://localhost:1/v1",
        "--base-url",
        "http://localhost:2/v1",
    )
    assert scripted == [
        {"engine": "lab", "model": None},
        {"engine": "local", "model": "some/model", "dtype": "float32", "rows": 8},
        {"engine": "openai", "model": None, "base_url": ["http://localhost:1/v1", "http://localhost:2/v1"]},
    ]


def test_the_question_may_come_from_stdin(cli, scripted, monkeypatch):
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("How many?\n"))
    assert cli("solve", "-", "--method", "single", "--json").json["paths"][0]["prompt"].count("How many?") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--method", "singel"], "did you mean 'single'"),
        (["--method", "single", "--set", "dvts.n_paths=2"], "dvts"),
        (["--method", "single", "--budget", "tokens=0"], "no room"),
        (["--method", "single", "--budget", "tokens=2"], "\\boxed{7} alone takes 3 tokens"),
        (["--method", "self_consistency:n_paths=8", "--budget", "tokens=31"], "give tokens=32 or more, lower n_paths"),
        (["--method", "leap:n_paths=8", "--budget", "tokens=40", "--preset", "lab"], "give tokens=712 or more, or lower n_paths"),
        (["--method", "single", "--engine", "replay"], "recorded samples"),
        (["--method", "single", "--base-url", "http://localhost:1/v1"], "--engine openai"),
        (["--method", "single", "--preset", "labb"], "did you mean"),
        (["--method", "single", "--top-p", "2"], "top_p"),
    ],
)
def test_what_cannot_be_is_refused_with_code_2(cli, scripted, words, says):
    done = cli("solve", "How many?", *words)
    assert done.code == 2
    assert says in done.err
    assert "Traceback" not in done.err


def test_an_interrupt_says_how_to_go_on(cli, monkeypatch):
    def interrupted(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(thinkwell.ask, "solve", interrupted)
    done = cli("solve", "?", "--method", "single")
    assert done.code == 130
    assert "same seed" in done.err


# ---- live -------------------------------------------------------------------------------------------------------------------


def drawn(method: str, script: Any, **knobs: Any) -> tuple[list[str], Callable[[], str]]:
    """Every state the terminal showed, and the last one."""
    from rich.console import Console

    from thinkwell.cli.live import LivePaths

    live, states = LivePaths(), []

    def picture() -> str:
        console = Console(width=80, no_color=True)
        with console.capture() as captured:
            console.print(live)
        return captured.get()

    def follow(event: Any) -> None:
        live(event)
        states.append(picture())

    solve("?", method, ScriptedEngine(script), live=follow, **knobs)
    return states, picture


def test_a_path_grows_on_the_terminal_while_it_is_written():
    states, last = drawn("single", {"*": "one two three so \\boxed{7}"})
    lengths = [len(state.strip()) for state in states]
    assert lengths == sorted(lengths)
    assert len(set(lengths)) > 2
    assert "\\boxed{7}" in last()


def test_several_paths_are_shown_by_their_last_lines_with_their_names():
    states, last = drawn("self_consistency", SCRIPT, n_paths=3)
    assert any("path 0" in state and "path 2" in state for state in states)
    assert "boxed{8}" in last()


def test_injected_text_is_coloured_by_its_origin():
    from thinkwell.cli.live import STYLES, coloured

    solution = solve("?", "budget_forcing", ScriptedEngine({"*": "<think>\nshort</think>\n\nso \\boxed{7}"}), preset="lab", n_ignore=1)
    path = solution.outcome.paths[0]
    assert path.count(Origin.INJECTED) > 0
    assert any(span.style == STYLES[Origin.INJECTED] for span in coloured(path).spans)
    assert json.dumps(solution.as_dict())


def test_stats_are_printed_when_asked_for(cli, monkeypatch):
    able = engine().capabilities | {Capability.TREE_VERIFY}
    monkeypatch.setattr(thinkwell.ask, "load_engine", lambda name, **options: engine(capabilities=able))
    done = cli("solve", "How many?", "--method", "stand", "--set", "stand.inner=single", "--stats", "--json")
    assert done.json["stats"]["inner"] == "single"
    assert {"mean_accepted_tokens", "target_calls"} <= done.json["stats"].keys()
    assert "stats" not in cli("solve", "How many?", "--method", "single", "--json").json
    assert "target_calls" in cli("solve", "How many?", "--method", "stand", "--set", "stand.inner=single", "--stats").out
