"""What LASER, LASER-D and LASER-DE share: the knobs and the stage. They differ in the reward alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from pydantic import Field

from thinkwell.core.problem import Problem
from thinkwell.training import advantages, losses
from thinkwell.training.recipe import Setting, TrainKnobs
from thinkwell.training.rewards.formats import boxed
from thinkwell.training.rewards.laser_targets import LengthTargets
from thinkwell.training.rollouts.group import Group
from thinkwell.training.stage import Kl, Reward, Rl, of

PAPER = "LASER, arXiv 2505.15612"
MONITOR_AT = 1_000_000_000
"""Where the monitoring set stands among the problems: beyond what training reaches."""


class LaserKnobs(TrainKnobs):
    alpha: float = Field(0.5, ge=0)
    """What a right response within its target is worth besides. The paper never tuned it."""
    eps_low: float = Field(0.2, ge=0)
    """The ratio is clipped below 1 - eps_low."""
    eps_high: float = Field(0.28, ge=0)
    """The ratio is clipped above 1 + eps_high."""
    kl_coef: float = Field(1e-3, ge=0)
    """Weight of the KL loss (k3) to the starting weights."""
    entropy: float = Field(1e-3, ge=0)
    """Weight of the entropy bonus."""
    minibatches: int = Field(2, ge=1)
    """Optimiser steps in a pass; the paper's batch of 128 prompts is trained on in halves."""


class MovingKnobs(LaserKnobs):
    lower: int = Field(96, ge=1)
    """Smallest target, in tokens. The paper's 4096 is 0.4 of its model's mean length; 96 is as much of the 237 tokens of the over-thinking start."""
    interval: int = Field(24, ge=1)
    """Grid of the search for targets, in tokens; the paper's 1024 is 0.1 of its model's mean length."""
    fixed: int = Field(256, ge=1)
    """All three targets in tokens, where there is no monitoring; half of the longest response, as in the published code."""
    monitor_every: int = Field(10, ge=0)
    """Steps between two looks at the monitoring set; 0: never. The paper's 20, in a run forty times as long."""
    monitor_problems: int = Field(32, ge=1)
    """Problems of the monitoring set; the paper's 500 are four batches of its prompts, 32 are two of the lab's."""
    rounding: str = Field("ceil", pattern="^(ceil|floor)$")
    """Of the least number of right responses: "ceil" as the paper says, "floor" as all published scripts do."""

    def targets(self) -> LengthTargets:
        return LengthTargets(
            rollouts=self.group_size,
            lower=min(self.lower, self.max_tokens),
            upper=self.max_tokens,
            interval=self.interval,
            every=self.monitor_every,
            fixed=self.fixed,
            rounding=self.rounding,
        )

    def monitoring_set(self, setting: Setting) -> Sequence[Problem]:
        return [setting.problems.at(MONITOR_AT + place) for place in range(self.monitor_problems)]


def stage(knobs: LaserKnobs, reward: Reward) -> Rl:
    """GRPO with clip-higher on that reward. No filter: a group of right answers has its signal in the lengths."""
    return Rl(
        rollout=Group(knobs.group_size, knobs.prompts),
        reward=reward,
        advantage=of(advantages.grpo, preset="verl"),
        loss=partial(losses.ppo_clip, eps_low=knobs.eps_low, eps_high=knobs.eps_high, aggregation="token-mean"),
        kl=Kl(coef=knobs.kl_coef) if knobs.kl_coef else None,
        entropy=knobs.entropy,
        valid=boxed,
        steps=knobs.steps,
        prompts=knobs.prompts,
        optimiser=knobs.optimiser,
        passes=knobs.passes,
        minibatches=knobs.minibatches,
    )
