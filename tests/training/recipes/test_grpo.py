"""GRPO as data: one stage, the paper's advantage and mean; a gradient only from groups whose samples differ."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.training.small import SHORT, folder, setting
from thinkwell.training.recipe import RECIPES
from thinkwell.training.sample import Rollouts
from thinkwell.training.stage import Rl, View
from thinkwell.training.trainer import train


def stage(**knobs: object) -> Rl:
    recipe = RECIPES.get("grpo")
    (only,) = recipe.stages(recipe.Config.parse(knobs, "grpo"), setting())
    assert isinstance(only, Rl)
    return only


def test_advantages_are_group_standardised_with_the_population_deviation() -> None:
    rewards, mask = torch.tensor([1.0, 0.0, 1.0, 1.0]), torch.ones(4, 2, dtype=torch.bool)
    groups, flags = torch.tensor([0, 0, 1, 1]), torch.ones(4, dtype=torch.bool)
    found = stage().advantage(View(Rollouts(()), rewards, mask, groups, flags, ~flags))
    assert found[:, 0].tolist() == pytest.approx([1.0, -1.0, 0.0, 0.0])
    sample = stage(std="sample").advantage(View(Rollouts(()), rewards, mask, groups, flags, ~flags))
    assert sample[0, 0] == pytest.approx(0.5**0.5)


def test_the_loss_is_a_mean_over_responses_of_means_over_tokens() -> None:
    logp = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([[True, True, True], [True, False, False]])
    loss, _ = stage().loss(logp, logp.detach(), torch.tensor([[1.0] * 3, [-1.0] * 3], dtype=torch.float64), mask)
    loss.backward()
    assert logp.grad is not None
    assert logp.grad.tolist() == [[pytest.approx(-1 / 6)] * 3, [pytest.approx(1 / 2), 0.0, 0.0]]


def test_the_reference_is_loaded_only_where_it_is_asked_for() -> None:
    assert stage().kl is None
    asked = stage(kl_coef=0.01).kl
    assert asked is not None
    assert (asked.coef, asked.estimator, asked.place, asked.to) == (0.01, "k3", "loss", "start")


def test_it_runs(tmp_path: Path) -> None:
    report = train(
        "grpo", out=tmp_path / "run", model=folder(tmp_path / "model"), knobs={**SHORT, "kl_coef": 0.1, "passes": 2}, eval_problems=0
    )
    assert [row["kl"] >= 0 for row in report.steps] == [True, True]
