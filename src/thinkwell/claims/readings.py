"""What is read off a finished training run, for claims: right answers and length at its end, a metric of its steps, what the trained model does as a critic or a verifier.

A measure gives one value a held-out problem, (P,), or a single value (1,) of the whole run. What counts is the end of a run: its last evaluation, or the mean of its last
three; never the best one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thinkwell.core.errors import ConfigError
from thinkwell.training.record import Record, Report

TAIL = 3  # evaluations at the end of a run that are averaged


@dataclass(frozen=True)
class Ran:
    """One finished run. evaluations: its rows, the starting model's first; each has `each`: what happened on every held-out problem."""

    report: Report
    evaluations: list[dict[str, Any]]
    folder: Path


Measure = Callable[[Ran], NDArray[np.float64]]
"""What is read off a run: one value a held-out problem (P,), or a single value (1,) of the whole run."""


def finished(folder: Path) -> bool:
    """Whether the run in this folder is done."""
    return Record(folder).report() is not None


def read(folder: Path) -> Ran:
    """A run that is done. Raises `ConfigError` for one that is not."""
    report = Record(folder).report()
    if report is None:
        raise ConfigError(
            f"{folder} holds no run that is done; expected one. Go on with it with `thinkwell train NAME --out {folder} --resume`."
        )
    return Ran(report, Record(folder).read().evaluations, folder)


def accuracy(ran: Ran) -> NDArray[np.float64]:
    """Right answers on held-out problems, mean of the last evaluations."""
    return _tail(ran, "right")


def tokens(ran: Ran) -> NDArray[np.float64]:
    """Tokens a response on held-out problems, mean of the last evaluations."""
    return _tail(ran, "tokens")


def gained(name: str, since: int = 0) -> Measure:
    """What the last evaluations have more than that after step `since` (0: of the starting model; the end of a supervised stage, where one comes first): of "right" or "tokens"."""

    def read(ran: Ran) -> NDArray[np.float64]:
        first = next((row for row in ran.evaluations if row["step"] == since), None)
        if first is None:
            raise ConfigError(
                f"{ran.folder} was not evaluated after step {since}; expected it among {[row['step'] for row in ran.evaluations]}."
            )
        return _tail(ran, name) - np.array(first["each"][name], dtype=np.float64)

    read.__name__ = "accuracy" if name == "right" else name
    return read


def metric(name: str, last: int = 10) -> Measure:
    """The mean of a step's metric over the last steps of a run: one value."""

    def read(ran: Ran) -> NDArray[np.float64]:
        values = _values(ran, name, last)
        return np.array([sum(values) / len(values)])

    read.__name__ = name.replace("/", "_")
    return read


def throughout(name: str) -> Measure:
    """The mean of all evaluations after the start, of "right" or "tokens": higher for a run that gets there sooner."""

    def read(ran: Ran) -> NDArray[np.float64]:
        return np.mean([np.array(row["each"][name], dtype=np.float64) for row in ran.evaluations[1:] or ran.evaluations], axis=0)

    read.__name__ = ("accuracy" if name == "right" else name) + "_throughout"
    return read


def within(per_step: float, of: str = "seconds") -> Measure:
    """Right answers at the last evaluation that a run reaches while its steps have spent at most `per_step` times their number: of seconds (this machine's), or of another metric
    that adds up, such as "decode_steps". The starting model's, if none."""

    def read(ran: Ran) -> NDArray[np.float64]:
        spent, step = 0.0, 0
        for row in ran.report.steps:
            spent += float(row.get(of) or 0.0)
            if spent > per_step * len(ran.report.steps):
                break
            step = int(row["step"])
        reached = [row for row in ran.evaluations if row["step"] <= step] or ran.evaluations[:1]
        return np.array(reached[-1]["each"]["right"], dtype=np.float64)

    read.__name__ = f"accuracy_within_{per_step:g}_{of}_a_step"
    return read


def on_levels(name: str, levels: Sequence[int]) -> Measure:
    """ "right" or "tokens" at the end of a run, on the held-out problems of these levels."""

    def read(ran: Ran) -> NDArray[np.float64]:
        values = _tail(ran, name)
        chosen = [problem.meta["level"] in levels for problem in _held_out(ran, len(values))]
        if not any(chosen):
            raise ConfigError(f"no held-out problem of {ran.folder} has a level of {tuple(levels)}; expected one. Train on these levels.")
        return values[np.array(chosen)]

    read.__name__ = "accuracy" if name == "right" else name
    return read


def rise(name: str, count: int = 5) -> Measure:
    """The mean of a step's metric over the last `count` steps that have it, less that over the first: one value."""

    def read(ran: Ran) -> NDArray[np.float64]:
        values = _values(ran, name)
        return np.array([float(np.mean(values[-count:]) - np.mean(values[:count]))])

    read.__name__ = f"rise_of_{name.replace('/', '_')}"
    return read


def excess(name: str, other: str, last: int = 10) -> Measure:
    """The mean of one metric of a step less that of another, over the last steps of a run: one value."""

    def read(ran: Ran) -> NDArray[np.float64]:
        return metric(name, last)(ran) - metric(other, last)(ran)

    read.__name__ = f"{name.replace('/', '_')}_less_{other.replace('/', '_')}"
    return read


def critic(score: str, steps: int = 400) -> Measure:
    """A score of `games.Judgement` ("harmonic", "right_kept", "wrong_found"...) of the trained model as a critic of steps of the test split, greedy: one value."""

    def read(ran: Ran) -> NDArray[np.float64]:
        return np.array([getattr(_judgement(ran.folder, _levels(ran), steps), score)])

    read.__name__ = f"critic_{score}"
    return read


def verifier(score: str, *, slow: bool = False, solutions: int = 200) -> Measure:
    """A score of `verification.Located` ("f1", "right", "wrong", "tokens") of the trained model on solutions of the test split, without or with thinking: one value."""

    def read(ran: Ran) -> NDArray[np.float64]:
        return np.array([getattr(_location(ran.folder, _levels(ran), slow, solutions), score)])

    read.__name__ = f"verifier_{score}{'_slow' if slow else ''}"
    return read


def mode(score: str, name: str, less: str, problems: int = 100) -> Measure:
    """A score of `budget_tags.Mode` ("accuracy", "tokens") asked for in one mode, less that in another, on the same held-out problems: one value."""

    def read(ran: Ran) -> NDArray[np.float64]:
        modes = _modes(ran.folder, _levels(ran), problems)
        return np.array([getattr(modes[name], score) - getattr(modes[less], score)])

    read.__name__ = f"{score}_{name}_less_{less}"
    return read


def marks(style: str, problems: int = 100) -> Measure:
    """How often a response marks a behaviour (`training.behaviour`), on held-out problems asked as in an evaluation: one value a problem."""

    def read(ran: Ran) -> NDArray[np.float64]:
        from thinkwell.training import behaviour

        texts = _responses(ran.folder, _levels(ran), problems)
        return np.array([behaviour.counts(text, [style])[style] for text in texts], dtype=np.float64)

    read.__name__ = f"marks_of_{style}"
    return read


def steeper(problems: int = 100) -> Measure:
    """How much more of its accuracy a trained model owes to the second half of its thinking than the model that it started from: accuracy with all thinking less accuracy with
    half of it (`training.probe`), trained less start, sampled as in training. One value."""

    def read(ran: Ran) -> NDArray[np.float64]:
        from thinkwell.training import run_folder
        from thinkwell.training.recipe import RECIPES
        from thinkwell.training.weights import place_of

        recipe = RECIPES.get(ran.report.recipe)
        asked = run_folder.read(ran.folder)
        drawn = recipe.Config.parse(asked.knobs, recipe.name).temperature
        start = Path(place_of(asked.model, recipe.start))
        return np.array([_slope(ran.folder, _levels(ran), drawn, problems) - _slope(start, _levels(ran), drawn, problems)])

    read.__name__ = "slope_of_accuracy_over_thinking"
    return read


def _tail(ran: Ran, name: str) -> NDArray[np.float64]:
    rows = ran.evaluations[1:][-TAIL:] or ran.evaluations
    return np.mean([np.array(row["each"][name], dtype=np.float64) for row in rows], axis=0)


def _values(ran: Ran, name: str, last: int = 0) -> list[float]:
    """A metric of the last steps that have it (0: of all such). A step in which nothing was left to train on lacks most. Raises `ConfigError` if no step has it."""
    values = [float(row[name]) for row in ran.report.steps if row.get(name) is not None][-last:]
    if not values:
        raise ConfigError(f"no step of {ran.folder} has a metric {name!r}; expected one of {', '.join(sorted(ran.report.steps[-1]))}.")
    return values


def _levels(ran: Ran) -> tuple[int, ...]:
    from thinkwell.training import run_folder
    from thinkwell.training.recipe import RECIPES

    return RECIPES.get(ran.report.recipe).Config.parse(run_folder.read(ran.folder).knobs, ran.report.recipe).levels


def _held_out(ran: Ran, n: int) -> list[Any]:
    from thinkwell.training.problems import LabProblems

    return LabProblems(_levels(ran)).held_out(n)


def _engine(folder: Path) -> Any:
    from thinkwell.engines.local.engine import LocalEngine

    return LocalEngine(folder)


def _preset() -> Any:
    from thinkwell.tasks.presets import preset

    return preset("lab")


# What a trained model does is measured once, though several effects read it.


@cache
def _judgement(folder: Path, levels: tuple[int, ...], steps: int) -> Any:
    from thinkwell.training.games import measure_critic

    return asyncio.run(measure_critic(_engine(folder), _preset(), levels, steps))


@cache
def _location(folder: Path, levels: tuple[int, ...], slow: bool, solutions: int) -> Any:
    from thinkwell.training.verification import Solutions, measure_verifier

    source = Solutions(levels, test=True)
    problems = [source.at(position) for position in range(solutions)]
    return asyncio.run(measure_verifier(_engine(folder), _preset(), problems, slow=slow))


@cache
def _modes(folder: Path, levels: tuple[int, ...], count: int) -> dict[str, Any]:
    from thinkwell.training.budget_tags import measure_modes
    from thinkwell.training.problems import LabProblems

    found = asyncio.run(measure_modes(_engine(folder), _preset(), LabProblems(levels).held_out(count)))
    return {each.mode: each for each in found}


@cache
def _responses(folder: Path, levels: tuple[int, ...], count: int) -> tuple[str, ...]:
    from thinkwell.core.sampling import Sampling
    from thinkwell.training.problems import LabProblems
    from thinkwell.training.rollouts.group import write
    from thinkwell.training.stage import Writer

    preset = _preset()
    writer = Writer(_engine(folder), preset, Sampling(1.0), preset.max_tokens, 0, "marks", 0)
    samples = asyncio.run(write(writer, LabProblems(levels).held_out(count), 1))
    return tuple(sample.path.own_text for sample in samples)


@cache
def _slope(folder: Path, levels: tuple[int, ...], temperature: float, count: int) -> float:
    from thinkwell.core.sampling import Sampling
    from thinkwell.training.probe import truncation_probe
    from thinkwell.training.problems import LabProblems

    problems, sampling = LabProblems(levels).held_out(count), Sampling(temperature)
    half, whole = asyncio.run(truncation_probe(_engine(folder), _preset(), problems, fractions=(0.5, 1.0), n=2, sampling=sampling))
    return whole.accuracy - half.accuracy
