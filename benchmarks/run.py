"""All benchmarks: `python benchmarks/run.py [NAME ...]`, into benchmarks/results.json and a table on the terminal.

A benchmark is a file of this folder with `rows()`: a list of {"name", "ours", "peer", "ratio", "target", "unit", "command"}. `ours` and `peer` are measured in
one run; `ratio` is ours / peer, `target` what it must reach (or stay below, where "better" is "lower"). peer and ratio are None where there is nothing to
stand beside: then `ours` is held to the target.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import sys
import traceback
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "results.json"


def names() -> list[str]:
    return sorted(file.stem for file in FOLDER.glob("*.py") if file.stem != "run" and "def rows(" in file.read_text(encoding="utf-8"))


def rows_of(name: str) -> list[dict[str, Any]]:
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(FOLDER))
    spec.loader.exec_module(module)
    return [dict(row) for row in module.rows()]


def met(row: dict[str, Any]) -> bool:
    """Whether a row reaches its target."""
    value = row["ratio"] if row.get("ratio") is not None else row["ours"]
    return value <= row["target"] if row.get("better") == "lower" else value >= row["target"]


def table(rows: list[dict[str, Any]]) -> str:
    def number(value: Any) -> str:
        return "-" if value is None else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"

    head = ("benchmark", "ours", "peer", "ratio", "target", "", "unit")
    body = [
        (
            row["name"],
            number(row["ours"]),
            number(row["peer"]),
            number(row["ratio"]),
            ("<= " if row.get("better") == "lower" else ">= ") + number(row["target"]),
            "" if met(row) else "MISSED",
            row["unit"],
        )
        for row in rows
    ]
    widths = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(w) if i in (0, 5, 6) else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))).rstrip()
        for line in [head, *body]
    )


def main(wanted: list[str]) -> int:
    known = names()
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        print(f"no benchmark is called {', '.join(unknown)}; known: {', '.join(known)}. Leave the names out to run all.", file=sys.stderr)
        return 2
    kept = [row for row in json.loads(RESULTS.read_text()) if row["benchmark"] not in wanted] if wanted and RESULTS.exists() else []
    failed, rows = [], []
    for name in wanted or known:
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            rows += [{"benchmark": name, **row, "met": met(row)} for row in rows_of(name)]
        except Exception:  # noqa: BLE001  one benchmark that fails must not hide the numbers of the others
            traceback.print_exc()
            failed.append(name)
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    machine = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {cpus} CPUs"
    results = sorted(kept + [{**row, "machine": machine} for row in rows], key=lambda row: known.index(row["benchmark"]))
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(table(results))
    print(f"\n{machine}; written to {os.path.relpath(RESULTS)}")
    if failed:
        print(f"failed: {', '.join(failed)}; the reason is above.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
