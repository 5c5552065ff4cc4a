"""Load what a comparison names: task, engine, scorers, methods; and check that they fit together before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from thinkwell.core.method import METHODS
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.engines.protocol import Engine
from thinkwell.engines.registry import known_capabilities, load_engine
from thinkwell.runs.seats import load_engines, refuse_engines, refuse_scorers, refuse_seats
from thinkwell.runs.spec import Arm, CompareSpec, arms_of, parse_method, refuse_impossible
from thinkwell.scorers.protocol import Scorer
from thinkwell.scorers.registry import load_scorer
from thinkwell.tasks import TASKS
from thinkwell.tasks.presets import preset as preset_named


@dataclass(frozen=True, slots=True)
class Arena:
    """Everything a run needs. What was loaded here is closed by `aclose`; what was passed in is its owner's."""

    engine: Engine
    engines: Mapping[str, Engine]
    problems: Sequence[Problem]
    preset: Preset
    scorers: Mapping[str, Scorer]
    arms: Sequence[Arm]
    owned: tuple[Engine | Scorer, ...]

    async def aclose(self) -> None:
        for thing in self.owned:
            await thing.aclose()


async def load_arena(
    spec: CompareSpec,
    engine: Engine | None,
    problems: Sequence[Problem] | None,
    preset: Preset | None,
    scorers: Mapping[str, Scorer] | None,
) -> Arena:
    """Load what was not passed in, cheap things first, and refuse what cannot work. Raises a `UsageError`; nothing stays open then."""
    for label in spec.methods:
        METHODS.get(parse_method(label)[0])
    if problems is None or preset is None:
        task = TASKS.get(spec.task)
        preset = preset or preset_named(spec.preset or task.preset)
        problems = problems if problems is not None else task.load(spec.data, seed=spec.seed, limit=spec.limit, knobs=spec.task_options)
    arms = arms_of(spec, preset)
    refuse_seats([arm.method for arm in arms], list(spec.engines_for))
    owned: list[Engine | Scorer] = []
    try:
        if engine is None:
            engine = load_engine(spec.engine, model=spec.model, **spec.engine_options)
            owned.append(engine)
        await refuse_impossible(arms, problems, preset, engine, spec.budget, known_capabilities())
        engines = load_engines(spec.engines_for, {} if spec.model or spec.engine_options else {spec.engine: engine}, owned)
        await refuse_engines([arm.method for arm in arms], engines, preset, known_capabilities())
        found = dict(scorers or {})
        missing = sorted({name for arm in arms for name in arm.method.scorers} - found.keys())
        for name in missing:
            found[name] = load_scorer(name, engine=engine)
            owned.append(found[name])
        refuse_scorers(found, engine, engines, known_capabilities())
    except BaseException:
        for thing in owned:
            await thing.aclose()
        raise
    return Arena(engine, engines, problems, preset, found, arms, tuple(owned))
