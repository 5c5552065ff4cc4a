"""PPO: a critic says what to expect before every token, and generalised advantage estimation compares with it.

Schulman et al. 2017, arXiv 1707.06347; GAE, arXiv 1506.02438. delta_t = r_t + gamma V_t+1 - V_t; A_t = delta_t + gamma lam A_t+1; the reward comes with the last token; the
critic regresses to A + V with the clipped squared error (`value_clip`); the policy has PPO's clip, mean over all tokens.

Defaults are verl's where the paper is about other tasks: gamma 1, lam 1, advantages whitened over the batch's tokens, values clipped at .5. The critic
is a copy of the policy's body with a head that starts at zero and an optimiser of its own; `critic_warmup` steps teach it alone, for a critic that knows nothing makes
advantages of noise. A response cut at max_tokens counts as ended, worth what its verdict says (verl, TRL); `cut_ends=False` takes the critic's value there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

from pydantic import Field
from torch import Tensor

from thinkwell.core.errors import ConfigError
from thinkwell.training import advantages, losses
from thinkwell.training.recipe import RECIPES, Recipe, Setting, TrainKnobs
from thinkwell.training.rewards.applied import Correct
from thinkwell.training.rollouts.group import Group
from thinkwell.training.stage import Advantage, Critic, Kl, Optimiser, Rl, Stage, Targets, View


class CriticKnobs(TrainKnobs):
    """Knobs of recipes with a critic."""

    group_size: int = Field(8, ge=1)
    """Samples of each problem. The critic compares, so one is enough; several make its targets less noisy."""
    gamma: float = Field(1.0, ge=0, le=1)
    """Discount a token."""
    whiten: Literal["sample", "off"] = "sample"
    """Advantages are normalised over all tokens of the batch (sample), or left as they are (off)."""
    right: Literal["1/0", "1/-1"] = "1/0"
    """What a right and a wrong answer are worth."""
    critic_rate: float = Field(5e-4, gt=0)
    """Peak learning rate of the critic. Published runs: 2e-6, twice the policy's; the lab's critic begins with a head of zeros and few steps."""
    critic_passes: int = Field(2, ge=1)
    """Times that the critic learns from a step's samples."""
    critic_warmup: int | None = Field(None, ge=0)
    """Steps, of all `steps`, in which the critic alone learns; none: an eighth of them."""
    value_clip: float = Field(0.5, ge=0)
    """How far a value may move from the rollout's before its error stops to count; verl .5, TRL .2, 0: any way. Acts from the second pass on."""


class Config(CriticKnobs):
    lam: float = Field(1.0, ge=0, le=1)
    """GAE's lambda, for the advantages and the critic's targets. 1 (verl): the reward minus the value; .95 (TRL) trusts the critic more, and over 120 tokens hides the
    reward from the beginning of a response until the critic has passed it on."""
    eps_low: float = Field(0.2, ge=0)
    """The ratio is clipped below 1 - eps_low."""
    eps_high: float = Field(0.2, ge=0)
    """The ratio is clipped above 1 + eps_high."""
    cut_ends: bool = True
    """A response cut at max_tokens is over (True), or goes on with the value that the critic gives it (False)."""
    kl_coef: float = Field(0.0, ge=0)
    """Weight of the log-ratio to the starting weights, taken from the reward of every token (k1); TRL .05, verl .001 where it is on."""


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    return [
        Rl(
            rollout=Group(knobs.group_size, knobs.prompts),
            reward=verdicts(knobs),
            advantage=gae(knobs.cut_ends, gamma=knobs.gamma, lam=knobs.lam, whiten=knobs.whiten),
            loss=partial(losses.ppo_clip, eps_low=knobs.eps_low, eps_high=knobs.eps_high, aggregation="token-mean"),
            kl=Kl(coef=knobs.kl_coef, estimator="k1", place="token_reward") if knobs.kl_coef else None,
            critic=critic(knobs, gae_targets(knobs.cut_ends, gamma=knobs.gamma, lam=knobs.lam)),
            steps=knobs.steps,
            prompts=knobs.prompts,
            optimiser=knobs.optimiser,
            passes=knobs.passes,
            minibatches=knobs.minibatches,
        )
    ]


def verdicts(knobs: CriticKnobs) -> Correct:
    return Correct(preset="klear" if knobs.right == "1/-1" else "paper")


def critic(knobs: CriticKnobs, targets: Targets, on: Literal["all", "finished"] = "all") -> Critic:
    """Raises `ConfigError` if its warm-up takes every step of the run."""
    warmup = knobs.steps // 8 if knobs.critic_warmup is None else knobs.critic_warmup
    if warmup >= knobs.steps:
        raise ConfigError(
            f"critic_warmup={warmup} of steps={knobs.steps} leaves none for the policy; expected fewer. Lower it, or train longer."
        )
    return Critic(
        targets=targets,
        on=on,
        optimiser=Optimiser(rate=knobs.critic_rate, clip=knobs.clip),
        warmup=warmup,
        clip=knobs.value_clip,
        passes=knobs.critic_passes,
    )


def gae(cut_ends: bool, **how: Any) -> Advantage:
    """`advantages.gae` on a view."""
    return lambda view: advantages.gae(view.rewards, view.mask, values=values_of(view), **_end(view, cut_ends), **how)


def gae_targets(cut_ends: bool, **how: Any) -> Targets:
    """GAE's advantage, not whitened, plus the value."""
    return lambda view: advantages.value_targets(view.rewards, view.mask, values=values_of(view), **_end(view, cut_ends), **how)


def values_of(view: View) -> Tensor:
    """The critic's values. Raises `ConfigError` where the stage has no critic."""
    if view.values is None:
        raise ConfigError("this advantage needs values and the stage has no critic; expected one. Give the stage a Critic.")
    return view.values


def _end(view: View, cut_ends: bool) -> dict[str, Any]:
    return {} if cut_ends else {"truncated": view.cut, "bootstrap_values": view.bootstrap_values}


RECIPES.add("ppo")(
    Recipe(
        "ppo",
        "PPO, arXiv 1707.06347",
        "a critic and generalised advantage estimation, clipped ratio and values",
        Config,
        stages,
        group=False,
    )
)
