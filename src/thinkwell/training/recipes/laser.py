"""LASER: a right answer earns a bonus if it is no longer than a fixed number of tokens.

Liu et al. (arXiv 2505.15612). Reward 1 right, -0.5 wrong, -1 without a box after the thinking; + alpha if right and at most `target` tokens long. GRPO with clip-higher,
token mean, small KL loss and entropy bonus, as in the published scripts. The window of sampling stays much larger than the target: nothing is cut for being long.
Chosen differently: temperature 1 (the paper trains at 0.6), lengths scaled to the lab. Groups that are all right are not filtered out: their lengths are the signal.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from thinkwell.training import rewards
from thinkwell.training.recipe import RECIPES, Recipe, Setting
from thinkwell.training.recipes._laser import PAPER, LaserKnobs, stage
from thinkwell.training.rewards.applied import OnLengths
from thinkwell.training.stage import Stage


class Config(LaserKnobs):
    target: int = Field(144, ge=1)
    """Longest response with the bonus, in tokens. The paper's 4096 to 8192 are 0.4 to 0.8 of its model's mean length; 144 is 0.6 of the 237 tokens of the over-thinking start."""


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    reward = OnLengths(
        rewards.laser,
        {"target": knobs.target, "alpha": knobs.alpha},
        {"bonus": lambda batch: knobs.alpha * (batch.correct & batch.valid & (batch.lengths <= knobs.target))},
    )
    return [stage(knobs, reward)]


RECIPES.add("laser")(Recipe("laser", PAPER, "a bonus for right answers within a fixed length", Config, stages, start="overthinking"))
