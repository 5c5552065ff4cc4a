"""Where a stop string ends a segment, in tokens: the one rule of the engines that cut by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stopped:
    """`written` tokens were sampled until the stop string was complete; the first `kept` of them stay in the path, with this text."""

    written: int
    kept: int
    text: str
    matched: str

    @property
    def dropped(self) -> int:
        return self.written - self.kept


def find_stop(
    pieces: Sequence[str], stop: Sequence[str], *, include: bool = True, context: str = "", min_tokens: int = 0
) -> Stopped | None:
    """The first stop string that is complete after some token, or None.

    pieces: the text of each new token. context: what the segment held before; a stop string may begin in it but must end in `pieces`. Stops that are complete before
    `min_tokens` tokens do not count. Of several complete after the same token the one that is complete first wins, then the longer.
    Tokens are never split: a kept stop string keeps the whole token it ends in; a dropped one leaves the token it begins in the middle of, with the text cut before it.
    """
    if not any(stop):
        return None
    text, edges = context, [len(context)]
    reach = max(len(s) for s in stop)
    for count, piece in enumerate(pieces, 1):
        before = len(text)
        text += piece
        edges.append(len(text))
        if count < min_tokens or not piece:
            continue
        found: list[tuple[int, int, str]] = []
        for s in stop:
            start = text.find(s, max(0, before - reach + 1)) if s else -1
            while start >= 0 and start + len(s) <= before:
                start = text.find(s, start + 1)
            if start >= 0:
                found.append((start + len(s), start, s))
        if not found:
            continue
        _, start, matched = min(found)
        if include:
            return Stopped(count, count, text[len(context) :], matched)
        start = max(start, len(context))
        kept = next(i for i in range(count + 1) if edges[i] >= start)
        return Stopped(count, kept, text[len(context) : start], matched)
    return None
