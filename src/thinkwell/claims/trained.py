"""What a claim about training is, and how it is measured: the same recipe with and without what the paper credits, several seeds each, compared at the end.

A file of `claims/training/` holds the claims of one paper. Arms, steps and thresholds are chosen from the paper's logic and written down before anything is run. What
counts is the end of a run: its last evaluation, or the mean of its last three; never the best one. Every arm of a seed sees the same problems, and is evaluated on the
same held-out problems with the same noise. Intervals come from resampling seeds and held-out problems together (crossed bootstrap).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from thinkwell.claims.claim import Effect, Verdict
from thinkwell.claims.measure import Finding
from thinkwell.core.errors import ConfigError
from thinkwell.core.registry import Registry
from thinkwell.runs.statistics import Estimate

if TYPE_CHECKING:
    from thinkwell.training.trainer import Report

RESAMPLES = 4000
TAIL = 3  # evaluations at the end of a run that are averaged


@dataclass(frozen=True)
class Ran:
    """One finished run. evaluations: its rows, the starting model's first; each has `each`: what happened on every held-out problem."""

    report: Report
    evaluations: list[dict[str, Any]]
    folder: Path


Measure = Callable[[Ran], NDArray[np.float64]]
"""What is read off a run: one value a held-out problem (P,), or a single value (1,) of the whole run."""


@dataclass(frozen=True)
class Arm:
    """A run of a recipe: its knobs beyond the paper's common ones, and the model it starts from ("lab": the recipe's own start)."""

    recipe: str
    knobs: Mapping[str, Any] = field(default_factory=dict)
    model: str = "lab"


@dataclass(frozen=True)
class TrainedEffect:
    """`measure` of arm `left`, less that of `right` with the same seed where there is one, is above `above`. relative: divided by the mean of `right` (or, without one, as it
    is). The other fields are those of `claims.claim.Effect`."""

    claim: str
    paper_effect: str
    left: str
    right: str | None
    measure: Measure
    above: float = 0.0
    relative: bool = False
    control: bool = False

    @property
    def quantity(self) -> str:
        return getattr(self.measure, "__name__", "quantity")

    def verdict(self, measured: Estimate) -> Verdict:
        return Effect(self.claim, self.paper_effect, self.left, self.right, above=self.above).verdict(measured)


@dataclass(frozen=True)
class Training:
    """The training claims of one paper. common: knobs of every arm. steps, problems (held out), seeds: by budget. reason: why this setting."""

    name: str
    title: str
    arxiv: str
    reason: str
    arms: Mapping[str, Arm]
    effects: tuple[TrainedEffect, ...]
    common: Mapping[str, Any] = field(default_factory=dict)
    steps: Mapping[str, int] = field(default_factory=lambda: {"fast": 40, "full": 120})
    problems: Mapping[str, int] = field(default_factory=lambda: {"fast": 100, "full": 400})
    seeds: Mapping[str, int] = field(default_factory=lambda: {"fast": 3, "full": 5})
    eval_every: int = 10
    summary: str = ""


TRAINED: Registry[Training] = Registry("training claim", "thinkwell.claims.training", "thinkwell.training_claims")


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


def within(seconds: float) -> Measure:
    """Right answers at the last evaluation that so many seconds of training reach (the starting model's, if none): what equal wall-clock time on the same machine buys."""

    def read(ran: Ran) -> NDArray[np.float64]:
        spent, step = 0.0, 0
        for row in ran.report.steps:
            spent += float(row["seconds"] or 0.0)
            if spent > seconds:
                break
            step = int(row["step"])
        reached = [row for row in ran.evaluations if row["step"] <= step] or ran.evaluations[:1]
        return np.array(reached[-1]["each"]["right"], dtype=np.float64)

    read.__name__ = f"accuracy_within_{seconds:g}_seconds"
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


def measure_training(
    paper: Training,
    *,
    scale: str = "fast",
    seed: int = 0,
    out: Path | None = None,
    listener: Callable[[str, int, dict[str, Any]], None] | None = None,
) -> list[Finding]:
    """Train every arm with every seed and judge the claims. With `out`, what is finished there is not trained again and what was begun goes on.

    listener: gets (arm, seed, row) of every step. Raises `ConfigError` for an unknown scale and what `train` raises.
    """
    if scale not in paper.steps:
        raise ConfigError(f"budget {scale!r} is unknown; expected one of {', '.join(paper.steps)}.")
    seeds = range(seed, seed + paper.seeds[scale])
    if out is None:
        with TemporaryDirectory(prefix="thinkwell-") as folder:
            return measure_training(paper, scale=scale, seed=seed, out=Path(folder), listener=listener)
    ran = {(name, number): run_arm(paper, name, number, scale, out, listener) for number in seeds for name in paper.arms}
    seconds = sum(float(row["seconds"] or 0.0) for each in ran.values() for row in each.report.steps)
    command = f"thinkwell reproduce {paper.name}" + ("" if scale == "fast" else f" --budget {scale}") + (f" --seed {seed}" if seed else "")
    return [finding_of(paper, effect, ran, seeds, scale, seconds, command) for effect in paper.effects]


def run_arm(
    paper: Training, name: str, seed: int, scale: str, out: Path, listener: Callable[[str, int, dict[str, Any]], None] | None
) -> Ran:
    """One run, begun, continued or only read again."""
    from thinkwell.training.trainer import train

    arm, folder = paper.arms[name], out / f"{name.replace('/', '_')}-{seed}"
    report = train(
        arm.recipe,
        out=folder,
        model=arm.model,
        seed=seed,
        knobs={"steps": paper.steps[scale], **paper.common, **arm.knobs},
        resume=(folder / "run.json").exists(),
        eval_every=paper.eval_every,
        eval_problems=paper.problems[scale],
        listener=None if listener is None else lambda row: listener(name, seed, row),
    )
    return Ran(report, evaluations_of(folder), folder)


def evaluations_of(folder: Path) -> list[dict[str, Any]]:
    from thinkwell.training.record import Record

    return Record(folder).read().evaluations


def finding_of(
    paper: Training,
    effect: TrainedEffect,
    ran: Mapping[tuple[str, int], Ran],
    seeds: Sequence[int],
    scale: str,
    seconds: float,
    command: str,
) -> Finding:
    """A claim's verdict from its runs."""
    left = [effect.measure(ran[effect.left, seed]) for seed in seeds]
    right = None if effect.right is None else [effect.measure(ran[effect.right, seed]) for seed in seeds]
    estimate = crossed(left, right, relative=effect.relative)
    return Finding(
        name=paper.name,
        claim=effect.claim,
        paper=f"{paper.title}, arXiv {paper.arxiv}",
        paper_effect=effect.paper_effect,
        control=effect.control,
        left=effect.left,
        right=effect.right,
        quantity=effect.quantity,
        above=effect.above,
        measured=estimate.mean,
        ci95=estimate.ci95,
        verdict=effect.verdict(estimate),
        problems=paper.problems[scale],
        errors=sum(int(row.get("reward_errors") or 0) for each in ran.values() for row in each.report.steps),
        seconds=round(seconds, 1),
        seed=seeds[0],
        command=command,
        left_tokens=_mean_tokens([ran[effect.left, seed] for seed in seeds]),
        right_tokens=None if effect.right is None else _mean_tokens([ran[effect.right, seed] for seed in seeds]),
    )


def crossed(
    left: Sequence[NDArray[np.float64]], right: Sequence[NDArray[np.float64]] | None, *, relative: bool = False, seed: int = 0
) -> Estimate:
    """Mean of left - right over seeds and problems, with the 95 % interval of a bootstrap that draws seeds and, within one draw, the same problems for all seeds.

    left, right: one array (P,) a seed. With single values a seed only seeds are drawn. relative: each draw is divided by the draw's mean of `right`.
    """
    left_SP = np.stack(left)
    right_SP = np.zeros_like(left_SP) if right is None else np.stack(right)
    rng = np.random.Generator(np.random.Philox(seed))
    n_seeds, n_problems = left_SP.shape

    def value(seeds: Any, problems: Any) -> float:
        mine, theirs = left_SP[np.ix_(seeds, problems)].mean(), right_SP[np.ix_(seeds, problems)].mean()
        return float((mine - theirs) / theirs) if relative and right is not None and theirs else float(mine - theirs)

    mean = value(np.arange(n_seeds), np.arange(n_problems))
    draws = [value(rng.integers(0, n_seeds, n_seeds), rng.integers(0, n_problems, n_problems)) for _ in range(RESAMPLES)]
    low, high = np.quantile(draws, [0.025, 0.975])
    return Estimate(mean, float(low), float(high), n_problems)


def _tail(ran: Ran, name: str) -> NDArray[np.float64]:
    rows = ran.evaluations[1:][-TAIL:] or ran.evaluations
    return np.mean([np.array(row["each"][name], dtype=np.float64) for row in rows], axis=0)


def _mean_tokens(runs: Sequence[Ran]) -> float | None:
    """None where a run has no evaluations, as those of a recipe whose problems are no questions."""
    return float(np.mean([tokens(ran).mean() for ran in runs])) if all(ran.evaluations for ran in runs) else None


def _values(ran: Ran, name: str, last: int = 0) -> list[float]:
    """A metric of the last steps (0: of all), without the steps that lack it. Raises `ConfigError` if all do."""
    values = [float(row[name]) for row in ran.report.steps[-last:] if row.get(name) is not None]
    if not values:
        raise ConfigError(f"no step of {ran.folder} has a metric {name!r}; expected one of {', '.join(sorted(ran.report.steps[-1]))}.")
    return values


def _levels(ran: Ran) -> tuple[int, ...]:
    from thinkwell.training.recipe import RECIPES
    from thinkwell.training.run_folder import read

    return RECIPES.get(ran.report.recipe).Config.parse(read(ran.folder).knobs, ran.report.recipe).levels


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
