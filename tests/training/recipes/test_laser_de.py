from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.training.recipes.lengths import run, stage_of
from tests.training.small import rollouts, sample
from thinkwell.training.recipes import laser_de
from thinkwell.training.rewards.monitored import Monitored


def rewards_of(stage_knobs: dict[str, bool], *made: object) -> list[float]:
    reward = stage_of(laser_de, **stage_knobs).reward
    assert isinstance(reward, Monitored)
    reward.targets.current = (1024, 1024, 1024)
    return reward(rollouts(*made), 1).values.tolist()  # type: ignore[arg-type]


def test_the_papers_golden_rewards_long_wrong_answers_lose_nothing() -> None:
    made = [
        sample(correct=right, tokens=tokens) for right, tokens in ((True, 900), (True, 1500), (False, 900), (False, 1500), (False, 1500))
    ]
    assert rewards_of({"loops": False}, *made[:4], replace(made[4], valid=False)) == [1.5, 1.0, -0.5, 0.0, -1.0]


def test_going_round_in_circles_is_no_search() -> None:
    looping = sample(correct=False, ids=(1, 2, 3, 4) * 400)
    searching = sample(correct=False, tokens=1600)
    assert rewards_of({"loops": True}, looping, searching) == [-0.5, 0.0]
    assert rewards_of({"loops": False}, looping, searching) == [0.0, 0.0]


def test_a_run_of_two_steps(tmp_path: Path) -> None:
    rows = run("laser-de", tmp_path, monitor_problems=2, lower=2)
    assert [row["samples"] for row in rows] == [4, 4]
