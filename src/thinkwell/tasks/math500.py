"""MATH-500: 500 problems of MATH (Hendrycks et al. 2021) picked by Lightman et al. 2023; answers are LaTeX expressions.

Traps: in one common copy the field `answer` holds the worked solution, so the reference is its last box; raw LaTeX answers must be wrapped in $...$ for math-verify.
"""

from __future__ import annotations

from thinkwell.answers.extract import last_box
from thinkwell.core.answer import AnswerKind
from thinkwell.core.problem import Problem
from thinkwell.tasks import TASKS
from thinkwell.tasks.rows import Row
from thinkwell.tasks.task import QUESTION, Hub, NoKnobs, Task, problem_id


def boxed_or_short(row: Row, *names: str) -> str:
    """The field as a short answer: the last box if it is a worked solution. Raises `DataError` if that box is not whole."""
    text = row.text(*names)
    if "\\boxed" not in text and "\\fbox" not in text:
        return text
    box = last_box(text)
    if box is None or box.text is None:
        raise row.error("has a solution without a complete \\boxed{}", "give a file with an `answer`")
    return box.text


def read(row: Row, knobs: NoKnobs, seed: int) -> Problem:
    question = row.text(*QUESTION)
    level, subject = row.get("level"), row.get("subject", "type")
    meta: dict[str, str | int] = {}
    if level is not None:
        meta["level"] = int("".join(c for c in str(level) if c.isdigit()) or 0)
    if subject is not None:
        meta["subject"] = str(subject)
    return Problem(problem_id("math500", question), question, boxed_or_short(row, "answer", "solution"), AnswerKind.MATH, meta=meta)


def solution(row: Row) -> str | None:
    text = row.get("solution", "answer")
    return text if isinstance(text, str) and "\\boxed" in text else None


def recognise(hint: str, row: Row) -> bool:
    return all(row.get(name) is not None for name in ("subject", "level", "unique_id", "answer"))


TASKS.add("math500")(
    Task(
        "math500",
        AnswerKind.MATH,
        "MATH-500, 500 problems at levels 1 to 5",
        "boxed@1",
        read,
        recognise,
        Hub("HuggingFaceH4/MATH-500"),
        solution=solution,
    )
)
