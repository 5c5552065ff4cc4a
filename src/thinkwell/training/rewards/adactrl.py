"""AdaCtrl: the model says how hard a problem is before it answers, and is paid for knowing it and for brevity on what it calls easy (Huang et al.
2025, arXiv 2505.18822).

With acc and L = max l_j over *all* responses of a group, right or wrong:

    r   = r_o + alpha * r_f + beta * r_l
    r_o = 1 if right, else -1
    t*  = Easy if acc > easy_threshold (strictly), else Hard
    r_f = 1 if the tag is t*, 0 if it is the other one, -1 without a valid tag
    r_l = (1 + cos(pi * l / L)) / 2 under a tag Easy, else 0      (1 at l = 0, 0 at the longest of the group)

Paper and released code differ (JoeYing1019/AdaCtrl, a verl fork). Preset "paper" has the formulas above as two reading notes of the paper give them.
Presets "repo" and "verl" are the released reward manager (naive.py): r_l only for right responses. A second manager in the same repository,
registered nowhere, asks for tag = t* (gate="matching_tag"), not for a right answer, and pays (1 - cos(pi * l / L)) / 2 for a true Hard
(hard_mode="lengthen"). TRL has no such reward: preset "trl" is "repo". The released total has the soft overlong penalty of DAPO besides (24576
tokens, buffer 4096, factor 1): add `overlong`. Advantages are GRPO's, groups filtered by accuracy before this.

Of note: the longest response relaxes the pressure on all others; with equal lengths r_l is 0 for all. A wrong response still earns alpha for a
matching tag.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import torch
from torch import Tensor

from thinkwell.training._conventions import expect, finite, one_of, pick
from thinkwell.training._groups import read_groups
from thinkwell.training.rewards._batch import expect_batch, flags, float_dtype

OWNER = "adactrl"
Gate = Literal["generated_tag", "matching_tag"]
HardMode = Literal["none", "lengthen"]


class Tag(IntEnum):
    """What a response says of its problem; the numbers of `tags`."""

    NONE = -1
    EASY = 0
    HARD = 1


@dataclass(frozen=True)
class Knobs:
    alpha: float = 0.5
    beta: float = 0.5
    easy_threshold: float = 0.625
    gate: Gate = "generated_tag"
    require_correct: bool = False
    hard_mode: HardMode = "none"

    def __post_init__(self) -> None:
        finite("alpha", self.alpha)
        finite("beta", self.beta)
        finite("easy_threshold", self.easy_threshold, 0, 1)
        one_of("gate", self.gate, ("generated_tag", "matching_tag"))
        one_of("hard_mode", self.hard_mode, ("none", "lengthen"))


_RELEASED = Knobs(require_correct=True)
PRESETS = {"paper": Knobs(), "repo": _RELEASED, "trl": _RELEASED, "verl": _RELEASED}


def adactrl(
    correct: Tensor,
    lengths: Tensor,
    group_ids: Tensor,
    tags: Tensor,
    *,
    preset: str = "paper",
    alpha: float | None = None,
    beta: float | None = None,
    easy_threshold: float | None = None,
    gate: Gate | None = None,
    require_correct: bool | None = None,
    hard_mode: HardMode | None = None,
) -> Tensor:
    """r of each response, without the overlong penalty.

    correct: (B,) bool (or 0/1). lengths: (B,) tokens, >= 0. group_ids: (B,) integers; responses of one prompt share one. tags: (B,) integers, see
    `Tag` and `tags_of`.
    alpha, beta: weights of calibration and brevity. easy_threshold: pass rate above which a group is easy; with N = 16 and 0.625 eleven right ones
    are, ten are not.
    gate: r_l for the tag the model wrote, or only where that tag is t*. require_correct: r_l for right responses only (under `lengthen` too).
    Returns (B,) in the floating dtype of the inputs, else torch's default. Raises ConfigError for knobs out of range, shapes that differ or unknown
    tags.
    """
    expect_batch(OWNER, correct=correct, lengths=lengths, group_ids=group_ids, tags=tags)
    knobs = pick(
        OWNER,
        PRESETS,
        preset,
        alpha=alpha,
        beta=beta,
        easy_threshold=easy_threshold,
        gate=gate,
        require_correct=require_correct,
        hard_mode=hard_mode,
    )
    right = flags(OWNER, "correct", correct)
    dtype = float_dtype(correct, lengths)
    truth = group_tags(right, group_ids, knobs.easy_threshold)
    outcome = torch.where(right, 1.0, -1.0).to(dtype)
    brevity = cosine_brevity(lengths.to(dtype), group_ids)
    easy, hard = tags == Tag.EASY, tags == Tag.HARD
    if knobs.gate == "matching_tag":
        easy, hard = easy & (truth == Tag.EASY), hard & (truth == Tag.HARD)
    if knobs.require_correct:
        easy, hard = easy & right, hard & right
    length = torch.where(easy, brevity, torch.zeros_like(brevity))
    if knobs.hard_mode == "lengthen":
        length = torch.where(hard, 1 - brevity, length)
    return outcome + knobs.alpha * calibration(tags, truth).to(dtype) + knobs.beta * length


def group_tags(correct: Tensor, group_ids: Tensor, easy_threshold: float = 0.625) -> Tensor:
    """t* of each response's group, (B,) int64: EASY where the share of right ones is strictly above the threshold.

    Counted in float64: a share that equals the threshold as a fraction (3 of 5 and 0.6) then equals it as a number, which float32 does not give.
    """
    groups = read_groups(group_ids)
    share = groups.sum(correct.to(torch.float64)) / groups.size
    return torch.where(groups.spread(share) > easy_threshold, int(Tag.EASY), int(Tag.HARD))


def calibration(tags: Tensor, truth: Tensor) -> Tensor:
    """r_f: (B,) int64 of 1 (the tag is right), 0 (the other tag), -1 (none). Raises ConfigError for a tag that is no `Tag`."""
    valid = (tags >= Tag.NONE) & (tags <= Tag.HARD)
    expect("tags", tags.tolist(), bool(valid.all()), "-1 (none), 0 (Easy) or 1 (Hard) for each response")
    return torch.where(tags == Tag.NONE, -1, (tags == truth).to(torch.int64))


def cosine_brevity(lengths: Tensor, group_ids: Tensor) -> Tensor:
    """(1 + cos(pi * l / L)) / 2 with L the longest of the group: (B,) in [0, 1]. A group of empty responses counts as one of equal lengths: 0."""
    expect("lengths", lengths.tolist(), bool((lengths >= 0).all()), "tokens, at least 0 for each response")
    groups = read_groups(group_ids)
    longest = groups.spread(groups.most(lengths))
    share = torch.where(longest > 0, lengths / torch.where(longest > 0, longest, 1.0), torch.ones_like(lengths))
    return (1 + torch.cos(math.pi * share)) / 2


def tags_of(completions: Sequence[str], *, preset: str = "paper") -> Tensor:
    """The tag each completion starts with, (B,) int64. Six characters are read: `[Easy]` or `[Hard]` in any case, at the very start.

    White space before the tag makes it none, in the released code too. That code (the other presets) looks at the last five of the six characters
    only, so that "xEasy]" passes, and fails on an empty text; here an empty text has no tag. Raises ConfigError for an unknown preset.
    """
    pick("tags_of", PRESETS, preset)
    start = 0 if preset == "paper" else 1
    known = {"[easy]"[start:]: Tag.EASY, "[hard]"[start:]: Tag.HARD}
    return torch.tensor([known.get(text[:6][start:].lower(), Tag.NONE) for text in completions], dtype=torch.int64)
