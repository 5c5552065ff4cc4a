"""ConciseR: walk before you run. First the policy learns to be right, then, where it always is, to be short.

Song et al. (arXiv 2505.21178). Stage 1, "GRPO++": reward 1 or 0, clip-higher, entropy bonus, groups without a signal drawn again. Stage 2, L-GRPO: a group that is right
throughout gets 1 + coef (1 - L / max_tokens) for each response, every other group the plain reward. Abstract, results and a data script were read; the shape of the
length term and all constants are guesses that matter little under the group's standard deviation. Stage 2 filters on the final reward: filtered by accuracy it would drop
just the groups that it is about. `gate` "correct" is the ablation without the gate, `concise_steps` = `steps` the one that runs before it walks.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

from pydantic import Field, model_validator
from torch import Tensor

from thinkwell.training import advantages, losses, rewards
from thinkwell.training._groups import read_groups
from thinkwell.training.filters import Signal
from thinkwell.training.recipe import RECIPES, Recipe, Setting, TrainKnobs
from thinkwell.training.rewards.applied import Correct, OnLengths
from thinkwell.training.rollouts.group import Group
from thinkwell.training.sample import Rollouts
from thinkwell.training.stage import Kl, Reward, Rl, Stage, of


class Config(TrainKnobs):
    concise_steps: int = Field(15, ge=0)
    """Steps of stage 2, of all `steps`. The paper's figure has 110 of 5810; a short run needs a larger share to show anything."""
    coef: float = Field(1.0, ge=0)
    """Weight of the length term; with advantages divided by the group's deviation any value above 0 does the same."""
    gate: Literal["all_correct", "correct"] = "all_correct"
    """Whose length counts: of groups that are right throughout, or of every right response."""
    min_length_std: float = Field(0.0, ge=0)
    """Groups whose lengths differ less, in tokens, get no length term."""
    entropy: float = Field(1e-3, ge=0)
    """Weight of the entropy bonus."""
    eps_low: float = Field(0.2, ge=0)
    """The ratio is clipped below 1 - eps_low."""
    eps_high: float = Field(0.28, ge=0)
    """The ratio is clipped above 1 + eps_high."""
    kl_coef: float = Field(0.0, ge=0)
    """Weight of the KL loss (k3) to the weights at the start of the stage."""

    @model_validator(mode="after")
    def _fits(self) -> Config:
        if self.concise_steps > self.steps:
            raise ValueError(
                f"concise_steps={self.concise_steps} is more than steps={self.steps}; expected at most that. Lower it, or raise steps."
            )
        return self


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    length = {
        "max_length": knobs.max_tokens,
        "coef": knobs.coef,
        "gate": knobs.gate,
        "min_length_std": knobs.min_length_std,
    }
    walk = _stage(knobs, "grpo++", Correct(), Signal(on="accuracy"), knobs.steps - knobs.concise_steps)
    run = _stage(knobs, "l-grpo", OnLengths(rewards.l_grpo, length, {"gated": gated}), Signal(on="reward"), knobs.concise_steps)
    return [stage for stage in (walk, run) if stage.steps]


def gated(batch: Rollouts) -> Tensor:
    """(B,) bool: every response of the sample's group is right."""
    groups = read_groups(batch.group_ids)
    right = (batch.correct & batch.valid).long()
    return groups.spread(groups.sum(right) == groups.size)


def _stage(knobs: Config, name: str, reward: Reward, signal: Signal, steps: int) -> Rl:
    return Rl(
        name=name,
        rollout=Group(knobs.group_size, knobs.prompts),
        reward=reward,
        filters=(signal,),
        advantage=of(advantages.grpo, preset="verl"),
        loss=partial(losses.ppo_clip, eps_low=knobs.eps_low, eps_high=knobs.eps_high, aggregation="token-mean"),
        kl=Kl(coef=knobs.kl_coef) if knobs.kl_coef else None,
        entropy=knobs.entropy,
        steps=steps,
        prompts=knobs.prompts,
        optimiser=knobs.optimiser,
        passes=knobs.passes,
        minibatches=knobs.minibatches,
    )


RECIPES.add("conciser")(
    Recipe(
        "conciser", "ConciseR, arXiv 2505.21178", "first right, then short where it is always right", Config, stages, start="overthinking"
    )
)
