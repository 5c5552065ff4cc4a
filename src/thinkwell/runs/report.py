"""The report of a run: one HTML file that needs no network and trusts no text.

All data sits in one JSON block in which every `<` is escaped; the page's script puts it on screen with `textContent` only. The content security policy
allows no request, and no script or style but ours (by hash), so that text of a model can never act.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path as FilePath
from typing import Any

from thinkwell.core.errors import RunFolderError
from thinkwell.files.whole import write_whole
from thinkwell.runs.drawings import drawings_of
from thinkwell.runs.forest import Node, forest_of, line_of
from thinkwell.runs.record import Record, Trace
from thinkwell.runs.statistics import pareto
from thinkwell.runs.store import Store

REPORT = "report.html"
TRACE_BYTES = 12_000_000  # of paths and events in one report; whole problems are left out beyond it, and the page says so
PIECE_CHARS = 12_000  # a longer piece of text is shown with its middle left out
SCRIPTS = ("dom.js", "charts.js", "drawing.js", "messages.js", "tree.js", "dialogue.js", "drafts.js", "browser.js", "report.js")
STYLES = ("report.css", "drawings.css")
POLICY = "default-src 'none'; script-src '{script}'; style-src '{style}'; base-uri 'none'; form-action 'none'"


def write_report(run: FilePath | str, *, file: FilePath | None = None, trace_bytes: int = TRACE_BYTES) -> FilePath:
    """Write the report of a finished run folder (to `report.html` in it) and return its place.

    Raises `RunFolderError` if the folder holds no finished run or the file cannot be written.
    """
    folder = FilePath(run)
    with Store.read(folder) as store:
        data = report_data(store, trace_bytes)
    target = file or folder / REPORT
    write_whole(target, page(data))
    return target


def report_data(store: Store, trace_bytes: int = TRACE_BYTES) -> dict[str, Any]:
    """Everything the page shows, as JSON-able values. `records[i].trace` is an index into `traces`, or None where it was left out."""
    comparison = store.fact("comparison")
    if comparison is None:
        raise RunFolderError(f"{store.folder} holds a run that was not finished; run the same command again, then ask for the report.")
    records = {record.key: record for record in store.records()}
    plan = [(label, problem, sample, records[key]) for label, problem, sample, key in store.fact("plan", []) if key in records]
    labels = [row["method"] for row in comparison["rows"]]
    planned = {problem for _, problem, _, _ in plan}
    problems = [problem for problem in store.problems() if problem["id"] in planned]
    number = {problem["id"]: i for i, problem in enumerate(problems)}
    rows = sorted(plan, key=lambda item: (number[item[1]], labels.index(item[0]), item[2]))
    texts = Texts()
    traces, shown, last = _traces(store, [record for _, _, _, record in rows], texts, trace_bytes)
    level = store.fact("level_key")
    costs = [(row["generated_tokens"], row["accuracy"]) for row in comparison["rows"]]
    clocks = [(row["seconds"], row["accuracy"]) for row in comparison["rows"]]
    return {
        "comparison": comparison,
        "pareto": {"tokens": pareto(costs), "seconds": pareto(clocks)},
        "command": shlex.join(store.fact("command", [])),
        "versions": store.fact("versions", {}),
        "engine": store.fact("engine", {}),
        "methods": store.fact("methods", []),
        "preset": store.fact("preset", {}),
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "level_key": level,
        "problems": [
            {
                **{k: p[k] for k in ("id", "question", "reference", "kind", "options")},
                "level": str(p["meta"].get(level, "")) if level else "",
            }
            for p in problems
        ],
        "records": [_row(record, labels.index(label), number[problem], traces.get(record.key)) for label, problem, _, record in rows],
        "traces": shown,
        "texts": texts.list,
        "traced_problems": last,
    }


def page(data: Mapping[str, Any]) -> str:
    """The HTML of `report_data`."""
    script = "(() => {\n'use strict';\n" + "\n".join(asset(name) for name in SCRIPTS) + "})();\n"
    style = "".join(asset(name) for name in STYLES)
    comparison = data["comparison"]
    holes: dict[str, Callable[[], str]] = {
        "title": lambda: html.escape(f"{comparison['task']}: {len(comparison['rows'])} methods compared"),
        "policy": lambda: html.escape(POLICY.format(script=_hash(script), style=_hash(style)), quote=True),
        "style": lambda: style,
        "script": lambda: script,
        "data": lambda: (
            json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c").replace("\x7f", "\\u007f")
        ),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda hole: holes[hole.group(1)](), asset("template.html"))


def asset(name: str) -> str:
    return files("thinkwell.runs").joinpath("assets", name).read_text(encoding="utf-8")


class Texts:
    """Each text once: methods that share keyed noise write the same paths."""

    def __init__(self) -> None:
        self.list: list[str] = []
        self._index: dict[str, int] = {}

    def add(self, text: str) -> int:
        if len(text) > PIECE_CHARS:
            left_out = len(text) - PIECE_CHARS
            text = f"{text[: 2 * PIECE_CHARS // 3]}\n[... {left_out:,} characters left out ...]\n{text[-PIECE_CHARS // 3 :]}"
        if text not in self._index:
            self._index[text] = len(self.list)
            self.list.append(text)
        return self._index[text]

    def forget(self, length: int) -> None:
        """Drop the texts from position `length` on."""
        for text in self.list[length:]:
            del self._index[text]
        del self.list[length:]


def _traces(store: Store, records: Iterable[Record], texts: Texts, limit: int) -> tuple[dict[str, int], list[dict[str, Any]], int]:
    """Traces of whole problems until `limit` bytes are used: index by record key, the traces, the number of problems that have them."""
    index: dict[str, int] = {}
    shown: list[dict[str, Any]] = []
    by_problem: dict[str, list[Record]] = {}
    for record in records:
        by_problem.setdefault(record.problem, []).append(record)
    used = traced = 0
    for group in by_problem.values():
        before, known = len(shown), len(texts.list)
        for record in group:
            index[record.key] = len(shown)
            shown.append(_trace(record, store.trace(record.key), texts))
        used += len(json.dumps(shown[before:])) + sum(len(text) for text in texts.list[known:])
        if used > limit and traced:
            for record in group:
                del index[record.key]
            del shown[before:]
            texts.forget(known)
            break
        traced += 1
    return index, shown, traced


def _trace(record: Record, trace: Trace, texts: Texts) -> dict[str, Any]:
    forest = forest_of(record, trace)
    return {
        "nodes": [_node(node, texts) for node in forest],
        "drawings": drawings_of(record, trace, forest, texts.add),
        "events": [[event["kind"], event["path"], texts.add(line_of(event))] for event in trace.events],
    }


def _node(node: Node, texts: Texts) -> dict[str, Any]:
    full = {
        "id": node.id,
        "parent": node.parent,
        "how": node.how,
        "start": node.start,
        "role": node.role,
        "finish": node.finish,
        "fate": node.fate,
        "reason": node.reason,
        "answer": node.answer,
        "verdict": node.verdict,
        "rank": node.rank if node.rank is not None and math.isfinite(node.rank) else None,
        "scorer": node.scorer,
        "steps": [round(step, 4) for step in node.steps],
        "pieces": [[p.origin, texts.add(p.text), p.n_tokens, *([] if p.score is None else [round(p.score, 4)])] for p in node.pieces],
    }
    return {key: value for key, value in full.items() if value not in (None, "", [])}


def _row(record: Record, method: int, problem: int, trace: int | None) -> dict[str, Any]:
    return {
        "m": method,
        "p": problem,
        "s": record.sample,
        "answer": record.answer,
        "verdict": record.verdict.value,
        "stage": record.stage,
        "detail": record.failure or record.detail,
        "tokens": record.usage["generated_tokens"],
        "calls": record.usage["scorer_calls"],
        "seconds": round(record.usage["seconds"], 3),
        "trace": trace,
    }


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
