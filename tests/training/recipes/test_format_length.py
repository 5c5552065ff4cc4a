from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.recipes.lengths import run, stage_of
from tests.training.small import rollouts, sample
from thinkwell.training.recipe import RECIPES
from thinkwell.training.recipes import format_length
from thinkwell.training.rewards.formats import boxed_expression

RIGHT = rollouts(*(sample(tokens=tokens) for tokens in (0, 256, 437, 512)))
WRONG = rollouts(*(sample(tokens=one.length, correct=False) for one in RIGHT.samples))


def test_the_answer_is_never_looked_at() -> None:
    stage = stage_of(format_length)
    assert not RECIPES.get("format-length").needs_answers
    assert stage.reward(RIGHT, 1).values.tolist() == stage.reward(WRONG, 1).values.tolist()
    assert stage.valid is boxed_expression


def test_the_best_length_is_half_the_longest_and_the_cap_costs_all_of_the_format() -> None:
    values = stage_of(format_length).reward(RIGHT, 1).values.tolist()
    assert values[1] == pytest.approx(2)
    assert values[2] == pytest.approx(1, abs=0.01)  # the zero of the length term at .854 of the cap
    assert values[3] == pytest.approx(0)


def test_problems_without_answers_are_rewarded_like_others() -> None:
    blank = rollouts(*(replace(one, verdict=None, problem=replace(one.problem, reference=None)) for one in RIGHT.samples))
    stage = stage_of(format_length)
    assert stage.reward(blank, 1).values.tolist() == stage.reward(RIGHT, 1).values.tolist()


def test_the_controls_pay_for_one_term_alone() -> None:
    batch = rollouts(sample(tokens=256), replace(sample(tokens=256), valid=False))
    assert stage_of(format_length, arm="format").reward(batch, 1).values.tolist() == [1, 0]
    assert stage_of(format_length, arm="length").reward(batch, 1).values.tolist() == [1, 1]
    assert stage_of(format_length).reward(batch, 1).values.tolist() == [2, 0]
    assert stage_of(format_length, length_cap=256).reward(batch, 1).values.tolist() == [0, -1]


def test_a_run_of_two_steps(tmp_path: Path) -> None:
    rows = run("format-length", tmp_path)
    assert [row["reward/format"] for row in rows] == [0, 0]  # fresh weights write no box
    assert all(row["reward"] <= 0 for row in rows)
