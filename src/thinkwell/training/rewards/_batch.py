"""One batch of sampled responses, checked: what every reward of this folder starts from.

Lengths and group statistics are held in float64 (float32 where the device has no other), so that a length in tokens is exact whatever the dtype asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError
from thinkwell.training._conventions import expect, finite, one_of
from thinkwell.training._groups import Groups, read_groups


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
    expect("lengths", long[~known].tolist(), bool(known.all()), "tokens, at least 0 for each response")
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
        one_of("std", self.std, ("population", "sample"))
        finite("eps", self.eps)
        one_of("single", self.single, ("zero", "raw"))


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


def expect_batch(owner: str, **tensors: Tensor | None) -> None:
    """Raises ConfigError unless all tensors given have one dimension and the same length."""
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items() if tensor is not None}
    if len(set(shapes.values())) != 1 or any(len(shape) != 1 for shape in shapes.values()):
        found = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ConfigError(f"{owner}: shapes do not fit: {found}; expected (B,) for each; pass one value a sample.")


def flags(owner: str, name: str, values: Tensor) -> Tensor:
    """`values` as bool. Numbers are taken when all are 0 or 1: a reward of -1 for a wrong answer must not read as "right"."""
    if values.dtype == torch.bool:
        return values
    if not bool(((values == 0) | (values == 1)).all()):
        raise ConfigError(
            f"{owner}: {name} holds other values than 0 and 1; expected a bool tensor; compare the rewards with a threshold first."
        )
    return values == 1


def float_dtype(*tensors: Tensor | None) -> torch.dtype:
    """The widest floating dtype among the tensors given, torch's default if there is none."""
    found = [tensor.dtype for tensor in tensors if tensor is not None and tensor.is_floating_point()]
    widest = found[0] if found else torch.get_default_dtype()
    for dtype in found[1:]:
        widest = torch.promote_types(widest, dtype)
    return widest
