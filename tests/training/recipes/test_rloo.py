"""RLOO: leave-one-out, the whole response as one action, KL in the reward."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.training.recipes.critic_world import run, stage_of
from tests.training.small import rollouts, sample
from thinkwell.core.errors import ConfigError
from thinkwell.training.recipe import RECIPES
from thinkwell.training.stage import View


def test_each_sample_is_compared_with_the_mean_of_the_others() -> None:
    batch = rollouts(
        *(sample(group="ab"[place > 3], correct=flag) for place, flag in enumerate([True, False, True, False, True, True, True, False]))
    )
    stage = stage_of("rloo")
    rewards = stage.reward(batch, 0).values
    mask = torch.ones(8, 2, dtype=torch.bool)
    advantage = stage.advantage(View(batch, rewards, mask, batch.group_ids, batch.finished, batch.cut))
    assert advantage[:, 0].tolist() == pytest.approx([2 / 3, -2 / 3, 2 / 3, -2 / 3, 1 / 3, 1 / 3, 1 / 3, -1])


def test_the_gradient_is_that_of_the_whole_response_and_long_ones_count_in_full() -> None:
    logp = torch.full((2, 3), -1.0, dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([[True, True, True], [True, False, False]])
    advantage = torch.tensor([[1.0], [-2.0]], dtype=torch.float64).expand(2, 3)
    loss, _ = stage_of("rloo").loss(logp, logp.detach(), advantage, mask)
    loss.backward()
    assert logp.grad is not None
    assert logp.grad.flatten().tolist() == pytest.approx([-0.5, -0.5, -0.5, 1.0, 0.0, 0.0])


def test_the_kl_is_taken_from_the_reward_before_samples_are_compared() -> None:
    assert stage_of("rloo").kl is None
    kl = stage_of("rloo", kl_coef=0.05).kl
    assert kl is not None
    assert (kl.place, kl.estimator, kl.coef, kl.to) == ("reward", "k1", 0.05, "start")


def test_a_group_of_one_is_refused(tmp_path: Path) -> None:
    assert RECIPES.get("rloo").group
    with pytest.raises(ConfigError, match="group_size=1"):
        run("rloo", tmp_path, group_size=1)


def test_a_run_learns_and_the_kl_shows_once_the_weights_have_moved(tmp_path: Path) -> None:
    first, second = run("rloo", tmp_path, kl_coef=0.05, warmup=0)
    assert first["grad_norm"] > 0
    assert first["kl"] == pytest.approx(0, abs=1e-5)
    assert second["kl"] != first["kl"]
    assert first["ratio_max"] == pytest.approx(1, abs=1e-5)
