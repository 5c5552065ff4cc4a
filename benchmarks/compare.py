"""The comparison of the README, start to end: eight methods, 100 problems, 1,024 tokens a problem, in a process of its own. Target: two minutes on two cores."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TARGET = 120.0
METHODS = "single self_consistency best_of_n best_of_n:weighted=true beam_search dvts particle_filtering budget_forcing".split()  # noqa: SIM905
ARGUMENTS = ["compare", "--task", "lab/arithmetic", "--methods", *METHODS, "--limit", "100", "--seed", "0", "--budget", "tokens=1024"]


def rows() -> list[dict[str, object]]:
    """One row: seconds from the command to its prompt back. Raises RuntimeError if the command fails or a problem ends in an error."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "table.json"
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "thinkwell", *ARGUMENTS, "--json", str(result), "--out", f"{folder}/run"], capture_output=True, text=True
        )
        seconds = time.perf_counter() - start
        if done.returncode:
            raise RuntimeError(f"compare left with {done.returncode}: {done.stderr[-2000:]}")
        table = json.loads(result.read_text())
    errors = sum(row["errors"] for row in table["rows"])
    if errors:
        raise RuntimeError(f"{errors} problems ended in an error; the time of a broken run says nothing")
    return [
        {
            "name": "compare: 8 methods x 100 problems x 1,024 tokens",
            "ours": seconds,
            "peer": None,
            "ratio": None,
            "target": TARGET,
            "better": "lower",
            "unit": "seconds, report included",
            "command": "thinkwell " + " ".join(ARGUMENTS),
        }
    ]


if __name__ == "__main__":
    print(rows())
