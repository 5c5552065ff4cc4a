"""LASER-DE: LASER-D that lets wrong answers search on: one that is longer than its target gets alpha as well.

Liu et al. (arXiv 2505.15612). A wrong response beyond its target is worth -0.5 + 0.5 = 0, so that stopping early with a wrong answer is worse than going on. A response
without a box stays at -1. The published code, not the paper, keeps this from responses that go round in circles (`loops`); its test is replaced by the share of
n-grams that occur again in the last tokens (`rewards.t1.repetitive`). Everything else is `laser-d`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from thinkwell.core.path import Origin
from thinkwell.training import rewards
from thinkwell.training.recipe import RECIPES, Recipe, Setting
from thinkwell.training.recipes._laser import PAPER, MovingKnobs, stage
from thinkwell.training.rewards.monitored import Monitored
from thinkwell.training.rewards.t1 import repetitive
from thinkwell.training.sample import Rollouts
from thinkwell.training.stage import Stage


class Config(MovingKnobs):
    loops: bool = True
    """Long wrong responses that repeat themselves get nothing for being long; off: as the paper prints it."""


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    flags = {"repetitive": loops} if knobs.loops else {}
    reward = Monitored(rewards.laser_de, knobs.targets(), knobs.monitoring_set(setting), {"alpha": knobs.alpha}, flags)
    return [stage(knobs, reward)]


def loops(batch: Rollouts) -> Tensor:
    """(B,) bool: the end of what the model wrote says the same again and again."""
    own = [[token for segment in sample.path if segment.origin is Origin.MODEL for token in segment.tokens] for sample in batch.samples]
    return repetitive(own) if own else torch.zeros(0, dtype=torch.bool)


RECIPES.add("laser-de")(Recipe("laser-de", PAPER, "LASER-D that lets wrong answers search on", Config, stages, start="overthinking"))
