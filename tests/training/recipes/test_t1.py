"""T1: chains with trial and error, the penalty of degenerate responses, leave-one-out advantages, the moving anchor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.training.small import SHORT, folder, rollouts, sample, setting, tokenizer
from thinkwell.core.path import Finish
from thinkwell.lab.labels import boxed, split_steps
from thinkwell.lab.templates import CORRECTION_WORDS
from thinkwell.training.recipe import RECIPES
from thinkwell.training.recipes.t1 import Config, Degenerate, stages
from thinkwell.training.stage import Rl, Sft, View
from thinkwell.training.trainer import train

LOOP = tuple([1, 2, 3, 4] * 40)
TEXT = tuple(range(160))


def test_a_degenerate_response_is_worth_the_penalty_whatever_it_says() -> None:
    batch = rollouts(
        sample(ids=TEXT, correct=True),
        sample(ids=TEXT, correct=False),
        sample(ids=TEXT, correct=True, finish=Finish.LENGTH),
        sample(ids=LOOP, correct=True),
        sample("\ufffd\ufffd\ufffd ab", ids=TEXT, correct=True),
    )
    found = Degenerate()(batch, 0)
    assert found.values.tolist() == [1.0, 0.0, -1.0, -1.0, -1.0]
    assert found.parts["repetitive"].tolist() == [0, 0, 0, 1, 0]
    assert found.parts["garbled"].tolist() == [0, 0, 0, 0, 1]
    assert found.parts["cut"].tolist() == [0, 0, 1, 0, 0]
    assert Degenerate(penalty=None)(batch, 0).values.tolist() == [1.0, 0.0, 1.0, 1.0, 1.0]


def test_what_the_prompt_says_does_not_count_as_repetition() -> None:
    from thinkwell.core.path import Origin, Segment

    short = sample(ids=tuple(range(70)))
    long_prompt = replace(short, path=replace(short.path, segments=(Segment("?", Origin.PROMPT, LOOP), *short.path.segments[1:])))
    assert Degenerate()(rollouts(long_prompt), 0).parts["repetitive"].tolist() == [0]


def test_the_stage_is_the_papers() -> None:
    _, stage = stages(Config(steps=5), setting())
    assert isinstance(stage, Rl)
    assert stage.kl is not None
    assert (stage.kl.place, stage.kl.to, stage.kl.ema, stage.kl.coef) == ("centred", "ema", 0.99, 2e-4)
    assert stage.entropy == 5e-4
    assert Config().temperature == 1.2
    assert stage.filters == ()


def test_anchor_entropy_and_supervised_stage_are_switches() -> None:
    (none,) = stages(Config(anchor="none", entropy_coef=0, sft_steps=0), setting())
    (frozen,) = stages(Config(anchor="frozen", sft_steps=0), setting())
    assert isinstance(none, Rl)
    assert isinstance(frozen, Rl)
    assert none.kl is None
    assert none.entropy == 0
    assert frozen.kl is not None
    assert frozen.kl.to == "start"


def test_advantages_leave_one_out() -> None:
    (stage,) = stages(Config(sft_steps=0), setting())
    assert isinstance(stage, Rl)
    mask = torch.ones(4, 2, dtype=torch.bool)
    flags = torch.zeros(4, dtype=torch.bool)
    rewards = torch.tensor([1.0, 0.0, 0.0, -1.0])
    found = stage.advantage(View(rollouts(), rewards, mask, torch.zeros(4, dtype=torch.int64), ~flags, flags))
    assert found[:, 0].tolist() == pytest.approx([4 / 3, 0.0, 0.0, -4 / 3])


def test_the_loss_is_the_policy_gradient_whatever_the_ratio() -> None:
    (stage,) = stages(Config(sft_steps=0), setting())
    assert isinstance(stage, Rl)
    logp = torch.tensor([[1.0, -1.0]], dtype=torch.float64, requires_grad=True)
    stage.loss(logp, torch.zeros(1, 2, dtype=torch.float64), torch.tensor([[2.0, -1.0]]).double(), torch.ones(1, 2, dtype=torch.bool))[
        0
    ].backward()
    assert logp.grad is not None
    assert logp.grad[0].tolist() == pytest.approx([-2.0 * 2.718281828 / 2, 1.0 * 0.36787944 / 2])


def test_chains_err_notice_it_and_end_right() -> None:
    (first, *_) = stages(Config(sft_steps=1, sft_rows=80, levels=(4,)), setting())
    assert isinstance(first, Sft)
    texts = [tokenizer().decode([i for i, flag in zip(ids, flags, strict=True) if flag]) for ids, flags in first.rows(0)]
    corrected = [any(word in step for word in CORRECTION_WORDS for step in split_steps(text)) for text in texts]
    assert sum(corrected) > len(texts) / 2
    assert all(boxed(text) is not None for text in texts)


def test_the_recipe_is_registered() -> None:
    assert RECIPES.get("t1").Config is Config


def test_the_trainer_runs_every_stage(tmp_path: Path) -> None:
    report = train(
        "t1", out=tmp_path / "run", model=folder(tmp_path / "model"), knobs={**SHORT, "sft_steps": 1, "sft_rows": 2}, eval_problems=2
    )
    assert [step["kind"] for step in report.steps] == ["sft", "rl", "rl"]
    assert all(step["grad_norm"] is None or step["grad_norm"] >= 0 for step in report.steps)
    assert report.steps[-1]["reward"] is not None
