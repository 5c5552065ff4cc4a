from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.training.recipes.lengths import run, stage_of
from tests.training.small import SHORT, folder, rollouts, sample, setting
from thinkwell.training.recipes import laser_d
from thinkwell.training.recipes._laser import MONITOR_AT
from thinkwell.training.rewards.monitored import Monitored
from thinkwell.training.stage import Prepares
from thinkwell.training.trainer import train


def test_the_reward_watches_a_set_that_training_never_draws() -> None:
    stage = stage_of(laser_d, monitor_problems=5, group_size=4, max_tokens=300, lower=32)
    assert isinstance(stage.reward, Monitored)
    assert isinstance(stage.reward, Prepares)
    assert [problem.id for problem in stage.reward.problems] == [setting().problems.at(MONITOR_AT + place).id for place in range(5)]
    targets = stage.reward.targets
    assert (targets.rollouts, targets.lower, targets.upper) == (4, 32, 300)
    assert stage.filters == ()


def test_easy_and_hard_problems_have_targets_of_their_own() -> None:
    reward = stage_of(laser_d).reward
    assert isinstance(reward, Monitored)
    reward.targets.current = (50, 100, 200)
    easy = [sample(tokens=60, group="easy") for _ in range(3)]
    hard = [sample(tokens=60, group="hard", correct=place == 0) for place in range(4)]
    assert reward(rollouts(*easy, *hard), 1).values.tolist() == [1.0, 1.0, 1.0, 1.5, -0.5, -0.5, -0.5]


class Killed(Exception):
    pass


def test_a_run_that_was_stopped_goes_on_with_the_targets_that_it_had(tmp_path: Path) -> None:
    knobs = {**SHORT, "steps": 4, "lower": 2, "interval": 1, "monitor_every": 3, "monitor_problems": 2}
    model = folder(tmp_path / "tiny")

    def stop(row: dict[str, Any]) -> None:
        if row["step"] == 2:
            raise Killed

    def go(place: str, **more: Any) -> list[dict[str, Any]]:
        steps = train("laser-d", out=tmp_path / place, model=model, knobs=knobs, eval_problems=0, save_every=1, **more).steps
        return [{name: value for name, value in row.items() if not name.startswith(("seconds", "time/"))} for row in steps]

    whole = go("whole")
    assert all(2 <= row["reward/target_hard"] <= 12 for row in whole)
    with pytest.raises(Killed):
        go("halved", listener=stop)
    assert go("halved", resume=True) == whole


def test_without_monitoring_nothing_is_sampled_besides(tmp_path: Path) -> None:
    rows = run("laser-d", tmp_path, monitor_every=0, fixed=7)
    assert {row["reward/target_easy"] for row in rows} == {7.0}
