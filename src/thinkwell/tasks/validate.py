"""Prove that a grader and its data fit: every gold answer scores 1, every junk answer scores 0.

Gold is put to the grader as a model would write it, in each form its kind allows (after the thinking, boxed, as a last line), and as the data set's own worked solution where
there is one. Junk is the answer of another item that differs, an empty text, random text, a gold that was cut inside its box, a gold boxed only inside a thinking that
never ends, and the article "a". For every data file below a folder that some task recognises, and for fresh items of every puzzle at every level, where a solver's answer
that the generator never saw is gold too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypedDict

from thinkwell.answers.canonical import canonical
from thinkwell.answers.grade import grade_problem
from thinkwell.answers.spans import normalise
from thinkwell.core.answer import AnswerKind
from thinkwell.core.errors import DataError
from thinkwell.core.problem import Problem
from thinkwell.tasks import TASKS
from thinkwell.tasks.rows import SUFFIXES, Row, read_rows
from thinkwell.tasks.task import Task, unique

MOST_FAILURES = 20  # failures listed a file
THINKING = "Let me think. Could it be \\boxed{nothing}?\n\nThat does not work, so I try again.\n</think>\n\n"
NOISE = "colourless green ideas sleep furiously (as they say) and nothing more"


class FileReport(TypedDict):
    """One file, or one puzzle at one level ("puzzles/sudoku, hard").

    Rates are in [0, 1]; `junk` counts the junk texts put to the grader; failures name the problem and what went wrong.
    """

    file: str
    task: str | None
    items: int
    gold_correct: int
    junk: int
    junk_correct: int
    gold_rate: float
    junk_rate: float
    failures: list[str]


def validate(folder: Path | str, seed: int = 0) -> list[FileReport]:
    """One report a data file under `folder`, in order of path. Raises `DataError` if the folder is missing or holds no data file."""
    root = Path(folder)
    if not root.is_dir():
        raise DataError(f"no folder {root}; give the folder that holds the data files.")
    files = sorted(path for path in root.rglob("*") if path.is_file() and path.name.endswith(SUFFIXES))
    if not files:
        raise DataError(f"{root} holds no data file ({', '.join(SUFFIXES)}); give the folder that holds them.")
    return [validate_file(path, str(path.relative_to(root)), seed) for path in files]


def validate_puzzles(names: Iterable[str] = (), seed: int = 0, n: int = 8) -> list[FileReport]:
    """One report a puzzle and level, each of n fresh items; all puzzles if none is named. Raises `UnknownName`."""
    from thinkwell.core.rules import RULES
    from thinkwell.tasks.puzzle import LEVEL_NAMES, load

    reports = []
    for name in list(names) or RULES.names():
        for level in LEVEL_NAMES:
            task = load(name, level, split="all")
            items = [task.item(seed, i) for i in range(n)]
            problems = [task.problem(item) for item in items]
            report = _report(f"{name}, {level}", name)
            for position, problem in enumerate(problems):
                _judge(report, problem, problems, position, f"```\n{task.solve(items[position])}\n```")
            reports.append(_finished(report, len(problems)))
    return reports


def passed(reports: Sequence[FileReport]) -> bool:
    """True if every file was recognised, all gold is correct and no junk is."""
    return all(
        r["task"] is not None and r["gold_correct"] == r["items"] > 0 and r["junk_correct"] == 0 and not r["failures"] for r in reports
    )


def validate_file(path: Path, name: str | None = None, seed: int = 0) -> FileReport:
    """The report of one file; a file that cannot be read or that no task recognises has no items and says so."""
    report = _report(name or str(path), None)
    try:
        rows = read_rows(path)
        task = recognise(path, rows[0])
        if task is None:
            raise DataError(f"{path} is not recognised by any task; its first row has the fields {', '.join(map(str, rows[0].fields))}.")
        report["task"] = task.name
        pairs = _problems(task, rows, seed)
    except DataError as error:
        report["failures"].append(str(error))
        return report
    problems = [problem for _, problem in pairs]
    for position, (row, problem) in enumerate(pairs):
        _judge(report, problem, problems, position, task.solution(row))
    return _finished(report, len(pairs))


def _report(name: str, task: str | None) -> FileReport:
    return FileReport(file=name, task=task, items=0, gold_correct=0, junk=0, junk_correct=0, gold_rate=0.0, junk_rate=0.0, failures=[])


def _judge(report: FileReport, problem: Problem, problems: Sequence[Problem], position: int, solution: str | None) -> None:
    """Put one problem's gold and junk to the grader and count what it says."""
    wrong = [
        f"{problem.id}: gold {problem.gold!r} as {text[-80:]!r} is {value}"
        for text, value in _graded(golds(problem, solution), problem, "correct")
    ]
    report["gold_correct"] += not wrong
    texts = list(junk(problem, problems, position))
    taken = [(text, value) for text, value in _graded(texts, problem, None) if value == "correct"]
    report["junk"] += len(texts)
    report["junk_correct"] += len(taken)
    report["failures"].extend(wrong + [f"{problem.id}: junk {text[-80:]!r} is correct for {problem.gold!r}" for text, _ in taken])


def _finished(report: FileReport, items: int) -> FileReport:
    report["items"] = items
    report["gold_rate"] = report["gold_correct"] / items if items else 0.0
    report["junk_rate"] = report["junk_correct"] / report["junk"] if report["junk"] else 0.0
    del report["failures"][MOST_FAILURES:]
    return report


def recognise(path: Path, row: Row) -> Task | None:
    """The task that a file belongs to, by the last three parts of its path and its first row; None if there is none."""
    hint = "/".join(path.parts[-3:]).lower()
    return next((task for _, task in TASKS.items() if task.recognise(hint, row)), None)


def golds(problem: Problem, solution: str | None = None) -> list[str]:
    """Completions that must be correct."""
    gold = problem.gold or ""
    if problem.kind is AnswerKind.RULES:
        texts = [f"{THINKING}The result:\n\n```\n{gold}\n```", f"```\nfirst idea\n```\n\n~~~\n\n```text\n  {gold}\n\n```\nDone."]
        return texts + ([solution] if solution is not None else [])
    texts = [f"{THINKING}The result:\n\n\\boxed{{{gold}}}", f"{THINKING}So \\fbox{{ {gold} }} it is, and I leave \\boxed{{}} empty."]
    if problem.kind is AnswerKind.CHOICE:
        texts += [
            f"{THINKING}Answer: {gold}",
            f"So the answer is ({gold}).",
            f"\\boxed{{\\text{{({gold}) {problem.options[ord(gold) - 65]}}}}}",
        ]
    elif problem.kind is AnswerKind.LABEL:
        texts += [f"{THINKING}Answer: {gold}", f"Hence the conclusion is **{gold.lower()}**."]
    elif problem.kind is AnswerKind.SPAN:
        texts += [f"{THINKING}Answer: {gold}"] + [f"\\boxed{{{alias}}}" for alias in problem.aliases]
    elif problem.kind is AnswerKind.INTEGER:
        texts += [f"#### {gold}", f"{THINKING}\\boxed{{{int(gold):,}}}", f"\\boxed{{{gold}.0}}", f"The answer is {gold}."]
    if solution is not None:
        texts.append(solution)
    return texts


def junk(problem: Problem, problems: Sequence[Problem], position: int) -> Iterator[str]:
    """Completions that must not be correct."""
    gold = problem.gold or ""
    if problem.kind is AnswerKind.RULES:
        yield f"<think>\n```\n{gold}\n```\nbut let me check"
        yield f"```\n{gold}"
        yield f"```\n{gold}\n```\nNo:\n```\n{NOISE}\n```"
        yield from (NOISE, "", f"```\n{gold}\0\n```", f"```\n{'[' * 20_000}\n```")
        return
    yield ""
    yield NOISE
    yield f"{THINKING}The result is \\boxed{{{gold}"
    yield f"<think>\nI would say \\boxed{{{gold}}}, but let me check"
    yield f"{THINKING}\\boxed{{{NOISE}}}"
    if problem.kind is AnswerKind.CHOICE:
        yield "The answer is a matter of taste."
        yield from (f"Answer: {chr(65 + i)}" for i in range(len(problem.options)) if chr(65 + i) != gold)
    elif problem.kind is AnswerKind.LABEL:
        yield f"The conclusion is not {gold.lower()}."
        yield from (f"Answer: {label}" for label in problem.options if label != gold)
    else:
        other = _other(problem, problems, position)
        if other is not None:
            yield f"\\boxed{{{gold}}} was my first idea. {THINKING}\\boxed{{{other}}}"
        if problem.kind is AnswerKind.INTEGER:
            yield f"\\boxed{{{int(gold) + 1}}}"


def _other(problem: Problem, problems: Sequence[Problem], position: int) -> str | None:
    """The next item's answer that differs from this one's."""
    own = {_form(answer, problem) for answer in (problem.gold or "", *problem.aliases)}
    rotated = [*problems[position + 1 :], *problems[:position]]
    return next((p.reference for p in rotated if p.reference and _form(p.reference, problem) not in own), None)


def _form(answer: str, problem: Problem) -> str:
    return normalise(answer) if problem.kind is AnswerKind.SPAN else canonical(answer, problem.kind)


def _graded(texts: Sequence[str], problem: Problem, wanted: str | None) -> list[tuple[str, str]]:
    """(text, verdict) of each text whose verdict is not `wanted`."""
    graded = ((text, grade_problem(text, problem).value.value) for text in texts)
    return [(text, value) for text, value in graded if value != wanted]


def _problems(task: Task, rows: Sequence[Row], seed: int) -> list[tuple[Row, Problem]]:
    knobs = task.Config()
    pairs = [(row, problem) for row in rows if (problem := task.read(row, knobs, seed)) is not None]
    return list(zip([row for row, _ in pairs], unique([problem for _, problem in pairs]), strict=True))
