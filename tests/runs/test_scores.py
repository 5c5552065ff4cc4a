"""Shares of right answers by method and problem, read from a run folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from thinkwell.core.answer import VerdictValue
from thinkwell.core.errors import RunFolderError
from thinkwell.runs.record import Record, Trace
from thinkwell.runs.scores import scores_by_method
from thinkwell.runs.store import Store


def record(method: str, problem: str, sample: int, verdict: VerdictValue) -> Record:
    return Record(f"{method}/{problem}/{sample}", method, problem, sample, 0, "1", verdict, "rules", 0.0, {})


def test_samples_of_a_problem_are_averaged_and_what_has_no_answer_is_not_right(tmp_path: Path) -> None:
    with Store.create(tmp_path, {"seed": 0}) as store:
        for place, verdict in enumerate((VerdictValue.CORRECT, VerdictValue.WRONG, VerdictValue.NO_ANSWER, VerdictValue.CORRECT)):
            store.save(record("single", "a", place, verdict), Trace([], []))
        store.save(record("single", "b", 0, VerdictValue.TRUNCATED), Trace([], []))
        store.save(record("vote", "a", 0, VerdictValue.CORRECT), Trace([], []))
    assert scores_by_method(tmp_path) == {"single": {"a": 0.5, "b": 0.0}, "vote": {"a": 1.0}}


def test_a_folder_that_holds_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="is no run folder"):
        scores_by_method(tmp_path)
