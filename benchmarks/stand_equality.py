"""STAND's promise: its texts are those of plain decoding, token for token. Counted over 1,000 sequences of the lab's model in float64, where ties do not depend on the batch.

python benchmarks/stand_equality.py --sequences 20
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import Any

COMMAND = "python benchmarks/run.py stand_equality"
SEQUENCES, PATHS, NODES = 1000, 20, 12


async def equal(sequences: int, paths: int = PATHS, nodes: int = NODES) -> int:
    """How many of this many sequences, `paths` of each problem, are the same with drafts as without."""
    from thinkwell.core.problem import Problem
    from thinkwell.engines.registry import load_engine
    from thinkwell.lab import world
    from thinkwell.lab.tune import write
    from thinkwell.methods.stand import Stand
    from thinkwell.tasks.presets import preset

    engine = load_engine("lab", dtype="float64")
    same = done = 0
    for problem in world.default_mix(-(-sequences // paths), 11):
        asked, count = Problem.ask(problem.question), min(paths, sequences - done)
        plain = await write(engine, asked, preset("lab"), None, count, 3, together=True)
        drafting = Stand(Stand.Config(nodes=nodes)).drafting()
        drafted = await write(engine, asked, preset("lab"), drafting, count, 3, together=True)
        if drafting is None or not drafting.stats.target_calls:
            raise RuntimeError("nothing was drafted, so nothing was compared")
        same += sum(a == b for a, b in zip(plain, drafted, strict=True))
        done += count
        print(
            f"# {same} of {done} sequences are the same, {drafting.stats.mean_accepted_tokens:.2f} tokens a target call",
            file=sys.stderr,
            flush=True,
        )
    await engine.aclose()
    return same


def rows(sequences: int = SEQUENCES) -> list[dict[str, Any]]:
    """One row: sequences that are the same, of all."""
    same = asyncio.run(equal(sequences))
    return [
        {
            "name": f"STAND: sequences equal to plain decoding's in float64, {NODES} nodes",
            "ours": float(same),
            "peer": float(sequences),
            "ratio": same / sequences,
            "target": 1.0,
            "unit": "sequences",
            "command": COMMAND,
        }
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequences", type=int, default=SEQUENCES)
    print(json.dumps(rows(parser.parse_args().sequences), indent=1))
