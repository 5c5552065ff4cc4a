"""OlympiadBench (He et al. 2024), the English, text-only, open-ended mathematics part: 674 or 675 problems.

`final_answer` is a list; several answers, or one text holding several, are one reference whose parts must all be found, in any order. `error` is an absolute tolerance in
the source; it is turned into a relative one. Theorem proofs have no final answer and are left out.
"""

from __future__ import annotations

from thinkwell.answers.numbers import read_number
from thinkwell.core.answer import AnswerKind
from thinkwell.core.problem import Problem
from thinkwell.tasks import TASKS
from thinkwell.tasks.rows import Row
from thinkwell.tasks.task import Hub, NoKnobs, Task, problem_id


def read(row: Row, knobs: NoKnobs, seed: int) -> Problem | None:
    if not row.get("final_answer"):
        return None
    question = row.text("question", "problem")
    answers = [answer.strip().strip("$").strip() for answer in row.texts("final_answer")]
    reference = ", ".join(answers)
    meta: dict[str, str | float] = {
        name: str(row.get(name)) for name in ("subfield", "answer_type", "unit") if row.get(name) not in (None, "null")
    }
    tolerance = _relative(str(row.get("error") or ""), answers)
    if tolerance:
        meta["tolerance"] = tolerance
    return Problem(problem_id("olympiadbench", question), question, reference, AnswerKind.MATH, meta=meta)


def _relative(error: str, answers: list[str]) -> float:
    """The tightest relative tolerance of "1e-1" or "1e-2,1e-1" over the answers, 0 if it cannot be read."""
    relatives = []
    for tolerance, answer in zip(error.split(","), answers * max(1, len(error.split(",")) // len(answers)), strict=False):
        allowed, value = read_number(tolerance.strip()), read_number(answer)
        if allowed is not None and value is not None and value.value:
            relatives.append(float(abs(allowed.value / value.value)))
    return min(relatives, default=0.0)


def recognise(hint: str, row: Row) -> bool:
    return "final_answer" in row.fields and "answer_type" in row.fields


TASKS.add("olympiadbench")(
    Task(
        "olympiadbench",
        AnswerKind.MATH,
        "OlympiadBench, open-ended English mathematics",
        "boxed@1",
        read,
        recognise,
        Hub("Hothan/OlympiadBench", "train", "OE_TO_maths_en_COMP"),
    )
)
