"""MuSiQue-Ans (Trivedi et al. 2022): questions of 2 to 4 hops; a short answer with aliases, graded by exact match and token F1.

Closed book and with paragraphs are different benchmarks: the knob `setting` says which one is run. Rows marked as not answerable are left out.
"""

from __future__ import annotations

from typing import Literal

from thinkwell.core.answer import AnswerKind
from thinkwell.core.config import Knobs
from thinkwell.core.problem import Problem
from thinkwell.tasks import TASKS
from thinkwell.tasks.rows import Row
from thinkwell.tasks.task import Hub, Task, problem_id


class Config(Knobs):
    setting: Literal["paragraphs", "supporting", "closed_book"] = "paragraphs"
    """What the question comes with: all its paragraphs (about 20), only the supporting ones, or none."""


def read(row: Row, knobs: Config, seed: int) -> Problem | None:
    if row.get("answerable") is False:
        return None
    asked = row.text("question")
    question = asked if knobs.setting == "closed_book" else f"{_paragraphs(row, knobs.setting == 'supporting')}\n\nQuestion: {asked}"
    aliases = tuple(row.texts("answer_aliases")) if row.get("answer_aliases") else ()
    hops = str(row.get("id") or "")[:1]
    meta = {"hops": int(hops)} if hops.isdigit() else {}
    return Problem(problem_id("musique", question), question, row.text("answer"), AnswerKind.SPAN, aliases=aliases, meta=meta)


def _paragraphs(row: Row, supporting_only: bool) -> str:
    paragraphs = row.get("paragraphs")
    if not isinstance(paragraphs, list):
        raise row.error("has no list of paragraphs", "use the knob setting=closed_book for files without them")
    wanted = [p for p in paragraphs if not supporting_only or p.get("is_supporting")]
    return "\n\n".join(f"[{number}] {p.get('title', '')}\n{p.get('paragraph_text', '')}" for number, p in enumerate(wanted, 1))


def recognise(hint: str, row: Row) -> bool:
    return row.get("paragraphs") is not None and "answer_aliases" in row.fields


TASKS.add("musique")(
    Task(
        "musique",
        AnswerKind.SPAN,
        "MuSiQue, multi-hop questions",
        "musique@1",
        read,
        recognise,
        Hub("dgslibisey/MuSiQue", "validation"),
        Config,
    )
)
