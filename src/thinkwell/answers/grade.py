"""Grade a completion: extract, compare, say which stage decided.

CORRECT and WRONG judge an answer. NO_ANSWER: the text ended by itself without one. TRUNCATED: it was cut (length, budget, unfinished thinking, unclosed box).
TIMEOUT and ERROR: the grader gave none. None of these four is ever counted as WRONG.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from thinkwell.answers import worker
from thinkwell.answers.canonical import canonical
from thinkwell.answers.compare import compare
from thinkwell.answers.extract import extract, last_box
from thinkwell.core.answer import Answer, AnswerKind, Stage, Verdict, VerdictValue
from thinkwell.core.problem import Problem


def grade(
    completion: str,
    reference: str,
    kind: AnswerKind | str = AnswerKind.MATH,
    options: Sequence[str] | None = None,
    aliases: Sequence[str] = (),
    finished: bool = True,
    *,
    thinking: bool = False,
    tolerance: float = 0.0,
    deadline: float = worker.DEADLINE,
) -> Verdict:
    """Grade what a model wrote against a reference.

    kind: "math", "integer", "choice", "label", "span" or "rules" (the reference is a sealed item then). options: the choices in the order shown, the allowed
    labels, or the rules' name. aliases: further right spans. finished: False if generation was cut; no answer then is TRUNCATED. thinking: the prompt had opened the
    thinking. tolerance: relative, for numbers.
    deadline: seconds for the symbolic stage. Raises ValueError for an unknown kind, nothing else.
    """
    kind = AnswerKind(kind)
    shown = tuple(options or ())
    try:
        extraction = extract(completion, kind, shown, thinking=thinking, finished=finished)
        if extraction.text is None:
            value = VerdictValue.TRUNCATED if extraction.truncated else VerdictValue.NO_ANSWER
            return Verdict(value, None, Stage.EXTRACT)
        return _compare(extraction.text, reference, kind, shown, aliases, tolerance, deadline)
    except Exception as error:  # noqa: BLE001  a fault of the grader must never read as a wrong answer
        return Verdict(VerdictValue.ERROR, None, Stage.EXTRACT, detail=_one_line(error))


def answer_of(text: str, problem: Problem, *, thinking: bool = False, finished: bool = True) -> Answer | None:
    """The answer that `text` carries, with its canonical form; None if it carries none. See `extract` for `thinking` and `finished`."""
    extraction = extract(text, problem.kind, problem.options, thinking=thinking, finished=finished)
    if extraction.text is None:
        return None
    return Answer(extraction.text, canonical(extraction.text, problem.kind, problem.options))


def grade_answer(answer: str | None, problem: Problem, *, finished: bool = True, deadline: float = worker.DEADLINE) -> Verdict:
    """Grade an answer that was already extracted; None is NO_ANSWER, or TRUNCATED if generation was cut."""
    if answer is None:
        return Verdict(VerdictValue.NO_ANSWER if finished else VerdictValue.TRUNCATED, None, Stage.EXTRACT)
    if problem.reference is None:
        return Verdict(VerdictValue.ERROR, answer, Stage.EXTRACT, detail=f"problem {problem.id} has no reference to grade against")
    try:
        return _compare(answer, problem.reference, problem.kind, problem.options, problem.aliases, tolerance_of(problem), deadline)
    except Exception as error:  # noqa: BLE001  as in `grade`
        return Verdict(VerdictValue.ERROR, answer, Stage.EXTRACT, detail=_one_line(error))


def grade_problem(
    completion: str, problem: Problem, *, finished: bool = True, thinking: bool = False, deadline: float = worker.DEADLINE
) -> Verdict:
    """`grade` with everything but the completion taken from the problem."""
    if problem.reference is None:
        return Verdict(VerdictValue.ERROR, None, Stage.EXTRACT, detail=f"problem {problem.id} has no reference to grade against")
    return grade(
        completion,
        problem.reference,
        problem.kind,
        problem.options,
        problem.aliases,
        finished,
        thinking=thinking,
        tolerance=tolerance_of(problem),
        deadline=deadline,
    )


def grade_many(
    completions: Sequence[str], problems: Sequence[Problem], *, finished: Sequence[bool] | None = None, deadline: float = worker.DEADLINE
) -> list[Verdict]:
    """Grade completion i against problem i, in order, with as many threads as there are worker processes."""
    ended = finished if finished is not None else [True] * len(completions)
    one = partial(_grade_row, deadline=deadline)
    size = worker.pool().size
    if size == 1:
        return [one(row) for row in zip(completions, problems, ended, strict=True)]
    with ThreadPoolExecutor(size) as threads:
        return list(threads.map(one, zip(completions, problems, ended, strict=True)))


def tolerance_of(problem: Problem) -> float:
    """The relative tolerance a task allows for this problem (`meta["tolerance"]`), 0 if none."""
    return float(problem.meta.get("tolerance", 0.0))


def _grade_row(row: tuple[str, Problem, bool], deadline: float) -> Verdict:
    completion, problem, finished = row
    return grade_problem(completion, problem, finished=finished, deadline=deadline)


def _compare(
    answer: str, reference: str, kind: AnswerKind, options: Sequence[str], aliases: Sequence[str], tolerance: float, deadline: float
) -> Verdict:
    return compare(_short(reference, kind), answer, kind, options, aliases, tolerance=tolerance, deadline=deadline)


def _short(reference: str, kind: AnswerKind) -> str:
    """The short answer of a reference that is a whole solution: its last box, or what follows `####`."""
    if kind is AnswerKind.RULES:
        return reference
    if "\\boxed" in reference or "\\fbox" in reference or "\\framebox" in reference:
        boxed = last_box(reference)
        return boxed.text if boxed and boxed.text else reference
    return reference.rpartition("####")[2].strip() if kind in (AnswerKind.INTEGER, AnswerKind.MATH) else reference


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
