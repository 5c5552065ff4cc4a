"""A*-decoding against weighted best-of-n and particle filtering: tokens and scorer calls at equal accuracy, on the lab, on the same problems.

A* runs at one ceiling, each rival at a ladder of ceilings. What the rival needs for A*'s accuracy is read off its curve (made never to fall, straight between
rungs). A rival that is already as accurate at its smallest ceiling, or at none, gives a bound and the row says so. Intervals resample the problems.
Paper: up to 3 times fewer tokens and 30 % fewer scorer calls.

    python benchmarks/a_star.py --problems 8
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from _ladder import ratio_at_equal_accuracy

if TYPE_CHECKING:
    from thinkwell.engines.protocol import Engine

COMMAND = "python benchmarks/run.py a_star"
PROBLEMS, SEEDS, BUDGET = 200, (0,), 1024
LADDER = (128, 256, 512, 1024, 2048)
RIVALS = ("best_of_n:weighted=true", "particle_filtering")
TARGETS = {"generated_tokens": ("tokens", 1 / 3), "scorer_calls": ("scorer calls", 0.7)}


def rows(
    problems: int = PROBLEMS, seeds: Sequence[int] = SEEDS, budget: int = BUDGET, ladder: Sequence[int] = LADDER, out: Path | None = None
) -> list[dict[str, Any]]:
    """A row a rival and cost. `out`: folder of the runs; a run that was killed goes on there."""
    from thinkwell.engines.registry import load_engine

    engine = load_engine("lab")
    ours = measure(engine, budget, problems, seeds, ("a_star",), out)["a_star"]
    found = {ceiling: measure(engine, ceiling, problems, seeds, RIVALS, out) for ceiling in ladder}
    accuracy = float(ours["right"].mean())
    result = []
    for rival in RIVALS:
        curve = [
            {"ceiling": ceiling} | {name: float(values.mean()) for name, values in found[ceiling][rival].items()} for ceiling in ladder
        ]
        for cost, (word, target) in TARGETS.items():
            ratio = ratio_at_equal_accuracy(
                ours["right"], ours[cost],
                np.stack([found[ceiling][rival]["right"] for ceiling in ladder]), np.stack([found[ceiling][rival][cost] for ceiling in ladder]),
            )  # fmt: skip
            said = {
                None: "",
                "at most": f"; the rival stays below at {ladder[-1]:,}: a bound",
                "at least": f"; the rival is there at its smallest, {ladder[0]:,}: a bound",
            }[ratio.bound]
            ends = ["outside the ladder" if end is None else f"{end:.2f}" for end in (ratio.low, ratio.high)]
            result.append({
                "name": f"A* at {budget:,} tokens against {rival}: {word} for {100 * accuracy:.1f} % right, ratio in [{', '.join(ends)}]{said}",
                "ours": ratio.ours, "peer": ratio.rival, "ratio": ratio.value, "target": target, "better": "lower", "bound": ratio.bound,
                "ci95": [ratio.low, ratio.high], "accuracy": accuracy, "ladder": curve, "problems": problems * len(seeds), "unit": f"{word} a problem",
                "command": COMMAND,
            })  # fmt: skip
    return result


def measure(
    engine: Engine, ceiling: int, problems: int, seeds: Sequence[int], methods: Sequence[str], out: Path | None
) -> dict[str, dict[str, Any]]:
    """Method -> right, generated_tokens, scorer_calls: one value a problem, those of all seeds in a row. Raises RuntimeError if a problem ended in an error."""
    import thinkwell

    found: dict[str, dict[str, list[float]]] = {method: {"right": [], "generated_tokens": [], "scorer_calls": []} for method in methods}
    for seed in seeds:
        folder = None if out is None else out / f"a_star-{'ours' if 'a_star' in methods else 'rivals'}-{ceiling}-{seed}"
        table = thinkwell.compare(
            "lab/arithmetic", list(methods), engine=engine, limit=problems, seed=seed, budget={"tokens": ceiling}, out=folder
        )
        for record in table.records:
            if record.failure is not None:
                raise RuntimeError(
                    f"{record.method} ended in an error on {record.problem}: {record.failure}; nothing follows from a broken run"
                )
            values = found[record.method]
            values["right"].append(float(record.correct))
            for cost in TARGETS:
                values[cost].append(float(record.usage[cost]))
        for row in table.rows:
            print(
                f"# ceiling {ceiling:,}, seed {seed}, {row.method}: {100 * row.accuracy.mean:.1f} % right, {row.generated_tokens:.0f} tokens, "
                f"{row.scorer_calls:.1f} scorer calls, {row.seconds * table.problems:.1f} s",
                file=sys.stderr, flush=True,
            )  # fmt: skip
    return {method: {name: np.array(column) for name, column in values.items()} for method, values in found.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=PROBLEMS)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="each draws problems of its own")
    parser.add_argument("--budget", type=int, default=BUDGET, help="A*'s ceiling, tokens a problem")
    parser.add_argument("--ladder", type=int, nargs="+", default=list(LADDER), help="the rivals' ceilings")
    parser.add_argument("--out", type=Path, help="folder of the runs: killed, the same command goes on; a changed program needs a new one")
    chosen = parser.parse_args()
    print(json.dumps(rows(chosen.problems, chosen.seeds, chosen.budget, chosen.ladder, chosen.out), indent=1))
