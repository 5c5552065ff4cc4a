"""LeaP against independent paths with a plain vote at equal tokens, on the lab's model that has learnt to sum up and to read comments.

Equal in two ways, since LeaP seldom spends all it may: at the same ceiling, and with the vote's ceiling lowered to what LeaP spent on average. Both methods solve
the same problems; the difference in accuracy is paired, with its 95 % bootstrap interval. Paper: +5 points on average.

    python benchmarks/leap.py --problems 8
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from thinkwell.runs.comparison import Comparison

COMMAND = "python benchmarks/run.py leap"
PROBLEMS, SAMPLES, BUDGET = 200, 2, 1024
VOTE = "self_consistency"


def rows(problems: int = PROBLEMS, samples: int = SAMPLES, budget: int = BUDGET, out: Path | None = None) -> list[dict[str, Any]]:
    """Two rows: the same ceiling, the same tokens spent. `out`: folder of the runs; a run that was killed goes on there."""
    both = compare([VOTE, "leap"], problems, samples, budget, out)
    spent = round(both.row("leap").generated_tokens)
    vote = compare([VOTE], problems, samples, spent, out)
    return [
        row(f"LeaP against a vote of independent paths, both at {budget:,} tokens", both, both),
        row(f"LeaP at {budget:,} tokens against a vote at the {spent:,} that it spent", both, vote),
    ]


def compare(methods: list[str], problems: int, samples: int, budget: int, out: Path | None) -> Comparison:
    """Raises RuntimeError if a problem ended in an error."""
    import thinkwell

    folder = None if out is None else out / f"leap-{'-'.join(methods)}-{budget}"
    table = thinkwell.compare(
        "lab/arithmetic", methods, engine="lab-skills", limit=problems, samples=samples, seed=0, budget={"tokens": budget}, out=folder
    )
    for found in table.rows:
        if found.errors:
            raise RuntimeError(
                f"{found.errors} problems of {found.method} ended in an error: {found.first_error}; nothing follows from a broken run"
            )
        print(
            f"# ceiling {budget:,}, {found.method}: {100 * found.accuracy.mean:.1f} % right, {found.generated_tokens:.0f} tokens, "
            f"{found.seconds * problems:.1f} s",
            file=sys.stderr, flush=True,
        )  # fmt: skip
    return table


def row(name: str, ours: Comparison, peer: Comparison) -> dict[str, Any]:
    """Accuracies in percent, and their paired difference in points with its interval."""
    from thinkwell.runs.statistics import paired_difference

    right, right_peer = by_problem(ours, "leap"), by_problem(peer, VOTE)
    found = paired_difference(list(right.values()), [right_peer[problem] for problem in right])
    mean, (low, high) = 100 * found.mean, (100 * found.low, 100 * found.high)
    accuracy, other = ours.row("leap"), peer.row(VOTE)
    return {
        "name": f"{name}: {mean:+.1f} [{low:+.1f}, {high:+.1f}] points",
        "ours": 100 * accuracy.accuracy.mean,
        "peer": 100 * other.accuracy.mean,
        "ratio": accuracy.accuracy.mean / other.accuracy.mean if other.accuracy.mean else None,
        "target": 1.0,
        "difference": mean,
        "ci95": [low, high],
        "tokens": [accuracy.generated_tokens, other.generated_tokens],
        "problems": found.n,
        "samples": ours.samples,
        "unit": "% right",
        "command": COMMAND,
    }


def by_problem(table: Comparison, method: str) -> dict[str, float]:
    """Problem -> share of its samples that are right."""
    found: dict[str, list[bool]] = {}
    for record in table.records:
        if record.method == method:
            found.setdefault(record.problem, []).append(record.correct)
    return {problem: sum(right) / len(right) for problem, right in found.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=PROBLEMS)
    parser.add_argument("--samples", type=int, default=SAMPLES, help="repetitions of every problem, averaged before they are paired")
    parser.add_argument("--budget", type=int, default=BUDGET, help="ceiling, tokens a problem")
    parser.add_argument("--out", type=Path, help="folder of the runs: killed, the same command goes on; a changed program needs a new one")
    chosen = parser.parse_args()
    print(json.dumps(rows(chosen.problems, chosen.samples, chosen.budget, chosen.out), indent=1))
