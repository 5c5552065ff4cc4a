"""Which group each sample is in, and sums over groups: what advantages and rewards that compare samples of one prompt start from. B samples, G groups."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class Groups:
    """Which group each of B samples is in. index (B,) int64 in 0 .. count - 1, in the order of rising ids; count: G."""

    index: Tensor
    count: int

    @cached_property
    def size(self) -> Tensor:
        """(G,) int64, samples of each group."""
        return torch.bincount(self.index, minlength=self.count)

    def sum(self, values_B: Tensor) -> Tensor:
        """(G,) the sum of each group's values."""
        return values_B.new_zeros(self.count).index_add_(0, self.index, values_B)

    def most(self, values_B: Tensor) -> Tensor:
        """(G,) each group's largest value."""
        return values_B.new_zeros(self.count).scatter_reduce_(0, self.index, values_B, "amax", include_self=False)

    def least(self, values_B: Tensor) -> Tensor:
        """(G,) each group's smallest value."""
        return values_B.new_zeros(self.count).scatter_reduce_(0, self.index, values_B, "amin", include_self=False)

    def spread(self, values_G: Tensor) -> Tensor:
        """(B,) the value of each sample's group."""
        return values_G[self.index]


def read_groups(group_ids: Tensor) -> Groups:
    """The groups that ids (B,) int64 name; ids may be any numbers, in any order."""
    ids, index = torch.unique(group_ids, return_inverse=True)
    return Groups(index, len(ids))
