"""A preset turns a problem into messages without touching what the question says."""

import pytest

from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.core.scores import Aggregate, Scores


def test_question_and_options_are_filled_in_once() -> None:
    problem = Problem("p", "Which {options} is {x}?", options=("red", "blue"))
    preset = Preset("choice", 1, "{question}\n{options}", system="Be brief.")
    assert preset.messages(problem) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Which {options} is {x}?\n(A) red\n(B) blue"},
    ]
    assert preset.full_name == "choice@1"


def test_a_problem_that_is_only_asked_has_a_stable_id() -> None:
    assert Problem.ask("2+2?").id == Problem.ask("2+2?").id != Problem.ask("2+3?").id


@pytest.mark.parametrize(("how", "value"), [("last", 0.5), ("min", 0.2), ("prod", 0.08), ("mean", 0.5)])
def test_step_scores_aggregate(how: str, value: float) -> None:
    assert Scores((0.8, 0.2, 0.5)).value(Aggregate(how)) == pytest.approx(value)


def test_no_steps_is_no_evidence() -> None:
    assert Scores(()).value("last") == 0.5


@pytest.mark.parametrize(
    ("name", "close", "kind"), [("lab", "</think>", "lab"), ("r1-boxed", "</think>", "reasoning"), ("boxed", "", "instruct")]
)
def test_a_preset_says_what_kind_of_model_it_asks(name: str, close: str, kind: str) -> None:
    assert Preset(name, 1, "{question}", think_close=close).kind == kind
