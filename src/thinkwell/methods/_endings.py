"""How the thinking of a path ends: by the model, by force, or not yet. For methods that write into a path while it thinks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from thinkwell.core.path import Origin, Path
from thinkwell.core.prompt import Preset
from thinkwell.methods._cuts import cut_at, token_ends
from thinkwell.methods._steps import closed

if TYPE_CHECKING:
    from thinkwell.session import Session


def ended(session: Session, path: Path) -> bool:
    """The thinking is over: closed, or the whole text ended by the model with an answer (or under a preset that marks no thinking)."""
    return closed(session, path) or (path.complete and (not session.preset.think_close or session.answer(path) is not None))


async def reopened(session: Session, path: Path) -> Path:
    """A path that the model had ended, without the end-of-text token: nothing may stand behind that."""
    if path.complete and path.segments[-1].origin is Origin.MODEL and path.segments[-1].tokens:
        return await session.cut(path, len(path) - 1)
    return replace(path, finish=None)


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
