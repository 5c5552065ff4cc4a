"""A comparison on recorded samples: the file is the engine, and holds the problems too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from thinkwell.core.errors import ConfigError, DataError
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.engines.replay import ReplayEngine
from thinkwell.runs.spec import CompareSpec, arms_of

ANY = "recorded"  # the task name that takes every problem of the file
RECORDED = ("prm", "orm")  # the scorers whose judgements a file may hold; any other judges anew
WHOLE = 1 << 24  # tokens: a recorded sample is never cut by a preset, only by the budget


@dataclass(frozen=True, slots=True)
class Recorded:
    """What `compare_async` needs besides the specification."""

    engine: ReplayEngine
    problems: Sequence[Problem]
    preset: Preset


def open_recorded(spec: CompareSpec, files: Sequence[str | Path], pool: bool = False) -> Recorded:
    """Read the samples of `spec.model` on benchmark `spec.task` (`recorded`: of all) from `files`.

    Raises `DataError` for a file that is missing, malformed or without samples of the benchmark, `UnknownName` for a model it does not
    hold, `ConfigError` for a method whose scorer was not recorded.
    """
    engine = ReplayEngine.from_file(list(files), model=spec.model, benchmark=None if spec.task == ANY else spec.task, pool=pool)
    problems = [problem for problem in engine.problems() if problem.reference is not None][: spec.limit]
    if not problems:
        raise DataError(
            f"{', '.join(map(str, files))}: no problem has a reference answer; expected some to grade against. Add them to the file."
        )
    counts = [sample.n_tokens for problem in problems for sample in engine.data.samples[problem.id]]
    preset = Preset(ANY, 1, "{question}", think_open="", max_tokens=WHOLE, typical_tokens=max(1, round(sum(counts) / len(counts))))
    for arm in arms_of(spec, preset):
        judge = next((scorer for scorer in arm.method.scorers if scorer in RECORDED), None)
        if judge and not engine.data.has_scores:
            raise ConfigError(
                f"method {arm.label!r} needs the scorer {judge!r}, but these samples were recorded without scores; compare methods that vote instead."
            )
    return Recorded(engine, problems, preset)
