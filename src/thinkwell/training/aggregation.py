"""From losses of tokens (B, T) to one number: who divides by what.

A loss that is divided by what one micro-batch holds changes with the split into micro-batches. `batch_tokens` and `batch_sequences` name what
the whole batch holds; then the losses of the micro-batches add up to the loss of the batch (DAPO's global token mean, TRL's `dapo`).
"""

from __future__ import annotations

import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError

from ._conventions import one_of, pick, within
from ._loss_conventions import AGGREGATIONS, LENGTHS, check_mask, same_shape


def aggregate(
    values: Tensor,
    mask: Tensor,
    aggregation: str = "token-mean",
    *,
    preset: str = "paper",
    batch_tokens: float | None = None,
    batch_sequences: float | None = None,
    max_length: float | None = None,
    length_eps: float | None = None,
    count_empty: bool | None = None,
) -> Tensor:
    """One number from the values (B, T) of the tokens in the mask (B, T) bool. N sequences have L_i tokens each.

    | aggregation | formula | elsewhere |
    |---|---|---|
    | `token-mean` | sum / batch_tokens | DAPO; verl `token-mean`, TRL `dapo` |
    | `local-token-mean` | sum / tokens here, whatever batch_tokens says | TRL `bnpo` |
    | `seq-mean-token-mean` | sum_i (sum_t / L_i) / batch_sequences | GRPO; verl, TRL `grpo` |
    | `seq-mean-token-sum` | sum_i sum_t / batch_sequences | verl; TRL `luspo` |
    | `seq-mean-token-sum-norm` | sum / (batch_sequences max_length) | Dr. GRPO; verl, TRL `dr_grpo` |
    | `token-sum` | sum | verl |

    `batch_tokens`, `batch_sequences`: what the whole batch holds, over all micro-batches and devices; this call's counts where not given.
    `max_length`: the constant of Dr. GRPO, in tokens, needed by `seq-mean-token-sum-norm` alone. verl takes the padded width of the batch where its
    `loss_scale_factor` is unset, which changes from batch to batch: here it must be said.
    `length_eps`: added to L_i in `seq-mean-token-mean` (verl 1e-8, else 0). `count_empty`: whether a sequence without a token counts as one (TRL yes;
    verl no). Values outside the mask may be anything, NaN too. No token at all gives 0 with a zero gradient. Raises `ConfigError`.
    """
    one_of("aggregation", aggregation, AGGREGATIONS)
    check_mask(mask)
    same_shape(mask, values=values)
    how = pick("aggregate", LENGTHS, preset, length_eps=length_eps, count_empty=count_empty)
    for knob, value in {"batch_tokens": batch_tokens, "batch_sequences": batch_sequences, "max_length": max_length}.items():
        if value is not None:
            within(knob, value, 0.0, above=True)
    sums = torch.where(mask, values, values.new_zeros(())).sum(-1)  # not a product: NaN * 0 is NaN
    lengths = mask.sum(-1).to(values.dtype)
    if aggregation == "token-sum":
        return sums.sum()
    if aggregation in ("token-mean", "local-token-mean"):
        here = lengths.sum().clamp(min=1.0)
        return sums.sum() / (here if batch_tokens is None or aggregation == "local-token-mean" else batch_tokens)
    sequences = mask.shape[0] if how.count_empty else int((lengths > 0).sum())
    count = max(sequences, 1) if batch_sequences is None else batch_sequences
    if aggregation == "seq-mean-token-mean":
        return (sums / (lengths.clamp(min=1.0) + how.length_eps)).sum() / count
    if aggregation == "seq-mean-token-sum":
        return sums.sum() / count
    if max_length is None:
        raise ConfigError(
            "aggregation 'seq-mean-token-sum-norm' divides by a constant length that is not given; expected max_length, the longest response "
            "allowed, in tokens. Pass max_length=..., the same in every step."
        )
    return sums.sum() / (count * max_length)


def masked_mean(values: Tensor, mask: Tensor) -> float:
    """The mean over the tokens of the mask as a number; 0 where there is none."""
    return float(torch.where(mask, values.detach(), values.new_zeros(())).sum() / mask.sum().clamp(min=1))
