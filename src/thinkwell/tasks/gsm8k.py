"""GSM8K (Cobbe et al. 2021): 1,319 grade-school word problems; the answer is the integer after `####`, sometimes with thousands commas."""

from __future__ import annotations

from thinkwell.core.answer import AnswerKind
from thinkwell.core.problem import Problem
from thinkwell.tasks import TASKS
from thinkwell.tasks.aime import integer
from thinkwell.tasks.rows import Row
from thinkwell.tasks.task import QUESTION, Hub, NoKnobs, Task, problem_id


def read(row: Row, knobs: NoKnobs, seed: int) -> Problem:
    question = row.text(*QUESTION)
    return Problem(problem_id("gsm8k", question), question, integer(row), AnswerKind.INTEGER)


def solution(row: Row) -> str | None:
    text = row.get("answer")
    return text if isinstance(text, str) and "####" in text else None


def recognise(hint: str, row: Row) -> bool:
    return "####" in str(row.get("answer"))


TASKS.add("gsm8k")(
    Task(
        "gsm8k",
        AnswerKind.INTEGER,
        "GSM8K, 1,319 word problems",
        "boxed@1",
        read,
        recognise,
        Hub("openai/gsm8k", "test", "main"),
        solution=solution,
    )
)
