"""T-PPO: responses are written in windows and the policy is trained after every window, also on responses that are not finished; so no step waits for the longest.

ByteDance Seed 2025, arXiv 2506.15050 (no code was released; facts from readers' notes and reviews).

    rollout     a pool of prompts * group_size slots; each writes at most `window` tokens a step; finished ones begin another response    `rollouts/windowed.py`
    advantage   EGAE: GAE over this window; where the response goes on, the value after the cut is the last one known ("hold")                `bootstrap`
    policy      PPO's clip on this window's tokens, mean over tokens, no KL: each token is trained on once, when it is new
    critic      learns from responses that finished in this step, all their tokens, to the reward they got (lam_value 1)                      `critic_on`

Window: a third of the longest response, as the paper's 8K of 24K. A response cut at max_tokens is finished, worth what its verdict says [inferred]. Not known, so knobs: the
bounds of the clip (the same team's .2 and .28), lambda (VC-PPO's .95), whitening (off: over a mix of finished and unfinished tokens it thins out the former), whether the
critic is warmed up (here it is: with one that knows nothing EGAE gives no signal before a response ends), a wrong answer's worth (0; the team's habit is -1).
When finished slots are filled again is told in two ways: at once (the abstract's gist), or after the update (readers' notes). Where windows are long beside responses only the
first keeps the slots busy, so it is the default. With `window` at max_tokens and `refill="update"` this is PPO.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import torch
from pydantic import Field

from thinkwell.training import advantages, losses
from thinkwell.training.recipe import RECIPES, Recipe, Setting
from thinkwell.training.recipes.ppo import CriticKnobs, critic, values_of, verdicts
from thinkwell.training.rollouts.slots import Refill
from thinkwell.training.rollouts.windowed import Windowed
from thinkwell.training.stage import Advantage, Rl, Stage, Targets

SHARE = 3  # the paper's longest response, in windows


class Config(CriticKnobs):
    window: int | None = Field(None, ge=1)
    """Tokens that a slot may write in a step; none: a third of max_tokens."""
    refill: Refill = "window"
    """A finished slot begins another response at once, with what is left of its window ("window"), or after the update ("update")."""
    bootstrap: Literal["hold", "critic", "zero"] = "hold"
    """The value after the cut of an unfinished response: the last one before it (the paper), the critic's own, or 0, which is what frameworks without EGAE do."""
    lam_policy: float = Field(0.95, ge=0, le=1)
    """Lambda of the advantages."""
    lam_value: float = Field(1.0, ge=0, le=1)
    """Lambda of the critic's targets; 1: the response's reward."""
    critic_on: Literal["finished", "all"] = "finished"
    """Whose tokens the critic learns from: responses that finished in the step, or every window, where an unfinished one's target is the critic's own guess."""
    eps_low: float = Field(0.2, ge=0)
    """The ratio is clipped below 1 - eps_low."""
    eps_high: float = Field(0.28, ge=0)
    """The ratio is clipped above 1 + eps_high."""
    whiten: Literal["sample", "off"] = "off"
    """Advantages are normalised over all tokens of the step (sample), or left as they are (off)."""


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    window = knobs.window or -(-knobs.max_tokens // SHARE)
    return [
        Rl(
            rollout=Windowed(prompts=knobs.prompts, size=knobs.group_size, window=window, refill=knobs.refill),
            reward=verdicts(knobs),
            advantage=egae(bootstrap=knobs.bootstrap, gamma=knobs.gamma, lam=knobs.lam_policy, whiten=knobs.whiten),
            loss=partial(losses.ppo_clip, eps_low=knobs.eps_low, eps_high=knobs.eps_high, aggregation="token-mean"),
            critic=critic(knobs, egae_targets(bootstrap=knobs.bootstrap, gamma=knobs.gamma, lam=knobs.lam_value), knobs.critic_on),
            steps=knobs.steps,
            prompts=knobs.prompts,
            optimiser=knobs.optimiser,
            passes=knobs.passes,
            minibatches=knobs.minibatches,
        )
    ]


def egae(**how: Any) -> Advantage:
    """`advantages.egae` on a view: terminal where a response is finished, bootstrapped where it goes on."""

    return lambda view: advantages.egae(
        view.rewards, view.mask, values=values_of(view), finished=view.finished, bootstrap_values=view.bootstrap_values, **how
    )


def egae_targets(**how: Any) -> Targets:
    """EGAE's advantage, not whitened, plus the value: with lambda 1 the reward of a finished response at all its tokens."""
    advantage = egae(whiten="off", **how)
    return lambda view: torch.where(view.mask, advantage(view) + values_of(view), 0.0)


RECIPES.add("t-ppo")(
    Recipe(
        "t-ppo", "T-PPO, arXiv 2506.15050", "PPO on windows of unfinished responses, with every slot kept busy", Config, stages, group=False
    )
)
