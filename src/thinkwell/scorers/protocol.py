"""The seam of scorers: paths in, one score a step out, each in [0, 1]; aggregation is the caller's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from thinkwell.core.errors import ConfigError
from thinkwell.core.path import Path
from thinkwell.core.scores import Scores

if TYPE_CHECKING:
    from thinkwell.session import Session


class Scorer(Protocol):
    """Judges paths of one problem. May be called concurrently."""

    name: str

    async def score(self, problem: str, paths: Sequence[Path]) -> list[Scores]:
        """Scores in the order of `paths`. `problem` is the problem's id, qualifying the paths' ids for caches."""
        ...

    def release(self, lineages: Sequence[str]) -> None: ...

    async def aclose(self) -> None: ...


@runtime_checkable
class WritingScorer(Protocol):
    """A scorer that judges by writing (a generative verifier). It writes through the session that asks, so that what it samples is counted and limited like the rest."""

    async def score_in(self, session: Session, paths: Sequence[Path]) -> list[Scores]:
        """Scores in the order of `paths`, which are the session's."""
        ...


def check(steps: Sequence[float], scorer: str) -> tuple[float, ...]:
    """The steps as a tuple. Raises `ConfigError` if one is no number in [0, 1]: a scorer that answers NaN must not rank anything."""
    for value in steps:
        if not 0.0 <= value <= 1.0:
            raise ConfigError(f"scorer {scorer!r} gave {value}; expected a number from 0 to 1. Put a sigmoid on its head.")
    return tuple(steps)
