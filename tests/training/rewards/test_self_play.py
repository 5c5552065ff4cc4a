"""The rewards of SPC's game: every outcome is listed, and on valid attacks what one player wins the other loses."""

from __future__ import annotations

import pytest
import torch

from thinkwell.core.errors import ConfigError
from thinkwell.training.rewards.self_play import critic_labels, spc_critic, spc_generator, valid_attacks


def flags(*values: int) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.bool)


def test_the_critic_wins_by_the_right_label() -> None:
    assert spc_critic(flags(1, 1, 0, 0), flags(1, 0, 1, 0)).tolist() == [1, -1, -1, 1]


def test_a_critic_without_a_label_has_lost() -> None:
    assert spc_critic(flags(1, 0), flags(1, 0), parsed=flags(1, 0)).tolist() == [1, -1]


def test_always_incorrect_does_not_pay_on_paired_samples() -> None:
    is_right = flags(1, 0, 1, 0)
    assert spc_critic(flags(0, 0, 0, 0), is_right).sum().item() == 0


def test_the_generator_needs_a_valid_attack_that_is_believed() -> None:
    fooled, valid = flags(1, 1, 0, 0), flags(1, 0, 1, 0)
    assert spc_generator(fooled, valid).tolist() == [1, -1, -1, -1]
    assert spc_generator(fooled, valid, solver_reward=False).tolist() == [1, 1, -1, -1]


def test_on_valid_attacks_the_game_is_zero_sum() -> None:
    said_right = flags(1, 0)
    critic = spc_critic(said_right, flags(0, 0))
    generator = spc_generator(said_right, flags(1, 1))
    assert (critic + generator).tolist() == [0, 0]


def test_an_attack_is_valid_at_the_thresholds() -> None:
    right, wrong = torch.tensor([0.75, 0.74, 1.0, 1.0]), torch.tensor([0.0, 0.0, 0.0, 0.125])
    assert valid_attacks(right, wrong).tolist() == [True, False, True, False]
    assert valid_attacks(right, wrong, min_right=0.5, max_wrong=0.25).tolist() == [True] * 4


def test_labels_are_read_from_the_last_whole_pair_of_tags() -> None:
    said, parsed = critic_labels(
        [
            "The step is fine. <Answer>Correct</Answer>",
            "<Answer>Correct</Answer> no: <Answer> incorrect\n</Answer>",
            "<Answer>Correct</Answer> <Answer>Incorr",
            "<Answer>Correct or Incorrect</Answer>",
            "Correct",
            "</Answer>Correct<Answer>",
            "",
        ]
    )
    assert said.tolist() == [True, False, True, False, False, False, False]
    assert parsed.tolist() == [True, True, True, False, False, False, False]


def test_hostile_critiques_are_read_once() -> None:
    size = 200_000
    assert critic_labels(["<Answer>" * size, "</Answer>" * size, "<Answer>" + " " * size + "</Answer>"])[1].tolist() == [False] * 3


def test_dtype_and_values_are_knobs() -> None:
    got = spc_critic(flags(1), flags(1), won=0.5, dtype=torch.float64)
    assert got.dtype == torch.float64
    assert got.tolist() == [0.5]


def test_impossible_knobs_are_refused() -> None:
    with pytest.raises(ConfigError, match="preset"):
        spc_critic(flags(1), flags(1), preset="mine")
    with pytest.raises(ConfigError, match="won"):
        spc_generator(flags(1), flags(1), won=-2.0)
    with pytest.raises(ConfigError, match="right_rate"):
        valid_attacks(torch.tensor([1.5]), torch.tensor([0.0]))
    with pytest.raises(ConfigError, match="min_right"):
        valid_attacks(torch.tensor([1.0]), torch.tensor([0.0]), min_right=2.0)
    with pytest.raises(ConfigError, match="shapes do not fit"):
        spc_critic(flags(1), flags(1, 0))
