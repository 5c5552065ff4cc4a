"""What a claim about training is, and how it is measured: the same recipe with and without what the paper credits, several seeds each, compared at the end.

A file of `claims/training/` holds the claims of one paper. Arms, steps and thresholds are chosen from the paper's logic and written down before anything is run. What
counts is the end of a run: its last evaluation, or the mean of its last three; never the best one. Every arm of a seed sees the same problems, and is evaluated on the
same held-out problems with the same noise. Intervals come from resampling seeds and held-out problems together (crossed bootstrap).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thinkwell.claims.claim import Effect, Verdict
from thinkwell.claims.measure import Finding
from thinkwell.claims.processes import each_apart
from thinkwell.claims.readings import Measure, Ran, finished, read, tokens
from thinkwell.core.errors import ConfigError
from thinkwell.core.registry import Registry
from thinkwell.runs.statistics import Estimate

RESAMPLES = 4000
TOKENS = "tokens_a_response"  # a difference of lengths that is no share of one


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
        name: str = getattr(self.measure, "__name__", "quantity")
        return TOKENS if name == "tokens" and not self.relative else name

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


Listener = Callable[[str, int, dict[str, Any]], None]
"""Gets (arm, seed, row of a step)."""


@dataclass(frozen=True)
class AskedRun:
    """One run of an arm: all that another process needs to train it."""

    name: str
    arm: Arm
    seed: int
    knobs: Mapping[str, Any]
    folder: Path
    eval_every: int
    eval_problems: int


def measure_training(
    paper: Training, *, scale: str = "fast", seed: int = 0, out: Path | None = None, jobs: int = 1, listener: Listener | None = None
) -> list[Finding]:
    """Train every arm with every seed and judge the claims. With `out`, what is finished there is not trained again and what was begun goes on.

    jobs: runs at a time, each in a process of its own where there are several. listener: gets the rows of the steps; of several jobs each run's last one, when it is done.
    Raises `ConfigError` for an unknown scale and what `train` raises.
    """
    if scale not in paper.steps:
        raise ConfigError(f"budget {scale!r} is unknown; expected one of {', '.join(paper.steps)}.")
    if jobs < 1:
        raise ConfigError(f"jobs={jobs} is out of range; expected at least 1 run at a time.")
    seeds = range(seed, seed + paper.seeds[scale])
    if out is None:
        with TemporaryDirectory(prefix="thinkwell-") as folder:
            return measure_training(paper, scale=scale, seed=seed, out=Path(folder), jobs=jobs, listener=listener)
    asked = [asked_run(paper, name, number, scale, out) for number in seeds for name in paper.arms]
    missing = [run for run in asked if not finished(run.folder)]
    if jobs > 1 and len(missing) > 1:
        for run in each_apart(train_arm, missing, jobs):
            if listener is not None:
                listener(run.name, run.seed, read(run.folder).report.steps[-1])
    else:
        for run in missing:
            train_arm(run, listener)
    ran = {(run.name, run.seed): read(run.folder) for run in asked}
    seconds = sum(float(row["seconds"] or 0.0) for each in ran.values() for row in each.report.steps)
    command = f"thinkwell reproduce {paper.name}" + ("" if scale == "fast" else f" --budget {scale}") + (f" --seed {seed}" if seed else "")
    return [finding_of(paper, effect, ran, seeds, scale, seconds, command) for effect in paper.effects]


def asked_run(paper: Training, name: str, seed: int, scale: str, out: Path) -> AskedRun:
    """The run of one arm with one seed. Its folder is named by all that its numbers depend on, so that papers whose arms are the same runs share them."""
    arm = paper.arms[name]
    knobs = {"steps": paper.steps[scale], **paper.common, **arm.knobs}
    facts = json.dumps([arm.recipe, arm.model, knobs, paper.eval_every, paper.problems[scale]], sort_keys=True)
    folder = out / f"{arm.recipe}-{hashlib.blake2b(facts.encode(), digest_size=4).hexdigest()}-{seed}"
    return AskedRun(name, arm, seed, knobs, folder, paper.eval_every, paper.problems[scale])


def train_arm(run: AskedRun, listener: Listener | None = None) -> None:
    """Begins a run, or goes on with it."""
    from thinkwell.training.trainer import train

    train(
        run.arm.recipe,
        out=run.folder,
        model=run.arm.model,
        seed=run.seed,
        knobs=run.knobs,
        resume=(run.folder / "run.json").exists(),
        eval_every=run.eval_every,
        eval_problems=run.eval_problems,
        listener=None if listener is None else lambda row: listener(run.name, run.seed, row),
    )


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
        seeds=len(seeds),
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


def _mean_tokens(runs: Sequence[Ran]) -> float | None:
    """None where a run has no evaluations, or other ones than of solving problems."""
    solved = all(ran.evaluations and all("each" in row for row in ran.evaluations) for ran in runs)
    return float(np.mean([tokens(ran).mean() for ran in runs])) if solved else None
