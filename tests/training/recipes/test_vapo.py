"""VAPO: two lambdas, one by length; clip-higher; the likelihood of right responses."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.training.recipes.critic_world import GOLDEN, run, stage_of, view
from thinkwell.training.advantages import gae


def test_the_critics_targets_are_the_reward_whatever_the_policys_lambda() -> None:
    stage = stage_of("vapo", whiten="off")
    assert stage.critic is not None
    assert stage.critic.on == "all"
    assert stage.critic.targets(view([1.0], GOLDEN))[0].tolist() == pytest.approx([1.0] * 4)


def test_the_policys_lambda_grows_with_the_length() -> None:
    for length, alpha, lam in ((4, 1.5, 1 - 1 / 6), (4, 0.05, 0.0), (40, 0.05, 0.5), (100, 0.05, 0.8)):
        values = [[0.1 * (place % 7) for place in range(length)]]
        seen = view([1.0], values)
        found = stage_of("vapo", alpha=alpha, whiten="off").advantage(seen)
        expected = gae(seen.rewards, seen.mask, values=seen.values, lam=lam)  # type: ignore[arg-type]
        assert torch.allclose(found, expected), (length, alpha)


def test_a_fixed_lambda_takes_its_place() -> None:
    seen = view([1.0], GOLDEN)
    found = stage_of("vapo", lam_policy=0.95, whiten="off").advantage(seen)
    assert found[0].tolist() == pytest.approx([0.4379625, 0.35575, 0.585, 0.3])


def test_clip_higher_lets_a_good_token_grow_further_than_a_bad_one_shrink() -> None:
    loss = stage_of("vapo").loss
    ratio = torch.tensor([[1.27, 1.29, 0.81, 0.79]], dtype=torch.float64)
    logp = ratio.log().requires_grad_()
    advantage = torch.tensor([[1.0, 1.0, -1.0, -1.0]], dtype=torch.float64)
    loss(logp, torch.zeros_like(logp), advantage, torch.ones(1, 4, dtype=torch.bool))[0].backward()
    assert logp.grad is not None
    assert (logp.grad != 0).tolist() == [[True, False, True, False]]


def test_a_run_adds_the_likelihood_of_right_responses(tmp_path: Path) -> None:
    assert stage_of("vapo").positive_nll == 0.1
    rows = run("vapo", tmp_path, steps=1)
    assert rows[0]["positive_nll"] > 0
    assert 0 < rows[0]["positive_fraction"] < 1
    assert rows[0]["grad_norm"] > 0
