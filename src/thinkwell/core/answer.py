"""An answer taken from a path, and what grading it found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AnswerKind(StrEnum):
    """What kind of thing a task's answer is; decides extraction, canonical form and comparison."""

    MATH = "math"  # a LaTeX expression, possibly of several parts
    INTEGER = "integer"  # AIME, AMC, GSM8K, the lab
    CHOICE = "choice"  # a letter of a list of options
    LABEL = "label"  # one of a fixed set of words (FOLIO)
    SPAN = "span"  # a short text with aliases (MuSiQue)
    RULES = "rules"  # whatever satisfies the rules of a puzzle, see `core/rules.py`


class VerdictValue(StrEnum):
    """Outcome of grading. Only CORRECT and WRONG judge the answer; the others say why there is no judgement."""

    CORRECT = "correct"
    WRONG = "wrong"
    NO_ANSWER = "no_answer"  # the text ended by itself without an answer
    TRUNCATED = "truncated"  # the text was cut (length, budget, unclosed box) before an answer
    TIMEOUT = "timeout"  # the grader was killed at its deadline
    ERROR = "error"  # the grader raised


class Stage(StrEnum):
    """Which stage of the grading chain decided."""

    EXTRACT = "extract"
    INTEGER = "integer"
    NORMALISED = "normalised"
    PARTS = "parts"
    MATH_VERIFY = "math_verify"
    CHOICE = "choice"
    LABEL = "label"
    SPAN = "span"
    RULES = "rules"


@dataclass(frozen=True, slots=True)
class Answer:
    """An extracted answer.

    `text` is what the model wrote inside its box (or as letter, label, span); `canonical` is the form that votes are
    grouped by: two answers with equal `canonical` are the same answer.
    """

    text: str
    canonical: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Result of grading one completion against a reference.

    `score` is in [0, 1] (token F1 for spans, what the rules say for puzzles, else 1 for CORRECT and 0 otherwise); `detail` explains
    errors, and rules that were broken, in one line.
    """

    value: VerdictValue
    extracted: str | None
    stage: Stage
    score: float = 0.0
    detail: str = ""

    @property
    def correct(self) -> bool:
        return self.value is VerdictValue.CORRECT
