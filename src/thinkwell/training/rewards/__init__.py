"""Rewards of reasoning training as functions on tensors, one file a family: what a sampled response is worth, given whether it is right and how long it is."""

from thinkwell.training.rewards.adactrl import adactrl
from thinkwell.training.rewards.correctness import correctness
from thinkwell.training.rewards.datarus import datarus
from thinkwell.training.rewards.decaying_exit import decaying_exit
from thinkwell.training.rewards.flexive import flexive
from thinkwell.training.rewards.format_length import format_length
from thinkwell.training.rewards.grpo_lambda import efficiency_groups, grpo_lambda
from thinkwell.training.rewards.hybrid import hybrid
from thinkwell.training.rewards.l_grpo import l_grpo
from thinkwell.training.rewards.laser import group_penalty, kimi, l1_exact, l1_max, laser, laser_d, laser_de, think_prune, truncation
from thinkwell.training.rewards.laser_targets import Difficulty, LengthTargets, difficulty
from thinkwell.training.rewards.overlong import overlong
from thinkwell.training.rewards.rlsp import rlsp
from thinkwell.training.rewards.self_play import spc_critic, spc_generator
from thinkwell.training.rewards.signal import carries_signal
from thinkwell.training.rewards.t1 import t1
from thinkwell.training.rewards.tag_format import tag_format

__all__ = [
    "Difficulty",
    "LengthTargets",
    "adactrl",
    "carries_signal",
    "correctness",
    "datarus",
    "decaying_exit",
    "difficulty",
    "efficiency_groups",
    "flexive",
    "format_length",
    "group_penalty",
    "grpo_lambda",
    "hybrid",
    "kimi",
    "l1_exact",
    "l1_max",
    "l_grpo",
    "laser",
    "laser_d",
    "laser_de",
    "overlong",
    "rlsp",
    "spc_critic",
    "spc_generator",
    "t1",
    "tag_format",
    "think_prune",
    "truncation",
]
