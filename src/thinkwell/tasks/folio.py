"""FOLIO (Han et al. 2022): does a conclusion follow from the premises? True, False or Uncertain; the training file spells the third label "Unknown"."""

from __future__ import annotations

from thinkwell.answers.options import LABELS, label
from thinkwell.core.answer import AnswerKind
from thinkwell.core.problem import Problem
from thinkwell.tasks import TASKS
from thinkwell.tasks.rows import Row
from thinkwell.tasks.task import Hub, NoKnobs, Task, problem_id


def read(row: Row, knobs: NoKnobs, seed: int) -> Problem:
    premises = [line.strip() for text in row.texts("premises") for line in text.splitlines() if line.strip()]
    numbered = "\n".join(f"{number}. {premise}" for number, premise in enumerate(premises, 1))
    question = f"Premises:\n{numbered}\n\nConclusion: {row.text('conclusion')}"
    written = str(row.get("label"))
    gold = label(written, LABELS)
    if gold is None:
        raise row.error(f"has the label {written!r}", "True, False, Uncertain or Unknown is expected")
    return Problem(problem_id("folio", question), question, gold, AnswerKind.LABEL, LABELS, meta={"premises": len(premises)})


def recognise(hint: str, row: Row) -> bool:
    return all(row.get(name) is not None for name in ("premises", "conclusion", "label"))


TASKS.add("folio")(
    Task("folio", AnswerKind.LABEL, "FOLIO, first-order logic in English", "folio@1", read, recognise, Hub("yale-nlp/FOLIO", "validation"))
)
