"""STAND beside plain decoding and beside its rivals, in the same engine and the same run: tokens a target call, and wall clock.

The lab's model, problems of the test mix, float32, trajectories of a problem one after another (the paper's setting: 1, 4, 16 of them) and all at once. The
arms take turns problem by problem, so that a busy machine slows all of them alike. Tokens a call are measured with 79 draft nodes, as the paper does; wall
clock with as many as the engine finds to pay. `python benchmarks/stand.py equality 1000` compares the texts with plain decoding's, in float64.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

COMMAND = "python benchmarks/run.py stand"
PROBLEMS = 3
NODES = 79
RIVALS = ("prompt_lookup", "adaptive_ngram", "token_recycling", "suffix")
WALL, TOKENS = 2.0, 4.0  # targets at 16 trajectories, one after another


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


def contest(arms: dict[str, Arm], trajectories: int, together: bool, seed: int = 1, problems: int = PROBLEMS) -> None:
    """Every arm writes the same trajectories of the same problems."""
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
        await engine.aclose()

    asyncio.run(work())


def equality(sequences: int = 1000, paths: int = 20) -> int:
    """How many of this many sequences are, in float64, those of plain decoding, token for token."""
    from thinkwell.core.problem import Problem
    from thinkwell.engines.registry import load_engine
    from thinkwell.lab import world
    from thinkwell.lab.tune import write
    from thinkwell.tasks.presets import preset

    async def work() -> int:
        engine = load_engine("lab", dtype="float64")
        same = 0
        for problem in world.default_mix(-(-sequences // paths), 11):
            asked = Problem.ask(problem.question)
            plain = await write(engine, asked, preset("lab"), None, paths, 3, together=True)
            drafted = await write(engine, asked, preset("lab"), drafting("stand", 12)(), paths, 3, together=True)
            same += sum(a == b for a, b in zip(plain, drafted, strict=True))
        await engine.aclose()
        return same

    return asyncio.run(work())


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


def rows() -> list[dict[str, Any]]:
    found = []
    for trajectories in (1, 4, 16):
        final = trajectories == 16
        arms = {"plain": Arm(lambda: None), "fast": Arm(drafting("stand", None)), "large": Arm(drafting("stand", NODES))}
        contest(arms, trajectories, together=False)
        of = f"{trajectories} trajector{'ies' if trajectories > 1 else 'y'}, one after another"
        found.append(row(f"tokens a target call, {of}", arms["large"].per_call, None, TOKENS if final else 1.0, "tokens"))
        found.append(
            row(f"STAND against plain decoding, {of}", arms["fast"].speed, arms["plain"].speed, WALL if final else 1.0, "tokens/s")
        )
    arms = {"plain": Arm(lambda: None), "fast": Arm(drafting("stand", None))}
    contest(arms, 16, together=True)
    found.append(row("STAND against plain decoding, 16 trajectories at once", arms["fast"].speed, arms["plain"].speed, 0.9, "tokens/s"))
    large = {name: Arm(drafting(name, NODES)) for name in ("stand", *RIVALS)}
    fast = {name: Arm(drafting(name, None)) for name in ("stand", *RIVALS)}
    contest(large, 16, together=False, problems=2)
    contest(fast, 16, together=False, problems=2)
    for name in RIVALS:
        label = name.replace("_", " ")
        found.append(row(f"STAND against {label}, tokens a target call", large["stand"].per_call, large[name].per_call, 1.0, "tokens"))
        found.append(row(f"STAND against {label}, wall clock", fast["stand"].speed, fast[name].speed, 1.0, "tokens/s"))
    return found


if __name__ == "__main__":
    if sys.argv[1:2] == ["equality"]:
        wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
        print(f"{equality(wanted)} of {wanted} sequences are those of plain decoding")
    else:
        for line in rows():
            print(f"{line['name']:70} {line['ours']:10.2f} {line['peer'] or 0:10.2f} {line['ratio'] or 0:6.2f}", flush=True)
