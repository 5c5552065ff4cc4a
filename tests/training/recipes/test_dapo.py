"""DAPO: the four changes, as the paper has them, and where its filter on accuracy loses a signal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.hand_made import batch, rewarded, sample
from tests.training.recipes.critic_world import run
from tests.training.small import setting
from thinkwell.core.errors import ConfigError
from thinkwell.core.path import Finish
from thinkwell.training.recipe import RECIPES
from thinkwell.training.stage import Rl, View


def stage(**knobs: Any) -> Rl:
    recipe = RECIPES.get("dapo")
    (made,) = recipe.stages(recipe.Config(**knobs), setting())
    assert isinstance(made, Rl)
    return made


def rewards_of(lengths: list[int], **knobs: Any) -> list[float]:
    return stage(**knobs).reward(batch(*(sample("a", True, n) for n in lengths)), 0).values.tolist()


def test_the_soft_punishment_has_the_golden_numbers_on_top_of_the_verdict() -> None:
    lengths = [80, 81, 90, 100]
    assert rewards_of(lengths, max_tokens=100, cache=20) == pytest.approx([1, 0.95, 0.5, 0])
    parts = stage(max_tokens=100, cache=20).reward(batch(*(sample("a", False, n) for n in lengths)), 0).parts
    assert parts["overlong"].tolist() == pytest.approx([0, -0.05, -0.5, -1])
    assert parts["verdict"].tolist() == [-1] * 4


def test_the_cache_is_the_papers_fifth_of_the_limit() -> None:
    assert rewards_of([16384, 18432, 20480], max_tokens=20480) == pytest.approx([1, 0.5, 0])
    assert rewards_of([410, 461, 512]) == pytest.approx([1, 0.5, 0], abs=0.01)


def test_the_ratio_may_grow_further_than_it_may_shrink() -> None:
    old = torch.zeros(1, 2)
    logp = torch.log(torch.tensor([[1.27, 1.29]])).requires_grad_()
    loss, _ = stage().loss(logp, old, torch.ones(1, 2), torch.ones(1, 2, dtype=torch.bool))
    loss.backward()
    assert logp.grad is not None
    assert logp.grad[0].tolist() == pytest.approx([-0.635, 0])
    assert float(loss.detach()) == pytest.approx(-(1.27 + 1.28) / 2)


def test_the_loss_is_the_mean_over_all_tokens() -> None:
    mask = torch.tensor([[True, True, True], [True, False, False]])
    loss, _ = stage().loss(torch.zeros(2, 3), torch.zeros(2, 3), torch.tensor([[1.0] * 3, [-1.0] * 3]), mask)
    assert float(loss) == pytest.approx(-(3 - 1) / 4)


def test_neither_kl_nor_entropy() -> None:
    assert (stage().kl, stage().entropy, stage().critic) == (None, 0.0, None)


def test_groups_all_right_or_all_wrong_are_replaced() -> None:
    (found,) = stage().filters
    assert found.refill
    group = batch(sample("a"), sample("a", False), sample("b"), sample("b"), sample("c", False), sample("c", False))
    assert found(group, rewarded([1, -1, 1, 1, -1, -1])).tolist() == [True, True, False, False, False, False]
    assert stage(sampling="off").filters == ()


def test_on_the_final_reward_a_group_of_right_answers_of_which_one_is_too_long_stays() -> None:
    group = batch(sample("a", True, 10), sample("a", True, 90))
    for sampling, stays in (("accuracy", False), ("reward", True)):
        made = stage(sampling=sampling, max_tokens=100)
        assert made.filters[0](group, made.reward(group, 0)).tolist() == [stays, stays]


def test_a_cut_response_is_masked_or_dropped_as_asked() -> None:
    group = batch(sample("a", True), sample("a", False), sample("a", False, finish=Finish.LENGTH))
    view = View(group, torch.tensor([1.0, -1, -1]), torch.ones(3, 2, dtype=torch.bool), group.group_ids, group.finished, group.cut)
    rewards = rewarded([1, -1, -1])
    kept = stage(overlong="mask")
    assert kept.filters[0](group, rewards).all()
    assert kept.advantage(view)[:, 0].tolist() == pytest.approx([2**0.5, -(0.5**0.5), 0], abs=1e-4)
    assert stage(overlong="drop").filters[0](group, rewards).tolist() == [True, True, False]
    assert stage(overlong="off").reward(group, 0).values.tolist() == [1, -1, -1]


def test_several_updates_a_step_so_that_the_clip_can_act() -> None:
    assert stage().minibatches > 1


def test_a_group_of_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="group_size=1"):
        run("dapo", tmp_path, group_size=1)


def test_a_run_refills_until_every_group_has_right_and_wrong_answers(tmp_path: Path) -> None:
    rows = run("dapo", tmp_path, group_size=3, levels=(1,), refills=6)
    assert all(row["kept"] <= 6 for row in rows)
    assert any(row["refills"] > 0 for row in rows)
    assert any(row["grad_norm"] for row in rows)
    assert {"reward/verdict", "reward/overlong"} <= rows[0].keys()
    assert all(row["samples"] == 6 * (row["refills"] + 1) for row in rows)
