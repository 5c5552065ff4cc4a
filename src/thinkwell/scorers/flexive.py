"""FlexiVe as a scorer: a generative verifier says where the first wrong paragraph of a path is (Zhong et al. 2025, arXiv 2505.11966).

The score of paragraph i is the share of the deciding verdicts that find no mistake up to its end; so the last score, which is the least, is the share that call the whole
solution correct. Verdicts that cannot be read are none; a path without any verdict has no score (0.5 to those who need a number).

It writes its verifications as paths of the asking session, role verifier: the session's engine for that role writes them, within the session's budget. Without
tokens left it gives no scores. How it verifies is in `thinkwell.methods._verification`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from thinkwell.core.errors import ConfigError
from thinkwell.core.method import Turn
from thinkwell.core.path import Path, Role
from thinkwell.core.scores import Scores

if TYPE_CHECKING:
    from thinkwell.engines.protocol import Engine
    from thinkwell.session import Session


class FlexiVe:
    """options: the knobs of `Verifier` (verify="nothinking@k", "think@k" or "flex@k", threshold, ...); a wrong one is refused here."""

    turns = frozenset({Turn("solve_detect_verify", Role.VERIFIER.value)})

    def __init__(self, engine: Engine | None = None, name: str = "flexive", **options: Any) -> None:
        from thinkwell.methods._verification import Verifier

        self.name = name
        self.knobs = Verifier.parse(options, name)
        given = ",".join(f"{knob}={value}" for knob, value in sorted(self.knobs.model_dump(mode="json", exclude_defaults=True).items()))
        self.fingerprint = f"{name} {self.knobs.verify} {given} of {engine.info.fingerprint if engine else 'the session'}"

    async def score(self, problem: str, paths: Sequence[Path]) -> list[Scores]:
        raise ConfigError(
            f"scorer {self.name!r} judges by writing, which needs a session with its engine and budget; it was called outside of one. Let `Session.score` call it."
        )

    async def score_in(self, session: Session, paths: Sequence[Path]) -> list[Scores]:
        from thinkwell.methods._verification import verify

        verified = await verify(session, session.problem, [path.text for path in paths], self.knobs)
        for path, found in zip(paths, verified, strict=True):
            if found.unread:
                session.note(f"{found.unread} of {len(found.fast) + len(found.slow)} verifications could not be read", path)
        return [Scores(found.steps()) for found in verified]

    def release(self, lineages: Sequence[str]) -> None:
        """Nothing is kept: its paths are the session's."""

    async def aclose(self) -> None:
        """Nothing is open."""
