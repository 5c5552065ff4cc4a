"""PPO: GAE on the critic's values, what a cut response is worth, a critic that is warmed up and learns."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.training.recipes.critic_world import GOLDEN, run, stage_of, view
from tests.training.small import rollouts, sample
from thinkwell.core.errors import ConfigError
from thinkwell.core.path import Finish
from thinkwell.lab import artifacts
from thinkwell.training.recipe import RECIPES


def test_advantages_and_targets_are_the_golden_ones() -> None:
    stage = stage_of("ppo", lam=0.95, whiten="off")
    assert stage.critic is not None
    seen = view([1.0], GOLDEN)
    assert stage.advantage(seen)[0].tolist() == pytest.approx([0.4379625, 0.35575, 0.585, 0.3])
    assert stage.critic.targets(seen)[0].tolist() == pytest.approx([0.9379625, 0.95575, 0.985, 1.0])
    whitened = stage_of("ppo", lam=0.95).advantage(seen)[0].tolist()
    assert whitened == pytest.approx([0.147539, -0.515844, 1.334003, -0.965697], abs=1e-5)
    plain = stage_of("ppo", whiten="off")
    assert plain.advantage(seen)[0].tolist() == pytest.approx([0.5, 0.4, 0.6, 0.3])


def test_a_cut_response_has_ended_unless_it_is_said_to_go_on() -> None:
    seen = view([0.0, 0.0], GOLDEN * 2, cut=[True, False], after=0.8)
    ended = stage_of("ppo", whiten="off").advantage(seen)
    assert ended[0].tolist() == ended[1].tolist() == pytest.approx([-0.5, -0.6, -0.4, -0.7])
    goes_on = stage_of("ppo", whiten="off", cut_ends=False)
    assert goes_on.advantage(seen)[0].tolist() == pytest.approx([0.3, 0.2, 0.4, 0.1])
    assert goes_on.advantage(seen)[1].tolist() == pytest.approx([-0.5, -0.6, -0.4, -0.7])
    assert goes_on.critic is not None
    assert goes_on.critic.targets(seen)[0].tolist() == pytest.approx([0.8] * 4)


def test_verdicts_are_worth_what_is_said() -> None:
    batch = rollouts(sample(correct=True), sample(correct=False, finish=Finish.LENGTH))
    assert stage_of("ppo").reward(batch, 0).values.tolist() == [1.0, 0.0]
    assert stage_of("ppo", right="1/-1").reward(batch, 0).values.tolist() == [1.0, -1.0]


def test_the_kl_is_in_the_rewards_of_tokens() -> None:
    assert stage_of("ppo").kl is None
    kl = stage_of("ppo", kl_coef=0.05).kl
    assert kl is not None
    assert (kl.place, kl.estimator) == ("token_reward", "k1")


def test_the_critic_is_warmed_up_for_an_eighth_of_the_steps_and_never_for_all() -> None:
    for steps, warmup in ((40, 5), (7, 0), (8, 1)):
        critic = stage_of("ppo", steps=steps).critic
        assert critic is not None
        assert critic.warmup == warmup
    with pytest.raises(ConfigError, match="critic_warmup=3 of steps=3"):
        stage_of("ppo", steps=3, critic_warmup=3)


def test_a_critic_needs_no_group() -> None:
    assert not RECIPES.get("ppo").group
    assert stage_of("ppo", group_size=1).critic is not None


def test_in_the_warm_up_only_the_critic_learns(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    rows = run("ppo", tmp_path, steps=3, critic_warmup=2, warmup=0, kl_coef=0.01, value_clip=0.2)
    assert [row["grad_norm"] is None for row in rows] == [True, True, False]
    errors = [row["value/value_error"] for row in rows]
    assert all(error > 0 for error in errors)
    assert rows[0]["value/value_mean"] != rows[2]["value/value_mean"]
    before = AutoModelForCausalLM.from_pretrained(artifacts.path("policy")).state_dict()
    after = AutoModelForCausalLM.from_pretrained(tmp_path).state_dict()
    assert any(not torch.equal(before[name].float(), after[name].float()) for name in before)
