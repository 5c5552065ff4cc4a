"""Conversations of a method's own, put to the model beside the problem's: each answered by some paths, with thinking or at once.

All replies of one call are written in one `extend`, so budget shares depend on lengths only. `at_once` closes the thinking before the model begins (the "no thinking" way of
asking), with a sentence in it if the model is used to one; a model that marks no thinking has nothing to close.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from thinkwell.core.path import Path, Role
from thinkwell.core.prompt import Message
from thinkwell.core.sampling import Sampling

if TYPE_CHECKING:
    from thinkwell.session import Session


async def ask(
    session: Session,
    conversations: Sequence[Sequence[Message]],
    n: int = 1,
    *,
    role: Role,
    at_once: bool = False,
    finished: str = "",
    max_tokens: int | None = None,
    sampling: Sampling | None = None,
) -> list[list[Path]]:
    """`n` replies to each conversation. Their paths are given up: what they said is all that is wanted of them."""
    if not conversations:
        return []
    asked = [path for messages in conversations for path in await put(session, messages, n, role=role, at_once=at_once, finished=finished)]
    replies = await session.extend(asked, max_tokens=max_tokens, sampling=sampling)
    session.prune(replies, "read")
    return [replies[i : i + n] for i in range(0, len(replies), n)]


async def put(
    session: Session, messages: Sequence[Message], n: int = 1, *, role: Role, at_once: bool = False, finished: str = ""
) -> list[Path]:
    """`n` paths that are about to reply."""
    paths = await session.open(n, messages=messages, role=role)
    preset = session.preset
    if not (at_once and preset.think_close):
        return paths
    mark = preset.think_open.strip()
    begun = bool(mark) and paths[0].prompt.rstrip().endswith(mark)
    closing = ("" if begun else preset.think_open) + finished + preset.think_close + "\n\n"
    return [await session.splice(path, closing) for path in paths]
