"""STAND beside plain decoding and beside its rivals, in the same engine and the same run: tokens a target call, and wall clock.

The lab's model, problems of the test mix, float32, trajectories of a problem one after another (the paper's setting: 1, 4, 16 of them) and all at once. The
arms take turns problem by problem, so that a busy machine slows all of them alike. Tokens a call are measured with 79 draft nodes, as the paper does; wall
clock with as many as the engine finds to pay. That the texts are those of plain decoding is another benchmark: stand_equality.py.

    python benchmarks/stand.py --problems 1
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

COMMAND = "python benchmarks/run.py stand"
PROBLEMS = 6
NODES = 79
RIVALS = ("prompt_lookup", "adaptive_ngram", "token_recycling", "suffix")
WALL, TOKENS = 2.0, 4.0  # targets at 16 trajectories, one after another
AHEAD = 1.14  # of every rival, in wall clock


@dataclass
class Arm:
    """One way of decoding, and what it came to."""

    make: Callable[[], Any]
    tokens: int = 0
    seconds: float = 0.0
    calls: int = 0
    drafted: int = 0

    @property
    def speed(self) -> float:
        return self.tokens / self.seconds

    @property
    def per_call(self) -> float:
        return self.drafted / self.calls if self.calls else 1.0


def drafting(source: str, nodes: int | None) -> Callable[[], Any]:
    from thinkwell.methods.stand import Stand

    config = Stand.Config.model_validate({"drafter": source, "nodes": nodes})
    return lambda: Stand(config).drafting()


def contest(said: str, arms: dict[str, Arm], trajectories: int, together: bool, problems: int, seed: int = 1) -> None:
    """Every arm writes the same trajectories of the same problems, after one more that warms up. said: what the log calls it."""
    from thinkwell.core.problem import Problem
    from thinkwell.engines.registry import load_engine
    from thinkwell.lab import world
    from thinkwell.lab.tune import write
    from thinkwell.tasks.presets import preset

    async def work() -> None:
        engine = load_engine("lab")
        form = preset("lab")
        questions = [Problem.ask(p.question) for p in world.default_mix(problems + 1, seed)]
        for number, problem in enumerate(questions):
            for arm in arms.values():
                draft = arm.make()
                started = time.perf_counter()
                written = await write(engine, problem, form, draft, trajectories, seed, together=together)
                if number == 0:  # warm-up: kernels, caches, the measuring of forwards
                    continue
                arm.seconds += time.perf_counter() - started
                arm.tokens += sum(map(len, written))
                if draft is not None:
                    arm.calls += draft.stats.target_calls
                    arm.drafted += draft.stats.tokens
            print(f"# {said}: {f'problem {number} of {problems}' if number else 'warm'}", file=sys.stderr, flush=True)
        await engine.aclose()
        for name, arm in arms.items():
            print(f"# {said}, {name}: {arm.speed:,.0f} tokens/s, {arm.per_call:.2f} tokens a target call", file=sys.stderr, flush=True)

    asyncio.run(work())


def row(name: str, ours: float, peer: float | None, target: float, unit: str) -> dict[str, Any]:
    return {
        "name": name,
        "ours": ours,
        "peer": peer,
        "ratio": None if peer is None else ours / peer,
        "target": target,
        "unit": unit,
        "command": COMMAND,
    }


def rows(problems: int = PROBLEMS) -> list[dict[str, Any]]:
    """Against plain decoding at 1, 4 and 16 trajectories and at 16 at once; then against every rival at 16, tokens and time."""
    found = []
    for trajectories in (1, 4, 16):
        final = trajectories == 16
        arms = {"plain": Arm(lambda: None), "fast": Arm(drafting("stand", None)), "large": Arm(drafting("stand", NODES))}
        of = f"{trajectories} trajector{'ies' if trajectories > 1 else 'y'}, one after another"
        contest(of, arms, trajectories, together=False, problems=problems)
        found.append(row(f"tokens a target call, {of}", arms["large"].per_call, None, TOKENS if final else 1.0, "tokens"))
        found.append(
            row(f"STAND against plain decoding, {of}", arms["fast"].speed, arms["plain"].speed, WALL if final else 1.0, "tokens/s")
        )
    arms = {"plain": Arm(lambda: None), "fast": Arm(drafting("stand", None))}
    contest("16 trajectories at once", arms, 16, together=True, problems=problems)
    found.append(row("STAND against plain decoding, 16 trajectories at once", arms["fast"].speed, arms["plain"].speed, 0.9, "tokens/s"))
    large = {name: Arm(drafting(name, NODES)) for name in ("stand", *RIVALS)}
    fast = {name: Arm(drafting(name, None)) for name in ("stand", *RIVALS)}
    contest(f"rivals, {NODES} nodes", large, 16, together=False, problems=problems)
    contest("rivals, nodes that pay", fast, 16, together=False, problems=problems)
    for name in RIVALS:
        label = name.replace("_", " ")
        found.append(row(f"STAND against {label}, tokens a target call", large["stand"].per_call, large[name].per_call, 1.0, "tokens"))
        found.append(row(f"STAND against {label}, wall clock", fast["stand"].speed, fast[name].speed, AHEAD, "tokens/s"))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=PROBLEMS, help="of each contest, beside one that warms up")
    print(json.dumps(rows(parser.parse_args().problems), indent=1))
