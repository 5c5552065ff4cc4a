"""Replies to turns of a method's own: where they begin, which wording they answer, what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from thinkwell.core.answer import AnswerKind
from thinkwell.core.path import Origin, Path
from thinkwell.core.problem import Problem
from thinkwell.methods.wording._inert import after_thinking

if TYPE_CHECKING:
    from thinkwell.session import Session

WordingName = Literal["auto", "instruct", "reasoning", "lab"]


class Decoding(StrEnum):
    """Whose sampling parameters a method uses."""

    PAPER = "paper"
    RUN = "run"


def end_of_thinking(session: Session, path: Path) -> str:
    """The mark behind which the reply of this path begins; "" for a path that does not think (no mark in it, none opened by the prompt)."""
    preset = session.preset
    opened = preset.think_open.strip()
    thinks = bool(opened) and (path.prompt.rstrip().endswith(opened) or opened in path.text)
    return preset.think_close if thinks or preset.think_close in path.text else ""


def query_of(problem: Problem) -> str:
    """The question as a turn about the problem shows it: with its options where an answer is one of them."""
    if problem.kind is not AnswerKind.CHOICE:
        return problem.question
    return "\n".join([problem.question, "", *(f"({chr(65 + i)}) {text}" for i, text in enumerate(problem.options))])


def wording_of(session: Session, name: WordingName) -> str:
    """The wording that a run uses: that of the knob, or of the preset's kind of model."""
    return session.preset.kind if name == "auto" else name


def spoken(session: Session, path: Path) -> str:
    """What a path says after its thinking; all it says where the thinking never ended."""
    return after_thinking(path.text, end_of_thinking(session, path)) or path.text


def answering(session: Session, path: Path) -> str:
    """What a path answers, in words for whoever draws the discussion."""
    answer = session.answer(path)
    return f"answers {answer.text}" if answer else "no answer"


def mean_length(paths: Sequence[Path], default: float) -> float:
    """Mean of the tokens sampled for `paths`, to guess what the next one costs; `default` before the first."""
    return sum(path.count(Origin.MODEL) for path in paths) / len(paths) if paths else default
