"""How a method settles on one answer: the choice among candidate paths that single paths, best-of-n and the searches share.

Paths without an answer never win and never vote. `best` takes the answer of the path with the highest score (naive best-of-n), `weighted` adds up
the scores of the paths with the same answer, `majority` counts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from thinkwell.core.method import Outcome
from thinkwell.core.path import Path

if TYPE_CHECKING:
    from thinkwell.session import Session


class Select(StrEnum):
    """The rule by which scored paths give one answer."""

    BEST = "best"
    WEIGHTED = "weighted"
    MAJORITY = "majority"


def select(
    session: Session,
    paths: Sequence[Path],
    scores: Sequence[float] | None = None,
    rule: Select = Select.BEST,
    facts: dict[str, Any] | None = None,
) -> Outcome:
    """One answer from `paths`. `scores` (one a path, >= 0) may be missing for MAJORITY; ties go to the earlier path."""
    paths = tuple(paths)
    ranks = tuple(scores) if scores is not None else (1.0,) * len(paths)
    kept = [i for i, path in enumerate(paths) if session.answer(path) is not None]
    found = {"candidates": len(paths), "with_answer": len(kept), **(facts or {})}
    given = ranks if scores is not None else None
    if not kept:
        return Outcome(None, paths, None, given, found)
    if rule is Select.BEST:
        best = max(kept, key=lambda i: ranks[i])
        return Outcome(session.answer(paths[best]), paths, paths[best], given, found)
    weights = [ranks[i] for i in kept] if rule is Select.WEIGHTED else None
    choice = session.vote([paths[i] for i in kept], weights, rule=rule.value)
    return Outcome(choice.answer, paths, carrier(session, paths, ranks, choice.answer), given, found)


def carrier(session: Session, paths: Sequence[Path], ranks: Sequence[float], answer: Any) -> Path | None:
    """The best-ranked of the paths that give `answer`: the one to show."""
    if answer is None:
        return None
    same = [i for i, path in enumerate(paths) if (own := session.answer(path)) is not None and own.canonical == answer.canonical]
    return paths[max(same, key=lambda i: ranks[i])] if same else None
