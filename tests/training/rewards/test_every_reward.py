"""What the rewards have in common: reached by name, with presets, and refused presets."""

from __future__ import annotations

import inspect

import pytest
import torch

from thinkwell.core.errors import ConfigError
from thinkwell.training import rewards

TENSOR_REWARDS = (
    "laser",
    "laser_d",
    "laser_de",
    "grpo_lambda",
    "l_grpo",
    "adactrl",
    "rlsp",
    "format_length",
    "overlong",
    "decaying_exit",
    "correctness",
    "datarus",
    "flexive",
    "hybrid",
    "spc_critic",
    "spc_generator",
    "t1",
)


@pytest.mark.parametrize("name", [*TENSOR_REWARDS, "tag_format"])
def test_every_reward_is_reached_by_name_and_has_presets(name: str) -> None:
    assert name in rewards.__all__
    knob = inspect.signature(getattr(rewards, name)).parameters["preset"]
    assert knob.kind is inspect.Parameter.KEYWORD_ONLY
    assert knob.default == "paper"


@pytest.mark.parametrize("name", TENSOR_REWARDS)
def test_every_reward_refuses_a_preset_that_is_none(name: str) -> None:
    reward = getattr(rewards, name)
    ones = torch.ones(2, dtype=torch.int64)
    needed = [
        knob.name
        for knob in inspect.signature(reward).parameters.values()
        if knob.default is knob.empty and knob.kind is not knob.VAR_KEYWORD
    ]
    given = {knob: 1 if knob in ("step", "total_steps") else ones for knob in needed}
    with pytest.raises(ConfigError, match="preset"):
        reward(**given, preset="no such preset")


def test_nothing_is_exported_twice_and_all_of_it_exists() -> None:
    assert len(set(rewards.__all__)) == len(rewards.__all__)
    assert all(callable(getattr(rewards, name)) for name in rewards.__all__)
