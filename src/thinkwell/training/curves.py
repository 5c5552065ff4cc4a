"""The curve page of a training run: one HTML file that needs no network, written again while the run goes on, and that trusts no text.

It holds what the run has recorded so far (`record.py`) in one JSON block in which every `<` is escaped; the page's script puts it on screen with `textContent` only, and
a content security policy allows no request, and no script or style but ours (by hash). While the run goes on the page loads itself anew every few seconds. Building
blocks, colours and axes are those of the report of a comparison, of which only the assets are read.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import os
import re
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from thinkwell.core.errors import DataError
from thinkwell.training.record import Record, Row, finite

CURVES = "curves.html"
POINTS = 1500  # of a curve: longer runs are drawn as means of consecutive steps, and the page says so
SAMPLE_BYTES = 2_000_000  # of samples in a page; whole steps are left out beyond it, and the page says so
TEXT_CHARS = 12_000  # a longer response is shown with its middle left out
SHARE = 20  # a page is written again when so many times what the last one took have passed
PAUSE = 1.0  # seconds, at least, between two pages
SHARED = ("dom.js", "charts.js")
DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.S)
POLICY = "default-src 'none'; script-src '{script}'; style-src '{style}'; base-uri 'none'; form-action 'none'"


class Curves:
    """Keeps the page of a run folder up to date at a cost of at most a twentieth of the run's time."""

    def __init__(self, folder: Path, total: int | None = None) -> None:
        self.folder, self.total = folder, total
        self._next = 0.0

    def update(self) -> None:
        """Write the page if that is due. Raises `OSError` if it cannot be written."""
        began = time.monotonic()
        if began >= self._next:
            write_curves(self.folder, live=True, total=self.total)
            ended = time.monotonic()
            self._next = ended + max(PAUSE, SHARE * (ended - began))

    def finish(self) -> Path:
        """Write the page for the last time: it no longer loads itself anew."""
        return write_curves(self.folder, live=False, total=self.total)


def write_curves(folder: Path, *, live: bool = False, total: int | None = None, stopped: bool = False) -> Path:
    """Write `curves.html` into a run folder, whole or not at all, and return its place. live: the run goes on; total: its steps, if known; stopped: it ended before its end.

    Raises `DataError` for a record that cannot be read and `OSError` if the page cannot be written.
    """
    file = folder / CURVES
    draft = file.with_name(f".{CURVES}.{os.getpid()}")
    text = page(page_data(folder, live=live, total=total, stopped=stopped))
    try:
        draft.write_text(text, encoding="utf-8", errors="backslashreplace")
        draft.replace(file)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return file


def total_of(folder: Path) -> int | None:
    """The steps of a run as its page says, which the trainer wrote; None without a page."""
    file = folder / CURVES
    found = DATA.search(file.read_text(encoding="utf-8")) if file.is_file() else None
    total = json.loads(found[1])["total"] if found is not None else None
    return None if total is None else int(total)


def page_data(folder: Path, *, live: bool, total: int | None = None, stopped: bool = False) -> dict[str, Any]:
    """Everything the page shows, as JSON-able values."""
    rows = Record(folder).read()
    run = _run(folder / "run.json")
    recipe = str(run.get("recipe", folder.name))
    points, each = thinned(rows.steps)
    samples, left_out = fitting(rows.samples)
    return {
        "run": run,
        "recipe": recipe,
        "total": total,
        "done": rows.steps[-1]["step"] if rows.steps else 0,
        "spent": sum(float(row.get("seconds") or 0) for row in rows.steps),
        "steps": points,
        "steps_a_point": each,
        "evaluations": rows.evaluations,
        "samples": samples,
        "steps_without_samples": left_out,
        "live": live,
        "stopped": stopped,
        "reward_errors": sum(int(row.get("reward_errors") or 0) for row in rows.steps),
        "written": time.time(),
        "resume": shlex.join(["thinkwell", "train", recipe, "--out", str(folder), "--resume"]),
    }


def thinned(steps: Sequence[Row], limit: int = POINTS) -> tuple[list[Row], int]:
    """At most about `limit` rows, each the mean of so many consecutive steps of one stage, and that number. A mean is over the rows that have the value; the step is the last."""
    each = max(1, math.ceil(len(steps) / limit))
    groups: list[list[Row]] = []
    for row in steps:
        if groups and len(groups[-1]) < each and groups[-1][0].get("stage") == row.get("stage"):
            groups[-1].append(row)
        else:
            groups.append([row])
    return [_mean(group) for group in groups], each


def fitting(samples: Sequence[Row], limit: int = SAMPLE_BYTES) -> tuple[list[Row], int]:
    """The samples of as many steps as fit into `limit` bytes, evenly spaced back from the newest, and the number of steps left out. The newest step is always there."""
    by_step: dict[Any, list[Row]] = {}
    for sample in samples:
        by_step.setdefault(sample["step"], []).append({**sample, "text": _shortened(str(sample.get("text", "")))})
    steps = list(by_step)
    stride = 1
    while stride < len(steps) and len(json.dumps([by_step[step] for step in steps[::-1][::stride]])) > limit:
        stride *= 2
    kept = steps[::-1][::stride][::-1]
    return [sample for step in kept for sample in by_step[step]], len(steps) - len(kept)


def page(data: Mapping[str, Any]) -> str:
    """The HTML of `page_data`."""
    script = "(() => {\n'use strict';\n" + "\n".join([*(_shared(name) for name in SHARED), _asset("curves.js")]) + "})();\n"
    style = _shared("report.css") + _asset("curves.css")
    text = json.dumps(finite(data), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    holes: dict[str, Callable[[], str]] = {
        "title": lambda: html.escape(f"{data['recipe']}: training"),
        "policy": lambda: html.escape(POLICY.format(script=_hash(script), style=_hash(style)), quote=True),
        "style": lambda: style,
        "script": lambda: script,
        "data": lambda: text.replace("<", "\\u003c").replace("\x7f", "\\u007f"),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda hole: holes[hole.group(1)](), _asset("curves.html"))


def _run(file: Path) -> dict[str, Any]:
    """The facts of the run; none before the trainer has written them."""
    if not file.exists():
        return {}
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        facts = None
    if not isinstance(facts, dict):
        raise DataError(f"{file} is no JSON object; expected the facts of a training run. Train into another --out.")
    return facts


def _mean(group: Sequence[Row]) -> Row:
    if len(group) == 1:
        return {key: _rounded(value) for key, value in group[0].items()}
    row: Row = {}
    for key in dict.fromkeys(key for each in group for key in each):
        values = [each[key] for each in group if each.get(key) is not None]
        numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
        row[key] = _rounded(sum(numbers) / len(numbers)) if numbers else next(iter(values), None)
    return {**row, "step": group[-1]["step"]}


def _rounded(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) and math.isfinite(value) else value


def _shortened(text: str) -> str:
    beyond = len(text) - TEXT_CHARS
    return text if beyond <= 0 else f"{text[: TEXT_CHARS // 2]}\n[... {beyond:,} characters left out ...]\n{text[-TEXT_CHARS // 2 :]}"


def _asset(name: str) -> str:
    return files("thinkwell").joinpath("training", "assets", name).read_text(encoding="utf-8")


def _shared(name: str) -> str:
    return files("thinkwell").joinpath("runs", "assets", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
