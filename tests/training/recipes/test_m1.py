"""M1: a team's turns, the filter by consensus and answer, and the control."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.training.small import folder, setting, tokenizer
from thinkwell.lab.labels import boxed
from thinkwell.lab.world import generate
from thinkwell.methods.wording.multi_agent import read_evaluation, read_review, read_roles
from thinkwell.training.recipe import RECIPES
from thinkwell.training.recipes.m1 import Config, stages, team
from thinkwell.training.stage import Sft
from thinkwell.training.trainer import train

CLOSE = "</think>\n\n"


def teams(count: int = 60, **more):
    made = ((problem := generate(i, 3 + i % 3, "train"), team(problem, random.Random(i), **more)) for i in range(count))
    return [(problem, said) for problem, said in made if said is not None]


def test_a_team_that_is_kept_agrees_is_accepted_and_is_right() -> None:
    found = teams()
    assert 20 < len(found) <= 60
    for problem, said in found:
        *_, critic, evaluator = said
        assert read_review(critic.text.removeprefix(CLOSE), lab=True).agrees
        verdict = read_evaluation(evaluator.text.removeprefix(CLOSE), lab=True)
        assert verdict is not None
        assert verdict.correct
        solutions = [turn.text for turn in said if "\\boxed{" in turn.text]
        assert boxed(solutions[-1]) == problem.answer


def test_the_first_turn_recruits_and_the_ceo_is_not_learnt_unless_asked_for() -> None:
    for _, said in teams(10):
        assert read_roles(said[0].text.removeprefix(CLOSE), 2) is not None
        assert all("continue or stop" not in turn.turns[-1] for turn in said)
    assert all("continue or stop" in said[0].turns[-1] for _, said in teams(10, ceo=True))


def test_a_wrong_solution_is_criticised_and_solved_again() -> None:
    longer = [said for _, said in teams() if len(said) > 4]
    assert longer
    for said in longer:
        assert read_review(said[2].text.removeprefix(CLOSE), lab=True).agrees is False
        assert said[3].turns[-1].endswith("Now solve it again.")


def test_with_one_round_only_what_is_right_at_once_or_mended_once_is_kept() -> None:
    assert {len(said) for _, said in teams(rounds=1)} == {4, 6}
    assert len(teams(rounds=1)) <= len(teams(rounds=3))


def stage(**knobs) -> Sft:
    (only,) = stages(Config(sft_rows=40, **knobs), setting())
    assert isinstance(only, Sft)
    return only


def texts(rows) -> list[str]:
    return [tokenizer().decode(ids) for ids, _ in rows]


def test_the_rows_are_turns_of_every_role() -> None:
    found = "\n".join(texts(stage().rows(0)))
    for part in ("Now find ", "agree or disagree?", "is it correct?", "Now solve it again."):
        assert part in found
    assert "continue or stop" not in found


def test_only_the_reply_is_learnt() -> None:
    for ids, flags in stage().rows(1):
        first = flags.index(True)
        assert all(flags[first:])
        assert tokenizer().decode(ids[:first]).endswith("<|im_start|>assistant\n<think>\n")


def test_the_control_is_a_solver_alone() -> None:
    found = texts(stage(data="plain").rows(0))
    assert len(found) == 40
    assert not any("agree" in text or "roles" in text for text in found)


def test_rows_are_a_pure_function_of_seed_and_step() -> None:
    assert stage().rows(3) == stage().rows(3) != stage().rows(4)
    assert RECIPES.get("m1").needs_answers is False


@pytest.mark.parametrize("data", ["team", "plain"])
def test_a_run_with_the_trainer(tmp_path: Path, data: str) -> None:
    knobs = {"data": data, "sft_steps": 2, "sft_rows": 2, "levels": (1,), "max_tokens": 8}
    report = train("m1", out=tmp_path / "run", model=folder(tmp_path / "model"), knobs=knobs, eval_every=0, eval_problems=1)
    assert [row["kind"] for row in report.steps] == ["sft", "sft"]
    assert all(row["loss"] > 0 for row in report.steps)
