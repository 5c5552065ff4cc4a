"""One batch of sampled responses, checked, and sums over its groups: what every reward of this folder starts from.

Lengths and group statistics are held in float64 (float32 where the device has no other), so that a length in tokens is exact whatever the dtype asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError
from thinkwell.training.rewards._knobs import expect, expect_batch, flags, float_dtype


@dataclass(frozen=True)
class Groups:
    """Which group each of B samples is in. index (B,) int64 in 0 .. count - 1, in the order of rising ids; size (G,) int64."""

    index: Tensor
    count: int

    @property
    def size(self) -> Tensor:
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


@dataclass(frozen=True)
class Batch:
    """right (B,) bool: correct and well formed; valid (B,) bool: well formed; lengths (B,) in tokens; dtype: of the rewards that are asked for."""

    right: Tensor
    valid: Tensor
    lengths: Tensor
    groups: Groups
    dtype: torch.dtype

    @property
    def right_of_group(self) -> Tensor:
        """(G,) int64, how many of each group are right."""
        return self.groups.sum(self.right.long())

    def per_sample(self, value: float | Tensor, knob: str, of: str) -> Tensor:
        """A number for all or one for each sample (B,), as (B,). Raises `ConfigError` for another shape, a negative or a non-finite number."""
        given = torch.as_tensor(value, device=self.lengths.device).to(self.lengths.dtype)
        if given.shape not in ((), self.lengths.shape) or not bool((given.isfinite() & (given >= 0)).all()):
            raise ConfigError(
                f"{of}: {knob} is {value!r}; expected a number of tokens of at least 0, or one for each of the {len(self.lengths)} samples."
            )
        return given.expand_as(self.lengths)


def read_groups(group_ids: Tensor) -> Groups:
    """The groups that ids (B,) int64 name; ids may be any numbers, in any order."""
    ids, index = torch.unique(group_ids, return_inverse=True)
    return Groups(index, len(ids))


def read_batch(of: str, correct: Tensor, lengths: Tensor, group_ids: Tensor | None = None, valid: Tensor | None = None) -> Batch:
    """Checks what a reward was given. `of` names the reward in messages.

    correct (B,) bool, or numbers that are all 0 or 1: a shaped score is refused, because a bonus for right answers would silently miss it (LASER's published code
    compares the score with 1.0 exactly). lengths (B,) tokens. group_ids (B,) int64, or None: every sample is a group. valid (B,) bool, or None: all are well formed.
    Raises `ConfigError` for shapes that differ and values out of range.
    """
    expect_batch(of, correct=correct, lengths=lengths, group_ids=group_ids, valid=valid)
    right = flags(of, "correct", correct)
    formed = torch.ones_like(right) if valid is None else flags(of, "valid", valid)
    long = lengths.to(torch.float32 if lengths.device.type == "mps" else torch.float64)
    known = long.isfinite() & (long >= 0)
    expect(of, "lengths", long[~known].tolist(), bool(known.all()), "tokens, at least 0 for each response")
    ids = torch.arange(len(right), device=right.device) if group_ids is None else group_ids
    return Batch(right & formed, formed, long, read_groups(ids), float_dtype(correct))


@dataclass(frozen=True)
class Penalty:
    """How the lengths of a group's right responses become z = (L - mean) / (std + eps).

    std: "population" (divides by n) or "sample" (by n - 1). Equal lengths give z = 0.
    single: what a group's only right response gets; "zero" z = 0, "raw" z = L, as if mean 0 and deviation 1 had been measured: the published code of LASER does
    that, and so gives the only right answer to a hard problem the largest penalty there is.
    """

    std: str = "population"
    eps: float = 1e-6
    single: str = "zero"

    def __post_init__(self) -> None:
        of = "penalty"
        expect(of, "std", self.std, self.std in ("population", "sample"), "'population' or 'sample'")
        expect(of, "eps", self.eps, 0 <= self.eps < math.inf, "a number of at least 0")
        expect(of, "single", self.single, self.single in ("zero", "raw"), "'zero' or 'raw'")


def standardised_lengths(batch: Batch, how: Penalty) -> Tensor:
    """(B,) z, with mean and standard deviation of the lengths of the group's *right* responses; 0 where the response is wrong."""
    inside, groups = batch.right.to(batch.lengths.dtype), batch.groups
    count = groups.sum(inside)
    off = (batch.lengths - groups.spread(groups.sum(inside * batch.lengths) / count.clamp(min=1))) * inside
    freedom = count - 1 if how.std == "sample" else count
    wide = groups.spread((groups.sum(off * off) / freedom.clamp(min=1)).sqrt())
    z = torch.where(wide > 0, off / torch.where(wide > 0, wide + how.eps, torch.ones_like(wide)), torch.zeros_like(off))
    if how.single == "raw":
        z = torch.where(groups.spread(count) == 1, inside * batch.lengths, z)
    return z
