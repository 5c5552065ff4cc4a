"""All benchmarks: `python benchmarks/run.py [NAME ...]`, into benchmarks/results.json and a table on the terminal.

A benchmark is a file of this folder with `rows()`: a list of {"name", "ours", "peer", "ratio", "target", "unit", "command"}. `ours` and `peer` are measured in
one run; `ratio` is ours / peer, `target` what it must reach (or stay below, where "better" is "lower"). peer and ratio are None where there is nothing to
stand beside: then `ours` is held to the target. A target of None: a number for the record, neither reached nor missed. "bound": the ratio is known to be
"at least" or "at most" what is written; a bound on the wrong side reaches no target. Results are written after every benchmark; one that fails keeps its earlier rows.
"""

from __future__ import annotations

import argparse
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


def met(row: dict[str, Any]) -> bool | None:
    """Whether a row reaches its target; None where it has none."""
    if row["target"] is None:
        return None
    value = row["ratio"] if row.get("ratio") is not None else row["ours"]
    lower = row.get("better") == "lower"
    if row.get("bound") == ("at least" if lower else "at most"):
        return False
    return bool(value <= row["target"] if lower else value >= row["target"])


def table(rows: list[dict[str, Any]]) -> str:
    def number(value: Any) -> str:
        return "-" if value is None else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"

    head = ("benchmark", "ours", "peer", "ratio", "target", "", "unit")
    body = [
        (
            row["name"],
            number(row["ours"]),
            number(row["peer"]),
            {"at least": ">", "at most": "<"}.get(row.get("bound") or "", "") + number(row["ratio"]),
            "-" if row["target"] is None else ("<= " if row.get("better") == "lower" else ">= ") + number(row["target"]),
            "MISSED" if met(row) is False else "",
            row["unit"],
        )
        for row in rows
    ]
    widths = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(w) if i in (0, 5, 6) else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))).rstrip()
        for line in [head, *body]
    )


def main(arguments: list[str]) -> int:
    known = names()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of {', '.join(known)}; default: all")
    wanted = parser.parse_args(arguments).names
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        print(f"no benchmark is called {', '.join(unknown)}; known: {', '.join(known)}. Leave the names out to run all.", file=sys.stderr)
        return 2
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
    if not wanted:
        results = [row for row in results if row["benchmark"] in known]  # of benchmarks that are gone nothing can be measured again
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    machine = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {cpus} CPUs"
    failed = []
    for name in wanted or known:
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            rows = [{"benchmark": name, **row, "met": met(row), "machine": machine} for row in rows_of(name)]
        except Exception:  # noqa: BLE001  one benchmark that fails must not hide the numbers of the others
            traceback.print_exc()
            failed.append(name)
            continue
        results = sorted([row for row in results if row["benchmark"] != name] + rows, key=lambda row: row["benchmark"])
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(table(results))
    print(f"\n{machine}; written to {os.path.relpath(RESULTS)}")
    if failed:
        print(f"failed: {', '.join(failed)}; the reason is above, and their rows are those of an earlier run.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
