"""The benchmark runner: rows are collected, held to their targets, and a failure hides no other. The benchmarks of methods: what they compute, and that they run."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"
FILE = FOLDER / "run.py"
GOOD = """
def rows():
    return [
        {"name": "fast", "ours": 40.0, "peer": 10.0, "ratio": 4.0, "target": 3.0, "unit": "tokens/s", "command": "x"},
        {"name": "slow", "ours": 20.0, "peer": 10.0, "ratio": 2.0, "target": 3.0, "unit": "tokens/s", "command": "x"},
        {"name": "share", "ours": 1.0, "peer": 20.0, "ratio": 0.05, "target": 0.1, "better": "lower", "unit": "s", "command": "x"},
        {"name": "alone", "ours": 130.0, "peer": None, "ratio": None, "target": 120.0, "better": "lower", "unit": "s", "command": "x"},
    ]
"""


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_runner", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    monkeypatch.setattr(module, "RESULTS", tmp_path / "results.json")
    (tmp_path / "good.py").write_text(GOOD)
    return module


def test_rows_are_written_with_whether_they_reach_their_target(runner, capsys):
    assert runner.main([]) == 0
    rows = json.loads(runner.RESULTS.read_text())
    assert {row["name"]: row["met"] for row in rows} == {"fast": True, "slow": False, "share": True, "alone": False}
    assert all({"name", "ours", "peer", "ratio", "target", "unit", "command"} <= row.keys() for row in rows)
    assert capsys.readouterr().out.count("MISSED") == 2


def test_a_benchmark_that_fails_does_not_hide_the_others(runner, tmp_path, capsys):
    (tmp_path / "bad.py").write_text("def rows():\n    raise RuntimeError('no peer here')\n")
    assert runner.main([]) == 1
    assert len(json.loads(runner.RESULTS.read_text())) == 4
    assert "no peer here" in capsys.readouterr().err


def test_one_benchmark_run_alone_keeps_the_other_rows(runner, tmp_path):
    (tmp_path / "other.py").write_text(GOOD.replace('"fast"', '"faster"'))
    runner.main([])
    runner.main(["good"])
    assert len(json.loads(runner.RESULTS.read_text())) == 8


def test_an_unknown_benchmark_is_refused_with_the_known_ones(runner, capsys):
    assert runner.main(["god"]) == 2
    assert "good" in capsys.readouterr().err
    assert not runner.RESULTS.exists()


def test_a_benchmark_that_fails_keeps_its_earlier_rows_and_says_so(runner, tmp_path, capsys):
    runner.main([])
    (tmp_path / "good.py").write_text("def rows():\n    raise RuntimeError('the machine was full')\n")
    assert runner.main(["good"]) == 1
    assert {row["name"] for row in json.loads(runner.RESULTS.read_text())} == {"fast", "slow", "share", "alone"}
    assert "their rows are those of an earlier run" in capsys.readouterr().err


def test_what_is_measured_is_written_before_the_next_benchmark_runs(runner, tmp_path):
    (tmp_path / "later.py").write_text("def rows():\n    raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        runner.main([])
    assert len(json.loads(runner.RESULTS.read_text())) == 4


def test_rows_of_a_benchmark_that_is_gone_leave_with_a_run_of_all_only(runner, tmp_path):
    (tmp_path / "other.py").write_text(GOOD)
    runner.main([])
    (tmp_path / "other.py").unlink()
    runner.main(["good"])
    assert len(json.loads(runner.RESULTS.read_text())) == 8
    runner.main([])
    assert len(json.loads(runner.RESULTS.read_text())) == 4


@pytest.mark.parametrize(
    ("row", "met"),
    [
        ({"ours": 3.0, "peer": 1.0, "ratio": 3.0, "target": None}, None),
        ({"ours": 3.0, "peer": 10.0, "ratio": 0.3, "target": 0.5, "better": "lower", "bound": "at most"}, True),
        ({"ours": 3.0, "peer": 10.0, "ratio": 0.3, "target": 0.5, "better": "lower", "bound": "at least"}, False),
        ({"ours": 3.0, "peer": 1.0, "ratio": 3.0, "target": 2.0, "bound": "at most"}, False),
        ({"ours": 3.0, "peer": 1.0, "ratio": 3.0, "target": 2.0, "bound": "at least"}, True),
    ],
)
def test_a_bound_on_the_wrong_side_and_a_missing_target_reach_nothing(runner, row, met):
    assert runner.met(row) is met
    shown = runner.table([{"name": "n", "unit": "u", **row}])
    assert ("MISSED" in shown) is (met is False)


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(FOLDER)
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_a_curve_out_of_order_is_pooled_to_the_nearest_that_never_falls(monkeypatch):
    ladder = load("_ladder", monkeypatch)
    assert ladder.never_falling([0.1, 0.4, 0.2, 0.9]) == pytest.approx([0.1, 0.3, 0.3, 0.9])
    assert ladder.never_falling([0.9, 0.6, 0.3]) == pytest.approx([0.6, 0.6, 0.6])
    assert ladder.never_falling([0.2, 0.2, 0.5]) == pytest.approx([0.2, 0.2, 0.5])


def test_what_is_needed_for_an_accuracy_lies_between_the_rungs_or_is_a_bound(monkeypatch):
    needed = load("_ladder", monkeypatch).needed
    costs, accuracies = [100.0, 200.0, 400.0], [0.5, 0.6, 0.8]
    assert (needed(costs, accuracies, 0.7).cost, needed(costs, accuracies, 0.7).bound) == (pytest.approx(300.0), None)
    assert (needed(costs, accuracies, 0.6).cost, needed(costs, accuracies, 0.8).cost) == (pytest.approx(200.0), pytest.approx(400.0))
    assert (needed(costs, accuracies, 0.5).cost, needed(costs, accuracies, 0.5).bound) == (100.0, "at most")
    assert (needed(costs, accuracies, 0.9).cost, needed(costs, accuracies, 0.9).bound) == (400.0, "at least")
    assert needed([400.0, 100.0, 200.0], [0.8, 0.5, 0.6], 0.7).cost == pytest.approx(300.0)  # rungs in any order


def test_the_ratio_at_equal_accuracy_turns_the_rivals_bound_around(monkeypatch):
    ratio = load("_ladder", monkeypatch).ratio_at_equal_accuracy
    right, half = np.ones(40), np.array([0.0, 1.0] * 20)
    cost_RP = np.array([np.full(40, 100.0), np.full(40, 200.0)])
    never = ratio(right, np.full(40, 50.0), np.array([half, half]), cost_RP)
    assert (never.value, never.bound, never.low, never.high) == (0.25, "at most", None, None)  # the rival may need more than 200
    at_once = ratio(half, np.full(40, 50.0), np.array([right, right]), cost_RP)
    assert (at_once.value, at_once.bound) == (0.5, "at least")  # the rival may need less than 100
    between = ratio(half, np.full(40, 50.0), np.array([np.zeros(40), right]), cost_RP)
    assert (between.value, between.rival, between.bound) == (pytest.approx(1 / 3), pytest.approx(150.0), None)
    assert between.low < 1 / 3 < between.high


@pytest.mark.parametrize(
    ("name", "sizes", "peers"),
    [
        ("a_star", {"problems": 2, "budget": 256, "ladder": (256, 512)}, 4),
        ("leap", {"problems": 2, "samples": 1, "budget": 512}, 2),
        ("methods", {"problems": 2, "budget": 256, "methods": ["self_consistency"]}, 2),
        ("stand_equality", {"sequences": 2}, 1),
    ],
)
def test_a_benchmark_of_methods_runs_to_its_end_and_can_be_written(name, sizes, peers, monkeypatch, runner):
    rows = load(name, monkeypatch).rows(**sizes)
    assert len(rows) == peers
    assert {"name", "ours", "peer", "ratio", "target", "unit", "command"} <= set.intersection(*(set(row) for row in rows))
    assert all(row["ours"] >= 0 and row["peer"] is not None for row in rows)
    assert json.loads(json.dumps(rows)) == [{**row} for row in rows]
    assert len(runner.table(rows).splitlines()) == 1 + peers


def test_methods_are_timed_beside_a_single_path_on_the_same_problems(monkeypatch):
    rows = load("methods", monkeypatch).rows(problems=2, budget=256, methods=["best_of_n"])
    assert [row["name"].split(":")[0] for row in rows] == ["time of single", "time of best_of_n"]
    assert rows[0]["ratio"] == 1.0
    assert rows[1]["ratio"] == pytest.approx(rows[1]["ours"] / rows[0]["ours"])
    assert rows[1]["tokens_per_second"] == pytest.approx(rows[1]["generated_tokens"] * 2 / rows[1]["ours"])
    assert {row["errors"] for row in rows} == {0}


def test_the_tables_of_methods_in_their_pages_are_those_of_the_results(monkeypatch):
    """`python benchmarks/pages.py` writes them."""
    pages = load("pages", monkeypatch)
    rows = json.loads((FOLDER / "results.json").read_text())
    shown = {file: file.read_text() for file in sorted(pages.PAGES.glob("*.md"))}
    have = {file.stem for file, text in shown.items() if pages.BLOCK.search(text)}
    assert have >= {"mcts", "particle_gibbs", "self_refine", "mixture_of_agents", "adaptive_consistency", "confidence_voting", "pipeline"}
    assert [file.name for file, text in shown.items() if pages.filled(text, rows) != text] == []


def test_a_table_of_methods_holds_what_was_measured_and_refuses_what_was_not(monkeypatch):
    pages = load("pages", monkeypatch)
    row = {
        "benchmark": "methods", "name": "time of dvts: 40 problems, 1,024 tokens each", "ours": 12.34, "accuracy": 0.725, "ci95": [0.6, 0.85], "errors": 2,
        "generated_tokens": 1234.5, "scorer_calls": 43.58, "command": "python benchmarks/run.py methods", "machine": "one",
    }  # fmt: skip
    page = "Before.\n\n<!-- methods: dvts -->\nold\n<!-- /methods -->\n\nAfter.\n"
    text = pages.filled(page, [row])
    assert "| `dvts` | 72.5 [60.0, 85.0] (2 errors) | 1,234 | 43.6 | 12.3 |" in text
    assert "40 problems of `lab/arithmetic`" in text
    assert (text.startswith("Before.\n\n<!-- methods: dvts -->\n"), text.endswith("<!-- /methods -->\n\nAfter.\n"), "old" in text) == (
        True,
        True,
        False,
    )
    assert pages.filled(text, [row]) == text
    with pytest.raises(ValueError, match="no time of mcts"):
        pages.filled(page.replace("methods: dvts", "methods: dvts mcts"), [row])
    other = row | {"name": "time of mcts: 200 problems, 1,024 tokens each"}
    with pytest.raises(ValueError, match="different problems or budgets"):
        pages.filled(page.replace("methods: dvts", "methods: dvts mcts"), [row, other])
