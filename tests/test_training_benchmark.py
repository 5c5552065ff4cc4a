"""The benchmark of training: its work is what it says, rows can be written, and a missing peer is said loudly."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(FOLDER)
    spec = importlib.util.spec_from_file_location("benchmark_training", FOLDER / "training.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_without_trl_our_step_is_timed_by_phase_and_the_row_reaches_nothing(bench, monkeypatch, tmp_path):
    monkeypatch.setenv("THINKWELL_TRL_VENV", str(tmp_path))
    monkeypatch.setattr(bench, "EQUAL_LENGTH", 6)
    (row,) = bench.against_trl("lab", "equal", bench.Size(rounds=1, threads=1, samples=16))
    assert "SKIPPED" in row["name"]
    assert "16 samples, mean 6 tokens, longest 6" in row["name"]
    assert (row["peer"], row["ratio"], row["target"]) == (None, 0.0, 2.0)
    assert row["ours"] > 0
    assert set(row["phases"]) == set(bench.PHASES)
    assert 0.5 < sum(row["phases"].values()) <= 1.0
    assert json.loads(json.dumps(row)) == row


def test_work_is_the_same_when_read_again_and_ragged_lengths_are_the_models_own(bench, monkeypatch, tmp_path):
    monkeypatch.setattr(bench, "LONGEST", 30)
    work = bench.made(tmp_path, "lab", "ragged", 16)
    work.save(tmp_path / "work.json")
    assert bench.Work.read(tmp_path / "work.json") == work
    assert len(work.lengths) == 16
    assert max(work.lengths) <= 30
    assert len(work.questions) == 2
    assert all(messages[-1]["role"] == "user" and answer.lstrip("-").isdigit() for messages, answer in work.questions)


def test_the_utilisation_of_a_pool_with_equal_lengths_is_whole_and_with_a_tail_is_less(bench, monkeypatch):
    from thinkwell.training.rollouts.windowed import Windowed

    monkeypatch.setattr(bench, "POOL_STEPS", 6)
    assert bench.utilisation(Windowed(prompts=2, size=2, window=20), [20] * 100) == 1.0
    uneven = bench.utilisation(Windowed(prompts=2, size=2, window=20, refill="update"), [20, 10] * 100)
    assert uneven == pytest.approx(0.75)
    assert bench.utilisation(Windowed(prompts=2, size=2, window=20, refill="window"), [20, 10] * 100) == 1.0
