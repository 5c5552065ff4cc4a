"""What holds for every reward from correctness and length: shape, dtype, presets, order, and how groups lie in the batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.core.errors import ConfigError
from thinkwell.training import rewards

Reward = Callable[..., torch.Tensor]
NAMES = (
    "decaying_exit",
    "format_length",
    "group_penalty",
    "grpo_lambda",
    "kimi",
    "l1_exact",
    "l1_max",
    "l_grpo",
    "laser",
    "laser_d",
    "laser_de",
    "overlong",
    "think_prune",
    "truncation",
)
every = pytest.mark.parametrize("name", NAMES)
CORRECT = torch.tensor([True, False, True, True, False, True, True])
LENGTHS = torch.tensor([100, 5000, 2500, 19000, 700, 60, 300])
GROUPS = torch.tensor([3, 1, 3, 1, 1, 9, 3])
PRESETS = ("paper", "trl", "verl")


def reward(name: str) -> Reward:
    function: Any = getattr(rewards, name)
    assert callable(function)
    return function


@every
@pytest.mark.parametrize("preset", PRESETS)
def test_one_number_a_sample_in_the_dtype_given(name: str, preset: str) -> None:
    assert reward(name)(CORRECT, LENGTHS, GROUPS, preset=preset).dtype == torch.get_default_dtype()
    for dtype in (torch.float32, torch.float64):
        got = reward(name)(CORRECT.to(dtype), LENGTHS, GROUPS, preset=preset)
        assert got.shape == (7,)
        assert got.dtype == dtype
        assert got.isfinite().all()
        assert got.tolist() == pytest.approx(reward(name)(CORRECT, LENGTHS, GROUPS, preset=preset).tolist(), abs=1e-6)


@every
def test_half_precision_still_tells_lengths_apart(name: str) -> None:
    """bfloat16 has no number between 5000 and 5024: lengths must not be held in the dtype of the reward."""
    got = reward(name)(CORRECT.to(torch.bfloat16), LENGTHS, GROUPS)
    assert got.dtype == torch.bfloat16
    assert got.tolist() == pytest.approx(reward(name)(CORRECT, LENGTHS, GROUPS).tolist(), abs=0.02)


@every
def test_an_unknown_preset_is_refused_with_what_there_is(name: str) -> None:
    with pytest.raises(ConfigError, match=r"has no preset 'papier'.*'paper'"):
        reward(name)(CORRECT, LENGTHS, GROUPS, preset="papier")


@every
def test_shapes_that_differ_are_refused(name: str) -> None:
    for correct, lengths, groups in ((CORRECT[:3], LENGTHS, GROUPS), (CORRECT, LENGTHS[:, None], GROUPS), (CORRECT, LENGTHS, GROUPS[:2])):
        with pytest.raises(ConfigError, match="shapes"):
            reward(name)(correct, lengths, groups)


@every
def test_nothing_in_nothing_out(name: str) -> None:
    empty = torch.zeros(0, dtype=torch.int64)
    assert reward(name)(empty.double(), empty, empty).shape == (0,)


BATCH = st.lists(st.tuples(st.booleans(), st.integers(0, 30000), st.integers(0, 3)), min_size=1, max_size=12)


@every
@given(samples=BATCH, data=st.data())
def test_order_and_names_of_groups_do_not_matter(name: str, samples: list[tuple[bool, int, int]], data: st.DataObject) -> None:
    correct = torch.tensor([float(c) for c, _, _ in samples], dtype=torch.float64)
    lengths, groups = (torch.tensor([sample[column] for sample in samples]) for column in (1, 2))
    order = torch.tensor(data.draw(st.permutations(range(len(samples)))))
    expected = reward(name)(correct, lengths, groups)
    got = reward(name)(correct[order], lengths[order], groups[order])
    assert torch.allclose(got, expected[order], atol=1e-12, rtol=0)
    renamed = reward(name)(correct, lengths, groups * 1000 - 17)
    assert torch.allclose(renamed, expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "grpo_lambda"])
@given(samples=BATCH)
def test_a_group_is_rewarded_alike_alone_and_in_any_batch(name: str, samples: list[tuple[bool, int, int]]) -> None:
    """All but GRPO-lambda, which ranks the groups of the whole batch."""
    correct = torch.tensor([float(c) for c, _, _ in samples], dtype=torch.float64)
    lengths, groups = (torch.tensor([sample[column] for sample in samples]) for column in (1, 2))
    whole = reward(name)(correct, lengths, groups)
    for group in set(groups.tolist()):
        mine = groups == group
        assert torch.allclose(reward(name)(correct[mine], lengths[mine], groups[mine]), whole[mine], atol=1e-12, rtol=0)


@every
def test_inputs_are_left_as_they_were(name: str) -> None:
    correct, lengths, groups = CORRECT.double(), LENGTHS.clone(), GROUPS.clone()
    reward(name)(correct, lengths, groups)
    assert torch.equal(correct, CORRECT.double())
    assert torch.equal(lengths, LENGTHS)
    assert torch.equal(groups, GROUPS)
