"""BIG-Bench Hard, temporal sequences (Suzgun et al. 2022): 250 questions with four options; the target is "(A)" to "(D)".

The options stand inside the text of a question; they are taken out of it and stored, in their order. The file's canary line ("should never appear in training
corpora") never enters a question: it is kept in `meta`, so that whatever exports the problem carries it along.
"""

from __future__ import annotations

import re

from thinkwell.answers.options import letter
from thinkwell.core.answer import AnswerKind
from thinkwell.core.problem import Problem
from thinkwell.tasks import TASKS
from thinkwell.tasks.rows import Row
from thinkwell.tasks.task import Hub, NoKnobs, Task, problem_id

_OPTION = re.compile(r"^\(([A-Z])\)\s*(.*)$", re.MULTILINE)


def read(row: Row, knobs: NoKnobs, seed: int) -> Problem:
    text = row.text("input", "question")
    question, found, listed = text.rpartition("\nOptions:\n")
    options = tuple(match[2].strip() for match in _OPTION.finditer(listed))
    if not found or not options:
        raise row.error("lists no options", "a text ending in 'Options:' and lines '(A) ...' is expected")
    gold = letter(row.text("target", "answer"), options)
    if gold is None or ord(gold) - 65 >= len(options):
        raise row.error(f"has the target {row.get('target')!r}", f"one of (A) to ({chr(64 + len(options))}) is expected")
    canary = row.get("canary")
    return Problem(
        problem_id("bbh", question), question.strip(), gold, AnswerKind.CHOICE, options, meta={"canary": str(canary)} if canary else {}
    )


def recognise(hint: str, row: Row) -> bool:
    return (
        row.get("input") is not None
        and bool(re.fullmatch(r"\([A-Z]\)", str(row.get("target"))))
        and ("temporal" in hint or "Between what times" in str(row.get("input")))
    )


TASKS.add("bbh_temporal_sequences")(
    Task(
        "bbh_temporal_sequences",
        AnswerKind.CHOICE,
        "BIG-Bench Hard temporal sequences, 250 questions",
        "bbh-cot@1",
        read,
        recognise,
        Hub("lukaemon/bbh", "test", "temporal_sequences"),
    )
)
