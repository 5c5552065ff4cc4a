"""RLOO: each sample of a prompt is compared with the mean of the others; the whole response is one action, so nothing is averaged over its tokens.

Ahmadian et al. 2024, arXiv 2402.14740. A_i = R_i - mean of the other rewards of the group; loss = mean over responses of -A_i sum_t log p_t; no critic, no standard deviation.
`kl_coef` takes the sum of log p / p_start off the reward before samples are compared (k1): TRL's .05, the paper's .03 to .1. Off by default, as in the lab's other recipes,
for a reward that is a verdict cannot be over-optimised as the paper's reward model can.

Chosen differently: with several optimiser steps a batch the ratio is clipped token by token, as verl does; TRL clips one ratio a response, the product. With one (the
default) there is nothing to clip and all are the paper's.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

from pydantic import Field

from thinkwell.training import advantages, losses
from thinkwell.training.recipe import RECIPES, Recipe, Setting, TrainKnobs
from thinkwell.training.rewards.applied import Correct
from thinkwell.training.rollouts.group import Group
from thinkwell.training.stage import Kl, Rl, Stage, of


class Config(TrainKnobs):
    kl_coef: float = Field(0.0, ge=0)
    """Weight of the log-ratio to the starting weights, taken from the reward of the whole response."""
    aggregation: Literal["seq-mean-token-sum", "token-mean", "seq-mean-token-mean"] = "seq-mean-token-sum"
    """What the loss of tokens is averaged over; seq-mean-token-sum is the paper's, token-mean is verl's default."""
    eps_low: float = Field(0.2, ge=0)
    """The ratio of a token is clipped below 1 - eps_low; acts with several optimiser steps a batch."""
    eps_high: float = Field(0.2, ge=0)
    """The ratio of a token is clipped above 1 + eps_high; acts with several optimiser steps a batch."""


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    return [
        Rl(
            rollout=Group(knobs.group_size, knobs.prompts),
            reward=Correct(),
            advantage=of(advantages.rloo),
            loss=partial(losses.ppo_clip, eps_low=knobs.eps_low, eps_high=knobs.eps_high, aggregation=knobs.aggregation),
            kl=Kl(coef=knobs.kl_coef, estimator="k1", place="reward") if knobs.kl_coef else None,
            steps=knobs.steps,
            prompts=knobs.prompts,
            optimiser=knobs.optimiser,
            passes=knobs.passes,
            minibatches=knobs.minibatches,
        )
    ]


RECIPES.add("rloo")(Recipe("rloo", "RLOO, arXiv 2402.14740", "each sample against the mean of the others, no critic", Config, stages))
