"""S-GRPO: the decayed reward on serial groups, advantages without a deviation, what is trained, and a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.recipes.critic_world import run, stage_of
from tests.training.small import rollouts, sample, setting
from thinkwell.core.errors import ConfigError
from thinkwell.core.path import Finish
from thinkwell.tasks.presets import preset
from thinkwell.training.recipe import RECIPES
from thinkwell.training.recipes.s_grpo import Config, DecayingExit, stages
from thinkwell.training.rollouts.serial import Serial
from thinkwell.training.sample import Sample
from thinkwell.training.stage import View

RIGHT = [False, True, False, True, True, True, False, True, True]
REWARDS = [0, 1, 0, 0.5, 0.25, 0.125, 0, 0.0625, 0.03125]
ADVANTAGES = [-0.21875, 0.78125, -0.21875, 0.28125, 0.03125, -0.09375, -0.21875, -0.15625, -0.1875]


def serial(right: list[bool], group: str = "g", finish: Finish = Finish.EOS) -> list[Sample]:
    """Exits after 10, 20 ... tokens and the whole path last."""
    last = len(right)
    return [
        sample(
            group=group, correct=flag, tokens=10 * number, finish=finish if number == last else Finish.EOS,
            exit=number % last, kept=10 * number, thinking=10 * last, full=number == last,
        )
        for number, flag in enumerate(right, 1)
    ]  # fmt: skip


def test_the_golden_rewards_and_advantages() -> None:
    stage = stage_of("s-grpo")
    batch = rollouts(*serial(RIGHT))
    rewards = stage.reward(batch, 0).values
    assert rewards.tolist() == REWARDS
    mask = torch.ones(9, 3, dtype=torch.bool)
    advantage = stage.advantage(View(batch, rewards, mask, batch.group_ids, batch.finished, batch.cut))
    assert advantage[:, 0].tolist() == pytest.approx(ADVANTAGES)
    assert advantage[:, 2].tolist() == pytest.approx(ADVANTAGES)


def test_the_order_of_samples_does_not_matter_and_groups_do_not_mix() -> None:
    members = serial(RIGHT) + serial([True, True], "h")
    order = [7, 3, 9, 0, 5, 10, 1, 8, 2, 6, 4]
    batch = rollouts(*(members[place] for place in order))
    expected = [*REWARDS, 1.0, 0.5]
    assert DecayingExit()(batch, 0).values.tolist() == [expected[place] for place in order]


def test_the_ablations_of_the_paper_are_knobs() -> None:
    batch = rollouts(*serial(RIGHT))
    assert stage_of("s-grpo", exit_decay=1).reward(batch, 0).values.tolist() == [float(flag) for flag in RIGHT]
    assert stage_of("s-grpo", exit_decay=float("inf")).reward(batch, 0).values.tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(("aggregation", "pushed"), [("seq-mean-token-mean", True), ("token-mean", False)])
def test_the_paper_s_mean_pushes_what_all_members_share_and_the_token_mean_does_not(aggregation: str, pushed: bool) -> None:
    stage = stage_of("s-grpo", aggregation=aggregation)
    batch = rollouts(*serial([False, False, True]))
    mask = torch.arange(30)[None] < torch.tensor([[10], [20], [30]])
    advantage = stage.advantage(View(batch, stage.reward(batch, 0).values, mask, batch.group_ids, batch.finished, batch.cut))
    logp = torch.zeros(3, 30, dtype=torch.float64, requires_grad=True)
    loss, _ = stage.loss(logp, logp.detach(), advantage, mask)
    loss.backward()
    assert logp.grad is not None
    shared = float(logp.grad[:, :10].sum())  # the same tokens in all three members
    assert (shared > 1e-3) == pushed  # a loss that falls with the log-prob of a beginning that is right
    assert pushed or abs(shared) < 1e-9


def test_a_path_cut_at_its_limit_is_wrong_though_its_exits_may_be_right() -> None:
    batch = rollouts(*serial([False, True, True], finish=Finish.LENGTH))
    assert DecayingExit()(batch, 0).values.tolist() == [0.0, 1.0, 0.0]


def test_metrics_are_those_of_exits_and_of_whole_paths() -> None:
    reward = DecayingExit()
    reward(rollouts(*serial([False, True, True], "a"), *serial([True, True, False], "b")), 0)
    assert reward.metrics == {
        "exit_1_accuracy": 0.5,
        "exit_2_accuracy": 1.0,
        "full_accuracy": 0.5,
        "avg_correct_exit_position": pytest.approx((2 / 3 + 1 / 3 + 2 / 3) / 3),
        "full_tokens": 30.0,
    }


def test_groups_without_a_gradient_are_left_out_unless_asked_for() -> None:
    batch = rollouts(*serial([False, False], "a"), *serial([False, True], "b"), *serial([True], "c"))
    (signal,) = stage_of("s-grpo").filters
    assert signal(batch, DecayingExit()(batch, 0)).tolist() == [False, False, True, True, False]
    assert not signal.refill
    assert stage_of("s-grpo", drop_equal=False).filters == ()


def test_there_is_no_kl_no_critic_and_each_member_counts_as_one() -> None:
    stage = stage_of("s-grpo", aggregation="seq-mean-token-mean")
    assert stage.kl is None
    assert stage.critic is None
    logp = torch.zeros(2, 4, dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([[True] * 4, [True, False, False, False]])
    stage.loss(logp, logp.detach(), torch.ones(2, 4, dtype=torch.float64), mask)[0].backward()
    assert logp.grad is not None
    assert logp.grad.sum(1).tolist() == pytest.approx([-0.5, -0.5])


def test_samples_of_another_rollout_and_models_without_an_end_mark_are_refused() -> None:
    with pytest.raises(ConfigError, match="no exits"):
        DecayingExit()(rollouts(sample()), 0)
    with pytest.raises(ConfigError, match="marks no thinking"):
        stages(Config(), replace(setting(), preset=preset("boxed")))
    with pytest.raises(ConfigError, match="does not end the thought"):
        stages(Config(inducer="hurry"), setting())
    with pytest.raises(ConfigError, match="span_start"):
        stages(Config(span_start=0.9, span_end=0.2), setting())


def test_knobs_reach_the_rollout() -> None:
    knobs: dict[str, Any] = {"prompts": 5, "group_size": 2, "exits": 3, "exit_law": "even", "span_start": 0.1, "span_end": 0.9}
    rollout = stage_of("s-grpo", **knobs, inducer="</think>", answer_tokens=7, train_on="exit_only").rollout
    expected = {"prompts": 5, "paths": 2, "exits": 3, "law": "even", "span": (0.1, 0.9)}
    assert rollout == Serial(**expected, inducer="</think>", answer_tokens=7, train_on="exit_only")  # type: ignore[arg-type]
    assert RECIPES.get("s-grpo").start == "overthinking"
    assert not RECIPES.get("s-grpo").group


@pytest.mark.parametrize("train_on", ["all", "exit_only", "answer_only"])
def test_a_run_learns_from_exits(tmp_path: Path, train_on: str) -> None:
    knobs = {"prompts": 6, "group_size": 1, "exits": 4, "levels": (1,), "warmup": 0, "minibatches": 2}
    rows = run("s-grpo", tmp_path, train_on=train_on, steps=1, **knobs)
    assert rows[0]["samples"] == 6 * 5
    assert 0 < rows[0]["kept"] <= 30
    assert rows[0]["kept"] % 5 == 0
    assert rows[0]["grad_norm"] > 0
    assert rows[0]["full_accuracy"] > 0
    assert {"exit_1_accuracy", "exit_4_accuracy", "avg_correct_exit_position", "full_tokens"} <= rows[0].keys()
