"""GRPO: n samples of a prompt are compared with each other; no critic, no reference model.

DeepSeekMath (arXiv 2402.03300). A_i = (R_i - mean of the group) / std of the group; PPO's clipped loss, mean over sequences of token means; reward 1 for a right answer, else 0.
Left out by default: the KL loss to the start (`kl_coef`), which most later recipes drop.
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
    eps_low: float = Field(0.2, ge=0)
    """The ratio is clipped below 1 - eps_low."""
    eps_high: float = Field(0.2, ge=0)
    """The ratio is clipped above 1 + eps_high."""
    std: Literal["population", "sample"] = "population"
    """Of the group's rewards."""
    kl_coef: float = Field(0.0, ge=0)
    """Weight of the KL loss (k3) to the starting weights."""


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    return [
        Rl(
            rollout=Group(knobs.group_size, knobs.prompts),
            reward=Correct(),
            advantage=of(advantages.grpo, std=knobs.std),
            loss=partial(losses.ppo_clip, eps_low=knobs.eps_low, eps_high=knobs.eps_high, aggregation="seq-mean-token-mean"),
            kl=Kl(coef=knobs.kl_coef) if knobs.kl_coef else None,
            steps=knobs.steps,
            prompts=knobs.prompts,
            optimiser=knobs.optimiser,
            passes=knobs.passes,
            minibatches=knobs.minibatches,
        )
    ]


RECIPES.add("grpo")(Recipe("grpo", "DeepSeekMath, arXiv 2402.03300", "samples of one prompt compared with each other", Config, stages))
