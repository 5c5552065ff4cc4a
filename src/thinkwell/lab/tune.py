"""A draft tree fitted to data: count which nodes of a large tree are accepted while the model writes, keep the best (STAND, arXiv 2506.04708, section on trees).

Runs on any engine that verifies trees; the problems are of the training half of the world.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from thinkwell.core.problem import Problem

if TYPE_CHECKING:
    from thinkwell.core.prompt import Preset
    from thinkwell.decoding.draft_tree import DraftTree
    from thinkwell.decoding.drafts import Drafting
    from thinkwell.engines.protocol import Engine


@dataclass(frozen=True, slots=True)
class Tuned:
    """The tree, and what was counted: tokens a target call with the large tree, calls, problems and paths a problem."""

    tree: DraftTree
    mean_accepted_tokens: float
    target_calls: int
    problems: int
    paths: int

    def about(self, model: str, seed: int) -> dict[str, object]:
        return {
            "model": model, "seed": seed, "problems": self.problems, "paths": self.paths, "target_calls": self.target_calls,
            "mean_accepted_tokens_of_start_tree": round(self.mean_accepted_tokens, 4),
        }  # fmt: skip


def training_problems(count: int, seed: int) -> list[Problem]:
    """Problems of levels 1 to 10 in turn, none of them in the test half."""
    from thinkwell.lab import world

    return [Problem.ask(world.generate(seed * 1_000_003 + i, 1 + i % 10, "train").question) for i in range(count)]


async def tune_tree(
    engine: Engine,
    problems: list[Problem],
    preset: Preset,
    *,
    nodes: int = 79,
    paths: int = 4,
    seed: int = 0,
    log: Callable[[str], None] = lambda line: None,
) -> Tuned:
    """Write `paths` paths of each problem, one after the other, with the start tree; keep its `nodes` most accepted nodes."""
    from thinkwell.decoding.draft_tree import start_tree, tuned_tree
    from thinkwell.decoding.drafts import Drafting
    from thinkwell.decoding.stand import StandDrafter

    start = start_tree()
    accepted: Counter[int] = Counter()
    tokens = calls = 0
    for number, problem in enumerate(problems):
        drafting = Drafting(lambda: StandDrafter(tree=start), nodes=len(start))
        await write(engine, problem, preset, drafting, paths, seed, together=False)
        accepted.update(drafting.stats.by_slot)
        tokens, calls = tokens + drafting.stats.tokens, calls + drafting.stats.target_calls
        log(f"problem {number + 1} of {len(problems)}: {drafting.stats.mean_accepted_tokens:.2f} tokens a target call")
    return Tuned(tuned_tree(start, accepted, nodes), tokens / calls if calls else 0.0, calls, len(problems), paths)


async def write(
    engine: Engine, problem: Problem, preset: Preset, drafting: Drafting | None, paths: int, seed: int, *, together: bool
) -> list[tuple[int, ...]]:
    """The tokens of `paths` paths of a problem, written all at once or one after the other."""
    from thinkwell.session import Session

    session = Session(problem, engine, preset=preset, seed=seed)
    session.draft(drafting)
    opened = await session.open(paths)
    done = await session.extend(opened) if together else [(await session.extend([path]))[0] for path in opened]
    session.prune(done, "written")
    return [tuple(path.tokens) for path in done]


def tune(nodes: int, limit: int, paths: int, seed: int, log: Callable[[str], None]) -> tuple[Tuned, str]:
    """`tune_tree` with the bundled model: (what it found, the model's name)."""
    from thinkwell.engines.registry import load_engine
    from thinkwell.tasks.presets import preset

    async def work() -> tuple[Tuned, str]:
        engine = load_engine("lab")
        try:
            found = await tune_tree(engine, training_problems(limit, seed), preset("lab"), nodes=nodes, paths=paths, seed=seed, log=log)
        finally:
            await engine.aclose()
        return found, engine.info.model

    return asyncio.run(work())
