"""Tensors in, tensors out: the statistics of groups and batches, and the sums along time, that advantage estimators are made of.

B samples, T tokens, G groups. Nothing here reads what lies outside a mask: padding may hold anything, NaN too.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError

from ._advantage_conventions import Gaps, Whitening
from ._groups import Groups, read_groups


class Batch(NamedTuple):
    """Checked inputs without a gradient: rewards (B,) or (B, T), mask (B, T) bool, and the groups; every sample is one of its own where none were asked for."""

    rewards: Tensor
    mask: Tensor
    groups: Groups


def checked(rewards: Tensor, mask: Tensor, group_ids: Tensor | None = None, *, grouped: bool = False, tokens: bool = False) -> Batch:
    """Refuse with `ConfigError` what would broadcast or spread in silence: shapes, dtypes, rewards that are not finite.

    `grouped`: group ids are needed. `tokens`: rewards of tokens (B, T) are taken beside those of samples (B,).
    """
    if mask.dtype != torch.bool or mask.dim() != 2:
        raise ConfigError(f"mask is {_about(mask)}; expected torch.bool of shape (B, T). Pass mask.bool().")
    samples, width = mask.shape
    shapes = [(samples,), (samples, width)] if tokens else [(samples,)]
    if not rewards.is_floating_point() or tuple(rewards.shape) not in shapes:
        expected = " or ".join(map(str, shapes))
        raise ConfigError(f"rewards are {_about(rewards)}; expected floats of shape {expected}. Reshape them, or pass rewards.float().")
    known = rewards.detach() if rewards.dim() == 1 else torch.where(mask, rewards.detach(), 0.0)
    if not bool(torch.isfinite(known).all()):
        raise ConfigError("rewards hold NaN or infinity; expected finite numbers. Leave out the samples that could not be scored.")
    ids = torch.arange(samples, device=mask.device)
    if grouped:
        if group_ids is None or group_ids.is_floating_point() or tuple(group_ids.shape) != (samples,):
            found = "missing" if group_ids is None else _about(group_ids)
            raise ConfigError(
                f"group_ids are {found}; expected whole numbers of shape {(samples,)}. Give every sample its prompt's number."
            )
        ids = group_ids
    return Batch(known, mask, read_groups(ids))


def per_sample(name: str, given: Tensor, samples: int) -> Tensor:
    """A tensor of one entry a sample, without its gradient. Raises `ConfigError` for another shape."""
    if tuple(given.shape) != (samples,):
        raise ConfigError(f"{name} is {_about(given)}; expected shape {(samples,)}, one entry a sample. Reshape it.")
    return given.detach()


def _about(tensor: Tensor) -> str:
    return f"{tensor.dtype} of shape {tuple(tensor.shape)}"


def broadcast(per_sample_B: Tensor, mask: Tensor) -> Tensor:
    """(B,) to (B, T): the sample's number at its tokens, zero elsewhere."""
    return torch.where(mask, per_sample_B[:, None], 0.0)


def group_sum(values: Tensor, batch: Batch) -> Tensor:
    """(B,) to (B,): the sum over the sample's group, however groups interleave."""
    return batch.groups.spread(batch.groups.sum(values))


def group_size(batch: Batch, like: Tensor) -> Tensor:
    """(B,): how many samples the sample's group has, as numbers of the dtype of `like`."""
    return batch.groups.spread(batch.groups.size).to(like.dtype)


def all_equal(values: Tensor, batch: Batch) -> Tensor:
    """(B,) bool: every value of the sample's group is the same number. Told exactly, for a mean of equal floats may miss them by a rounding."""
    return batch.groups.spread(batch.groups.most(values) == batch.groups.least(values))


def group_centred(values: Tensor, batch: Batch, *, raw_singles: bool) -> Tensor:
    """(B,): value minus the group's mean, exactly zero in a group of equal values; groups of one give zero or, if asked, the value."""
    centred = values - group_sum(values, batch) / group_size(batch, values)
    centred = torch.where(all_equal(values, batch), 0.0, centred)
    return torch.where(group_size(batch, values) == 1, values, centred) if raw_singles else centred


def group_std(values: Tensor, batch: Batch, *, sample: bool) -> Tensor:
    """(B,): the std over the sample's group, with Bessel's correction if `sample`; 1 for groups of one."""
    size = group_size(batch, values)
    centred = group_centred(values, batch, raw_singles=False)
    spread = (group_sum(centred.square(), batch) / (size - 1 if sample else size).clamp_min(1)).sqrt()
    return torch.where(size == 1, 1.0, spread)


def flat_std(values: Tensor, *, sample: bool) -> Tensor:
    """The std of numbers in one dimension; zero for fewer than two or for equal ones."""
    if len(values) < 2 or bool((values == values[0]).all()):
        return values.new_zeros(())
    return values.std(correction=1 if sample else 0)


def batch_std(values: Tensor, batch: Batch, *, sample: bool) -> Tensor:
    """(B,): the std over all samples, whatever their group."""
    return flat_std(values, sample=sample).expand_as(values)


def whitened(values: Tensor, mask: Tensor, how: Whitening) -> Tensor:
    """(B, T): values normalised over all tokens of the mask, zero outside; equal values give exactly zero."""
    inside = values[mask]
    if how.whiten == "off" or not len(inside):
        return torch.where(mask, values, 0.0)
    if bool((inside == inside[0]).all()):
        return torch.zeros_like(values)
    centred = values - inside.mean()
    if how.whiten == "mean":
        return torch.where(mask, centred, 0.0)
    std = flat_std(inside, sample=how.whiten == "sample")
    if how.eps_at == "variance":
        std = (std.square() + how.eps).sqrt()
    elif how.eps_at == "floor":
        std = std.square().clamp_min(how.eps).sqrt()
    else:
        std = std + how.eps
    return torch.where(mask, centred / std, 0.0)


def at_last_token(rewards: Tensor, mask: Tensor) -> Tensor:
    """(B,) to (B, T): the reward at the last token of the mask, zero elsewhere; (B, T) stays, zero outside the mask."""
    if rewards.dim() == 2:
        return torch.where(mask, rewards, 0.0)
    after = mask.long().flip(1).cumsum(1).flip(1)  # tokens of the mask from here on
    return torch.where(mask & (after == 1), rewards[:, None], 0.0)


def span(mask: Tensor) -> Tensor:
    """(B, T) bool: everything from the first to the last token of the mask, gaps included."""
    count = mask.long().cumsum(1)
    return (count > 0) & ((count < count[:, -1:]) | mask)


def following(values: Tensor, mask: Tensor, tail: Tensor) -> Tensor:
    """(B, T): the value at the next token of the mask; `tail` (B,) after the last one."""
    out, upcoming = torch.zeros_like(values), tail
    for t in reversed(range(mask.shape[1])):
        out[:, t] = upcoming
        upcoming = torch.where(mask[:, t], values[:, t], upcoming)
    return out


def last_value(values: Tensor, mask: Tensor) -> Tensor:
    """(B,): the value at the last token of the mask; zero for an empty row."""
    return (at_last_token(values.new_ones(len(values)), mask) * torch.where(mask, values, 0.0)).sum(1)


def sum_to_go(steps: Tensor, mask: Tensor, factor: Tensor, gaps: Gaps = "skip") -> Tensor:
    """(B, T): x_t + factor x_t+1 + factor^2 x_t+2 ..., along the tokens of the mask, zero outside; factor (B,).

    A gap is skipped, or sets the sum back to zero (`reset`).
    """
    out, running = torch.zeros_like(steps), steps.new_zeros(len(steps))
    for t in reversed(range(mask.shape[1])):
        here = mask[:, t]
        running = torch.where(here, steps[:, t] + factor * running, 0.0 if gaps == "reset" else running)
        out[:, t] = torch.where(here, running, 0.0)
    return out
