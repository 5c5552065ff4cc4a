"""Enigmata: puzzles with one answer each, a mixture, stages, coverage, reward by task."""

from __future__ import annotations

import random
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.hand_made import batch, sample
from tests.training.recipes.critic_world import run
from tests.training.small import setting, tokenizer
from thinkwell.answers.grade import grade_problem
from thinkwell.core.answer import VerdictValue
from thinkwell.core.errors import ConfigError
from thinkwell.training.curriculum import Mixture
from thinkwell.training.recipe import RECIPES
from thinkwell.training.recipes._enigmata_puzzles import DIFFICULTIES, PUZZLES, Puzzles, drawn
from thinkwell.training.recipes.enigmata import ByTask
from thinkwell.training.rewards.applied import Correct
from thinkwell.training.sample import Rollouts
from thinkwell.training.stage import Rl, Sft, Stage

LONGEST = 120
"""Tokens of the longest solution: it must fit the lab's responses."""


def made(**knobs: Any) -> list[Stage]:
    recipe = RECIPES.get("enigmata")
    return list(recipe.stages(recipe.Config(**knobs), setting()))


def solve(name: str, question: str) -> int:
    """Answers by search from the text alone, without the generator's numbers."""
    numbers = [int(found) for found in re.findall(r"\d+", question)]
    if name == "sequence":
        (step,) = {after - before for before, after in pairwise(numbers)}
        return numbers[-1] + step
    if name == "rank":
        place, *shown = numbers
        (answer,) = (n for n in shown if sum(other > n for other in shown) == place - 1)
        return answer
    operations = re.findall(r"([+*]) (\d+)", question)
    goal = numbers[-1]

    def result(value: int) -> int:
        for sign, operand in operations:
            value = value + int(operand) if sign == "+" else value * int(operand)
        return value

    (answer,) = (value for value in range(1000) if result(value) == goal)
    return answer


@pytest.mark.parametrize("name", PUZZLES)
@pytest.mark.parametrize("level", range(3))
def test_an_independent_solver_finds_the_one_answer(name: str, level: int) -> None:
    ratio = [float(place == level) for place in range(3)]
    for seed in range(60):
        _, puzzle = drawn(name, random.Random(seed), ratio)
        assert solve(name, puzzle.question) == puzzle.answer


@pytest.mark.parametrize("name", PUZZLES)
def test_the_written_solution_is_graded_right_its_calculations_hold_and_junk_is_not_right(name: str) -> None:
    source = Puzzles(name)
    for place in range(40):
        problem = source.at(place)
        _, puzzle = drawn(name, random.Random(f"{name}/0/{place}"))
        assert puzzle.question == problem.question
        assert grade_problem(puzzle.reply, problem, thinking=True).correct
        for left, sign, right, result in re.findall(r"(\d+) ([-+*/]) (\d+) = (\d+)", puzzle.reply):
            told = {"-": int(left) - int(right), "+": int(left) + int(right), "*": int(left) * int(right), "/": int(left) / int(right)}[
                sign
            ]
            assert told == int(result)
        wrong = puzzle.reply.replace(f"boxed{{{puzzle.answer}}}", f"boxed{{{puzzle.answer + 1}}}")
        assert grade_problem(wrong, problem, thinking=True).value is VerdictValue.WRONG
        assert not grade_problem("", problem, thinking=True).correct
        assert len(tokenizer().encode(puzzle.reply)) <= LONGEST


@pytest.mark.parametrize("name", PUZZLES)
def test_held_out_puzzles_are_never_trained_on(name: str) -> None:
    trained = {Puzzles(name).at(place).question for place in range(300)}
    held = [problem.question for problem in Puzzles(name).held_out(60)]
    assert not trained & set(held)
    assert held == [problem.question for problem in Puzzles(name, seed=7).held_out(60)]


def test_a_position_and_seed_have_their_puzzle() -> None:
    assert Puzzles("undo").at(5) == Puzzles("undo").at(5)
    assert Puzzles("undo").at(5).question != Puzzles("undo", seed=1).at(5).question
    levels = Counter(Puzzles("rank").at(place).meta["difficulty"] for place in range(300))
    assert all(70 <= levels[name] <= 130 for name in DIFFICULTIES)
    assert {Puzzles("rank", (0, 0, 1)).at(place).meta["difficulty"] for place in range(20)} == {"hard"}


def test_multi_stage_is_maths_first_for_the_papers_share_of_the_steps() -> None:
    supervised, first, second = made(steps=425)
    assert isinstance(supervised, Sft)
    assert isinstance(first, Rl)
    assert isinstance(second, Rl)
    assert (first.steps, second.steps) == (200, 225)
    assert {first.problems.at(place).meta["part"] for place in range(30)} == {"maths"}
    parts = Counter(second.problems.at(place).meta["part"] for place in range(120))
    assert 57 <= parts["maths"] <= 63
    assert all(17 <= parts[name] <= 23 for name in PUZZLES)


def test_mix_training_has_one_stage_and_the_same_mixture() -> None:
    (only,) = made(steps=10, strategy="mix", sft_steps=0)
    assert isinstance(only, Rl)
    assert only.steps == 10
    assert isinstance(only.problems, Mixture)
    assert only.problems.shares == pytest.approx({"maths": 0.5, "sequence": 1 / 6, "rank": 1 / 6, "undo": 1 / 6})


def test_the_supervised_part_covers_what_is_taught_and_learns_whole_replies_only() -> None:
    (supervised, *_) = made(taught="sequence")
    assert isinstance(supervised, Sft)
    texts = []
    for step in range(4):
        for ids, flags in supervised.rows(step):
            learnt = [flag for flag in flags if flag]
            assert flags == [False] * (len(flags) - len(learnt)) + learnt
            texts.append(tokenizer().decode(ids))
    assert 0.3 < sum("Find the next number" in text for text in texts) / len(texts) < 0.7
    assert not any("high to low" in text or "Find the first number" in text for text in texts)
    assert supervised.rows(3) == supervised.rows(3) != supervised.rows(2)


def test_rewards_are_plus_and_minus_one_and_shown_by_task_and_difficulty() -> None:
    from dataclasses import replace

    def of(part: str, difficulty: str | None, right: bool) -> Any:
        one = sample(part, right)
        facts = {"part": part} | ({"difficulty": difficulty} if difficulty else {})
        return replace(one, problem=replace(one.problem, meta=facts))

    group: Rollouts = batch(of("maths", None, True), of("rank", "easy", False), of("rank", "hard", True))
    found = ByTask(Correct("klear"), ("maths", "rank", "undo"))(group, 0)
    assert found.values.tolist() == [1, -1, 1]
    assert {name: float(values.nanmean()) for name, values in found.parts.items()} == {"maths": 1, "rank": 0, "easy": -1, "hard": 1}
    assert torch.isnan(found.parts["maths"]).tolist() == [False, True, True]


def test_the_critic_and_both_lambdas_are_vc_ppos() -> None:
    stage = made(sft_steps=0, steps=16)[1]
    assert isinstance(stage, Rl)
    assert stage.critic is not None
    assert (stage.critic.warmup, stage.kl, stage.positive_nll) == (stage.steps // 8, None, 0.0)
    grouped = made(sft_steps=0, estimator="grpo")[0]
    assert isinstance(grouped, Rl)
    assert grouped.critic is None


def test_bad_knobs_are_refused() -> None:
    config = RECIPES.get("enigmata").Config
    for knobs in ({"puzzles": "chess"}, {"taught": "rank,rank"}, {"difficulty": "x"}):
        with pytest.raises(ConfigError):
            config.parse(knobs, "enigmata")
    with pytest.raises(ConfigError, match="easy : medium : hard"):
        made(difficulty=(1, 1), strategy="mix")[-1]
    with pytest.raises(ConfigError, match="group_size=1"):
        made(estimator="grpo", group_size=1)


def test_a_run_goes_through_all_stages(tmp_path: Path) -> None:
    rows = run("enigmata", tmp_path, sft_steps=1, steps=2, prompts=4, group_size=2, max_tokens=64, first_share=0.5)
    assert [(row["stage"], row["kind"]) for row in rows] == [("rft", "sft"), ("maths", "rl"), ("mixed", "rl")]
    assert "reward/maths" in rows[1]
    assert any(f"reward/{name}" in rows[-1] for name in PUZZLES)
    assert -1 <= rows[-1]["reward"] <= 1
