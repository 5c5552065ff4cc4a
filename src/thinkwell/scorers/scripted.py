"""A fake scorer for tests and documentation: scores are a function of the path's text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from thinkwell.core.path import Path
from thinkwell.core.scores import Scores
from thinkwell.scorers.protocol import check

Rule = Callable[[str], float | Sequence[float]]


@dataclass(slots=True)
class ScriptedScorer:
    """Scores by `rule`: from the text after the prompt to one score or one a step.

    A mapping is read as "the first key found in the text decides", 0.5 when none is. `calls` records (problem, path ids), `released` what was given up.
    """

    rule: Rule | Mapping[str, float | Sequence[float]]
    name: str = "prm"
    calls: list[tuple[str, tuple[str, ...]]] = field(init=False, default_factory=list)
    released: list[str] = field(init=False, default_factory=list)
    closed: bool = field(init=False, default=False)

    async def score(self, problem: str, paths: Sequence[Path]) -> list[Scores]:
        self.calls.append((problem, tuple(path.id for path in paths)))
        await asyncio.sleep(0)
        return [Scores(check(self._steps(path.text), self.name), len(path)) for path in paths]

    def _steps(self, text: str) -> Sequence[float]:
        value = self.rule(text) if callable(self.rule) else next((score for key, score in self.rule.items() if key in text), 0.5)
        return (float(value),) if isinstance(value, int | float) else tuple(value)

    def release(self, lineages: Sequence[str]) -> None:
        self.released += lineages

    async def aclose(self) -> None:
        self.closed = True
