"""GPQA Diamond (Rein et al. 2023): 198 graduate-level questions with four options.

Layout: `Question`, `Correct Answer`, `Incorrect Answer 1` to `3` (JSON or CSV). The options are shuffled by a pure function of (question, seed) and stored with
the problem: evaluators that shuffled with a fresh generator for each item had the gold on "D" everywhere. GPQA's authors ask that its items are not shown in plain
text online, so no example is quoted anywhere in this project.
"""

from __future__ import annotations

from thinkwell.answers.options import shuffled
from thinkwell.core.answer import AnswerKind
from thinkwell.core.problem import Problem
from thinkwell.tasks import TASKS
from thinkwell.tasks.rows import Row
from thinkwell.tasks.task import Hub, NoKnobs, Task, problem_id

GOLD = ("Correct Answer", "correct_answer")
WRONG = tuple((f"Incorrect Answer {i}", f"incorrect_answer_{i}") for i in (1, 2, 3))


def read(row: Row, knobs: NoKnobs, seed: int) -> Problem:
    question = row.text("Question", "question")
    options, letter = shuffled([row.text(*GOLD), *(row.text(*names) for names in WRONG)], 0, question, seed)
    domain = row.get("High-level domain", "domain")
    return Problem(
        problem_id("gpqa", question), question, letter, AnswerKind.CHOICE, options, meta={"domain": str(domain)} if domain else {}
    )


def recognise(hint: str, row: Row) -> bool:
    return row.get(*GOLD) is not None and row.get(*WRONG[2]) is not None


TASKS.add("gpqa")(
    Task(
        "gpqa",
        AnswerKind.CHOICE,
        "GPQA Diamond, 198 science questions",
        "choice@1",
        read,
        recognise,
        Hub("Idavidrein/gpqa", "train", "gpqa_diamond"),
    )
)
