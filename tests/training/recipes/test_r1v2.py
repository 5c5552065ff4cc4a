"""R1V2: pairs by the reward model, the hybrid reward, the buffer between steps."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.hand_made import batch, row, sample
from tests.training.recipes.critic_world import run, untimed
from tests.training.small import setting, tokenizer
from thinkwell.core.errors import ConfigError
from thinkwell.core.path import Finish, Origin, Segment
from thinkwell.core.path import Path as TokenPath
from thinkwell.core.sampling import Sampling
from thinkwell.engines.local.engine import LocalEngine
from thinkwell.lab import artifacts
from thinkwell.lab.tokenizer import prompt
from thinkwell.lab.trace import gold_trace
from thinkwell.lab.world import generate
from thinkwell.tasks.presets import preset
from thinkwell.training.buffers import SelectiveBuffer
from thinkwell.training.pairs import Pairs, make_pairs
from thinkwell.training.problems import LabProblems
from thinkwell.training.recipe import RECIPES
from thinkwell.training.recipes.r1v2 import Hybrid, LabJudge
from thinkwell.training.sample import Sample
from thinkwell.training.stage import Preference, Rl, Stage, Writer


def made(**knobs: Any) -> list[Stage]:
    recipe = RECIPES.get("r1v2")
    return list(recipe.stages(recipe.Config(**knobs), setting()))


def written(question: str, text: str) -> Sample:
    ids = [tuple(tokenizer().encode(part, add_special_tokens=False)) for part in (prompt(question), text)]
    path = TokenPath("0", (Segment("", Origin.PROMPT, ids[0]), Segment(text, Origin.MODEL, ids[1])), Finish.EOS)
    return Sample(path, sample().problem, "g")


def test_preference_training_comes_first_with_mpos_weights() -> None:
    first, second = made()
    assert isinstance(first, Preference)
    assert isinstance(second, Rl)
    assert first.loss == {"w_pref": 0.8, "w_quality": 0.2, "w_gen": 1.0, "beta": 0.1}
    assert isinstance(first.make, Pairs)
    assert first.rounds == 2
    assert [stage.name for stage in made(mpo_steps=0)] == ["grpo"]


def test_the_reward_is_the_plain_sum_and_pairs_are_ranked_by_the_reward_model() -> None:
    group = batch(sample("a", True), sample("a", False))
    judge = lambda samples: torch.tensor([0.25, 0.75])  # noqa: E731
    assert Hybrid(judge)(group, 0).values.tolist() == [2.25, 1.75]
    assert Hybrid(judge, 0.5)(group, 0).values.tolist() == [2.125, 1.375]
    assert Hybrid(judge, alone=True)(group, 0).values.tolist() == [0.25, 0.75]
    assert Hybrid(None, alone=True)(group, 0).values.tolist() == [2.0, 1.0]
    assert set(Hybrid(judge)(group, 0).parts) == {"rule", "model", "format"}


def test_the_labs_reward_model_prefers_a_right_trace_to_a_wrong_one() -> None:
    judge = LabJudge(tokenizer())
    right, wrong = [], []
    for seed in range(12):
        problem = generate(seed, 3, "train")
        trace = gold_trace(problem)
        last = trace.lines[-1].text
        off = last[: last.rfind("= ") + 2] + str(problem.answer + 1) + "." if "= " in last else last + " 1"
        right.append(written(problem.question, trace.text))
        wrong.append(written(problem.question, trace.thinking.replace(last, off) + "</think>\n\n" + trace.solution))
    scores = judge([*right, *wrong])
    assert bool(((scores >= 0) & (scores <= 1)).all())
    assert float(scores[:12].mean()) > float(scores[12:].mean()) + 0.2


def test_a_response_without_an_ended_step_is_worth_nothing_to_the_reward_model() -> None:
    assert LabJudge(tokenizer())([written("How many?", "Ann has")]).tolist() == [0.0]
    assert LabJudge(tokenizer())([]).tolist() == []


def test_a_model_with_another_vocabulary_is_refused_for_the_labs_reward_model() -> None:
    class Other(list[int]):
        pass

    with pytest.raises(ConfigError, match="reward_model=none"):
        _ = LabJudge(Other([1, 2])).model


def test_the_buffer_is_half_a_step_and_looks_at_verdicts() -> None:
    stage = made(prompts=4, group_size=4)[1]
    assert isinstance(stage, Rl)
    buffer = stage.buffer
    assert isinstance(buffer, SelectiveBuffer)
    assert (buffer.capacity, buffer.share, buffer.alpha, buffer.signal) == (8, 0.5, 1.0, "verdict")
    real_valued = [row(0.01, group="a"), row(-0.01, group="a"), row(0.7, group="b"), row(-0.7, group="b", right=False)]
    assert [kept.sample.group for kept in buffer.mix(real_valued, 0)] == ["b", "b"]
    alone = made(buffer_share=0.0)[1]
    assert isinstance(alone, Rl)
    assert alone.buffer is None


def test_pairs_of_the_bundled_policy_are_apart_by_the_gap_and_mostly_right_against_wrong() -> None:
    engine = LocalEngine(artifacts.path("policy"))
    source = LabProblems((4, 5), 0)
    stage = made(pair_prompts=6, group_size=6)[0]
    assert isinstance(stage, Preference)
    by = Writer(engine, preset("lab"), Sampling(1.0), 256, 0, "0", 0)
    found = asyncio.run(
        make_pairs(by, lambda n: [source.at(i) for i in range(n)], stage.make.reward, prompts=6, samples=6, min_gap=0.5)
    ).pairs
    assert found
    assert all(pair.gap >= 0.5 for pair in found)
    assert sum(pair.chosen.correct for pair in found) > sum(pair.rejected.correct for pair in found)


def test_a_run_replays_and_a_resumed_one_has_the_same_numbers(tmp_path: Path) -> None:
    from thinkwell.training.trainer import train

    knobs = {"steps": 4, "prompts": 3, "group_size": 3, "max_tokens": 120, "levels": (1,), "mpo_steps": 0, "warmup": 0}
    rows = run("r1v2", tmp_path / "whole", **{**knobs, "buffer_share": 1.0})
    assert all({"buffer/effective", "buffer/trained", "reward/model"} <= entry.keys() for entry in rows)
    assert sum(entry["buffer/replayed"] for entry in rows) > 0
    model = str(artifacts.path("policy"))
    half = {**knobs, "steps": 2, "buffer_share": 1.0}
    train("r1v2", out=tmp_path / "half", model=model, knobs=half, eval_problems=0, save_every=1)
    again = train("r1v2", out=tmp_path / "half", model=model, knobs={"steps": 4}, eval_problems=0, save_every=1, resume=True)
    assert untimed(again.steps) == untimed(rows)


def test_a_run_goes_through_both_stages_and_makes_pairs_anew_each_round(tmp_path: Path) -> None:
    from thinkwell.training.trainer import train

    knobs = {"steps": 1, "prompts": 2, "group_size": 3, "max_tokens": 80, "levels": (1,), "warmup": 0}
    knobs |= {"mpo_steps": 3, "rounds": 3, "pair_prompts": 3, "pairs": 2, "min_gap": 0.0}
    model = str(artifacts.path("policy"))
    whole = train("r1v2", out=tmp_path / "whole", model=model, knobs=knobs, eval_problems=0)
    assert [(one["stage"], one["kind"]) for one in whole.steps] == [("mpo", "preference")] * 3 + [("grpo", "rl")]
    assert [one.get("pairs/made") is not None for one in whole.steps] == [True, True, True, False]
    assert all(one["pairs"] > 0 for one in whole.steps[:3])
