"""Weights for the gap between the engine that sampled and the model that trains: truncated importance sampling and its kin.

    w_t = exp(old_logp - rollout_logp), without a gradient; it multiplies the loss of a token after clipping.

Both log-probabilities are of the same weights, computed by two programs; the gap is numerical noise, other kernels, or a few steps of age.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError

from ._conventions import one_of, pick, within
from ._loss_conventions import check_mask, same_shape
from .aggregation import masked_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What the ratio is of (`level`), what happens outside [low, high] (`mode`), the bound of the log-ratio, whether the mean is set to 1."""

    level: str
    mode: str
    low: float
    high: float
    log_ratio_max: float
    normalise: bool

    def __post_init__(self) -> None:
        one_of("level", self.level, ("token", "sequence", "geometric"))
        one_of("mode", self.mode, ("truncate", "mask", "gate"))
        within("low", self.low, 0.0)
        within("high", self.high, 0.0, above=True)
        within("log_ratio_max", self.log_ratio_max, 0.0, above=True)
        if self.low > self.high:
            raise ConfigError(f"low={self.low} is above high={self.high}; expected low <= high. Swap or widen them.")


CORRECTION = {
    "paper": Correction(level="token", mode="truncate", low=0.0, high=2.0, log_ratio_max=math.inf, normalise=False),
    "trl": Correction(level="sequence", mode="mask", low=0.0, high=3.0, log_ratio_max=math.inf, normalise=False),
    "verl": Correction(level="token", mode="truncate", low=0.0, high=2.0, log_ratio_max=20.0, normalise=False),
}


def importance_weights(
    old_logp: Tensor,
    rollout_logp: Tensor,
    mask: Tensor,
    *,
    preset: str = "paper",
    level: str | None = None,
    mode: str | None = None,
    low: float | None = None,
    high: float | None = None,
    log_ratio_max: float | None = None,
    normalise: bool | None = None,
) -> tuple[Tensor, dict[str, float]]:
    """Weights (B, T) for the `weights` knob of the policy losses, zero outside the mask, and metrics.

    `old_logp`, `rollout_logp` (B, T): of the trainer and of the engine that sampled, same tokens, same temperature. mask (B, T) bool.
    `level`: the ratio is of a `token`, of the `sequence` (product over tokens), or `geometric` (product to the power 1 / length).
    `mode`: `truncate` moves the ratio into [low, high] (TIS; OpenRLHF's `tis` has low > 0); `mask` sets it to zero outside (IcePop at level token, TRL's
    `sequence_mask`); `gate` keeps the raw weights of tokens where the ratio of the level is inside, and zero elsewhere (OpenRLHF's and NeMo-RL's
    `seq-mask-tis` at level geometric). The bounds themselves are inside; a ratio that should lie exactly on one may fall out by a rounding.
    `high` may be infinite. `log_ratio_max` bounds the log-ratio on both sides before exp (for a sequence, its sum). `normalise` divides by the mean
    weight: over tokens at level token, over sequences otherwise (verl `rollout_is_batch_normalize`).

    Presets: paper: truncated at 2 by token (the cap is recalled, not read); trl 1.16: masked above 3 by sequence; verl: truncated at 2 by token,
    log-ratio within 20. Tokens that no model sampled (forced ones) should be outside the mask. Raises `ConfigError`.
    """
    how = pick(
        "importance_weights",
        CORRECTION,
        preset,
        level=level,
        mode=mode,
        low=low,
        high=high,
        log_ratio_max=log_ratio_max,
        normalise=normalise,
    )
    check_mask(mask)
    same_shape(mask, old_logp=old_logp, rollout_logp=rollout_logp)
    if how.mode == "gate" and how.level == "token":
        raise ConfigError("mode 'gate' judges whole sequences; expected level 'sequence' or 'geometric'. Use mode 'mask' for tokens.")
    zero = old_logp.new_zeros(())
    log_token = torch.where(mask, (old_logp - rollout_logp).detach(), zero)
    lengths = mask.sum(-1, keepdim=True)
    log_ratio = log_token
    if how.level != "token":
        log_ratio = log_token.sum(-1, keepdim=True)
        if how.level == "geometric":
            log_ratio = log_ratio / lengths.clamp(min=1)
    ratio = _exp(log_ratio, how.log_ratio_max).expand_as(log_token)
    inside = (ratio >= how.low) & (ratio <= how.high)
    kept = _exp(log_token, how.log_ratio_max) if how.mode == "gate" else ratio
    weights = ratio.clamp(how.low, how.high) if how.mode == "truncate" else torch.where(inside, kept, zero)
    if how.normalise:
        share = mask.to(weights.dtype) if how.level == "token" else mask / lengths.clamp(min=1)
        mean = (torch.where(mask, weights, zero) * share).sum() / share.sum().clamp(min=1e-12)
        weights = weights / torch.where(mean > 0, mean, torch.ones_like(mean))
    weights = torch.where(mask, weights, zero)
    metrics = {
        "weight_mean": masked_mean(weights, mask),
        "outside_fraction": masked_mean((~inside).to(weights.dtype), mask),
        "mismatch_kl": masked_mean(-log_token, mask),  # sample estimate of KL(rollout || trainer)
    }
    return weights, metrics


def _exp(log_ratio: Tensor, limit: float) -> Tensor:
    return log_ratio.clamp(-limit, limit).exp()
