"""Texts of a model put into another turn: they must stay inside their frame there, whatever they hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

MOST_PASSES = 8
_BEGINNINGS = str.maketrans(dict.fromkeys("<`[\\#", " "))  # of marks, fences, verdicts, boxes and headings
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")
_CHAT_MARK = r"<[|｜][^<>\n]{0,40}[|｜]>"
_BOX = re.compile(r"\\(?:boxed|fbox|framebox)(?![A-Za-z])")
_FILLED_BOX = re.compile(_BOX.pattern + r"\s?(?:\{([^{}]{0,200})\})?")


def inert(text: str, tags: Sequence[str] = ()) -> str:
    """`text` without marks of thinking, of chat templates, without code fences, and without the `tags` of the frame it will stand in."""
    names = "|".join(re.escape(tag) for tag in ("think", *tags))
    marks = re.compile(rf"</?\s{{0,3}}(?:{names})\s{{0,3}}/?>|{_CHAT_MARK}|```+", re.IGNORECASE)
    return settled(text, lambda left: _BLANK_LINES.sub("\n\n", marks.sub(" ", left))).strip()


def settled(text: str, clean: Callable[[str], str]) -> str:
    """`text` cleaned until nothing changes: what is left of nested marks may be a mark again.

    Marks in marks in marks cost a pass each, so there are no more than `MOST_PASSES`, and work grows with the length alone. A text that still changes after them was built to; it
    loses every character that a mark begins with.
    """
    for _ in range(MOST_PASSES):
        before, text = text, clean(text)
        if text == before:
            return text
    return clean(text.translate(_BEGINNINGS))


def unboxed(text: str) -> str:
    """`text` with its boxed answers shown plain: "\\boxed{7}" as "7"; of a box that is not whole the command goes."""
    return _FILLED_BOX.sub(lambda box: box[1] or "", text)


def without_boxes(text: str) -> str:
    """`text` without the lines that hold a boxed answer: whoever reads it shall find an answer, not copy one."""
    return "\n".join(line for line in text.split("\n") if not _BOX.search(line)).strip()


def after_thinking(reply: str, think_close: str) -> str | None:
    """What a reply says after its thinking; None if the thinking never ended. think_close: "" where the prompt opened none."""
    if not think_close:
        return reply.strip()
    return reply.rpartition(think_close)[2].strip() if think_close in reply else None
