"""List functions: negative numbers and empty lists, which the original's verifier cannot read; the family against the judge's."""

from __future__ import annotations

import random

import pytest

from tests.tasks.checks.big_bench_symbolic import FAMILY
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item
from thinkwell.tasks.puzzles.sequential.big_bench_symbolic import _family

TASK = load("puzzles/big_bench_symbolic")


def item(answer: str) -> Item:
    return Item("puzzles/big_bench_symbolic", "sequential", "easy", "x", "", answer, "", {})


@pytest.mark.parametrize(
    ("answer", "gold", "rules", "paper"),
    [
        ("[3, 1]", "[3, 1]", 1.0, 1.0),
        ("[3, -1]", "[3, -1]", 1.0, 0.0),  # the original finds no list here
        ("[]", "[]", 1.0, 0.0),
        ("[ ]", "[]", 1.0, 0.0),
        ("(3, \u22121)", "[3, -1]", 1.0, 0.0),
        ("3 1", "[3, 1]", 1.0, 0.0),
        ("[3, 1] or rather [4]", "[3, 1]", 0.0, 1.0),
        ("[1, 3]", "[3, 1]", 0.0, 0.0),
        ("[3, 1, 1]", "[3, 1]", 0.0, 0.0),
        ("[[3, 1]]", "[3, 1]", 0.0, 1.0),
        ("[", "[]", 0.0, 0.0),
        (",", "[]", 0.0, 0.0),
    ],
)
def test_one_list_is_read_and_the_paper_s_verifier_reads_another_way(answer: str, gold: str, rules: float, paper: float) -> None:
    text = f"```\n{answer}\n```"
    assert (TASK.verify(text, item(gold)).value, TASK.verify(text, item(gold), "paper").value) == (rules, paper)


def test_every_step_agrees_with_the_judge_s_and_an_inverse_undoes_it() -> None:
    rng = random.Random(4)
    assert {step.name for step in _family()} == set(FAMILY)
    for step in _family():
        for length in (0, 1, 2, 3, 7):
            numbers = tuple(rng.randint(-9, 9) for _ in range(length))
            assert list(step.apply(numbers)) == FAMILY[step.name](list(numbers)), step.name
            assert step.undo is None or step.undo(step.apply(numbers)) == numbers == step.apply(step.undo(numbers)), step.name


def test_signs_and_empty_lists_occur() -> None:
    answers = [load("puzzles/big_bench_symbolic", "medium").item(0, i).answer for i in range(60)]
    assert any("-" in answer for answer in answers)
    assert any(answer == "[]" for answer in (load("puzzles/big_bench_symbolic", min_length=0).item(0, i).answer for i in range(150)))
