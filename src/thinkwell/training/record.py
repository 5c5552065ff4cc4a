"""What a training run leaves behind for people and scripts: three files of JSON lines, and `final.json` when it is done.

`steps.jsonl`: a row a step. `evaluations.jsonl`: a row a held-out evaluation. `samples.jsonl`: a few samples of a step. Every row says its `step`, counted from 1 (an
evaluation at 0 is of the starting model). A row is written whole and flushed; a process that is killed leaves at most a half-written last line, which readers pass over
and the next writer cuts off.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thinkwell.core.errors import DataError
from thinkwell.files.whole import write_whole

STEPS, EVALUATIONS, SAMPLES = "steps.jsonl", "evaluations.jsonl", "samples.jsonl"
FINAL = "final.json"
Row = dict[str, Any]


@dataclass(frozen=True)
class Report:
    """What a run did. steps: a row a step; final: the last evaluation beside the first, and the mean of the last steps."""

    recipe: str
    seed: int
    steps: list[Row]
    final: Row

    def as_dict(self) -> dict[str, Any]:
        return {"recipe": self.recipe, "seed": self.seed, "steps": self.steps, "final": self.final}


@dataclass(frozen=True)
class Rows:
    """Everything recorded so far, in the order of writing."""

    steps: list[Row]
    evaluations: list[Row]
    samples: list[Row]


class Record:
    """The record of a run folder, which must exist. Opening one writes nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def step(self, row: Mapping[str, Any]) -> None:
        """Numbers that are not finite become null: JSON has no others. Raises `OSError` if the row cannot be written."""
        _append(self.folder / STEPS, [row])

    def evaluation(self, row: Mapping[str, Any]) -> None:
        _append(self.folder / EVALUATIONS, [row])

    def samples(self, rows: Sequence[Mapping[str, Any]]) -> None:
        _append(self.folder / SAMPLES, rows)

    def begin(self) -> None:
        """The run goes on: it is not done."""
        (self.folder / FINAL).unlink(missing_ok=True)

    def finish(self, report: Report) -> None:
        write_whole(self.folder / FINAL, json.dumps(finite({"recipe": report.recipe, "seed": report.seed, "final": report.final})) + "\n")

    def report(self) -> Report | None:
        """What the run did, None while it is not done. Raises `DataError` for files that no run wrote."""
        file = self.folder / FINAL
        if not file.exists():
            return None
        found = _parse(file.read_bytes(), file)
        return Report(str(found["recipe"]), int(found["seed"]), read_rows(self.folder / STEPS), dict(found["final"]))

    def truncate(self, step: int) -> None:
        """Forget what was written after `step`: a run that goes on from that step's checkpoint writes it again. Each file changes whole or not at all."""
        for name in (STEPS, EVALUATIONS, SAMPLES):
            file = self.folder / name
            if not file.exists():
                continue
            whole, content = _lines(file), file.read_bytes()
            kept = b"".join(line for line in whole if int(_parse(line, file)["step"]) <= step)
            if kept != content:
                draft = file.with_name(f".{name}.{os.getpid()}")
                draft.write_bytes(kept)
                draft.replace(file)

    def read(self) -> Rows:
        """Raises `DataError` for a line that is no JSON object, unless it is a half-written last one."""
        return Rows(*(read_rows(self.folder / name) for name in (STEPS, EVALUATIONS, SAMPLES)))


def read_rows(file: Path) -> list[Row]:
    """The rows of one file; none if there is no file."""
    return [_parse(line, file, number) for number, line in enumerate(_lines(file), 1)] if file.exists() else []


def finite(value: Any) -> Any:
    """The value with every NaN and infinity in it replaced by None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): finite(each) for key, each in value.items()}
    return [finite(each) for each in value] if isinstance(value, list | tuple) else value


def _append(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """One write of whole lines. A half-written line at the end of the file is cut off first, or this row would be joined to it."""
    text = "".join(json.dumps(finite(row), ensure_ascii=False, allow_nan=False) + "\n" for row in rows).encode("utf-8", "backslashreplace")
    if file.exists() and not _ends_whole(file):
        os.truncate(file, file.read_bytes().rfind(b"\n") + 1)
    with file.open("ab") as out:
        out.write(text)
        out.flush()


def _ends_whole(file: Path) -> bool:
    with file.open("rb") as content:
        size = content.seek(0, os.SEEK_END)
        if not size:
            return True
        content.seek(size - 1)
        return content.read(1) == b"\n"


def _lines(file: Path) -> list[bytes]:
    """The whole lines, each with its end. What follows the last line feed was cut short by a crash."""
    return [line + b"\n" for line in file.read_bytes().split(b"\n")[:-1]]


def _parse(line: bytes, file: Path, number: int | None = None) -> Row:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        where = f"{file}, line {number}" if number else str(file)
        raise DataError(
            f"{where}: this is no row of a training run; expected a JSON object a line. Take the line out, or train into another --out."
        )
    return row
