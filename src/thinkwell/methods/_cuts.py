"""Where the characters of a path lie among its tokens, for methods that cut a path at a place in its text."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING

from thinkwell.core.path import Origin, Path

if TYPE_CHECKING:
    from thinkwell.core.method import Vocabulary
    from thinkwell.session import Session

CONTEXT = 8  # ids decoded before a new one: decoders treat the start of a text differently
BROKEN = "\ufffd"  # what decoding gives for the bytes of an unfinished character
LONGEST = 8  # ids that one character may take


async def token_ends(session: Session, path: Path) -> list[int]:
    """Length of `path.text` after each token behind the prompt. A character that spans tokens counts with the last of them."""
    ends: list[int] = []
    before: list[int] = []
    length = 0
    for segment in path.segments:
        if segment.origin is not Origin.PROMPT:
            ends += [length + end for end in await _ends(session.engine_of(path), before, segment.tokens, len(segment.text))]
            length += len(segment.text)
        before = [*before, *segment.tokens][-CONTEXT:]
    return ends


def cut_at(ends: Sequence[int], place: int) -> int:
    """How many tokens lie wholly before character `place`; of those without any text (end of text) none that follow it."""
    count = bisect_left(ends, place)
    return count + 1 if count < len(ends) and ends[count] == place and place > 0 else count


async def _ends(engine: Vocabulary, before: Sequence[int], tokens: Sequence[int], length: int) -> list[int]:
    """The same for one segment of `length` characters (the text of an end-of-text token is no part of it)."""
    ends: list[int] = []
    done = start = 0
    context: Sequence[int] = before[-CONTEXT:]
    base = len(await engine.decode(context)) if context else 0
    for index in range(len(tokens)):
        whole = await engine.decode([*context, *tokens[start : index + 1]])
        if not whole.endswith(BROKEN) or index + 1 - start >= LONGEST:
            done = min(length, done + max(0, len(whole) - base))
            start = index + 1
            context = [*before, *tokens[max(0, start - CONTEXT) : start]][-CONTEXT:]
            base = len(await engine.decode(context))
        ends.append(done)
    return ends
