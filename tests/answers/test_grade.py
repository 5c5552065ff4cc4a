"""Verdicts: each of the six, the stage that decided, and no fault of the grader ever reads as wrong."""

import pytest

from thinkwell.answers import grade as grading
from thinkwell.answers.compare import compare, equivalent
from thinkwell.answers.grade import answer_of, grade, grade_answer, grade_many, grade_problem
from thinkwell.core.answer import Answer, AnswerKind, Stage, VerdictValue
from thinkwell.core.problem import Problem


@pytest.mark.parametrize(
    ("completion", "reference", "kind", "value", "stage"),
    [
        (r"\boxed{25}", "25", "integer", "correct", Stage.INTEGER),
        (r"\boxed{26}", "25", "math", "wrong", Stage.INTEGER),
        (r"\boxed{0.5}", r"\frac12", "math", "correct", Stage.NORMALISED),
        (r"\boxed{1, 2}", "1, 2, 3", "math", "wrong", Stage.PARTS),
        (r"\boxed{x(x+1)}", "x^2+x", "math", "correct", Stage.MATH_VERIFY),
        ("Answer: B", "B", "choice", "correct", Stage.CHOICE),
        ("Answer: True", "False", "label", "wrong", Stage.LABEL),
        ("Answer: Paris", "Paris", "span", "correct", Stage.SPAN),
        ("Well.", "5", "math", "no_answer", Stage.EXTRACT),
        (r"\boxed{5", "5", "math", "truncated", Stage.EXTRACT),
    ],
)
def test_every_verdict_says_its_stage(completion: str, reference: str, kind: str, value: str, stage: Stage) -> None:
    verdict = grade(completion, reference, kind)
    assert (verdict.value.value, verdict.stage) == (value, stage)


def test_a_cut_text_without_an_answer_is_truncated_and_a_finished_one_has_no_answer() -> None:
    assert grade("so far", "5", finished=False).value is VerdictValue.TRUNCATED
    assert grade("so far", "5", finished=True).value is VerdictValue.NO_ANSWER
    assert grade(r"so \boxed{5}", "5", finished=False).value is VerdictValue.CORRECT
    assert grade(r"perhaps \boxed{5}, but", "5", thinking=True).value is VerdictValue.TRUNCATED


def test_a_fault_of_the_grader_is_an_error_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("out of\nink")

    monkeypatch.setattr(grading, "compare", broken)
    verdict = grade(r"\boxed{5}", "5")
    assert verdict.value is VerdictValue.ERROR
    assert verdict.detail == "RuntimeError: out of ink"


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="poem"):
        grade("x", "y", "poem")


def test_a_reference_may_be_a_whole_solution() -> None:
    assert grade(r"\boxed{5}", r"We add. Thus $\boxed{5}$.").correct
    assert grade(r"\boxed{1234}", "He has 1,234.\n#### 1,234", "integer").correct


def test_spans_score_token_f1_against_the_best_alias() -> None:
    exact = grade("Answer: the Beatles", "Beatles", "span")
    assert (exact.value, exact.score) == (VerdictValue.CORRECT, 1.0)
    alias = grade("Answer: NYC", "New York City", "span", aliases=["NYC"])
    assert alias.correct
    partial = grade("Answer: New York", "New York City", "span")
    assert partial.value is VerdictValue.WRONG
    assert partial.score == pytest.approx(0.8)  # 2 common tokens of 2 and 3: F1 = 4/5


def test_tolerance_is_relative_and_off_by_default() -> None:
    assert not grade(r"\boxed{9.95}", "10").correct
    assert grade(r"\boxed{9.95}", "10", tolerance=0.01).correct
    assert not grade(r"\boxed{9.85}", "10", tolerance=0.01).correct
    assert grade(r"\boxed{3.14}", r"\pi", tolerance=0.01).correct
    assert grade(r"\boxed{4.45 \times 10^{33}}", "4.5e33", tolerance=0.02).correct


def test_answers_carry_text_and_canonical_form() -> None:
    problem = Problem("p", "?", "1/2")
    assert answer_of(r"\boxed{\dfrac12}", problem) == Answer(r"\dfrac12", "1/2")
    assert answer_of("none", problem) is None
    assert answer_of(r"in thought \boxed{1}", problem, thinking=True) is None


def test_extracted_answers_are_graded_like_completions() -> None:
    problem = Problem("p", "?", "1/2")
    assert grade_answer("0.5", problem).correct
    assert grade_answer(None, problem).value is VerdictValue.NO_ANSWER
    assert grade_answer(None, problem, finished=False).value is VerdictValue.TRUNCATED
    assert grade_answer("1", Problem("q", "?")).value is VerdictValue.ERROR
    assert grade_problem("1", Problem("q", "?")).value is VerdictValue.ERROR


def test_a_batch_is_graded_in_order() -> None:
    problems = [Problem(str(i), "?", str(i), AnswerKind.INTEGER) for i in range(50)]
    verdicts = grade_many([f"\\boxed{{{i if i % 2 else 999}}}" for i in range(50)], problems)
    assert [v.correct for v in verdicts] == [bool(i % 2) for i in range(50)]
    assert grade_many(["", ""], problems[:2], finished=[True, False])[1].value is VerdictValue.TRUNCATED


def test_problem_tolerance_reaches_the_grader() -> None:
    assert grade_problem(r"\boxed{101}", Problem("p", "?", "100", meta={"tolerance": 0.02})).correct


def test_a_reference_outside_the_options_is_an_error() -> None:
    assert compare("maybe", "A", "choice", ("x", "y")).value is VerdictValue.ERROR


def test_equivalence_is_wider_than_the_canonical_form() -> None:
    assert equivalent("x(x+1)", "x^2+x")
    assert not equivalent("x(x+1)", "x^2-x")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 1900,
        "{" * 1900,
        "1," * 900,
        "((1,2)," * 250,
        "\\text{" * 300,
        " " * 1900 + "x",
        "a " * 900,
        "x^" * 900,
        "-" * 1900,
        "1 and " * 300,
        "\\frac" * 380,
    ],
)
def test_hostile_answers_are_graded_quickly(text: str) -> None:
    for reference in ("5", "(1,2)", "x+1"):
        assert not compare(reference, text, deadline=2.0).correct


def test_an_answer_too_long_to_be_one_is_wrong_without_being_parsed() -> None:
    verdict = grade("\\boxed{" + "1+" * 500_000 + "1}", "5")
    assert (verdict.value, verdict.stage) == (VerdictValue.WRONG, Stage.NORMALISED)
    assert "longer" in verdict.detail
