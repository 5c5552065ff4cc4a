"""VAPO: PPO made fit for long chains of thought by seven changes, most of them to the critic's part.

Yue et al. 2025, arXiv 2504.05118 (with VC-PPO, 2503.01491).

    value pre-training     the critic learns first, on a frozen policy                                        `critic_warmup`
    decoupled GAE          lam_value 1 for the critic's targets, which are so without bias                    `lam_value`
    length-adaptive GAE    lam_policy = 1 - 1 / (alpha l) for a response of l tokens                          `alpha`, or fixed by `lam_policy`
    token-level loss       mean over all tokens of the batch
    clip-higher            the ratio is clipped at 1 - .2 and 1 + .28                                         `eps_low`, `eps_high`
    positive-example NLL   .1 times the likelihood of right responses is added                                `positive_coef`
    group sampling         few prompts, many samples of each                                                  `prompts`, `group_size`

Chosen differently: alpha. The paper's .05 is for thousands of tokens, and gives a negative lambda below 20; at the lab's 120 tokens .05 would mean lam .83, and the reward at
the end would not reach the beginning. 1.5, which a public recipe for shorter responses uses, gives .994, near the paper's at its own lengths.
Left out: the paper does not say whether advantages are whitened; here they are, as in verl (`whiten`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from pydantic import Field

from thinkwell.training import advantages, losses
from thinkwell.training.recipe import RECIPES, Recipe, Setting
from thinkwell.training.recipes.ppo import CriticKnobs, critic, gae_targets, values_of, verdicts
from thinkwell.training.rollouts.group import Group
from thinkwell.training.stage import Advantage, Rl, Stage


class Config(CriticKnobs):
    alpha: float = Field(1.5, gt=0)
    """Of the length-adaptive lambda, 1 - 1 / (alpha l), at least 0. The paper: .05, for responses of thousands of tokens."""
    lam_policy: float | None = Field(None, ge=0, le=1)
    """A fixed lambda for the advantages in place of the length-adaptive one; VC-PPO's is .95."""
    lam_value: float = Field(1.0, ge=0, le=1)
    """Lambda of the critic's targets; 1: the response's reward."""
    eps_low: float = Field(0.2, ge=0)
    """The ratio is clipped below 1 - eps_low."""
    eps_high: float = Field(0.28, ge=0)
    """The ratio is clipped above 1 + eps_high."""
    positive_coef: float = Field(0.1, ge=0)
    """Weight of the likelihood of right responses (the paper's mu)."""


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    return [
        Rl(
            rollout=Group(knobs.group_size, knobs.prompts),
            reward=verdicts(knobs),
            advantage=decoupled(
                gamma=knobs.gamma, lam_policy=knobs.lam_policy, lam_value=knobs.lam_value, alpha=knobs.alpha, whiten=knobs.whiten
            ),
            loss=partial(losses.ppo_clip, eps_low=knobs.eps_low, eps_high=knobs.eps_high, aggregation="token-mean"),
            critic=critic(knobs, gae_targets(True, gamma=knobs.gamma, lam=knobs.lam_value)),
            positive_nll=knobs.positive_coef,
            steps=knobs.steps,
            prompts=knobs.prompts,
            optimiser=knobs.optimiser,
            passes=knobs.passes,
            minibatches=knobs.minibatches,
        )
    ]


def decoupled(**how: Any) -> Advantage:
    """The actor's half of `advantages.decoupled_gae` on a view."""
    return lambda view: advantages.decoupled_gae(view.rewards, view.mask, values=values_of(view), **how).advantages


RECIPES.add("vapo")(
    Recipe("vapo", "VAPO, arXiv 2504.05118", "PPO for long chains: two lambdas, one of them by length; likelihood of right responses", Config, stages, group=False)
)  # fmt: skip
