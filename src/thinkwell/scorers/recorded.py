"""Step scores that were recorded with the samples: what a judge said at the time, for free."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from thinkwell.core.errors import ConfigError
from thinkwell.core.path import Path
from thinkwell.core.scores import Scores
from thinkwell.scorers.protocol import check


class Recording(Protocol):
    """An engine that knows what judges said about its samples (the replay engine)."""

    def recorded_scores(self, problem: str, path: str, text: str) -> tuple[float, ...]: ...


class RecordedScorer:
    """Scores of the recorded samples; a path cut short has those of the steps it still holds. Nothing is forwarded, so scored tokens are 0."""

    def __init__(self, engine: object, name: str = "prm") -> None:
        if not callable(getattr(engine, "recorded_scores", None)):
            raise ConfigError("recorded scores need the replay engine; take the scorer 'prm' of a model for other engines.")
        self.engine: Recording = engine  # type: ignore[assignment]
        self.name = name

    async def score(self, problem: str, paths: Sequence[Path]) -> list[Scores]:
        return [Scores(check(self.engine.recorded_scores(problem, path.id, path.text), self.name)) for path in paths]

    def release(self, lineages: Sequence[str]) -> None:
        """Nothing is held for a path."""

    async def aclose(self) -> None:
        """Nothing is open."""
