"""Datarus-R1: structure first, meaning later (Ben Chaliah and Dellagi 2025, arXiv 2508.13382).

    R(t) = w(t) * R_struct + (1 - w(t)) * R_hrm
    w(t) = end + (start - end) * (1 + cos(pi * t / T)) / 2
    R_hrm = step_weight * mean_j s_j + (1 - step_weight) * s_trajectory          scores of steps and of the whole

Only the direction (from a cheap score of the tags to a hierarchical reward model, along a cosine) is in the abstract, which was all that could be
read; every formula and constant here is a guess and a knob (start 0.8, end 0.2, step_weight 0.5). `datarus_structure` scores the tags in the text.
TRL and verl have no such reward; their presets are "paper". Of note: a learned score may pay for verbosity; log its correlation with length.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError
from thinkwell.training._conventions import expect, finite, one_of, pick
from thinkwell.training.rewards._batch import expect_batch, flags, float_dtype

OWNER = "datarus"
Squash = Literal["none", "sigmoid"]


@dataclass(frozen=True)
class Knobs:
    start: float = 0.8
    end: float = 0.2
    step_weight: float = 0.5
    squash: Squash = "none"

    def __post_init__(self) -> None:
        for name, weight in (("start", self.start), ("end", self.end), ("step_weight", self.step_weight)):
            finite(name, weight, 0, 1)
        one_of("squash", self.squash, ("none", "sigmoid"))


PRESETS = {"paper": Knobs(), "trl": Knobs(), "verl": Knobs()}


def datarus(
    structure: Tensor,
    meaning: Tensor,
    *,
    step: int,
    total_steps: int,
    preset: str = "paper",
    start: float | None = None,
    end: float | None = None,
) -> Tensor:
    """R(t) of each response. structure, meaning: (B,) scores in [0, 1] (`structure`, `hierarchical`). step: t, the training step; total_steps: T;
    start, end: w(0) and w(T).

    Returns (B,) in the widest floating dtype given. Raises ConfigError for knobs or scores out of range and shapes that differ.
    """
    expect_batch(OWNER, structure=structure, meaning=meaning)
    for name, part in (("structure", structure), ("meaning", meaning)):
        expect(name, part.tolist(), bool(((part >= 0) & (part <= 1)).all()), "scores from 0 to 1")
    weight = cosine_weight(step, total_steps, preset=preset, start=start, end=end)
    dtype = float_dtype(structure, meaning)
    return weight * structure.to(dtype) + (1 - weight) * meaning.to(dtype)


def cosine_weight(step: int, total_steps: int, *, preset: str = "paper", start: float | None = None, end: float | None = None) -> float:
    """w(t): `start` at step 0, the middle at half way, `end` from step total_steps on. Raises ConfigError for step < 0 or total_steps < 1."""
    knobs = pick(OWNER, PRESETS, preset, start=start, end=end)
    expect("step", step, step >= 0, "a training step, at least 0")
    expect("total_steps", total_steps, total_steps >= 1, "at least 1")
    done = min(1.0, step / total_steps)  # beyond T the cosine would climb again
    return knobs.end + (knobs.start - knobs.end) * (1 + math.cos(math.pi * done)) / 2


def hierarchical(
    step_scores: Tensor,
    step_mask: Tensor,
    trajectory_scores: Tensor,
    *,
    preset: str = "paper",
    step_weight: float | None = None,
    squash: Squash | None = None,
) -> Tensor:
    """R_hrm of each trajectory: (B,) in [0, 1].

    step_scores: (B, S), of the steps. step_mask: (B, S) bool, where there is a step; what stands elsewhere is not read. trajectory_scores: (B,).
    squash: "sigmoid" for raw scores of a reward model; with "none" they must be in [0, 1]. A trajectory without steps has a step score of 0, not of the mean of nothing.
    Returns the widest floating dtype given. Raises ConfigError for knobs or scores out of range and shapes that differ.
    """
    if step_scores.dim() != 2 or step_scores.shape != step_mask.shape or tuple(trajectory_scores.shape) != (len(step_scores),):
        shapes = f"step_scores {tuple(step_scores.shape)}, step_mask {tuple(step_mask.shape)}, trajectory_scores {tuple(trajectory_scores.shape)}"
        raise ConfigError(f"{OWNER}: shapes do not fit: {shapes}; expected (B, S), (B, S) and (B,); pad the steps to one length.")
    knobs = pick(OWNER, PRESETS, preset, step_weight=step_weight, squash=squash)
    dtype = float_dtype(step_scores, trajectory_scores)
    there = flags(OWNER, "step_mask", step_mask)
    steps, whole = torch.where(there, step_scores.to(dtype), 0.0), trajectory_scores.to(dtype)
    if knobs.squash == "sigmoid":
        steps, whole = torch.where(there, torch.sigmoid(steps), 0.0), torch.sigmoid(whole)
    for name, scores in (("step_scores", steps), ("trajectory_scores", whole)):
        expect(name, scores.tolist(), bool(((scores >= 0) & (scores <= 1)).all()), "scores from 0 to 1 (or squash='sigmoid')")
    mean = steps.sum(1) / there.sum(1).clamp(min=1)
    return knobs.step_weight * mean + (1 - knobs.step_weight) * whole
