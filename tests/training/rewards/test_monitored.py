from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tests.training.small import rollouts, sample
from thinkwell.core.errors import ConfigError, DataError
from thinkwell.core.problem import Problem
from thinkwell.training import rewards
from thinkwell.training.rewards.laser_targets import LengthTargets
from thinkwell.training.rewards.monitored import Monitored
from thinkwell.training.sample import Rollouts

WATCHED = [Problem("w", "?", "1")]


class Asked:
    """A probe that gives the same eight right answers of 10, 20 .. 80 tokens and remembers what it was asked for."""

    def __init__(self, *, correct: bool | None = True) -> None:
        self.calls: list[tuple[int, int]] = []
        self.correct = correct

    async def __call__(self, problems: Sequence[Problem], n: int) -> Rollouts:
        self.calls.append((len(problems), n))
        return rollouts(*(sample(correct=self.correct, tokens=10 * place, group="w") for place in range(1, 9)))


def made(every: int = 10) -> Monitored:
    return Monitored(rewards.laser_d, LengthTargets(lower=16, interval=16, upper=512, fixed=256, every=every), WATCHED, {"alpha": 0.5})


def prepare(reward: Monitored, step: int, probe: Asked) -> None:
    asyncio.run(reward.prepare(step, probe))


def test_targets_are_chosen_before_the_first_step_and_then_every_so_often() -> None:
    reward, probe = made(), Asked()
    for step in range(1, 22):
        prepare(reward, step, probe)
    assert probe.calls == [(1, 8)] * 3  # before steps 1, 11 and 21


def test_the_easy_target_covers_what_one_right_answer_needs_and_empty_levels_fall_back() -> None:
    reward, probe = made(), Asked()
    prepare(reward, 1, probe)
    # six right ones at least in a group of eight: two of eight responses must be short enough; 16 tokens hold one, 32 hold three
    assert reward.targets.current == (32, 512, 512)
    given = reward(rollouts(*(sample(tokens=tokens) for tokens in (30, 33, 90))), 1)
    assert given.values.tolist() == [1.5, 1.0, 1.0]
    assert given.parts["target_easy"].tolist() == [32.0] * 3
    prepare(reward, 11, probe)
    assert reward.targets.current == (32, 90, 90)  # the longest response of the last batch


def test_without_monitoring_the_fixed_target_holds() -> None:
    reward, probe = made(every=0), Asked()
    prepare(reward, 1, probe)
    assert probe.calls == []
    assert reward(rollouts(sample(tokens=256), sample(tokens=257)), 1).values.tolist() == [1.5, 1.0]


def test_the_state_takes_up_targets_and_clock_where_they_were() -> None:
    first, probe = made(), Asked()
    prepare(first, 1, probe)
    first(rollouts(sample(tokens=90)), 1)
    second, later = made(), Asked()
    second.load_state_dict(first.state_dict())
    assert second.state_dict() == first.state_dict()
    prepare(second, 2, later)
    assert later.calls == []
    with pytest.raises(ConfigError, match="monitoring set"):
        second.load_state_dict({"targets": None})


def test_a_monitoring_set_that_nobody_could_grade_stops_the_run() -> None:
    with pytest.raises(DataError, match="none of the 8 responses"):
        prepare(made(), 1, Asked(correct=None))


def test_a_batch_of_which_nothing_is_left_keeps_the_longest_of_the_one_before() -> None:
    reward = made()
    reward(rollouts(sample(tokens=90)), 1)
    assert reward(rollouts(), 2).values.tolist() == []
    assert reward.longest == 90
