"""Minerva (Lewkowycz et al. 2022): 272 problems of MIT OpenCourseWare; the answer is the box of the worked solution.

Graders differ: the paper counts a number within 1 % of the reference as right, others compare symbolically. The knob `tolerance` says which; 0.01 is the paper's.
"""

from __future__ import annotations

from pydantic import Field

from thinkwell.core.answer import AnswerKind
from thinkwell.core.config import Knobs
from thinkwell.core.problem import Problem
from thinkwell.tasks import TASKS
from thinkwell.tasks.math500 import boxed_or_short, solution
from thinkwell.tasks.rows import Row
from thinkwell.tasks.task import QUESTION, Hub, Task, problem_id


class Config(Knobs):
    tolerance: float = Field(0.01, ge=0, lt=1)
    """Relative tolerance for numeric answers, from 0 (exact) to below 1."""


def read(row: Row, knobs: Config, seed: int) -> Problem:
    question = row.text(*QUESTION)
    meta: dict[str, str | float] = {"tolerance": knobs.tolerance} if knobs.tolerance else {}
    if row.get("type"):
        meta["subject"] = str(row.get("type"))
    return Problem(problem_id("minerva", question), question, boxed_or_short(row, "answer", "solution"), AnswerKind.MATH, meta=meta)


def recognise(hint: str, row: Row) -> bool:
    return "minerva" in hint and row.get(*QUESTION) is not None and row.get("solution", "answer") is not None


TASKS.add("minerva")(
    Task(
        "minerva",
        AnswerKind.MATH,
        "Minerva, 272 OpenCourseWare problems",
        "boxed@1",
        read,
        recognise,
        Hub("math-ai/minervamath"),
        Config,
        solution=solution,
    )
)
