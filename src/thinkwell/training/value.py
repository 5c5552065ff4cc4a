"""The critic's loss as a pure function: squared error to its targets, with PPO's clip of how far a value may move from the one the rollout had.

    loss = scale * aggregate( max( (v - R)^2, (clip(v, v_old - c, v_old + c) - R)^2 ) )

The clip is not in PPO's paper; it came with the first public implementations, and frameworks differ in c and in the factor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Unpack

import torch
from torch import Tensor

from ._conventions import finite, one_of, pick, within
from ._loss_conventions import AGGREGATIONS, Reduction, check_mask, same_shape
from .aggregation import aggregate, masked_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueClipping:
    """clip: how far a value may move before its error stops to count, `math.inf` for any way; scale: factor of the squared error; the aggregation."""

    clip: float
    scale: float
    aggregation: str

    def __post_init__(self) -> None:
        within("clip", self.clip, 0.0, above=True)
        finite("scale", self.scale)
        one_of("aggregation", self.aggregation, AGGREGATIONS)


VALUE = {
    "paper": ValueClipping(clip=math.inf, scale=1.0, aggregation="token-mean"),
    "trl": ValueClipping(clip=0.2, scale=0.5, aggregation="token-mean"),
    "verl": ValueClipping(clip=0.5, scale=0.5, aggregation="token-mean"),
}


def value_loss(
    values: Tensor,
    old_values: Tensor,
    returns: Tensor,
    mask: Tensor,
    *,
    preset: str = "paper",
    clip: float | None = None,
    scale: float | None = None,
    **reduction: Unpack[Reduction],
) -> tuple[Tensor, dict[str, float]]:
    """The critic's loss, a scalar with a gradient to `values` alone, and metrics of this call's tokens.

    values, old_values, returns (B, T) floats: the critic's present output, that at the time of the rollout, and what it regresses to, all before token t; mask (B, T) bool.
    What lies outside the mask may be anything, NaN too.

    | knob | paper | TRL | verl |
    |---|---|---|---|
    | `clip` > 0, `math.inf`: none | none | .2 | .5 |
    | `scale`: factor of the squared error, at least 0 | 1 | .5 | .5 |

    The factor that weighs this loss against the policy's (the paper's c1; TRL's `vf_coef`, .1) has no part here, for the critic has an optimiser of its own.
    A token whose clipped error is the greater one has no gradient. The knobs of `aggregate` are passed on; `token-mean` unless said otherwise.
    Metrics: `value_loss_clipped` the share of such tokens, `value_error` root mean square of v - R, `value_mean`, `return_mean`, `explained_variance`
    1 - Var(R - v) / Var(R) (0 where all R are equal). Raises `ConfigError`. Source: PPO, arXiv 1707.06347, eq. 9; verl core_algos.compute_value_loss; TRL's PPOTrainer.
    """
    how = pick("value_loss", VALUE, preset, clip=clip, scale=scale)
    check_mask(mask)
    same_shape(mask, values=values, old_values=old_values, returns=returns)
    zero = values.new_zeros(())
    value, old, target = (torch.where(mask, tensor.to(values.dtype), zero) for tensor in (values, old_values.detach(), returns.detach()))
    moved = torch.maximum(torch.minimum(value, old + how.clip), old - how.clip)
    error, clipped_error = (value - target).square(), (moved - target).square()
    knobs: Reduction = {"aggregation": how.aggregation, **reduction}
    loss = how.scale * aggregate(torch.maximum(error, clipped_error), mask, preset=preset, **knobs)
    return loss, _measured(value.detach(), target, clipped_error.detach() > error.detach(), mask)


def _measured(value: Tensor, target: Tensor, clipped: Tensor, mask: Tensor) -> dict[str, float]:
    residual = (value - target)[mask]
    spread = float(target[mask].var(correction=0)) if len(residual) else 0.0
    return {
        "value_loss_clipped": masked_mean(clipped.to(value.dtype), mask),
        "value_error": masked_mean((value - target).square(), mask) ** 0.5,
        "value_mean": masked_mean(value, mask),
        "return_mean": masked_mean(target, mask),
        "explained_variance": 1.0 - float(residual.var(correction=0)) / spread if spread > 0 else 0.0,
    }
