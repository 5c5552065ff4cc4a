"""AIME 2024 and 2025 (30 problems each, papers I and II): integers 0 to 999.

Layouts read: `problem` + `answer` | `expected_answer` | capitalised; chat files with `messages` and `meta.solution` (which holds the short answer). Answers come
as "025", "25" and 25. The texts of one problem differ between copies (wording, [asy] figures; some 2025 copies give a wrong condition in I-14): pin one file.
"""

from __future__ import annotations

import re

from thinkwell.answers.numbers import read_number
from thinkwell.core.answer import AnswerKind
from thinkwell.core.problem import Problem
from thinkwell.tasks import TASKS
from thinkwell.tasks.rows import Row
from thinkwell.tasks.task import ANSWER, QUESTION, Hub, NoKnobs, Read, Recognise, Task, problem_id


def integer(row: Row, low: int | None = None, high: int | None = None) -> str:
    """The row's answer as a plain integer ("025", 27.0 and "1,450,000" too). Raises `DataError` for anything else, or outside [low, high]."""
    text = row.text(*ANSWER)
    number = read_number(text.rpartition("####")[2])
    if number is None or number.value.denominator != 1:
        raise row.error(f"has the answer {text[:60]!r}", "an integer is expected")
    value = number.value.numerator
    if (low is not None and value < low) or (high is not None and value > high):
        raise row.error(f"has the answer {value}", f"an integer from {low} to {high} is expected")
    return str(value)


def _read(name: str) -> Read:
    def read(row: Row, knobs: NoKnobs, seed: int) -> Problem:
        question = row.text(*QUESTION)
        part = row.get("Part", "meta.Part")
        meta = {"part": str(part)} if part in ("I", "II") else {}
        return Problem(problem_id(name, question), question, integer(row, 0, 999), AnswerKind.INTEGER, meta=meta)

    return read


def _recognise(year: int) -> Recognise:
    def recognise(hint: str, row: Row) -> bool:
        source = f"{row.get('url', 'source', 'Url') or ''} {row.get('id', 'unique_id', 'meta.unique_id') or ''} {row.get('Year', 'year', 'meta.Year') or ''}".lower()
        return "aime" in hint and (bool(re.search(rf"aime\D{{0,3}}(20)?{year}(?!\d)", hint)) or f"20{year}" in source)

    return recognise


TASKS.add("aime24")(
    Task(
        "aime24",
        AnswerKind.INTEGER,
        "AIME 2024, 30 competition problems",
        "boxed@1",
        _read("aime24"),
        _recognise(24),
        Hub("HuggingFaceH4/aime_2024", "train"),
    )
)
TASKS.add("aime25")(
    Task(
        "aime25",
        AnswerKind.INTEGER,
        "AIME 2025, 30 competition problems",
        "boxed@1",
        _read("aime25"),
        _recognise(25),
        Hub("math-ai/aime25", "test"),
    )
)
