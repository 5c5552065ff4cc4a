"""Batches that the tests of advantages share: two groups of a fixture, and any batch."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

# Two prompts of four samples with lengths of their own.
REWARDS = [1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0]
LENGTHS = [2, 3, 4, 1, 3, 3, 2, 4]
GROUPS = [0, 0, 0, 0, 1, 1, 1, 1]


def f64(rows: Any) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def mask_of(lengths: list[int]) -> Tensor:
    return torch.arange(max(lengths))[None, :] < torch.tensor(lengths)[:, None]


def fixture() -> tuple[Tensor, Tensor, Tensor]:
    return f64(REWARDS), mask_of(LENGTHS), torch.tensor(GROUPS)


def batches() -> st.SearchStrategy[tuple[Tensor, Tensor, Tensor]]:
    """Rewards, mask with holes and empty rows, interleaved groups of unequal sizes with arbitrary numbers."""

    @st.composite
    def draw_batch(draw: st.DrawFn) -> tuple[Tensor, Tensor, Tensor]:
        samples, width = draw(st.integers(1, 9)), draw(st.integers(1, 6))
        reward = st.sampled_from([0.0, 1.0, -1.0, 0.1, 0.7, 2.5])
        rewards = draw(st.lists(reward, min_size=samples, max_size=samples))
        rows = draw(st.lists(st.lists(st.booleans(), min_size=width, max_size=width), min_size=samples, max_size=samples))
        groups = draw(st.lists(st.sampled_from([-4, 0, 7, 10**12]), min_size=samples, max_size=samples))
        return f64(rewards), torch.tensor(rows), torch.tensor(groups)

    return draw_batch()
