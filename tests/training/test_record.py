"""The files of a run: rows survive a crash, and what came after a checkpoint is forgotten."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from thinkwell.core.errors import DataError
from thinkwell.training.record import EVALUATIONS, SAMPLES, STEPS, Record, Report

WRITER = """
import sys
from pathlib import Path
from thinkwell.training.record import Record, Report
record = Record(Path(sys.argv[1]))
step = 0
while True:
    step += 1
    record.step({"step": step, "reward": step / 7})
    if step == 50:
        print("fifty", flush=True)
"""


@pytest.fixture
def filled(tmp_path: Path) -> Record:
    """Five steps, evaluations before the first and after the second and fourth, two samples a step."""
    record = Record(tmp_path)
    record.evaluation({"step": 0, "accuracy": 0.5})
    for step in range(1, 6):
        record.step({"step": step, "reward": step / 10})
        record.samples([{"step": step, "text": f"{step}{letter}"} for letter in "ab"])
        if step % 2 == 0:
            record.evaluation({"step": step, "accuracy": 0.5 + step / 10})
    return record


def test_what_was_written_is_read_in_order(filled: Record) -> None:
    rows = filled.read()
    assert [row["reward"] for row in rows.steps] == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert [row["step"] for row in rows.evaluations] == [0, 2, 4]
    assert [row["text"] for row in rows.samples] == ["1a", "1b", "2a", "2b", "3a", "3b", "4a", "4b", "5a", "5b"]


def test_a_folder_without_a_record_reads_as_empty_and_stays_so(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.truncate(3)
    rows = record.read()
    assert (rows.steps, rows.evaluations, rows.samples) == ([], [], [])
    assert list(tmp_path.iterdir()) == []


def test_truncate_keeps_the_rows_up_to_the_step_in_all_three_files(filled: Record) -> None:
    before = (filled.folder / STEPS).read_text().splitlines()
    filled.truncate(3)
    rows = filled.read()
    assert (filled.folder / STEPS).read_text().splitlines() == before[:3]  # byte by byte what it was
    assert [row["step"] for row in rows.evaluations] == [0, 2]
    assert [row["step"] for row in rows.samples] == [1, 1, 2, 2, 3, 3]
    assert sorted(file.name for file in filled.folder.iterdir()) == sorted([STEPS, EVALUATIONS, SAMPLES])


def test_truncate_to_zero_keeps_the_evaluation_of_the_start(filled: Record) -> None:
    filled.truncate(0)
    rows = filled.read()
    assert (len(rows.steps), len(rows.samples), [row["step"] for row in rows.evaluations]) == (0, 0, [0])


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_half_written_last_line_is_passed_over_and_the_next_row_is_whole(filled: Record, cut: int) -> None:
    file = filled.folder / STEPS
    os.truncate(file, file.stat().st_size - cut)
    assert [row["step"] for row in filled.read().steps] == [1, 2, 3, 4]
    filled.step({"step": 5, "reward": 9.0})
    assert [row["reward"] for row in filled.read().steps] == [0.1, 0.2, 0.3, 0.4, 9.0]


def test_truncate_takes_a_half_written_line_away_too(filled: Record) -> None:
    file = filled.folder / SAMPLES
    os.truncate(file, file.stat().st_size - 4)
    filled.truncate(5)
    assert file.read_text().endswith("\n")
    assert [row["text"] for row in filled.read().samples][-1] == "5a"


def test_a_broken_line_in_the_middle_is_named(filled: Record) -> None:
    file = filled.folder / STEPS
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], "oops", *lines[2:]]) + "\n")
    with pytest.raises(DataError, match=r"steps.jsonl, line 2: .*expected a JSON object"):
        filled.read()


def test_numbers_that_are_not_finite_become_null_and_the_file_stays_json(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.step({"step": 1, "loss": float("nan"), "parts": {"a": float("inf"), "b": 0.5}, "list": [1, float("-inf")]})
    line = (tmp_path / STEPS).read_text()
    assert json.loads(line, parse_constant=pytest.fail) == {"step": 1, "loss": None, "parts": {"a": None, "b": 0.5}, "list": [1, None]}


def test_text_of_any_kind_stays_one_line(tmp_path: Path) -> None:
    record = Record(tmp_path)
    text = "line\nline\u2028\u0085 \x0b €\ud800"
    record.samples([{"step": 1, "text": text}, {"step": 1, "text": "next"}])
    first, second = record.read().samples
    assert first["text"] == text
    assert second["text"] == "next"


def test_a_writer_that_is_killed_leaves_only_whole_rows(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"fifty\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    rows = Record(tmp_path).read().steps
    assert len(rows) >= 50
    assert [row["step"] for row in rows] == list(range(1, len(rows) + 1))


def test_a_run_is_done_when_it_says_so_and_no_longer_when_it_goes_on(tmp_path: Path) -> None:
    record = Record(tmp_path)
    assert record.report() is None
    record.step({"step": 1, "reward": 0.5})
    report = Report("grpo", 3, [{"step": 1, "reward": 0.5}], {"accuracy": 0.25, "odd": float("nan")})
    record.finish(report)
    assert record.report() == Report("grpo", 3, report.steps, {"accuracy": 0.25, "odd": None})
    record.begin()
    assert record.report() is None
