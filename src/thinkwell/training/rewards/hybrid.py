"""Hybrid reward: rule, reward model and format in one sum (Skywork R1V2, Wang et al. 2025, arXiv 2504.16656, Eq. 7).

    r = rule_weight * rule + model_weight * f((model - center) / scale) + format_weight * format

    f   none: itself; sigmoid: its logistic; clamp: cut to [0, 1]

Presets: "paper" is the plain sum (weights 1, f none); "scaled" brings the model's score to [0, 1] first, since an unbounded score swamps a rule of 0
and 1 (a guess: the paper gives no scale); "prior_prompt" is 0.5 * rule + 0.5 * format (Prior Prompt Engineering). TRL weighs reward functions 1 each
by default and verl has no such sum: "trl" and "verl" are "paper". Of note: with a real-valued model no advantage is exactly 0, so filters and buffers
for "no signal" must look at the rule; with 0.5 and 0.5 a model can sit at 0.5 by format alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError
from thinkwell.training._conventions import finite, one_of, pick
from thinkwell.training.rewards._batch import expect_batch, float_dtype

OWNER = "hybrid"
Squash = Literal["none", "sigmoid", "clamp"]


@dataclass(frozen=True)
class Knobs:
    rule_weight: float = 1.0
    model_weight: float = 1.0
    format_weight: float = 1.0
    squash: Squash = "none"
    center: float = 0.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        for name, weight in (("rule_weight", self.rule_weight), ("model_weight", self.model_weight), ("format_weight", self.format_weight)):
            finite(name, weight)
        one_of("squash", self.squash, ("none", "sigmoid", "clamp"))
        finite("center", self.center, -math.inf)
        finite("scale", self.scale, above=True)


PRESETS = {
    "paper": Knobs(),
    "trl": Knobs(),
    "verl": Knobs(),
    "scaled": Knobs(squash="sigmoid"),
    "prior_prompt": Knobs(rule_weight=0.5, model_weight=0.0, format_weight=0.5),
}


def hybrid(
    rule: Tensor,
    model: Tensor | None = None,
    format: Tensor | None = None,  # the paper's name for it
    *,
    preset: str = "paper",
    rule_weight: float | None = None,
    model_weight: float | None = None,
    format_weight: float | None = None,
    squash: Squash | None = None,
    center: float | None = None,
    scale: float | None = None,
) -> Tensor:
    """r of each response. rule, model, format: (B,) numbers or bool; a part that is None adds nothing. center, scale: in units of the model's score.

    Returns (B,) in the widest floating dtype given, else torch's default. Raises ConfigError for knobs out of range, shapes that differ, or a score
    that is NaN or infinite.
    """
    expect_batch(OWNER, rule=rule, model=model, format=format)
    knobs = pick(
        OWNER,
        PRESETS,
        preset,
        rule_weight=rule_weight,
        model_weight=model_weight,
        format_weight=format_weight,
        squash=squash,
        center=center,
        scale=scale,
    )
    dtype = float_dtype(rule, model, format)
    for name, part in (("rule", rule), ("model", model), ("format", format)):
        if part is not None and not bool(torch.isfinite(part).all()):
            raise ConfigError(
                f"{OWNER}: {name} holds NaN or infinity; expected finite scores; leave out the samples that could not be scored."
            )
    total = knobs.rule_weight * rule.to(dtype)
    if model is not None:
        total = total + knobs.model_weight * _squashed((model.to(dtype) - knobs.center) / knobs.scale, knobs.squash)
    if format is not None:
        total = total + knobs.format_weight * format.to(dtype)
    return total


def _squashed(score: Tensor, squash: Squash) -> Tensor:
    if squash == "sigmoid":
        return torch.sigmoid(score)
    return score.clamp(0, 1) if squash == "clamp" else score
