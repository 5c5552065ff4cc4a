"""How the thinking of a path ends: by the model, by force, or not yet. For methods that write into a path while it thinks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from thinkwell.core.path import Origin, Path
from thinkwell.core.prompt import Preset
from thinkwell.methods._cuts import CONTEXT, cut_at, token_ends
from thinkwell.methods._steps import closed

if TYPE_CHECKING:
    from thinkwell.session import Session


def ended(session: Session, path: Path) -> bool:
    """The thinking is over: closed, or the whole text ended by the model with an answer (or under a preset that marks no thinking)."""
    return closed(session, path) or (path.complete and (not session.preset.think_close or session.answer(path) is not None))


async def reopened(session: Session, path: Path) -> Path:
    """A path that the model had ended, without the end-of-text token: nothing may stand behind that."""
    return await session.cut(path, len(path) - 1) if await ends_by_token(session, path) else replace(path, finish=None)


async def ends_by_token(session: Session, path: Path) -> bool:
    """The last token of the path is the end-of-text token: the model ended it, and that token adds nothing to its text. (An engine may end a path without a token.)"""
    last = path.segments[-1]
    if not path.complete or last.origin is not Origin.MODEL or not last.tokens:
        return False
    engine, tail = session.engine_of(path), last.tokens[-CONTEXT:]
    before, whole = await engine.decode(tail[:-1]), await engine.decode(tail)
    if not whole.startswith(before):  # it finished a character
        return False
    added = whole[len(before) :]
    return not added or not last.text.endswith(added)  # some engines show it as text


async def without_last_paragraph(session: Session, path: Path, start: int, delimiter: str = "\n\n") -> Path:
    """The path cut after the last delimiter in its text from character `start` on; the path itself where there is none, or nothing behind it."""
    place = path.text.rfind(delimiter, start)
    if place < 0 or place + len(delimiter) >= len(path.text):
        return path
    ends = await token_ends(session, path)
    return await session.cut(path, path.count(Origin.PROMPT) + cut_at(ends, place + len(delimiter)))


def closing_cue(preset: Preset, text: str = "") -> str:
    """What ends the thinking behind `text` and asks for the answer."""
    newline = "\n" if preset.think_close and text and not text.endswith("\n") else ""
    return newline + preset.think_close + preset.answer_cue
