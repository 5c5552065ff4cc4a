"""SPC as a recipe: a supervised stage of both players, one stage a round on one arena, the paper's constants; a run and its resumption."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from tests.training.small import SHORT, folder, sample, setting, tokenizer
from thinkwell.core.errors import ConfigError
from thinkwell.core.problem import Problem
from thinkwell.lab.sneaky import sneak
from thinkwell.training import games
from thinkwell.training.recipe import RECIPES
from thinkwell.training.recipes.spc import Config, stages
from thinkwell.training.sample import Rollouts, Sample
from thinkwell.training.stage import Rl, Sft, View
from thinkwell.training.trainer import train


def test_rounds_are_stages_on_one_arena_and_share_the_steps() -> None:
    first, *rounds = stages(Config(steps=7, rounds=2, sft_steps=2), setting())
    assert isinstance(first, Sft)
    assert [stage.steps for stage in rounds] == [4, 3]
    arenas = set()
    for number, stage in enumerate(rounds, 1):
        assert isinstance(stage, Rl)
        assert isinstance(stage.rollout, games.Games)
        assert isinstance(stage.buffer, games.Taught)
        assert stage.rollout.number == number
        arenas |= {id(stage.rollout.arena), id(stage.buffer.arena)}
    assert len(arenas) == 1
    assert len(stages(Config(sft_steps=0, rounds=3), setting())) == 3


def test_the_constants_are_the_papers() -> None:
    knobs = Config()
    assert (knobs.eps, knobs.sft_coef, knobs.kl_coef, knobs.prompts * knobs.group_size, knobs.rounds) == (0.2, 0.15, 0.0, 64, 2)
    with pytest.raises(ConfigError, match="rounds"):
        Config.parse({"steps": 1}, "spc")


def test_the_advantage_is_the_raw_reward_at_every_token() -> None:
    (stage, _) = stages(Config(sft_steps=0), setting())
    assert isinstance(stage, Rl)
    mask = torch.tensor([[False, True, True], [False, False, True]])
    flags = torch.zeros(2, dtype=torch.bool)
    found = stage.advantage(View(Rollouts(()), torch.tensor([1.0, -1.0]), mask, torch.tensor([0, 1]), ~flags, flags))
    assert found.tolist() == [[0, 1, 1], [0, 0, -1]]


def test_the_supervised_stage_teaches_both_players() -> None:
    first, *_ = stages(Config(sft_rows=24, levels=(3,)), setting())
    assert isinstance(first, Sft)
    texts = [tokenizer().decode([i for i, flag in zip(ids, flags, strict=True) if flag]) for ids, flags in first.rows(0)]
    critiques, rewritings = sum("Answer:" in text for text in texts), sum("Step: wrong" in text for text in texts)
    assert critiques + rewritings == 24
    assert min(critiques, rewritings) > 4


def test_ordinary_solutions_join_the_supervised_stage_if_asked_for() -> None:
    first, *_ = stages(Config(sft_rows=24, levels=(3,), sft_solving=0.5), setting())
    assert isinstance(first, Sft)
    texts = [tokenizer().decode([i for i, flag in zip(ids, flags, strict=True) if flag]) for ids, flags in first.rows(0)]
    assert 4 < sum("boxed{" in text for text in texts) < 20


def sneaky(original: object) -> object:
    """Replies in which the generator always attacks where it can; the critic is the model itself."""

    async def reply(writer: object, turns: list, size: int, *, name: str = "", **more: object) -> list[Sample]:
        if name != "rewrite":
            return await original(writer, turns, size, name=name, **more)  # type: ignore[operator]
        return [attack(turn.problem) for turn in turns]

    return reply


def attack(problem: Problem) -> Sample:
    from dataclasses import replace

    place = games.Positions((3,)).place(int(problem.meta["position"]))
    found = next((s for i in range(300) if (s := sneak(random.Random(i), place)) is not None), None)
    text = "</think>\n\n" + ("?" if found is None else f"Step: wrong {found[0]}. {found[1]}")
    return replace(sample(text, ids=(5, 6, 7)), problem=problem, verdict=None)


def test_a_run_and_its_resumption_have_the_same_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(games, "reply", sneaky(games.reply))
    knobs = {**SHORT, "steps": 4, "levels": (3,), "games": 4, "sft_steps": 1, "sft_rows": 2, "generator_epochs": 1, "turn_tokens": 12}
    model = folder(tmp_path / "model")
    whole = train("spc", out=tmp_path / "whole", model=model, knobs=knobs, eval_problems=0, save_every=1)

    class Killed(Exception):
        pass

    def kill(row: dict) -> None:
        if row["step"] == 4:
            raise Killed

    with pytest.raises(Killed):
        train("spc", out=tmp_path / "cut", model=model, knobs=knobs, eval_problems=0, save_every=1, listener=kill)
    resumed = train("spc", out=tmp_path / "cut", resume=True)
    timeless = [
        [{k: v for k, v in row.items() if k != "seconds" and not k.startswith("time/")} for row in run.steps] for run in (whole, resumed)
    ]
    assert timeless[0] == timeless[1]
    assert [row["stage"] for row in whole.steps] == ["sft", "round 1", "round 1", "round 2", "round 2"]
    assert [row["game/round"] for row in whole.steps[1:]] == [1, 1, 2, 2]
    assert all(row["loss_rl"] is not None and row["loss_sft"] > 0 for row in whole.steps[1:])


def test_the_recipe_is_registered() -> None:
    assert RECIPES.get("spc").start == "skills"
