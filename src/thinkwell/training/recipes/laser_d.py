"""LASER-D: LASER with a length target for easy, medium and hard problems each, chosen again every few steps from what the policy needs.

Liu et al. (arXiv 2505.15612). A problem's difficulty is how many of its own samples are right. Before the first step and then every `monitor_every` steps the policy
answers a monitoring set; the target of a difficulty is the smallest length below which one right response is to be expected. Hard problems need all their length, so
their target stays high. Everything else is `laser`. The targets are in the curves as reward/target_easy and so on, and in the checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence

from thinkwell.training import rewards
from thinkwell.training.recipe import RECIPES, Recipe, Setting
from thinkwell.training.recipes._laser import PAPER, MovingKnobs, stage
from thinkwell.training.rewards.monitored import Monitored
from thinkwell.training.stage import Stage


class Config(MovingKnobs):
    pass


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    reward = Monitored(rewards.laser_d, knobs.targets(), knobs.monitoring_set(setting), {"alpha": knobs.alpha})
    return [stage(knobs, reward)]


RECIPES.add("laser-d")(
    Recipe("laser-d", PAPER, "length targets by difficulty, which follow the policy", Config, stages, start="overthinking")
)
