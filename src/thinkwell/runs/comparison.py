"""The result of a comparison: a row of means and intervals a method, from the records of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from thinkwell.core.answer import VerdictValue
from thinkwell.core.path import Role
from thinkwell.runs.record import Record
from thinkwell.runs.statistics import Estimate, majority_at_k, mean_interval, paired_difference, pass_at_k, powers_of_two

# Cost that depends on what else was in the batch: kept apart from the rows, so that equal runs give equal rows.
BATCH_COSTS = ("prefill_computed", "prefill_reused", "engine_steps")
ENOUGH = 0.9  # share of problems that must have k samples: those with many are the ones with short answers, which are easy


@dataclass(frozen=True, slots=True)
class AtK:
    """pass@k and maj@k over the problems that have at least k samples."""

    k: int
    samples: int  # fewest samples of those problems
    pass_at_k: Estimate
    maj_at_k: Estimate

    def as_dict(self) -> dict[str, Any]:
        return {
            "k": self.k,
            "n": self.samples,
            "problems": self.pass_at_k.n,
            "pass_at_k": self.pass_at_k.mean,
            "pass_at_k_ci95": list(self.pass_at_k.ci95),
            "maj_at_k": self.maj_at_k.mean,
            "maj_at_k_ci95": list(self.maj_at_k.ci95),
        }


@dataclass(frozen=True, slots=True)
class Row:
    """One method of a comparison. Means are over problems (over problem and sample where a run repeats them); `errors` is a count.

    accuracy: share of problems whose one final answer is right; a problem that ended in an error is in the denominator. pass_at_1: mean over the paths the method chose from.
    difference: accuracy minus the baseline's, paired by problem (None for the baseline itself). seconds: wall time a problem.
    """

    method: str
    name: str
    config: dict[str, Any]
    accuracy: Estimate
    pass_at_1: Estimate
    difference: Estimate | None
    generated_tokens: float
    prompt_tokens: float
    scorer_calls: float
    seconds: float
    no_answer: float
    truncated: float
    errors: int
    first_error: str | None
    verdicts: dict[str, int]
    tokens_by_role: dict[str, float]
    injected_tokens: float
    tool_tokens: float
    scored_tokens: float
    engine_calls: float
    paths: float
    levels: dict[str, Estimate]
    at_k: tuple[AtK, ...]
    batch_costs: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "config": self.config,
            "accuracy": self.accuracy.mean,
            "ci95": list(self.accuracy.ci95),
            "pass_at_1": self.pass_at_1.mean,
            "generated_tokens": self.generated_tokens,
            "prompt_tokens": self.prompt_tokens,
            "scorer_calls": self.scorer_calls,
            "seconds": self.seconds,
            "no_answer": self.no_answer,
            "truncated": self.truncated,
            "errors": self.errors,
            "name": self.name,
            "pass_at_1_ci95": list(self.pass_at_1.ci95),
            "difference": None if self.difference is None else self.difference.mean,
            "difference_ci95": None if self.difference is None else list(self.difference.ci95),
            "verdicts": self.verdicts,
            "first_error": self.first_error,
            "tokens_by_role": self.tokens_by_role,
            "injected_tokens": self.injected_tokens,
            "tool_tokens": self.tool_tokens,
            "scored_tokens": self.scored_tokens,
            "engine_calls": self.engine_calls,
            "paths": self.paths,
            "levels": {level: {"accuracy": e.mean, "ci95": list(e.ci95), "problems": e.n} for level, e in self.levels.items()},
            "at_k": [at.as_dict() for at in self.at_k],
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """The table of a run. `as_dict` is what `--json` writes; `records` are the rows behind it, in plan order."""

    task: str
    model: str
    engine: str
    problems: int
    seed: int
    budget: dict[str, float | int]
    rows: tuple[Row, ...]
    samples: int = 1
    preset: str = ""
    baseline: str = ""  # the method the differences are against: `single` where it takes part, else the first
    out: str | None = None
    notes: tuple[str, ...] = ()  # what to know before believing the rows, beyond what they say themselves
    records: tuple[Record, ...] = field(default=(), repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Everything but `seconds` and `timing` is the same for the same command, whatever the batch, the order or a crash in between."""
        return {
            "task": self.task,
            "model": self.model,
            "engine": self.engine,
            "problems": self.problems,
            "seed": self.seed,
            "budget": self.budget,
            "rows": [row.as_dict() for row in self.rows],
            "samples": self.samples,
            "preset": self.preset,
            "baseline": self.baseline,
            "notes": list(self.notes),
            "timing": {row.method: {"seconds": row.seconds, **row.batch_costs} for row in self.rows},
        }

    def row(self, method: str) -> Row:
        """The row of a method, by the label it was asked for with."""
        return next(row for row in self.rows if row.method == method)


def row_of(
    label: str,
    name: str,
    config: Mapping[str, Any],
    records: Sequence[Record],
    baseline: Sequence[Record],
    levels: Mapping[str, str],
    seconds: float,
    seed: int,
) -> Row:
    """Means and intervals of one method. `baseline`: the records to compare with (the same ones: no difference is given). `levels`: level of each problem."""
    values = _by_problem(records, lambda record: float(record.correct))
    accuracy = mean_interval(list(values.values()), seed)
    difference = None
    if baseline is not records:
        other = _by_problem(baseline, lambda record: float(record.correct))
        difference = paired_difference([values[p] for p in values], [other[p] for p in values], seed)
    failures = [record.failure for record in records if record.failure is not None]

    def mean(key: str) -> float:
        return sum(record.usage.get(key, 0) for record in records) / len(records)

    def share(verdict: VerdictValue) -> float:
        return sum(record.verdict is verdict for record in records) / len(records)

    return Row(
        method=label,
        name=name,
        config=dict(config),
        accuracy=accuracy,
        pass_at_1=mean_interval(list(_by_problem(records, lambda record: record.pass_at_1).values()), seed),
        difference=difference,
        generated_tokens=mean("generated_tokens"),
        prompt_tokens=mean("prompt_tokens"),
        scorer_calls=mean("scorer_calls"),
        seconds=seconds / len(records),
        no_answer=share(VerdictValue.NO_ANSWER),
        truncated=share(VerdictValue.TRUNCATED),
        errors=len(failures),
        first_error=failures[0] if failures else None,
        verdicts={v.value: n for v in VerdictValue if (n := sum(record.verdict is v for record in records))},
        tokens_by_role={
            role.value: sum(r.usage.get("generated_by_role", {}).get(role.value, 0) for r in records) / len(records) for role in Role
        },
        injected_tokens=mean("injected_tokens"),
        tool_tokens=mean("tool_tokens"),
        scored_tokens=mean("scored_tokens"),
        engine_calls=mean("engine_calls"),
        paths=sum(len(record.candidates) for record in records) / len(records),
        levels=_by_level(values, levels, seed),
        at_k=at_k(records, seed),
        batch_costs={key: mean(key) for key in BATCH_COSTS},
    )


def at_k(records: Sequence[Record], seed: int = 0) -> tuple[AtK, ...]:
    """pass@k and maj@k for k = 1, 2, 4 ... n where the candidates are independent samples of one prompt; else nothing.

    The candidates of a problem's repetitions are pooled. A k that fewer than `ENOUGH` of the problems have samples for is left out; one that not all have is
    measured on those that do and says how many they are.
    """
    judged = [record for record in records if record.failure is None]
    if not judged or not all(record.independent for record in judged):
        return ()
    votes: dict[str, list[str | None]] = {}
    right: dict[str, list[bool]] = {}
    for record in judged:
        votes.setdefault(record.problem, []).extend(c.canonical for c in record.candidates)
        right.setdefault(record.problem, []).extend(c.correct for c in record.candidates)
    most = max(map(len, votes.values()))
    found = []
    for k in powers_of_two(most) if most > 1 else []:
        enough = [problem for problem in votes if len(votes[problem]) >= k]
        if len(enough) < ENOUGH * len(votes):
            break
        passes = [pass_at_k(len(right[p]), sum(right[p]), k) for p in enough]
        majorities = [majority_at_k(votes[p], _agreeing(votes[p], right[p]), k, seed) for p in enough]
        found.append(AtK(k, min(len(votes[p]) for p in enough), mean_interval(passes, seed), mean_interval(majorities, seed)))
    return tuple(found)


def _agreeing(votes: Sequence[str | None], right: Sequence[bool]) -> list[bool]:
    """One verdict an answer: the first one's (a grader killed at its deadline may judge the same answer twice differently)."""
    verdict: dict[str | None, bool] = {}
    return [verdict.setdefault(vote, is_right) for vote, is_right in zip(votes, right, strict=True)]


def _by_problem(records: Sequence[Record], value) -> dict[str, float]:  # type: ignore[no-untyped-def]  # Callable[[Record], float]
    """Mean over the samples of each problem, in the order of the records."""
    values: dict[str, list[float]] = {}
    for record in records:
        values.setdefault(record.problem, []).append(value(record))
    return {problem: sum(found) / len(found) for problem, found in values.items()}


def _by_level(values: Mapping[str, float], levels: Mapping[str, str], seed: int) -> dict[str, Estimate]:
    groups: dict[str, list[float]] = {}
    for problem, value in values.items():
        if problem in levels:
            groups.setdefault(levels[problem], []).append(value)
    return {level: mean_interval(groups[level], seed) for level in sorted(groups, key=_natural)}


def _natural(text: str) -> tuple[int, float, str]:
    try:
        return 0, float(text), text
    except ValueError:
        return 1, 0.0, text
