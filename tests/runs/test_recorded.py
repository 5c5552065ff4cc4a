"""A comparison on recorded samples: what the file gives, which judges it replaces, and which judge anew."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from thinkwell.core.errors import ConfigError, DataError, MissingCapability
from thinkwell.engines.scripted import ScriptedEngine
from thinkwell.runs.compare import compare_async
from thinkwell.runs.comparison import Comparison
from thinkwell.runs.recorded import ANY, WHOLE, open_recorded
from thinkwell.runs.spec import CompareSpec

ANSWERS = ("3", "7", "5")  # of the three samples of every problem; the second is right


def recording(folder: Path, scores: tuple[float, ...] = (), **more: Any) -> Path:
    """Two problems, three samples each; `scores`: what a judge gave each of the samples."""
    file = folder / "samples.jsonl"
    rows = [
        {
            "source": "test", "benchmark": "toy", "problem_id": f"toy/{p}", "problem": f"What is {p}?", "reference": "7", "model": "m", "sample_index": k,
            "completion": f"I take \\boxed{{{answer}}}", "extracted": None, "correct": None, "step_labels": None,
            "meta": {"score": scores[k]} if scores else {}, **more,
        }
        for p in range(2)
        for k, answer in enumerate(ANSWERS)
    ]  # fmt: skip
    file.write_text("\n".join(map(json.dumps, rows)))
    return file


def spec(*methods: str, task: str = "toy", **more: Any) -> CompareSpec:
    return CompareSpec(task, methods, engine="replay", **more)


def run(wanted: CompareSpec, file: Path) -> Comparison:
    found = open_recorded(wanted, [file])
    return asyncio.run(compare_async(wanted, engine=found.engine, problems=found.problems, preset=found.preset))


def verifier(right: str) -> ScriptedEngine:
    """Finds no mistake in the solution that takes `right`, and one in the first paragraph of all others."""
    return ScriptedEngine({f"I take .boxed.{right}": "\\boxed{-1}", "*": "\\boxed{0}"}, name="judge")


def test_the_file_gives_engine_problems_and_the_length_of_its_samples(tmp_path: Path) -> None:
    found = open_recorded(spec("single"), [recording(tmp_path)])
    assert [problem.reference for problem in found.problems] == ["7", "7"]
    assert found.engine.min_samples == 3
    counts = [sample.n_tokens for group in found.engine.data.samples.values() for sample in group]
    assert found.preset.typical_tokens == round(sum(counts) / len(counts))
    assert found.preset.max_tokens == WHOLE
    assert len(open_recorded(spec("single", task=ANY, limit=1), [tmp_path / "samples.jsonl"]).problems) == 1


def test_problems_without_a_reference_cannot_be_compared_on(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no problem has a reference answer"):
        open_recorded(spec("single"), [recording(tmp_path, reference=None)])


@pytest.mark.parametrize("method", ["best_of_n", "best_of_n:scorer=orm"])
def test_a_judge_that_was_recorded_ranks_as_it_did(tmp_path: Path, method: str) -> None:
    table = run(spec(method), recording(tmp_path, scores=(0.2, 0.9, 0.4)))
    assert [record.answer for record in table.records] == ["7", "7"]
    table = run(spec(method), recording(tmp_path, scores=(0.2, 0.3, 0.8)))
    assert [record.answer for record in table.records] == ["5", "5"]


@pytest.mark.parametrize(("method", "judge"), [("best_of_n", "prm"), ("best_of_n:scorer=orm", "orm")])
def test_a_judge_that_was_not_recorded_is_missed_by_name(tmp_path: Path, method: str, judge: str) -> None:
    with pytest.raises(ConfigError, match=f"method '{method}' needs the scorer '{judge}'.*recorded without scores"):
        open_recorded(spec("single", method), [recording(tmp_path)])
    with pytest.raises(ConfigError, match=f"needs the scorer '{judge}'"):
        open_recorded(spec("best_of_n", knobs={"best_of_n": {"scorer": judge}}), [recording(tmp_path)])


@pytest.mark.parametrize("wanted", [spec("best_of_n:scorer=flexive"), spec("best_of_n", knobs={"best_of_n": {"scorer": "flexive"}})])
def test_a_judge_that_writes_is_refused_where_nobody_can_write(tmp_path: Path, wanted: CompareSpec) -> None:
    """Recorded samples must not be handed to it as its verdicts."""
    with pytest.raises(MissingCapability, match="flexive' needs fresh_samples, which engine 'replay'"):
        run(wanted, recording(tmp_path))


def test_a_judge_that_writes_judges_recorded_samples_with_an_engine_of_its_own(tmp_path: Path) -> None:
    file = recording(tmp_path)
    for right in ("7", "5"):
        judge = verifier(right)
        table = run(spec("best_of_n:scorer=flexive,n_paths=3", engines_for={"verifier": judge}), file)
        assert [record.answer for record in table.records] == [right, right]
        assert judge.requests
        assert table.rows[0].tokens_by_role["verifier"] > 0
        assert table.rows[0].tokens_by_role["solver"] > 0
