"""Wall time of every method that the lab's engine can run, at default knobs and one ceiling of tokens, on the same problems; `single` first, as the measure.

A number for the record: what a method costs in time where all of them share one machine, one engine and one way of batching. Seconds are those of solving
and grading, without loading.

    python benchmarks/methods.py --problems 8
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from thinkwell.runs.comparison import Row

COMMAND = "python benchmarks/run.py methods"
PROBLEMS, BUDGET = 200, 1024
MEASURE = "single"


def rows(
    problems: int = PROBLEMS, budget: int = BUDGET, methods: Sequence[str] | None = None, out: Path | None = None
) -> list[dict[str, Any]]:
    """A row a method. A method whose problems end in errors says how many. `out`: folder of the runs; a run that was killed goes on there."""
    import thinkwell
    from thinkwell.core.method import METHODS
    from thinkwell.engines.registry import load_engine

    engine = load_engine("lab")
    able = [name for name, kind in METHODS.items() if kind.needs <= engine.capabilities]
    for name in sorted(set(METHODS.names()) - set(able)):
        print(f"# {name}: the lab's engine lacks {', '.join(sorted(METHODS.get(name).needs - engine.capabilities))}", file=sys.stderr)
    thinkwell.compare(
        "lab/arithmetic", [MEASURE, "best_of_n"], engine=engine, limit=4, seed=1, budget={"tokens": budget}
    )  # compiles, warms up
    found: dict[str, Row] = {}
    for name in [MEASURE, *(name for name in methods or able if name != MEASURE)]:
        table = thinkwell.compare(
            "lab/arithmetic", [name], engine=engine, limit=problems, seed=0, budget={"tokens": budget}, out=None if out is None else out / f"methods-{name}-{budget}"
        )  # fmt: skip
        found[name] = table.row(name)
        print(
            f"# {name}: {found[name].seconds * table.problems:.1f} s, {found[name].generated_tokens:.0f} tokens a problem",
            file=sys.stderr,
            flush=True,
        )
    return [row(name, own, found[MEASURE], problems, budget) for name, own in found.items()]


def row(name: str, own: Row, measure: Row, problems: int, budget: int) -> dict[str, Any]:
    errors = f", {own.errors} ERRORS" if own.errors else ""
    speed = own.generated_tokens / own.seconds
    return {
        "name": f"time of {name}: {problems} problems, {budget:,} tokens each{errors}",
        "ours": own.seconds * problems,
        "peer": measure.seconds * problems,
        "ratio": own.seconds / measure.seconds,
        "target": None,
        "tokens_per_second": speed,
        "generated_tokens": own.generated_tokens,
        "scorer_calls": own.scorer_calls,
        "accuracy": own.accuracy.mean,
        "ci95": list(own.accuracy.ci95),
        "errors": own.errors,
        "unit": f"seconds ({speed:,.0f} tokens/s); peer is {MEASURE}",
        "command": COMMAND,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=PROBLEMS)
    parser.add_argument("--budget", type=int, default=BUDGET, help="ceiling, tokens a problem")
    parser.add_argument("--methods", nargs="+", help="these only (and single, the measure)")
    parser.add_argument("--out", type=Path, help="folder of the runs: killed, the same command goes on; a changed program needs a new one")
    chosen = parser.parse_args()
    print(json.dumps(rows(chosen.problems, chosen.budget, chosen.methods, chosen.out), indent=1))
