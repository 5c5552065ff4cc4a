from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.recipes.lengths import run, stage_of
from tests.training.small import rollouts, sample
from thinkwell.training.recipes import laser
from thinkwell.training.rewards.formats import boxed


def test_the_papers_golden_rewards() -> None:
    made = [
        sample(correct=right, tokens=tokens) for right, tokens in ((True, 900), (True, 1500), (False, 900), (False, 1500), (False, 1500))
    ]
    batch = rollouts(*made[:4], replace(made[4], valid=False))
    given = stage_of(laser, target=1024).reward(batch, 1)
    assert given.values.tolist() == [1.5, 1.0, -0.5, -0.5, -1.0]
    assert given.parts["bonus"].tolist() == [0.5, 0.0, 0.0, 0.0, 0.0]


def test_groups_of_right_answers_stay_and_the_loss_is_the_published_one() -> None:
    stage = stage_of(laser)
    assert stage.filters == ()
    assert stage.valid is boxed
    assert stage.loss.keywords == {"eps_low": 0.2, "eps_high": 0.28, "aggregation": "token-mean"}  # type: ignore[attr-defined]
    assert stage.kl is not None
    assert (stage.kl.coef, stage.kl.place, stage.entropy, stage.minibatches) == (1e-3, "loss", 1e-3, 2)


def test_a_run_writes_the_bonus_into_the_curves(tmp_path: Path) -> None:
    rows = run("laser", tmp_path)
    assert [row["step"] for row in rows] == [1, 2]
    assert all(row["reward/bonus"] == pytest.approx(0) for row in rows)  # fresh weights answer nothing
    assert all(-1 <= row["reward"] <= -0.5 for row in rows)
