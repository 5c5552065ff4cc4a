"""Paths of one problem that go on in lock-step within one budget: who may still write, how much, and the answer asked of those that never end.

Tokens for the answer of every open path are kept back from whatever the others write, from the preset's ceiling of a path and from the context.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from thinkwell.core.path import Origin, Path
from thinkwell.methods._endings import closing_cue, ended, reopened
from thinkwell.methods._steps import SHORTEST_REST

if TYPE_CHECKING:
    from thinkwell.session import Session

NO_CONTEXT = 1 << 30


@dataclass(slots=True)
class Group:
    """`answer`: tokens kept back for each forced answer. A path keeps its place in `paths`, whatever its id becomes."""

    session: Session
    paths: list[Path]
    answer: int

    def open(self) -> list[int]:
        """Places of the paths that still think and may still write."""
        return [i for i, path in enumerate(self.paths) if not ended(self.session, path) and not path.done and self.room(path) > 0]

    def room(self, path: Path) -> int:
        """Tokens up to the preset's ceiling and the context's, less those kept back."""
        return min(self.session.preset.max_tokens - path.count(Origin.MODEL) - self.answer, self.context(path))

    def context(self, path: Path) -> int:
        """Tokens of context left, less those kept back and those of the words that ask for the answer (counted as a token a character)."""
        return (self.session.engine.info.context or NO_CONTEXT) - len(path) - self.answer - len(closing_cue(self.session.preset)) - 1

    async def extend(self, places: Sequence[int], most: int, stop: Sequence[str] = ()) -> bool:
        """Let these paths write at most `most` tokens each, all the same; false if there is nothing that they may write."""
        if not places:
            return False
        share = (self.session.tokens_left - self.answer * len(self.open())) // len(places)
        most = min(most, share, *(self.room(self.paths[i]) for i in places))
        if most <= 0:
            return False
        self.put(places, await self.session.extend([self.paths[i] for i in places], max_tokens=most, stop=stop))
        return True

    def affords(self, places: Sequence[int], extra: int, survivors: int) -> bool:
        """Do the tokens left pay `extra` for each of these paths, and after it the rest of a typical path for `survivors` of them? False for no paths."""
        typical = self.session.preset.typical_tokens
        written = sum(self.paths[i].count(Origin.MODEL) for i in places) / max(1, len(places))
        rest = max(typical - written, typical * SHORTEST_REST, self.answer)
        return bool(places) and self.session.tokens_left >= len(places) * extra + survivors * rest

    def put(self, places: Sequence[int], paths: Sequence[Path]) -> None:
        for i, path in zip(places, paths, strict=True):
            self.paths[i] = path

    async def close(self) -> int:
        """Close the thinking of every path that still thinks and ask for its answer; how many there were."""
        forced = [] if self.session.exhausted else [i for i, path in enumerate(self.paths) if not ended(self.session, path)]
        for i in forced:
            path = await reopened(self.session, self.paths[i])
            self.paths[i] = await self.session.splice(path, closing_cue(self.session.preset, path.text))
        self.put(forced, await self.session.extend([self.paths[i] for i in forced], max_tokens=self.answer))
        return len(forced)
