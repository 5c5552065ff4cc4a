from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.recipes.lengths import run, stage_of
from tests.training.small import rollouts, sample
from thinkwell.training.recipes import grpo_lambda

SOLVED = [sample(tokens=tokens, group="a") for tokens in (100, 200, 300)]
HALF = [sample(tokens=100, group="b"), sample(tokens=300, group="b"), sample(tokens=50, group="b", correct=False)]
BATCH = rollouts(*SOLVED, *HALF)


def test_only_the_groups_that_are_solved_best_pay_for_length() -> None:
    given = stage_of(grpo_lambda, top=0.5).reward(BATCH, 1)
    assert given.values.tolist() == pytest.approx([0.95458, 0.9, 0.84542, 1, 1, 0], abs=1e-5)
    assert given.parts["penalised"].tolist() == [1, 1, 1, 0, 0, 0]


def test_lambda_0_is_grpo_and_lambda_1_the_plain_penalty_on_every_group() -> None:
    assert stage_of(grpo_lambda, top=0.0).reward(BATCH, 1).values.tolist() == [1, 1, 1, 1, 1, 0]
    given = stage_of(grpo_lambda, top=1.0).reward(BATCH, 1).values.tolist()
    assert given[3] > 0.9 > given[4] > 0
    assert given[5] == 0  # a wrong response is never paid for being short


def test_groups_of_right_answers_are_not_filtered_out() -> None:
    assert stage_of(grpo_lambda).filters == ()


def test_a_run_of_two_steps(tmp_path: Path) -> None:
    rows = run("grpo-lambda", tmp_path)
    assert [row["reward/penalised"] for row in rows] == [0.5, 0.5]  # one of two groups
