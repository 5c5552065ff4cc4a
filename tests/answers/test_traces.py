"""Our verdicts against the labels recorded with real models' outputs."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from thinkwell.answers.grade import grade
from thinkwell.core.answer import Stage, VerdictValue

SOURCES = ("skythought", "reasoning_gym_eval", "rl_without_gt", "areal_rollouts", "deepscaler_budget_sweep")
INTEGERS = ("aime24", "aime25", "amc23")


def rows(folder: Path, sources: tuple[str, ...], benchmarks: tuple[str, ...]):  # type: ignore[no-untyped-def]
    for source in sources:
        with gzip.open(folder / f"{source}.jsonl.gz", "rt") as lines:
            for line in lines:
                row = json.loads(line)
                if row["benchmark"] in benchmarks and row["reference"] is not None and row["correct"] is not None:
                    yield row


@pytest.fixture(scope="module")
def integer_rows(traces: Path) -> list[dict]:  # type: ignore[type-arg]
    return list(rows(traces, SOURCES, INTEGERS))


def test_recorded_integer_answers_are_graded_as_recorded(integer_rows: list[dict]) -> None:  # type: ignore[type-arg]
    """The recorded answer itself, without extraction: the integer path against the source's label."""
    compared = disagree = 0
    for row in integer_rows:
        if row["extracted"]:
            compared += 1
            disagree += grade(f"\\boxed{{{row['extracted']}}}", row["reference"], "integer").correct != row["correct"]
    assert compared > 8000
    assert disagree <= compared * 0.003


def test_completions_of_integer_benchmarks_agree_with_their_labels(integer_rows: list[dict]) -> None:  # type: ignore[type-arg]
    """From the whole text. We are stricter where a trace was cut or never states an answer, and more lenient where one writes "25+169 = 194"."""
    seen: Counter[str] = Counter()
    for row in integer_rows:
        verdict = grade(row["completion"], row["reference"], "integer")
        seen["all"] += 1
        if verdict.correct and not row["correct"]:
            seen["lenient"] += 1
            assert verdict.stage in (Stage.INTEGER, Stage.NORMALISED)
        elif row["correct"] and not verdict.correct:
            seen["strict"] += 1
            seen["judged wrong"] += verdict.value is VerdictValue.WRONG
        assert verdict.value not in (VerdictValue.ERROR, VerdictValue.TIMEOUT)
    assert seen["all"] > 14000
    assert seen["lenient"] + seen["strict"] <= 40  # 38 when written
    assert seen["judged wrong"] <= 1


def test_no_answer_fits_inside_a_budget_too_small_to_finish_thinking(integer_rows: list[dict]) -> None:  # type: ignore[type-arg]
    """Samples at 128 to 8192 tokens: the share of right answers rises as published, and a cut thinking is truncated, not wrong."""
    right: Counter[int] = Counter()
    values: dict[int, Counter[str]] = {}
    for row in integer_rows:
        if row["source"] != "deepscaler_budget_sweep":
            continue
        budget = row["meta"]["budget"]
        verdict = grade(row["completion"], row["reference"], "integer", finished=False)
        right[budget] += verdict.correct
        values.setdefault(budget, Counter())[verdict.value.value] += 1
    assert [right[budget] for budget in (128, 256, 512, 1024)] == [0, 0, 0, 0]
    assert right[8192] >= 8  # of 30; recorded 0.30
    assert all(values[budget]["truncated"] == 30 for budget in (128, 256, 512))


def test_short_worked_solutions_agree_with_their_labels(traces: Path) -> None:
    compared = unlike = 0
    for row in rows(traces, ("gsm8k_solutions",), ("gsm8k",)):
        compared += 1
        unlike += grade(row["completion"], row["reference"], "integer").correct != row["correct"]
    assert compared == 5276
    assert unlike == 0


@pytest.mark.slow
def test_math500_completions_agree_with_their_labels(traces: Path) -> None:
    """Every tenth sample of MATH-500, with the symbolic stage."""
    counts: Counter[str] = Counter()
    for number, row in enumerate(rows(traces, ("skythought", "rl_without_gt"), ("math500",))):
        if number % 10:
            continue
        verdict = grade(row["completion"], row["reference"])
        counts["all"] += 1
        counts["unlike"] += verdict.correct != row["correct"]
        counts["fault"] += verdict.value in (VerdictValue.ERROR, VerdictValue.TIMEOUT)
    assert counts["all"] >= 790
    assert counts["unlike"] <= counts["all"] * 0.04  # most are labels of graders that could not read a matrix or a decimal
    assert counts["fault"] <= 2
