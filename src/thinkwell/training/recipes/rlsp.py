"""RLSP: effort is paid for besides correctness, so that a model learns to search; PPO with a critic.

Ye et al. (arXiv 2502.06773); the paper's abstract and the released code were read. Reward 1 right, 0 wrong, -0.5 without a box, - scale / L for L tokens of reasoning,
for right and wrong answers alike; or 0.8 of that + 0.2 of a grade of effort, here counted from steps or marker words in place of the released judge. One sample a prompt, GAE
with lambda 0.95 whitened over the batch, KL in the reward, the critic alone for the first steps. `exploration` "none" is the paper's arm with the outcome only.
Chosen differently: the length term's `scale` is about the lab's mean length instead of 1000; `estimator` "reinforce-pp" does without a critic. Left out: the start by SFT.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

from pydantic import Field
from torch import Tensor

from thinkwell.training import advantages, losses
from thinkwell.training.recipe import RECIPES, Recipe, Setting, TrainKnobs
from thinkwell.training.rewards.explored import Explored
from thinkwell.training.rollouts.group import Group
from thinkwell.training.stage import Critic, Kl, Optimiser, Rl, Stage, View


class Config(TrainKnobs):
    prompts: int = Field(128, ge=1)
    """Problems a step; as many samples as other recipes write, of more problems."""
    group_size: int = Field(1, ge=1)
    """Samples of each problem."""
    exploration: Literal["none", "length", "steps", "behaviours"] = "length"
    """What effort is: nothing; reasoning length; steps, or checks, retries and other ways by their marker words, both beside the length."""
    scale: float = Field(140.0, ge=0)
    """C of C / L, in tokens; such that C / L is about 1 at the start. The released 1000 is as much at 1000 tokens."""
    outcome_weight: float = Field(0.8, ge=0)
    """Of the outcome and length, beside a grade of effort."""
    exploration_weight: float = Field(0.2, ge=0)
    """Of the grade of effort."""
    full: float = Field(4.0, gt=0)
    """Marked behaviours that are worth a grade of 1; steps need ten."""
    apply_to: Literal["all", "correct"] = "all"
    """The length term for all responses, or for right ones only."""
    estimator: Literal["gae", "reinforce-pp"] = "gae"
    """Advantages from a critic, or from the batch."""
    lam: float = Field(0.95, ge=0, le=1)
    """Lambda of GAE."""
    kl_coef: float = Field(0.05, ge=0)
    """Weight of the KL to the starting weights, taken off the reward of every token."""
    critic_warmup: int = Field(4, ge=0)
    """Steps in which the critic alone learns."""
    critic_rate: float = Field(5e-4, gt=0)
    """Learning rate of the critic; ten times the policy's in the released scripts."""
    value_clip: float = Field(0.2, ge=0)
    """How far a value may move from the one at sampling; 0: any way."""
    eps_low: float = Field(0.2, ge=0)
    """The ratio is clipped below 1 - eps_low."""
    eps_high: float = Field(0.2, ge=0)
    """The ratio is clipped above 1 + eps_high."""


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    weights = {
        "scale": knobs.scale,
        "outcome_weight": knobs.outcome_weight,
        "exploration_weight": knobs.exploration_weight,
        "apply_to": knobs.apply_to,
    }
    critic = Critic(
        targets=partial(targets, lam=knobs.lam),
        optimiser=Optimiser(rate=knobs.critic_rate),
        warmup=knobs.critic_warmup,
        clip=knobs.value_clip,
    )
    learnt = knobs.estimator == "gae"
    return [
        Rl(
            rollout=Group(knobs.group_size, knobs.prompts),
            reward=Explored(knobs.exploration, {**weights, "preset": "repo"}, knobs.full),
            advantage=partial(whitened_gae, lam=knobs.lam) if learnt else whitened_return,
            loss=partial(losses.ppo_clip, eps_low=knobs.eps_low, eps_high=knobs.eps_high, aggregation="token-mean"),
            kl=Kl(coef=knobs.kl_coef, estimator="k1", place="token_reward") if knobs.kl_coef else None,
            critic=critic if learnt else None,
            steps=knobs.steps,
            prompts=knobs.prompts,
            optimiser=knobs.optimiser,
            passes=knobs.passes,
            minibatches=knobs.minibatches,
        )
    ]


def whitened_gae(view: View, *, lam: float) -> Tensor:
    """A cut response ends there, as in the released trainer: at the cap nothing more will come."""
    return advantages.gae(view.rewards, view.mask, view.group_ids, values=_values(view), lam=lam, whiten="sample")


def targets(view: View, *, lam: float) -> Tensor:
    return advantages.value_targets(view.rewards, view.mask, view.group_ids, values=_values(view), lam=lam)


def whitened_return(view: View) -> Tensor:
    return advantages.reinforce_pp(view.rewards, view.mask, view.group_ids)


def _values(view: View) -> Tensor:
    assert view.values is not None  # a stage with a critic has them
    return view.values


RECIPES.add("rlsp")(Recipe("rlsp", "RLSP, arXiv 2502.06773", "effort is paid for besides correctness", Config, stages, group=False))
