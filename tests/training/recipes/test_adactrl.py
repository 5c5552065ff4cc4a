"""AdaCtrl: the reward needs the whole group, the tag is read at the very start, the cold start has both tags, a budget is words in front of the answer."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.training.small import SHORT, folder, rollouts, sample, setting, tokenizer
from thinkwell.core.errors import ConfigError
from thinkwell.lab.labels import boxed
from thinkwell.training.budget_tags import opening
from thinkwell.training.recipe import RECIPES
from thinkwell.training.recipes.adactrl import Config, Tagged, stages
from thinkwell.training.rewards.adactrl import Tag, tags_of
from thinkwell.training.sample import Rollouts
from thinkwell.training.stage import Rl, Sft
from thinkwell.training.trainer import train


def group(right: int, size: int, first: str = "[Easy] a", tokens: int = 50) -> Rollouts:
    """A group of which so many are right: the first sample has this text and length, the others are `[Hard]` of 100 tokens."""
    others = [sample("[Hard] b", correct=i + 1 < right, tokens=100) for i in range(size - 1)]
    return rollouts(sample(first, correct=right > 0, tokens=tokens), *others)


def test_reward_of_a_right_easy_answer_in_an_easy_group() -> None:
    found = Tagged(Config())(group(11, 16), 0)
    assert found.values[0] == pytest.approx(1 + 0.5 * 1 + 0.5 * 0.5)  # half of the longest: cos(pi/2) = 0
    assert found.values[1] == pytest.approx(1 + 0.5 * 0)  # right, but tagged hard in an easy group
    assert found.values[15] == pytest.approx(-1)
    assert found.parts["brevity"][0] == pytest.approx(0.25)
    assert found.parts["tag/easy"].tolist() == [1.0] + [0.0] * 15


def test_ten_of_sixteen_is_hard() -> None:
    found = Tagged(Config())(group(10, 16), 0)
    assert found.parts["calibration"][0] == 0
    assert found.parts["calibration"][1] == 0.5


def test_brevity_is_for_right_answers_unless_said_otherwise() -> None:
    assert Tagged(Config())(group(0, 4), 0).parts["brevity"][0] == 0
    assert Tagged(Config(require_correct=False))(group(0, 4), 0).parts["brevity"][0] == pytest.approx(0.25)


def test_a_response_without_a_tag_loses_alpha() -> None:
    for text in ("a", " [Easy] a", ""):
        assert Tagged(Config())(group(4, 4, text), 0).parts["calibration"][0] == -0.5


def test_the_last_sixth_of_the_limit_is_punished() -> None:
    found = Tagged(Config(max_tokens=60, beta=0))(group(4, 4, tokens=55), 0)
    assert found.parts["overlong"][0] == pytest.approx(-0.5)
    assert found.values[0] == pytest.approx(1 + 0.5 - 0.5)


def test_brevity_follows_the_cosine() -> None:
    found = Tagged(Config(beta=1.0))(group(4, 4, tokens=25), 0)
    assert found.parts["brevity"][0] == pytest.approx((1 + math.cos(math.pi / 4)) / 2)


def test_groups_are_filtered_by_accuracy_and_sampled_again() -> None:
    _, stage = stages(Config(), setting())
    assert isinstance(stage, Rl)
    (mixed,) = stage.filters
    assert mixed.refill
    batch = group(4, 4)
    assert not mixed(batch, stage.reward(batch, 0)).any()  # all right, though the rewards differ
    assert mixed(group(2, 4), stage.reward(group(2, 4), 0)).all()


def test_the_cold_start_tags_easy_problems_and_answers_them_briefly() -> None:
    (first, _) = stages(Config(levels=(2, 6), easy_level=3, sft_rows=40, tagged_otherwise=0), setting())
    assert isinstance(first, Sft)
    texts = [tokenizer().decode([i for i, flag in zip(ids, flags, strict=True) if flag]) for ids, flags in first.rows(0)]
    tags = tags_of(texts)
    easy = [len(text) for text, tag in zip(texts, tags, strict=True) if tag == Tag.EASY]
    hard = [len(text) for text, tag in zip(texts, tags, strict=True) if tag == Tag.HARD]
    assert len(easy) + len(hard) == 40
    assert min(len(easy), len(hard)) > 5
    assert sum(easy) / len(easy) < 0.5 * sum(hard) / len(hard)
    assert all(boxed(text) is not None for text in texts)


def test_a_forced_tag_has_the_tokens_that_the_model_learnt() -> None:
    learnt = tokenizer().encode("[Easy] Ann starts", add_special_tokens=False)
    forced = tokenizer().encode(opening("easy"), add_special_tokens=False)
    assert learnt[: len(forced)] == forced
    assert tokenizer().decode(learnt[len(forced) :]) == " Ann starts"
    assert opening("adaptive") == ""
    with pytest.raises(ConfigError, match="mode"):
        opening("medium")


def test_a_cold_start_without_both_kinds_of_problem_is_refused() -> None:
    with pytest.raises(ConfigError, match="easy"):
        Config.parse({"levels": "1,2"}, "adactrl")
    assert Config(levels=(1, 2), sft_steps=0).levels == (1, 2)


def test_the_recipe_is_registered() -> None:
    assert RECIPES.get("adactrl").Config is Config


def test_the_trainer_runs_every_stage(tmp_path: Path) -> None:
    knobs = {**SHORT, "sft_steps": 1, "sft_rows": 2, "levels": (1, 5), "dynamic_sampling": False}
    report = train("adactrl", out=tmp_path / "run", model=folder(tmp_path / "model"), knobs=knobs, eval_problems=2)
    assert [step["kind"] for step in report.steps] == ["sft", "rl", "rl"]
    assert all(step["grad_norm"] is None or step["grad_norm"] >= 0 for step in report.steps)
    assert report.steps[-1]["reward"] is not None
