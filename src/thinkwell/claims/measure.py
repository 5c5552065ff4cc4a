"""Measures the claims of a paper: one resumable comparison of all its arms, then paired differences over the problems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from thinkwell.claims.claim import Effect, Paper, Quantity, Verdict, tokens
from thinkwell.core.budget import Budget
from thinkwell.core.errors import ConfigError
from thinkwell.runs.compare import Progress, compare_async
from thinkwell.runs.comparison import Comparison
from thinkwell.runs.record import Record
from thinkwell.runs.spec import CompareSpec
from thinkwell.runs.statistics import Estimate, mean_interval, paired_difference


@dataclass(frozen=True, slots=True)
class Finding:
    """One claim as measured. `measured` and `ci95` are in the claim's own unit (shares, not percent); None where no result said anything. seconds: of the whole paper's run.
    seeds: how many, from `seed` on. left_tokens, right_tokens: generated tokens a problem of the two arms, over all problems that ended without an error."""

    name: str
    claim: str
    paper: str
    paper_effect: str
    control: bool
    left: str
    right: str | None
    quantity: str
    above: float
    measured: float | None
    ci95: tuple[float, float] | None
    verdict: Verdict
    problems: int
    errors: int
    seconds: float
    seed: int
    command: str
    left_tokens: float | None = None
    right_tokens: float | None = None
    seeds: int = 1

    def as_dict(self) -> dict[str, Any]:
        values = asdict(self)
        return values | {"ci95": None if self.ci95 is None else list(self.ci95)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Finding:
        """The finding that `as_dict` wrote. Raises `TypeError` or `ValueError` for anything else."""
        found = cls(**{**values, "ci95": None if values.get("ci95") is None else tuple(float(end) for end in values["ci95"])})
        words = (found.name, found.claim, found.paper, found.paper_effect, found.left, found.quantity, found.command)
        numbers = (found.problems, found.errors, found.seconds, found.seed, found.seeds)
        optional = (found.measured, found.left_tokens, found.right_tokens)
        if not (
            all(isinstance(word, str) for word in words)
            and all(isinstance(number, int | float) for number in numbers)
            and all(number is None or isinstance(number, int | float) for number in optional)
            and found.verdict in get_args(Verdict)
            and (found.ci95 is None or len(found.ci95) == 2)
        ):
            raise ValueError(f"these are not the values of a finding: {dict(values)!r:.200}")
        return found


async def measure(
    paper: Paper, *, scale: str = "fast", seed: int = 0, out: Path | None = None, progress: Callable[[Progress], None] | None = None
) -> list[Finding]:
    """Run the arms of a paper and judge its claims. With `out`, what was run before is not run again."""
    if scale not in paper.problems:
        raise ConfigError(f"budget {scale!r} is unknown; expected one of {', '.join(paper.problems)}.")
    spec = spec_of(paper, scale, seed, out)
    comparison = await compare_async(spec, progress=progress)
    seconds = sum(row.seconds for row in comparison.rows) * comparison.problems  # of the run folder: a resumed run says what the whole took
    command = f"thinkwell reproduce {paper.name}" + ("" if scale == "fast" else f" --budget {scale}") + (f" --seed {seed}" if seed else "")
    return [finding_of(paper, effect, comparison, seconds, command) for effect in paper.effects]


def spec_of(paper: Paper, scale: str, seed: int, out: Path | None) -> CompareSpec:
    """The comparison behind a paper's claims."""
    return CompareSpec(
        task="lab/arithmetic",
        methods=paper.arms,
        limit=paper.problems[scale],
        seed=seed,
        budget=Budget(tokens=paper.tokens),
        engine=paper.engine,
        out=out,
    )


def finding_of(paper: Paper, effect: Effect, comparison: Comparison, seconds: float, command: str) -> Finding:
    """A claim's verdict from the records of the run. An arm with errors decides nothing: its claims are undecided and say how many."""
    arms = [arm for arm in (effect.left, effect.right) if arm is not None]
    errors = sum(record.failure is not None for record in comparison.records if record.method in arms)
    estimate = None if errors else estimate_of(effect, comparison.records)
    return Finding(
        name=paper.name,
        claim=effect.claim,
        paper=f"{paper.title}, arXiv {paper.arxiv}",
        paper_effect=effect.paper_effect,
        control=effect.control,
        left=effect.left,
        right=effect.right,
        quantity=getattr(effect.quantity, "__name__", "quantity"),
        above=effect.above,
        measured=None if estimate is None else estimate.mean,
        ci95=None if estimate is None else estimate.ci95,
        verdict="undecided" if estimate is None else effect.verdict(estimate),
        problems=0 if estimate is None else estimate.n,
        errors=errors,
        seconds=round(seconds, 1),
        seed=comparison.seed,
        command=command,
        left_tokens=mean_tokens(effect.left, comparison.records),
        right_tokens=None if effect.right is None else mean_tokens(effect.right, comparison.records),
    )


def estimate_of(effect: Effect, records: Sequence[Record]) -> Estimate | None:
    """The effect's mean and interval over the problems that say something in every arm it names."""
    left = values_of(effect.left, effect.quantity, records)
    if effect.right is None:
        return mean_interval(list(left.values())) if left else None
    right = values_of(effect.right, effect.quantity, records)
    both = [problem for problem in left if problem in right]
    if not both:
        return None
    divisor = sum(right[p] for p in both) / len(both) if effect.relative else 1.0
    if divisor == 0:
        return None
    return paired_difference([left[p] / divisor for p in both], [right[p] / divisor for p in both])


def values_of(arm: str, quantity: Quantity, records: Sequence[Record]) -> dict[str, float]:
    """Problem -> quantity in an arm."""
    found = {record.problem: quantity(record) for record in records if record.method == arm and record.failure is None}
    return {problem: value for problem, value in found.items() if value is not None}


def mean_tokens(arm: str, records: Sequence[Record]) -> float | None:
    """Generated tokens a problem of an arm; None where nothing of it ended without an error."""
    found = values_of(arm, tokens, records)
    return sum(found.values()) / len(found) if found else None
