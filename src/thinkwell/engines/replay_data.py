"""Recorded samples in memory: which problems, which models, which samples, in which order.

One file may hold several models; they are different writers, so one has to be chosen (or all pooled on purpose). A sample is named by (problem, model,
sample index); two different texts under one name mean that the file is not what it seems, and are refused unless asked for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from thinkwell.core.answer import AnswerKind
from thinkwell.core.errors import DataError, UnknownName
from thinkwell.core.problem import Problem

INTEGER_BENCHMARKS = ("aime", "amc", "gsm8k", "gsm_", "hmmt", "svamp", "multiarith", "asdiv")
CHOICE_BENCHMARKS = ("amc", "aqua", "sat_", "gpqa", "mmlu", "arc", "commonsense")
PIECE = re.compile(r"[A-Za-z]+|\d|[^\sA-Za-z\d]|\n+")
SURE = 60.0  # tree-of-thoughts adds up three votes of 0.001 (impossible), 1 (likely) or 20 (sure)


@dataclass(frozen=True, slots=True)
class Sample:
    """One recorded completion.

    n_tokens: as recorded, or estimated (`estimated`). truncated: the text was cut, so it has no end of its own. scores: recorded judgements in [0, 1] of its steps, and
    `ends`: how many characters of the text each judgement has seen. line: where in the file it stands.
    """

    problem: str
    model: str
    index: int
    text: str
    n_tokens: int
    estimated: bool
    truncated: bool
    correct: bool | None = None
    scores: tuple[float, ...] = ()
    ends: tuple[int, ...] = ()
    line: int = 0

    def end_of_token(self, count: int) -> int:
        """Characters covered by the first `count` tokens. Tokens are taken as equally long; those a text is too short for (hidden thoughts) come first and are empty."""
        hidden = max(0, self.n_tokens - len(self.text))
        if hidden:
            return max(0, min(count - hidden, len(self.text)))
        return count * len(self.text) // self.n_tokens if count < self.n_tokens else len(self.text)

    def tokens_until(self, characters: int) -> int:
        """Tokens that it takes to write the first `characters` characters; the inverse of `end_of_token`."""
        if characters == 0:
            return 0
        hidden = max(0, self.n_tokens - len(self.text))
        if hidden:
            return hidden + characters
        return -(-characters * self.n_tokens // len(self.text))


@dataclass(frozen=True, slots=True)
class Row:
    """What a reader takes from one line of a file. `judged`: (score or None, text of the step) pairs; `truth`: they are labels
    (right, wrong) rather than a judge's numbers. `grade`: a number the source recorded for the whole sample."""

    problem: str
    question: str
    benchmark: str
    reference: str | None
    model: str
    index: int
    text: str
    line: int
    n_tokens: int | None = None
    finish: str | None = None
    correct: bool | None = None
    judged: tuple[tuple[float | None, str], ...] = ()
    truth: bool = False
    grade: float | None = None
    search: Sequence[Mapping[str, Any]] = ()
    options: tuple[str, ...] = ()
    choice: bool = False


@dataclass(frozen=True)
class ReplayData:
    """The samples of one model (or of several, pooled), by problem, in recorded order."""

    samples: Mapping[str, tuple[Sample, ...]]
    questions: Mapping[str, Problem]
    models: tuple[str, ...]
    fingerprint: str
    source: str
    notes: tuple[str, ...] = field(default=())

    def problems(self) -> list[Problem]:
        return list(self.questions.values())

    @property
    def min_samples(self) -> int:
        return min((len(group) for group in self.samples.values()), default=0)

    @property
    def max_samples(self) -> int:
        return max((len(group) for group in self.samples.values()), default=0)

    @property
    def token_counts(self) -> str:
        kinds = {sample.estimated for group in self.samples.values() for sample in group}
        return "mixed" if len(kinds) > 1 else "estimated" if True in kinds else "recorded"

    @property
    def has_scores(self) -> bool:
        return any(sample.scores for group in self.samples.values() for sample in group)

    @cached_property
    def by_question(self) -> dict[str, str]:
        """Problem ids by the words of their question, for tasks that name the same problem differently."""
        return {plain(problem.question): problem.id for problem in self.questions.values()}


def collect(
    rows: Iterable[Row],
    *,
    source: str,
    fingerprint: str,
    model: str | None = None,
    benchmark: str | None = None,
    pool: bool = False,
    duplicates: str = "refuse",
    scores: str = "auto",
) -> ReplayData:
    """Group rows into samples.

    model: which model's samples (needed when there are several, unless `pool`). benchmark: only this one. scores: "steps" (numbers or labels of steps), "grade" (one
    number a sample), "none", or "auto": numbers of steps, else the grade; but neither labels nor a grade that merely repeats what is correct, for ranking by them would be looking
    the answer up. A row that repeats a name with the same text is left out and noted;
    with another text, `duplicates` decides: "refuse", "renumber", "first". Raises `DataError`, `UnknownName`.
    """
    for value, name, known in (
        (duplicates, "duplicates rule", ("refuse", "renumber", "first")),
        (scores, "source of scores", ("auto", "steps", "grade", "none")),
    ):
        if value not in known:
            raise UnknownName(name, value, known)
    kept = [row for row in rows if benchmark is None or row.benchmark == benchmark]
    if not kept:
        raise DataError(f"{source} holds no samples{f' of benchmark {benchmark!r}' if benchmark else ''}; expected at least one.")
    models = sorted({row.model for row in kept})
    if model is not None:
        if model not in models:
            raise UnknownName("recorded model", model, models)
        kept, models = [row for row in kept if row.model == model], [model]
    elif len(models) > 1 and not pool:
        raise DataError(
            f"{source} holds samples of {len(models)} models; expected one. Choose with model=..., or pool them all with pool=True. Models: {', '.join(models)}."
        )
    notes: list[str] = []
    kept = _unique(kept, source, duplicates, notes)
    use_grade = scores == "grade" or (scores == "auto" and not _grade_is_verdict(kept))
    searches = {(row.problem, row.model): row.search for row in kept if row.search}
    samples: dict[str, list[Sample]] = {}
    for row in kept:
        judged = (
            [(score, text) for score, text in row.judged if score is not None]
            if scores == "steps" or (scores == "auto" and not row.truth)
            else []
        )
        search = searches.get((row.problem, row.model), ()) if scores in ("auto", "steps") else ()
        values, ends = _judgements(row, search, judged, use_grade)
        count, estimated = (row.n_tokens, False) if row.n_tokens is not None else (estimate_tokens(row.text), True)
        sample = Sample(row.problem, row.model, row.index, row.text, count, estimated, truncated(row), row.correct, values, ends, row.line)
        samples.setdefault(row.problem, []).append(sample)
    ordered = {name: tuple(sorted(group, key=lambda s: (s.model, s.index))) for name, group in samples.items()}
    return ReplayData(ordered, _problems(kept, source, duplicates, notes), tuple(models), fingerprint, source, tuple(notes))


def estimate_tokens(text: str) -> int:
    """One token a word, digit, mark or run of line ends: within a few percent of what real tokenizers count on recorded reasoning."""
    return len(PIECE.findall(text))


def truncated(row: Row) -> bool:
    """Whether a recorded text was cut: the source says so, it is empty, or a thought or a box stays open at its end."""
    if row.finish is not None:
        return row.finish.lower() in ("length", "max_tokens", "truncated", "max_length")
    text = row.text.rstrip()
    if not text:
        return True
    for opening, closing in (("<think>", "</think>"), ("<|begin_of_thought|>", "<|end_of_thought|>")):
        if text.rfind(opening) > text.rfind(closing):
            return True
    box = text.rfind("\\boxed{")
    return box >= 0 and _unclosed(text[box + len("\\boxed") :])


def plain(text: str) -> str:
    """The words of a question, for comparing."""
    return " ".join(text.split())


def fingerprint_of(paths: Sequence[Path], *facts: object) -> str:
    digest = hashlib.blake2b(digest_size=12)
    for path in paths:
        digest.update(path.read_bytes())
    digest.update(repr(facts).encode())
    return digest.hexdigest()


def _unclosed(text: str) -> bool:
    depth = 0
    for character in text.replace("\\{", "").replace("\\}", ""):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return False
    return True


def _unique(rows: Sequence[Row], source: str, duplicates: str, notes: list[str]) -> list[Row]:
    seen: dict[tuple[str, str, int], Row] = {}
    taken: dict[tuple[str, str], int] = {}
    for row in rows:
        taken[row.problem, row.model] = max(taken.get((row.problem, row.model), -1), row.index)
    result, repeated = [], 0
    for row in rows:
        name = (row.problem, row.model, row.index)
        first = seen.setdefault(name, row)
        if first is row:
            result.append(row)
        elif first.text == row.text:
            repeated += 1
        elif duplicates == "refuse":
            raise DataError(
                f"{source}: lines {first.line} and {row.line} both hold sample {row.index} of {row.model!r} on {row.problem!r}, with different texts; "
                "expected one. Mend the file, choose a benchmark, or pass duplicates='renumber' or 'first'."
            )
        elif duplicates == "renumber":
            taken[row.problem, row.model] += 1
            result.append(replace(row, index=taken[row.problem, row.model]))
    if repeated:
        notes.append(f"{repeated} rows that repeat another one were left out")
    return result


def _grade_is_verdict(rows: Sequence[Row]) -> bool:
    """A recorded number that is 1 exactly where the answer is right is the grader's, not a judge's: ranking by it would be looking the answer up."""
    both = [(row.grade, row.correct) for row in rows if row.grade is not None and row.correct is not None]
    return bool(both) and all((grade == 1.0) == correct for grade, correct in both)


def _judgements(
    row: Row, search: Sequence[Mapping[str, Any]], judged: Sequence[tuple[float, str]], use_grade: bool
) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Scores of the steps of one text, and where in the text each step ends."""
    values: list[float] = []
    ends: list[int] = []
    if judged:
        place = 0
        for score, step in judged:
            found = row.text.find(step.strip(), place)
            place = found + len(step.strip()) if found >= 0 else place
            values.append(score)
            ends.append(place)
        if len(set(ends)) < len(ends):  # some steps are not in the text as they stand: all of it was seen
            ends = [len(row.text)] * len(ends)
    elif search:
        for level in search:
            states = {
                str(state).strip(): float(value) for state, value in zip(level.get("new_ys", ()), level.get("values", ()), strict=False)
            }
            match = max((state for state in states if state and row.text.startswith(state)), key=len, default=None)
            if match is not None and (not ends or len(match) > ends[-1]):
                values.append(min(1.0, max(0.0, states[match] / SURE)))
                ends.append(len(match))
    elif use_grade and row.grade is not None and 0.0 <= row.grade <= 1.0:
        values, ends = [row.grade], [len(row.text)]
    return tuple(values), tuple(ends)


def _problems(rows: Sequence[Row], source: str, duplicates: str, notes: list[str]) -> dict[str, Problem]:
    families: dict[str, list[str]] = {}
    first: dict[str, Row] = {}
    respelled: set[str] = set()
    for row in rows:
        if row.reference is not None:
            families.setdefault(row.benchmark, []).append(row.reference)
        known = first.setdefault(row.problem, row)
        if known.reference is None:
            first[row.problem] = replace(known, reference=row.reference)
        elif row.reference is not None and (one := _number(row.reference)) != (other := _number(known.reference)):
            respelled.add(row.problem)
            if isinstance(one, str) or isinstance(other, str) or duplicates != "refuse":
                continue
            raise DataError(
                f"{source}: line {row.line} gives {row.reference!r} as the reference of {row.problem!r}, line {known.line} gave {known.reference!r}; expected one. "
                "Mend the file, or pass duplicates='first' to take the first."
            )
    if respelled:
        notes.append(f"{len(respelled)} problems have references of several spellings; the first is taken")
    kinds = {name: _kind(name, references) for name, references in families.items()}
    return {
        name: Problem(
            name,
            row.question,
            row.reference,
            AnswerKind.CHOICE if row.choice else kinds.get(row.benchmark, _kind(row.benchmark, ())),
            row.options,
            meta={"benchmark": row.benchmark},
        )
        for name, row in first.items()
    }


def _kind(benchmark: str, references: Sequence[str]) -> AnswerKind:
    """By the benchmark's name, checked against its references."""
    name = benchmark.lower().rpartition("/")[2]
    if (
        references
        and all(re.fullmatch(r"\(?[A-J]\)?", ref.strip()) for ref in references)
        and any(part in name for part in CHOICE_BENCHMARKS)
    ):
        return AnswerKind.CHOICE
    whole = all(re.fullmatch(r"[-+]?\d[\d,]*(\.0+)?", ref.rpartition("####")[2].strip()) for ref in references)
    return AnswerKind.INTEGER if whole and any(name.startswith(part) for part in INTEGER_BENCHMARKS) else AnswerKind.MATH


def _number(reference: str) -> str | float:
    """025, 25 and 25.0 are one reference."""
    try:
        return float(reference.replace(",", ""))
    except ValueError:
        return plain(reference)
