"""The benchmark runner: rows are collected, held to their targets, and a benchmark that fails does not hide the others."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).resolve().parent.parent / "benchmarks" / "run.py"
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
