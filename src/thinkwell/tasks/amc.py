"""AMC 12 of 2023, A and B, in integer form (40 problems). Answers are stored as 27 or as the float 27.0, and one is -1."""

from __future__ import annotations

import re

from thinkwell.core.answer import AnswerKind
from thinkwell.core.problem import Problem
from thinkwell.tasks import TASKS
from thinkwell.tasks.aime import integer
from thinkwell.tasks.rows import Row
from thinkwell.tasks.task import QUESTION, Hub, NoKnobs, Task, problem_id


def read(row: Row, knobs: NoKnobs, seed: int) -> Problem:
    question = row.text(*QUESTION)
    return Problem(problem_id("amc23", question), question, integer(row), AnswerKind.INTEGER)


def recognise(hint: str, row: Row) -> bool:
    return bool(re.search(r"amc\D{0,3}(20)?23(?!\d)", hint)) or ("amc" in hint and "2023" in str(row.get("url")))


TASKS.add("amc23")(
    Task("amc23", AnswerKind.INTEGER, "AMC 12 2023, 40 competition problems", "boxed@1", read, recognise, Hub("math-ai/amc23"))
)
