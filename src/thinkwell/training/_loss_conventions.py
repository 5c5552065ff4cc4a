"""What papers and frameworks do differently in losses: one frozen class a family, the values of every preset, and the checks of knobs and shapes.

`math.inf` turns a bound off. Where a framework lacks a loss, its preset has that framework's habits (clamps, aggregation) and the paper's constants.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypedDict

import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError
from thinkwell.training._conventions import finite, one_of, within

Aggregation = Literal["token-mean", "local-token-mean", "seq-mean-token-mean", "seq-mean-token-sum", "seq-mean-token-sum-norm", "token-sum"]
AGGREGATIONS = ("token-mean", "local-token-mean", "seq-mean-token-mean", "seq-mean-token-sum", "seq-mean-token-sum-norm", "token-sum")


class Reduction(TypedDict, total=False):
    """The knobs of `aggregate` that every loss passes on."""

    aggregation: str
    batch_tokens: float
    batch_sequences: float
    max_length: float
    length_eps: float
    count_empty: bool


def check_mask(mask: Tensor, dims: int = 2) -> None:
    """Raises `ConfigError` for a mask that is not boolean or not of that many axes."""
    if mask.dtype != torch.bool or mask.dim() != dims:
        shape = "(B, T)" if dims == 2 else "(B,)"
        raise ConfigError(f"mask is {mask.dtype} of shape {tuple(mask.shape)}; expected torch.bool of shape {shape}. Pass mask.bool().")


def same_shape(mask: Tensor, **tensors: Tensor | None) -> None:
    """Raises `ConfigError` for a tensor whose shape is not the mask's: it would broadcast in silence."""
    for name, tensor in tensors.items():
        if tensor is not None and tensor.shape != mask.shape:
            raise ConfigError(
                f"{name} has shape {tuple(tensor.shape)}; expected {tuple(mask.shape)}, the mask's. Expand it, for example with values[:, None] * mask."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """How sequences enter a mean: what is added to a length, and whether one without a token counts."""

    length_eps: float
    count_empty: bool

    def __post_init__(self) -> None:
        finite("length_eps", self.length_eps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clipping:
    """Bounds of the ratio: 1 - eps_low, 1 + eps_high; the dual clip (a ratio); the bound of the log-ratio before exp; the aggregation."""

    eps_low: float
    eps_high: float
    dual_clip: float
    log_ratio_max: float
    aggregation: str

    def __post_init__(self) -> None:
        within("eps_low", self.eps_low, 0.0)
        within("eps_high", self.eps_high, 0.0)
        within("dual_clip", self.dual_clip, 1.0, above=True)
        within("log_ratio_max", self.log_ratio_max, 0.0, above=True)
        one_of("aggregation", self.aggregation, AGGREGATIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightBounds:
    """CISPO: bounds of the detached weight, 1 - eps_low and 1 + eps_high."""

    eps_low: float
    eps_high: float
    log_ratio_max: float
    aggregation: str

    def __post_init__(self) -> None:
        within("eps_low", self.eps_low, 0.0)
        within("eps_high", self.eps_high, -1.0, above=True)
        if 1.0 + self.eps_high < max(1.0 - self.eps_low, 0.0):
            raise ConfigError(
                f"eps_low={self.eps_low}, eps_high={self.eps_high} leave no weight; expected 1 - eps_low <= 1 + eps_high. Raise one of them."
            )
        within("log_ratio_max", self.log_ratio_max, 0.0, above=True)
        one_of("aggregation", self.aggregation, AGGREGATIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offline:
    """SPC: bounds of the sequence ratio, weights of the supervised samples and of the KL term."""

    eps_low: float
    eps_high: float
    sft_coef: float
    kl_coef: float

    def __post_init__(self) -> None:
        within("eps_low", self.eps_low, 0.0)
        within("eps_high", self.eps_high, 0.0)
        finite("sft_coef", self.sft_coef)
        finite("kl_coef", self.kl_coef)


LENGTHS = {
    "paper": Lengths(length_eps=0.0, count_empty=False),
    "trl": Lengths(length_eps=0.0, count_empty=True),
    "verl": Lengths(length_eps=1e-8, count_empty=False),
}
PPO = {
    "paper": Clipping(eps_low=0.2, eps_high=0.2, dual_clip=math.inf, log_ratio_max=math.inf, aggregation="token-mean"),
    "trl": Clipping(eps_low=0.2, eps_high=0.2, dual_clip=math.inf, log_ratio_max=math.inf, aggregation="token-mean"),
    "verl": Clipping(eps_low=0.2, eps_high=0.2, dual_clip=3.0, log_ratio_max=20.0, aggregation="token-mean"),
}
GPPO = {
    "paper": Clipping(eps_low=0.2, eps_high=0.28, dual_clip=math.inf, log_ratio_max=math.inf, aggregation="token-mean"),
    "trl": Clipping(eps_low=0.2, eps_high=0.28, dual_clip=math.inf, log_ratio_max=math.inf, aggregation="token-mean"),
    "verl": Clipping(eps_low=0.2, eps_high=0.28, dual_clip=10.0, log_ratio_max=20.0, aggregation="token-mean"),
}
GSPO = {
    "paper": Clipping(eps_low=3e-4, eps_high=4e-4, dual_clip=math.inf, log_ratio_max=math.inf, aggregation="seq-mean-token-mean"),
    "trl": Clipping(eps_low=0.2, eps_high=0.2, dual_clip=math.inf, log_ratio_max=math.inf, aggregation="seq-mean-token-mean"),
    "verl": Clipping(eps_low=0.2, eps_high=0.2, dual_clip=math.inf, log_ratio_max=10.0, aggregation="seq-mean-token-mean"),
}
CISPO = {
    "paper": WeightBounds(eps_low=math.inf, eps_high=4.0, log_ratio_max=math.inf, aggregation="token-mean"),
    "trl": WeightBounds(eps_low=math.inf, eps_high=-0.8, log_ratio_max=math.inf, aggregation="token-mean"),
    "verl": WeightBounds(eps_low=0.2, eps_high=0.2, log_ratio_max=20.0, aggregation="token-mean"),
}
SPC = {name: Offline(eps_low=0.2, eps_high=0.2, sft_coef=0.15, kl_coef=0.0) for name in ("paper", "trl", "verl")}
