"""An outcome reward model: one score for a whole path, read where the path ends.

Made of any scorer by keeping its last score; a process reward model read only at the end is one. A path without a score keeps none.
"""

from __future__ import annotations

from collections.abc import Sequence

from thinkwell.core.path import Path
from thinkwell.core.scores import Scores
from thinkwell.scorers.protocol import Scorer


class OutcomeScorer:
    """The last score of `scorer`, as the path's only one."""

    def __init__(self, scorer: Scorer, name: str = "orm") -> None:
        self.scorer, self.name = scorer, name
        self.fingerprint = f"{name} of {getattr(scorer, 'fingerprint', scorer.name)}"

    async def score(self, problem: str, paths: Sequence[Path]) -> list[Scores]:
        return [Scores(found.steps[-1:], found.scored_tokens) for found in await self.scorer.score(problem, paths)]

    def release(self, lineages: Sequence[str]) -> None:
        self.scorer.release(lineages)

    async def aclose(self) -> None:
        await self.scorer.aclose()
