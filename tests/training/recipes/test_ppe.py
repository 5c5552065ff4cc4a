from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from tests.training.recipes.lengths import run, stage_of
from tests.training.small import LAB, rollouts, sample
from thinkwell.core.path import Origin, Segment
from thinkwell.core.problem import Problem
from thinkwell.tasks.presets import preset
from thinkwell.training import behaviour
from thinkwell.training.recipes import ppe
from thinkwell.training.recipes.ppe import PRIORS, Prompted, Style, kept, prior_of, with_prior
from thinkwell.training.rewards.applied import Correct

ASKED = Problem("p", "What is 3 + 4?", "7")


def test_five_styles_and_a_base_each_with_a_tag_of_its_own() -> None:
    assert get_args(Style) == (*PRIORS, "base")
    assert tuple(PRIORS) == behaviour.STYLES
    assert [prior.tag for prior in PRIORS.values()] == ["think", "plan", "code", "knowledge", "examples"]
    for style, prior in PRIORS.items():
        learnt = prior_of(style, LAB)
        assert learnt is not None
        assert learnt.tag == prior.tag
        assert f"<{prior.tag}>" in prior.instruction or style == "reasoning"


def test_the_instruction_stands_before_the_question_and_nothing_else_changes() -> None:
    asked = with_prior(preset("boxed"), PRIORS["planning"].instruction)
    (turn,) = asked.messages(ASKED)
    plain = preset("boxed").messages(ASKED)[0]["content"]
    assert turn["content"] == f"{PRIORS['planning'].instruction}\n\n{plain}"
    assert with_prior(LAB, "Plan.").kind == "lab"
    assert isinstance(stage_of(ppe, style="planning").rollout, Prompted)


@pytest.mark.parametrize(
    ("text", "well"),
    [
        ("<plan>\na\n</plan>\n\n<answer>\\boxed{7}</answer>", True),
        ("<plan></plan><answer></answer>", True),
        ("<answer>7</answer><plan>a</plan>", False),
        ("<plan><answer>7</answer></plan>", False),
        ("<plan>a</plan><plan>b</plan><answer>7</answer>", False),
        ("so <plan>a</plan><answer>7</answer>", False),
        ("<think>a</think><answer>7</answer>", False),
    ],
)
def test_both_tags_once_in_order_with_nothing_outside(text: str, well: bool) -> None:
    assert kept(sample(text), tag="plan") is well


def test_an_empty_tag_breaks_the_format_if_asked_for() -> None:
    assert not kept(sample("<plan> </plan><answer>7</answer>"), tag="plan", filled=True)


def test_a_mark_that_the_prompt_has_written_is_not_asked_for_again() -> None:
    made = sample("a</think>\n\n<answer>7</answer>")
    path = replace(made.path, segments=(Segment("?<think>\n", Origin.PROMPT, (0,)), made.path.segments[1]))
    assert kept(replace(made, path=path), tag="think")
    assert not kept(made, tag="think")


def test_the_answer_and_the_format_are_worth_one_half_each() -> None:
    batch = rollouts(sample(), sample(correct=False), replace(sample(), valid=False), replace(sample("step 1", correct=False), valid=False))
    given = stage_of(ppe, style="planning").reward(batch, 1)
    assert given.values.tolist() == [1, 0.5, 0.5, 0]
    assert given.parts["behaviour"].tolist() == [0, 0, 0, 1]


def test_the_base_is_asked_plainly_and_paid_for_the_answer() -> None:
    stage = stage_of(ppe, style="base")
    assert not isinstance(stage.rollout, Prompted)
    assert isinstance(stage.reward, Correct)
    assert stage.valid is None


def test_a_run_asks_with_the_prior_prompt(tmp_path: Path) -> None:
    rows = run("ppe", tmp_path, style="planning")
    assert [row["reward/format"] for row in rows] == [0, 0]
    assert (tmp_path / "run" / "samples.jsonl").exists()
