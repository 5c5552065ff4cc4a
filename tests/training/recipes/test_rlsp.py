from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.training.recipes.lengths import run, stage_of
from tests.training.small import rollouts, sample
from thinkwell.training.recipe import RECIPES
from thinkwell.training.recipes import rlsp
from thinkwell.training.rewards.explored import Explored
from thinkwell.training.stage import View

TEXT = "x" * 10 + "\\boxed{7}."


def test_it_is_ppo_with_one_sample_a_prompt_a_critic_and_the_kl_in_the_reward() -> None:
    stage = stage_of(rlsp)
    assert (stage.rollout.size, stage.rollout.prompts) == (1, 128)  # type: ignore[attr-defined]
    assert not RECIPES.get("rlsp").group
    assert stage.critic is not None
    assert (stage.critic.warmup, stage.critic.clip) == (4, 0.2)
    assert stage.kl is not None
    assert (stage.kl.coef, stage.kl.estimator, stage.kl.place) == (0.05, "k1", "token_reward")
    assert stage_of(rlsp, estimator="reinforce-pp").critic is None


def test_the_arm_with_the_outcome_only_has_no_length_term() -> None:
    batch = rollouts(sample(TEXT, tokens=40), sample(TEXT, tokens=80))
    assert stage_of(rlsp, exploration="none").reward(batch, 1).values.tolist() == [1, 1]
    short, long = stage_of(rlsp, scale=20).reward(batch, 1).values.tolist()
    assert (short, long) == (0, 0.5)


def test_a_very_short_reasoning_is_bounded_by_the_clip_of_rewards() -> None:
    reward = stage_of(rlsp, scale=1000).reward
    assert isinstance(reward, Explored)
    assert reward(rollouts(sample("\\boxed{7}", tokens=3)), 1).values.tolist() == [-10]


@pytest.mark.parametrize("estimator", ["gae", "reinforce-pp"])
def test_advantages_are_whitened_over_the_tokens_of_the_batch(estimator: str) -> None:
    batch = rollouts(sample(TEXT, tokens=3), sample(TEXT, tokens=3, group="h"))
    mask = torch.ones(2, 3, dtype=torch.bool)
    view = View(
        batch,
        torch.tensor([1.0, 0.0]),
        mask,
        batch.group_ids,
        batch.finished,
        batch.cut,
        values=torch.zeros(2, 3),
        bootstrap_values=torch.zeros(2),
    )
    advantage = stage_of(rlsp, estimator=estimator).advantage(view)
    assert float(advantage.mean()) == pytest.approx(0, abs=1e-6)
    assert float(advantage.std()) == pytest.approx(1, abs=1e-4)
    assert (advantage[0] > advantage[1]).all()


def test_the_critic_learns_alone_at_first(tmp_path: Path) -> None:
    rows = run("rlsp", tmp_path, group_size=1, critic_warmup=1)
    assert "reward/reasoning_tokens" in rows[0]
    assert [row["samples"] for row in rows] == [2, 2]


def test_a_run_without_a_critic(tmp_path: Path) -> None:
    knobs = {"prompts": 4, "group_size": 1, "max_tokens": 100}
    rows = run("rlsp", tmp_path, model="policy", estimator="reinforce-pp", exploration="behaviours", **knobs)
    assert rows[0]["grad_norm"] > 0
    assert 0 < rows[0]["reward/reasoning_tokens"] <= 100
