"""What the session and the scheduler cost: the share of a run's wall time that is not the model's own arithmetic.

Self-consistency on the lab, 64 problems of 1,024 tokens, through `Session` and the local engine, twice: with as many paths as `compare` gives it at this
budget, and with 8 paths, which the budget cuts so that nearly every path is written in two requests. The model's arithmetic is the time inside the
decoder's forward (masks included), its output layer and the sampler; torch on CPU returns when the work is done, so a clock around the calls is exact.
All else is overhead: sessions, events, budgets, asyncio, admission, cache bookkeeping, stop strings, text.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

TARGET = 0.10
PROBLEMS, PATHS, BUDGET = 64, 8, 1024
ROUNDS = 3  # the middle one counts


class Clock:
    """Adds up the seconds spent inside wrapped calls; one inside another counts once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.depth = 0

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            self.depth += 1
            try:
                return call(*args, **kwargs)
            finally:
                self.depth -= 1
                if self.depth == 0:
                    self.seconds += time.perf_counter() - start

        return timed


async def run(paths: int | None) -> tuple[float, float]:
    """(wall seconds, seconds of the model's arithmetic) of the round with the middle ratio. paths: of each problem; None: as many as the budget fits."""
    from thinkwell import Budget, Session, load_engine
    from thinkwell.core.method import METHODS
    from thinkwell.engines.local import scheduler
    from thinkwell.engines.local.model import Decoder
    from thinkwell.engines.local.sampling import Sampler
    from thinkwell.tasks import TASKS
    from thinkwell.tasks.presets import preset

    kind = METHODS.get("self_consistency")
    problems = TASKS.get("lab/arithmetic").load(seed=0, limit=PROBLEMS)
    engine = load_engine("lab")

    async def solve_all(seed: int) -> None:
        sessions = [Session(problem, engine, preset=preset("lab"), seed=seed, budget=Budget(tokens=BUDGET)) for problem in problems]
        method = kind(kind.Config()).fit(Budget(tokens=BUDGET), preset("lab")) if paths is None else kind(kind.Config(n_paths=paths))
        await asyncio.gather(*(session.run(method) for session in sessions))

    clock = Clock()
    kept = Decoder.hidden, Decoder.logits, Sampler.draw, scheduler.extend
    try:
        await solve_all(1)  # warm up: allocations, compiled kernels
        Decoder.hidden, Decoder.logits, Sampler.draw, scheduler.extend = (clock.around(call) for call in kept)  # type: ignore[method-assign]
        rounds = []
        for _ in range(ROUNDS):
            start, before = time.perf_counter(), clock.seconds
            await solve_all(0)
            rounds.append((time.perf_counter() - start, clock.seconds - before))
        return sorted(rounds, key=lambda found: found[1] / found[0])[ROUNDS // 2]
    finally:
        Decoder.hidden, Decoder.logits, Sampler.draw, scheduler.extend = kept  # type: ignore[method-assign]
        await engine.aclose()


def rows() -> list[dict[str, object]]:
    """Overhead against wall time, a row for each number of paths."""
    found: list[dict[str, object]] = []
    for name, paths in (("paths as compare fits them", None), (f"{PATHS} paths, cut by the budget", PATHS)):
        wall, model = asyncio.run(run(paths))
        found.append(
            {
                "name": f"session and scheduler overhead, {name}",
                "ours": wall - model,
                "peer": wall,
                "ratio": (wall - model) / wall,
                "target": TARGET,
                "better": "lower",
                "unit": "seconds of wall time",
                "command": "python benchmarks/session.py",
            }
        )
    return found


if __name__ == "__main__":
    print(*rows(), sep="\n")
