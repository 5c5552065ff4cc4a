"""What the session and the scheduler cost: the share of a run's wall time that is not the model's own arithmetic.

Self-consistency on the lab, 64 problems, 8 paths each, through `Session` and the local engine as in every comparison. The model's arithmetic is the time inside the decoder's
forward (masks included), its output layer and the sampler; torch on CPU returns when the work is done, so a clock around the calls is exact. All else is overhead: sessions, events, budgets,
asyncio, admission, cache bookkeeping, stop strings, text.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

TARGET = 0.10
PROBLEMS, PATHS, BUDGET = 64, 8, 1024


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


async def run() -> tuple[float, float]:
    """(wall seconds, seconds of the model's arithmetic)."""
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
        await asyncio.gather(*(session.run(kind(kind.Config(n_paths=PATHS))) for session in sessions))

    clock = Clock()
    kept = Decoder.hidden, Decoder.logits, Sampler.draw, scheduler.extend
    try:
        await solve_all(1)  # warm up: allocations, compiled kernels
        Decoder.hidden, Decoder.logits, Sampler.draw, scheduler.extend = (clock.around(call) for call in kept)  # type: ignore[method-assign]
        start = time.perf_counter()
        await solve_all(0)
        return time.perf_counter() - start, clock.seconds
    finally:
        Decoder.hidden, Decoder.logits, Sampler.draw, scheduler.extend = kept  # type: ignore[method-assign]
        await engine.aclose()


def rows() -> list[dict[str, object]]:
    """One row: overhead against wall time."""
    wall, model = asyncio.run(run())
    return [
        {
            "name": "session and scheduler overhead",
            "ours": wall - model,
            "peer": wall,
            "ratio": (wall - model) / wall,
            "target": TARGET,
            "better": "lower",
            "unit": "seconds of wall time",
            "command": "python benchmarks/session.py",
        }
    ]


if __name__ == "__main__":
    print(rows())
