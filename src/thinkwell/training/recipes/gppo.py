"""Klear-Reasoner: supervised learning on long chains of thought, then reinforcement with GPPO, which clips the value of the loss and not its gradient.

Su et al. 2025, arXiv 2508.07629. Stage 1: long chains of a stronger teacher, wrong ones too ("quality over diversity"; 88 % of its problems are hard). Stage 2: groups
compared as in GRPO, rewards +1 and -1 (-1 for a thinking that is not closed), several optimiser steps a batch, no KL, an auxiliary likelihood of right responses (weight 0.1).
A token whose ratio leaves [1 - eps_low, 1 + eps_high] keeps a gradient of that bound, where PPO's has none: see `losses.gppo`.

Chosen differently: the lab writes the long chains (more checks, more mistakes noticed than the policy's own). The paper's second reinforcement stage, on code, is left out:
the lab has no code. The likelihood is normalised over the whole batch, not over a micro-batch, and its responses are told by the verdict, not by a reward of exactly 1.
`surrogate` changes the loss alone, for controls: clip-higher PPO, CISPO, or no clip at all. With one optimiser step a batch all four are the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Literal

from pydantic import Field

from thinkwell.training import advantages, losses
from thinkwell.training.filters import Signal, Whole
from thinkwell.training.recipe import RECIPES, Recipe, Setting, TrainKnobs
from thinkwell.training.rewards.applied import Correct
from thinkwell.training.rewards.formats import closes_thinking
from thinkwell.training.rollouts.group import Group
from thinkwell.training.stage import Filter, Optimiser, PolicyLoss, Rl, Sft, Stage, of
from thinkwell.training.traces import Lessons, solving


class Config(TrainKnobs):
    minibatches: int = Field(8, ge=1)
    """Optimiser steps a batch. The paper has 128 prompts in mini-batches of 16; with 1 there is nothing to clip."""
    surrogate: Literal["gppo", "clip-higher", "cispo", "none"] = "gppo"
    """Loss of a token: gppo; controls: PPO with the same bounds, CISPO with the same bounds, the ratio without bounds."""
    eps_low: float = Field(0.2, ge=0)
    """The ratio is clipped below 1 - eps_low."""
    eps_high: float = Field(0.28, ge=0)
    """The ratio is clipped above 1 + eps_high."""
    beta1: float = Field(1.0, ge=0)
    """Weight of the gradient of tokens clipped from below (gppo)."""
    beta2: float = Field(1.0, ge=0)
    """Weight of the gradient of tokens clipped from above (gppo)."""
    dual_clip: float | None = Field(None, gt=1)
    """Ratio above which a token with a negative advantage has no gradient. The paper's formula has none, its scripts 10."""
    positive_coef: float = Field(0.1, ge=0)
    """Weight of the likelihood of right responses (alpha); the paper's best of 0, 0.05, 0.1, 0.2."""
    drop_equal: bool = True
    """Leave out groups whose rewards are all equal; nothing is sampled in their place."""
    overlong_filter: bool = True
    """Leave out responses that were cut at max_tokens, before groups are compared; advised by the released code for short limits."""
    sft_steps: int = Field(60, ge=0)
    """Steps of the supervised stage; 0 leaves it out."""
    sft_rows: int = Field(32, ge=1)
    """Chains a supervised step."""
    sft_rate: float = Field(5e-4, gt=0)
    """Peak rate of the supervised stage, falling as a cosine. The paper: 8e-5 to 4e-5 for 8 billion parameters."""
    sft_right_only: bool = False
    """Learn from chains with a right answer only. The paper does not filter."""


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    reinforcement = Rl(
        rollout=Group(knobs.group_size, knobs.prompts),
        reward=Correct(preset="klear", formatted=True),
        advantage=of(advantages.grpo),
        loss=loss(knobs),
        steps=knobs.steps,
        prompts=knobs.prompts,
        filters=filters(knobs),
        positive_nll=knobs.positive_coef,
        optimiser=knobs.optimiser,
        passes=knobs.passes,
        minibatches=knobs.minibatches,
        valid=closes_thinking(setting.preset),
    )
    return [long_chains(knobs, setting), reinforcement] if knobs.sft_steps else [reinforcement]


def loss(knobs: Config) -> PolicyLoss:
    """The loss that `surrogate` names, means over the tokens of the batch."""
    low, high = (math.inf, math.inf) if knobs.surrogate == "none" else (knobs.eps_low, knobs.eps_high)
    if knobs.surrogate == "gppo":
        return partial(
            losses.gppo,
            eps_low=low,
            eps_high=high,
            beta1=knobs.beta1,
            beta2=knobs.beta2,
            dual_clip=knobs.dual_clip,
            aggregation="token-mean",
        )
    if knobs.surrogate == "cispo":
        return partial(losses.cispo, eps_low=low, eps_high=high, aggregation="token-mean")
    return partial(losses.ppo_clip, eps_low=low, eps_high=high, dual_clip=knobs.dual_clip, aggregation="token-mean")


def filters(knobs: Config) -> tuple[Filter, ...]:
    whole = (Whole(),) if knobs.overlong_filter else ()
    unequal = (Signal("reward", refill=False),) if knobs.drop_equal else ()
    return (*whole, *unequal)


def long_chains(knobs: Config, setting: Setting) -> Sft:
    """What a stronger teacher writes in the lab: fewer mistakes than the policy, most of them noticed, and many checks."""
    from thinkwell.lab.trace import Style

    teacher = Style(slip=0.08, misread=0.4, reread=0.5, reflect=0.45, reflect_on_slip=0.8, notice_slip=0.8, recheck=0.6, notice_late=0.6)
    make = solving(setting.preset, knobs.levels, teacher, right_only=knobs.sft_right_only)
    rows = Lessons(setting.tokenizer, setting.preset, make, setting.seed, "gppo/sft", knobs.sft_rows)
    warmup = min(10, knobs.sft_steps // 4)
    return Sft(rows=rows, steps=knobs.sft_steps, optimiser=Optimiser(rate=knobs.sft_rate, warmup=warmup, decay="cosine"))


RECIPES.add("gppo")(
    Recipe(
        "gppo",
        "Klear-Reasoner, arXiv 2508.07629",
        "long chains of thought, then a clip that keeps bounded gradients",
        Config,
        stages,
        thinks=True,
    )
)
