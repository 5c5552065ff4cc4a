"""Put one question to one method: the short way in, for scripts, notebooks and `thinkwell solve`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from thinkwell.answers.grade import grade_answer
from thinkwell.core.answer import VerdictValue
from thinkwell.core.budget import Budget, Usage
from thinkwell.core.errors import ConfigError
from thinkwell.core.events import Event
from thinkwell.core.method import METHODS, Method, Outcome, examine, require
from thinkwell.core.path import Path
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.core.sampling import Sampling
from thinkwell.engines.protocol import Engine
from thinkwell.engines.registry import BUNDLED, known_capabilities, known_lessons, load_engine
from thinkwell.runs.record import was_cut
from thinkwell.runs.seats import engines_for as seated
from thinkwell.runs.seats import load_engines, refuse_engines, refuse_scorers, refuse_seats
from thinkwell.runs.spec import refuse_budget
from thinkwell.runs.turns import untaught
from thinkwell.scorers.protocol import Scorer
from thinkwell.scorers.registry import load_scorer
from thinkwell.session import Session
from thinkwell.tasks.presets import preset as named_preset

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Solution:
    """What a method made of one question.

    verdict: judgement of the answer where the problem has a reference; without one, `no_answer` or `truncated` if there is none to judge, else None.
    """

    answer: str | None
    verdict: VerdictValue | None
    outcome: Outcome
    usage: Usage
    events: tuple[Event, ...]
    method: str
    config: dict[str, Any]
    engine: str
    model: str
    seed: int
    notes: tuple[str, ...] = ()  # what to know before believing the answer

    def as_dict(self, *, stats: bool = False) -> dict[str, Any]:
        """What `thinkwell solve --json` prints; `stats` adds the method's facts. `text` is what stands after the prompt; `tokens` and `origin_spans` hold the prompt too."""
        return {
            "answer": self.answer,
            "verdict": None if self.verdict is None else self.verdict.value,
            "paths": [_path_as_dict(path) for path in self.outcome.paths],
            "usage": self.usage.as_dict(),
            "chosen": self.outcome.chosen.id if self.outcome.chosen else None,
            "method": self.method,
            "config": self.config,
            "engine": self.engine,
            "model": self.model,
            "seed": self.seed,
            "notes": list(self.notes),
            **({"stats": dict(self.outcome.facts)} if stats else {}),
        }


def solve(
    problem: Problem | str, method: str | Method = "self_consistency", engine: str | Engine = "lab", seed: int = 0, **options: Any
) -> Solution:
    """Solve one problem and wait for it: `solve("What is 2 + 3?", method="best_of_n", n_paths=8)`. Options and errors: see `solve_async`."""
    return _wait_for(solve_async(problem, method, engine, seed, **options))


async def solve_async(
    problem: Problem | str,
    method: str | Method = "self_consistency",
    engine: str | Engine = "lab",
    seed: int = 0,
    *,
    budget: Budget | Mapping[str, float] | str | None = None,
    model: str | None = None,
    preset: Preset | str | None = None,
    sampling: Callable[[Preset], Sampling] | Sampling | None = None,
    scorers: Mapping[str, Scorer] | None = None,
    prm: str | None = None,
    engine_options: Mapping[str, Any] | None = None,
    engines_for: Mapping[str, str | Engine] | None = None,
    live: Callable[[Event], None] | None = None,
    **knobs: Any,
) -> Solution:
    """Solve one problem; `knobs` are the method's, `prm` names a process reward model, `engines_for` engines by role.

    An engine or scorer that was passed in stays open, one that is loaded here is closed.

    Raises a `UsageError` for names, knobs or budgets that cannot be, `MissingCapability` for a method that the engine cannot run, `EngineError` if it failed.
    """
    asked = Problem.ask(problem) if isinstance(problem, str) else problem
    ceiling = Budget.parse([budget]) if isinstance(budget, str) else budget if isinstance(budget, Budget) else Budget(**(budget or {}))  # type: ignore[arg-type]
    kind = METHODS.get(method) if isinstance(method, str) else None
    if kind is None and knobs:
        raise ConfigError(
            f"{', '.join(knobs)}: the method {method.name!r} is made already; expected its name with knobs, or itself without. Give the knobs to its Config."  # type: ignore[union-attr]  # no kind: it is a method
        )
    solver: Method = kind(kind.Config.parse(knobs, kind.name)) if kind else method  # type: ignore[assignment]  # no kind: it is a method
    refuse_seats([solver], list(engines_for or {}))
    owned: list[Engine | Scorer] = []
    try:
        if isinstance(engine, str):
            writer = load_engine(engine, model=model, **(engine_options or {}))
            owned.append(writer)
        else:
            writer = engine
        require(solver, writer.info.name, writer.capabilities, known_capabilities())
        form = preset if isinstance(preset, Preset) else named_preset(preset or ("lab" if writer.info.model in BUNDLED else "boxed"))
        await refuse_budget(ceiling, writer, asked.gold or "7")
        solver = solver.fit(ceiling, form)
        await examine(solver, writer, form)
        engines = load_engines(
            engines_for or {}, {engine: writer} if isinstance(engine, str) and not (model or engine_options) else {}, owned
        )
        await refuse_engines([solver], engines, form, known_capabilities())
        judges = dict(scorers or {})
        for name in solver.scorers:
            if name not in judges:
                judges[name] = load_scorer(name, engine=writer, **({"model": prm} if prm and name == "prm" else {}))
                owned.append(judges[name])
        refuse_scorers(judges, writer, engines, known_capabilities())
        session = Session(
            asked, writer, preset=form, engines=seated(solver, engines), seed=seed, budget=ceiling, scorers=judges, live=live,
            sampling=sampling(form) if callable(sampling) else sampling,
        )  # fmt: skip
        outcome = await session.run(solver)
    finally:
        for thing in owned:
            await thing.aclose()
    answer = outcome.answer.text if outcome.answer else None
    return Solution(
        answer=answer,
        verdict=_verdict(asked, answer, was_cut(outcome.paths, session.events)),
        outcome=outcome,
        usage=session.usage,
        events=tuple(session.events),
        method=solver.name,
        config=solver.config.model_dump(mode="json"),
        engine=writer.info.name,
        model=writer.info.model,
        seed=seed,
        notes=tuple(untaught([(solver.name, solver)], writer, engines, judges, known_lessons())),
    )


def _verdict(problem: Problem, answer: str | None, cut: bool) -> VerdictValue | None:
    if answer is None or problem.reference is not None:
        return grade_answer(answer, problem, finished=not cut).value
    return None


def _path_as_dict(path: Path) -> dict[str, Any]:
    return {
        "id": path.id,
        "finish": path.finish.value if path.finish else None,
        "prompt": path.prompt,
        "text": path.text,
        "tokens": path.tokens,
        "origin_spans": [{"origin": origin.value, "start": start, "end": end} for origin, start, end in path.spans()],
    }


def _wait_for(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, also where a loop is running already (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    found: list[T] = []
    failed: list[BaseException] = []

    def in_a_loop_of_its_own() -> None:
        try:
            found.append(asyncio.run(work))
        except BaseException as error:  # noqa: BLE001  raised again in the caller's thread
            failed.append(error)

    thread = threading.Thread(target=in_a_loop_of_its_own)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return found[0]


def with_sampling(temperature: float | None, top_p: float | None) -> Callable[[Preset], Sampling] | None:
    """The preset's sampling with what is given changed; None changes nothing."""
    if temperature is None and top_p is None:
        return None

    def changed(preset: Preset) -> Sampling:
        return Sampling(preset.temperature if temperature is None else temperature, preset.top_p if top_p is None else top_p)

    return changed
