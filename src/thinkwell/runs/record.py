"""One row of a run: what a method answered on one problem, what it cost, and everything it wrote."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from thinkwell.core.answer import VerdictValue
from thinkwell.core.events import BudgetSpent, Event, Forked, PathOpened, Pruned, Spliced
from thinkwell.core.events import Cut as CutEvent
from thinkwell.core.path import Finish, Origin, Path

CUT_SHORT = frozenset({Finish.LENGTH, Finish.BUDGET, Finish.CONTEXT})


@dataclass(frozen=True, slots=True)
class Candidate:
    """One path the method chose from: its answer and whether that is right."""

    path: str
    answer: str | None
    canonical: str | None
    verdict: VerdictValue
    finish: str | None
    score: float | None = None  # as the method ranked it

    @property
    def correct(self) -> bool:
        return self.verdict is VerdictValue.CORRECT


@dataclass(frozen=True, slots=True)
class Record:
    """The result of (method, problem, sample). `failure` is the exception that ended it, or None; then `verdict` judges the one final answer.

    independent: the candidates are samples of one prompt, never touched by the method, so pass@k and maj@k mean something.
    """

    key: str
    method: str  # label of the arm: the specification as the user gave it
    problem: str
    sample: int
    seed: int
    answer: str | None
    verdict: VerdictValue
    stage: str
    score: float
    usage: dict[str, Any]
    candidates: tuple[Candidate, ...] = ()
    chosen: str | None = None
    independent: bool = False
    detail: str = ""
    failure: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def correct(self) -> bool:
        return self.verdict is VerdictValue.CORRECT

    @property
    def pass_at_1(self) -> float:
        """Mean over the candidates of being right; without candidates, whether the final answer is."""
        if not self.candidates:
            return float(self.correct)
        return sum(candidate.correct for candidate in self.candidates) / len(self.candidates)

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, default=str)

    @classmethod
    def from_json(cls, text: str) -> Record:
        values = json.loads(text)
        candidates = tuple(Candidate(**{**c, "verdict": VerdictValue(c["verdict"])}) for c in values.pop("candidates"))
        return cls(**{**values, "verdict": VerdictValue(values["verdict"]), "candidates": candidates})


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything written for one record: the candidate paths with their tokens, and the events in order."""

    paths: list[dict[str, Any]]
    events: list[dict[str, Any]]


def trace_of(paths: Sequence[Path], events: Sequence[Event]) -> Trace:
    return Trace([path_as_dict(path) for path in paths], [event.as_dict() for event in events])


def path_as_dict(path: Path) -> dict[str, Any]:
    """JSON form of a path, log-probs left out."""
    return {
        "id": path.id,
        "role": path.role.value,
        "finish": path.finish.value if path.finish else None,
        "tokens": path.tokens,
        "segments": [{"origin": s.origin.value, "role": s.role.value, "text": s.text, "n_tokens": s.n_tokens} for s in path.segments],
    }


def content_key(**parts: Any) -> str:
    """Hash of everything a record depends on; equal keys mean that the work need not be done again."""
    text = json.dumps(parts, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def are_independent(paths: Sequence[Path], events: Sequence[Event]) -> bool:
    """Whether the candidates are plain samples: all paths that were opened, all from one prompt, never forked, cut, pruned or spliced.

    Votes of such paths estimate maj@k and pass@k; survivors of a search do not.
    """
    if any(isinstance(event, Forked | CutEvent | Pruned | Spliced) for event in events):
        return False
    opened = [event.path for event in events if isinstance(event, PathOpened)]
    prompts = {(path.prompt, path.count(Origin.PROMPT)) for path in paths}
    return len(prompts) == 1 and len(paths) == len(opened) and {path.id for path in paths} == set(opened)


def was_cut(paths: Sequence[Path], events: Sequence[Event]) -> bool:
    """Whether an answer may be missing because a path was cut: by its length, the budget or the context window."""
    if paths:
        return any(path.finish in CUT_SHORT for path in paths)
    return any(isinstance(event, BudgetSpent) for event in events)
