"""GRPO-lambda: a length penalty for the problems of a batch that the policy solves best, the plain reward for all others.

Dai et al. (arXiv 2505.18086); not the method of eligibility traces (2510.00194). The groups are ranked by their share of right answers; in the first `top` of them a right
answer is worth 1 - alpha sigmoid(z of its length among the group's right ones), everywhere else 1; a wrong one 0. `top` 1 is the plain length penalty that collapses
in the paper, 0 is GRPO. The paper's text was read in a digest: alpha and the loss' constants are guesses. Groups that are all right are not filtered out: they are what
the penalty is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

from pydantic import Field
from torch import Tensor

from thinkwell.training import advantages, losses, rewards
from thinkwell.training.recipe import RECIPES, Recipe, Setting, TrainKnobs
from thinkwell.training.rewards.applied import OnLengths
from thinkwell.training.rollouts.group import Group
from thinkwell.training.sample import Rollouts
from thinkwell.training.stage import Kl, Rl, Stage, of


class Config(TrainKnobs):
    top: float = Field(0.2, ge=0, le=1)
    """Lambda: share of the batch's groups with the penalty; the example of the paper's figure."""
    alpha: float = Field(0.2, ge=0, le=1)
    """Size of the penalty; not known from the paper, the value that LASER chose for the same penalty."""
    min_correct_ratio: float = Field(0.0, ge=0, le=1)
    """Groups with a smaller share of right answers never get the penalty, however they rank."""
    ties: Literal["longer", "random"] = "longer"
    """Which of equally good groups come first: those with longer responses, or by chance."""
    std: Literal["population", "sample"] = "population"
    """Of the lengths, and of the rewards of a group."""
    eps_low: float = Field(0.2, ge=0)
    """The ratio is clipped below 1 - eps_low."""
    eps_high: float = Field(0.2, ge=0)
    """The ratio is clipped above 1 + eps_high."""
    kl_coef: float = Field(0.0, ge=0)
    """Weight of the KL loss (k3) to the starting weights."""


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    ranking: dict[str, Any] = {"top": knobs.top, "min_correct_ratio": knobs.min_correct_ratio, "ties": knobs.ties, "seed": setting.seed}

    def penalised(batch: Rollouts) -> Tensor:
        return rewards.efficiency_groups(batch.correct, batch.lengths, batch.group_ids, valid=batch.valid, **ranking)

    return [
        Rl(
            rollout=Group(knobs.group_size, knobs.prompts),
            reward=OnLengths(rewards.grpo_lambda, {**ranking, "alpha": knobs.alpha, "std": knobs.std}, {"penalised": penalised}),
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


RECIPES.add("grpo-lambda")(
    Recipe(
        "grpo-lambda", "GRPO-lambda, arXiv 2505.18086", "a length penalty where the policy is best", Config, stages, start="overthinking"
    )
)
