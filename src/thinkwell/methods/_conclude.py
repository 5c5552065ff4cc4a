"""Paths that were cut while they still thought get to say their answer: the end of thinking and the preset's cue are written for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from thinkwell.core.capability import Capability
from thinkwell.core.path import Finish, Path
from thinkwell.methods._endings import closing_cue
from thinkwell.methods._turns import end_of_thinking

if TYPE_CHECKING:
    from thinkwell.session import Session

ANSWER_SHARE = 4  # an answer takes at most a quarter of a typical path


def room_to_think(session: Session, paths: Sequence[Path], left: int) -> int:
    """Tokens that each of `paths` may write out of `left` so that an answer can still be asked of all of them; at least half of their shares."""
    each = left // max(1, len(paths))
    able = any(_can_close(session, path) for path in paths)
    return max(1, each - min(_answer_share(session), each // 2) if able else each)


async def conclude(session: Session, paths: Sequence[Path]) -> list[Path]:
    """The paths; those that a ceiling cut inside their thinking have it closed and answer in a few tokens more, all in one call.

    An engine that cannot go on from a prefix leaves its paths as they are, and so does a budget that is spent.
    """
    result = list(paths)
    cut = [i for i, path in enumerate(paths) if _cut_in_thought(session, path)]
    if not cut or session.exhausted:
        return result
    begun = []
    for i in cut:
        begun.append(await session.splice(paths[i], closing_cue(session.preset, paths[i].text)))
    answered = await session.extend(begun, max_tokens=_answer_share(session))
    for i, path in zip(cut, answered, strict=True):
        result[i] = path
    return result


def _cut_in_thought(session: Session, path: Path) -> bool:
    mark = end_of_thinking(session, path)
    return bool(mark) and mark not in path.text and path.finish is Finish.LENGTH and _can_close(session, path)


def _can_close(session: Session, path: Path) -> bool:
    return bool(session.preset.think_close) and Capability.CONTINUE_PREFIX in session.engine_of(path).capabilities


def _answer_share(session: Session) -> int:
    return max(1, session.preset.typical_tokens // ANSWER_SHARE)
