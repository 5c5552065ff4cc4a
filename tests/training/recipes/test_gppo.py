"""Klear-Reasoner: two stages, GPPO's gradients in place of PPO's, rewards and filters as in the paper."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.training.small import LAB, SHORT, folder, rollouts, sample, setting, tokenizer
from thinkwell.core.path import Finish
from thinkwell.lab.labels import boxed, is_reflection, split_steps
from thinkwell.training.recipe import RECIPES
from thinkwell.training.recipes.gppo import Config, filters, loss, stages
from thinkwell.training.rewards.formats import closes_thinking
from thinkwell.training.sample import Rewarded
from thinkwell.training.stage import Rl, Sft
from thinkwell.training.trainer import train

OLD = torch.tensor([[0.5, 0.4, 0.2], [0.5, 0.4, 0.2]], dtype=torch.float64).log()
NEW = torch.tensor([[0.5, 0.6, 0.1], [0.8, 0.2, 0.2]], dtype=torch.float64).log()
ADVANTAGES = torch.tensor([[1.0, 1.0, 1.0], [-1.0, -1.0, -1.0]], dtype=torch.float64)
MASK = torch.tensor([[True, True, True], [True, True, False]])


def gradients(knobs: Config) -> tuple[float, list[float]]:
    logp = NEW.clone().requires_grad_()
    value, _ = loss(knobs)(logp, OLD, ADVANTAGES, MASK)
    value.backward()
    assert logp.grad is not None
    return float(value.detach()), logp.grad[MASK].tolist()


@pytest.mark.parametrize(
    ("surrogate", "expected"),
    [
        ("gppo", [-0.2, -0.256, -0.1, 0.32, 0.16]),
        ("clip-higher", [-0.2, 0.0, -0.1, 0.32, 0.0]),
        ("none", [-0.2, -0.3, -0.1, 0.32, 0.1]),
        ("cispo", [-0.2, -0.256, -0.16, 0.256, 0.16]),
    ],
)
def test_each_surrogate_has_the_gradients_of_its_paper(surrogate: str, expected: list[float]) -> None:
    assert gradients(Config(surrogate=surrogate))[1] == pytest.approx(expected)  # type: ignore[arg-type]


def test_gppo_has_the_value_of_the_clipped_loss() -> None:
    assert gradients(Config())[0] == pytest.approx(-0.076)
    assert gradients(Config(surrogate="clip-higher"))[0] == pytest.approx(-0.076)


def test_dual_clip_is_off_unless_asked_for() -> None:
    far = torch.tensor([[2.5, 0.0, 0.0]], dtype=torch.float64)

    def gradient(knobs: Config) -> float:
        logp = far.clone().requires_grad_()
        loss(knobs)(logp, torch.zeros_like(far), -torch.ones_like(far), torch.tensor([[True, False, False]]))[0].backward()
        assert logp.grad is not None
        return float(logp.grad[0, 0])

    assert gradient(Config()) == pytest.approx(float(torch.exp(far[0, 0])))
    assert gradient(Config(dual_clip=10.0)) == 0.0


def test_a_supervised_stage_comes_first_and_can_be_left_out() -> None:
    first, second = stages(Config(steps=7, sft_steps=3), setting())
    assert isinstance(first, Sft)
    assert first.steps == 3
    assert isinstance(second, Rl)
    assert (second.steps, second.minibatches, second.kl, second.positive_nll) == (7, 8, None, 0.1)
    assert len(stages(Config(sft_steps=0), setting())) == 1


def test_long_chains_check_more_than_the_policy_and_keep_wrong_answers() -> None:
    (first, *_) = stages(Config(sft_steps=1, sft_rows=60, levels=(4,)), setting())
    assert isinstance(first, Sft)
    texts = [tokenizer().decode([i for i, flag in zip(ids, flags, strict=True) if flag]) for ids, flags in first.rows(0)]
    steps = [step for text in texts for step in split_steps(text)]
    assert sum(map(is_reflection, steps)) / len(steps) > 0.25
    assert all(boxed(text) is not None for text in texts)


def test_a_thinking_that_is_not_closed_is_worth_what_a_wrong_answer_is() -> None:
    (stage,) = stages(Config(sft_steps=0), setting())
    assert isinstance(stage, Rl)
    valid = closes_thinking(LAB)
    made = [sample("a</think>b", correct=True), sample("a", correct=True), sample("a</think>b", correct=False), sample("</think></think>")]
    from dataclasses import replace

    batch = rollouts(*(replace(one, valid=valid(one)) for one in made))
    assert stage.reward(batch, 0).values.tolist() == [1.0, -1.0, -1.0, -1.0]


def test_cut_responses_and_equal_groups_are_left_out_and_nothing_is_sampled_for_them() -> None:
    batch = rollouts(
        sample(group="a", correct=True), sample(group="a", correct=False, finish=Finish.LENGTH), sample(group="b"), sample(group="b")
    )
    rewards = Rewarded(torch.tensor([1.0, -1.0, 1.0, 1.0]))
    whole, unequal = filters(Config())
    assert whole(batch, rewards).tolist() == [True, False, True, True]
    assert unequal(batch, rewards).tolist() == [True, True, False, False]
    assert not whole.refill
    assert not unequal.refill
    assert filters(Config(overlong_filter=False, drop_equal=False)) == ()


def test_the_recipe_is_registered() -> None:
    assert RECIPES.get("gppo").Config is Config


def test_the_trainer_runs_every_stage(tmp_path: Path) -> None:
    report = train(
        "gppo",
        out=tmp_path / "run",
        model=folder(tmp_path / "model"),
        knobs={**SHORT, "sft_steps": 1, "sft_rows": 2, "minibatches": 2},
        eval_problems=2,
    )
    assert [step["kind"] for step in report.steps] == ["sft", "rl", "rl"]
    assert all(step["grad_norm"] is None or step["grad_norm"] >= 0 for step in report.steps)
    assert report.steps[-1]["reward"] is not None
