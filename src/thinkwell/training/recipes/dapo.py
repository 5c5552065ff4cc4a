"""DAPO: GRPO with four changes that keep long chains of thought learning.

Yu et al. 2025, arXiv 2503.14476.

    clip-higher         the ratio is clipped at 1 - .2 and 1 + .28, so that unlikely tokens may grow                `eps_low`, `eps_high`
    dynamic sampling    groups that are all right or all wrong are dropped, and the step asks for more               `sampling`, `refills`
    token-level loss    mean over all tokens of the batch, so that long responses count by their tokens
    soft overlong       0 up to max_tokens - cache, then down to -1 at max_tokens, added to the reward               `overlong`, `cache`
    reward 1 or -1; no KL, no entropy term, A = (R - mean) / std of the group

Chosen differently: sizes. The paper takes 512 prompts x 16 samples in 16 updates of 512, responses of at most 20,480 tokens of which the last 4,096 are punished. Here the
cache is the same fifth of `max_tokens`, and a step has 4 updates: in one update no ratio has moved and no clip acts. std: population; verl's sample deviation is a knob.
Cost: that of GRPO times one plus the refills; the share of groups without a signal says how many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from pydantic import Field

from thinkwell.training import advantages, losses
from thinkwell.training.filters import InOrder, Signal, Whole, without_cut
from thinkwell.training.recipe import RECIPES, Recipe, Setting, TrainKnobs
from thinkwell.training.rewards import correctness, overlong
from thinkwell.training.rollouts.group import Group
from thinkwell.training.sample import Rewarded, Rollouts
from thinkwell.training.stage import Filter, Rl, Stage, of

CACHE_SHARE = 4096 / 20480


class Config(TrainKnobs):
    minibatches: int = Field(4, ge=1)
    """Optimiser steps in a pass; the paper's batch makes 16."""
    eps_low: float = Field(0.2, ge=0)
    """The ratio is clipped below 1 - eps_low."""
    eps_high: float = Field(0.28, ge=0)
    """The ratio is clipped above 1 + eps_high."""
    sampling: Literal["accuracy", "reward", "off"] = "accuracy"
    """Which groups are dropped and replaced: those whose verdicts are all the same (accuracy, the paper), those whose final rewards are (reward: keeps groups of right answers
    that the overlong punishment tells apart), none (off)."""
    refills: int = Field(4, ge=0)
    """At most so many more collections a step; then the step is smaller."""
    overlong: Literal["soft", "mask", "drop", "off"] = "soft"
    """What becomes of responses near the limit: punished (soft), or of those that reached it: their loss is masked but their reward counts in the group (mask, the paper's
    overlong filtering), or they are left out of the group as well (drop), or nothing (off)."""
    cache: int | None = Field(None, ge=1)
    """Tokens before max_tokens in which the punishment grows; none: a fifth of max_tokens, the paper's 4,096 of 20,480."""
    wrong: float = Field(-1.0, lt=1)
    """Reward of a wrong answer; a right one is worth 1."""
    std: Literal["population", "sample"] = "population"
    """Of the group's rewards."""


@dataclass(frozen=True)
class SoftOverlong:
    """The verdict's reward plus the punishment of responses of more than max_length - cache tokens; cache 0: none."""

    wrong: float
    max_length: int
    cache: int

    def __call__(self, batch: Rollouts, step: int) -> Rewarded:
        verdict = correctness(batch.correct.to(torch.float64), known=batch.judged, right=1.0, wrong=self.wrong, malformed=self.wrong)
        if not self.cache:
            return Rewarded(verdict)
        total = overlong(verdict, batch.lengths, max_length=self.max_length, cache=self.cache)
        return Rewarded(total, {"verdict": verdict, "overlong": total - verdict})

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    cache = min(knobs.cache or max(1, round(CACHE_SHARE * knobs.max_tokens)), knobs.max_tokens)
    advantage = of(advantages.grpo, std=knobs.std)
    return [
        Rl(
            rollout=Group(knobs.group_size, knobs.prompts),
            reward=SoftOverlong(knobs.wrong, knobs.max_tokens, cache if knobs.overlong == "soft" else 0),
            filters=filters(knobs),
            advantage=without_cut(advantage) if knobs.overlong == "mask" else advantage,
            loss=partial(losses.ppo_clip, eps_low=knobs.eps_low, eps_high=knobs.eps_high, aggregation="token-mean"),
            steps=knobs.steps,
            prompts=knobs.prompts,
            refills=knobs.refills,
            optimiser=knobs.optimiser,
            passes=knobs.passes,
            minibatches=knobs.minibatches,
        )
    ]


def filters(knobs: Config) -> tuple[Filter, ...]:
    """What was cut goes first, so that the rest of its group must carry a signal by itself."""
    found: list[Filter] = [Whole()] if knobs.overlong == "drop" else []
    if knobs.sampling != "off":
        found.append(Signal(knobs.sampling))
    return (InOrder(tuple(found)),) if found else ()


RECIPES.add("dapo")(
    Recipe("dapo", "DAPO, arXiv 2503.14476", "GRPO with clip-higher, dynamic sampling, token-level loss and soft overlong punishment", Config, stages)
)  # fmt: skip
