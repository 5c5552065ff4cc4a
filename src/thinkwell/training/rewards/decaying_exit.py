"""S-GRPO's reward: along one thought that was cut at several places, the earliest sufficient exit is worth most (Dai et al. 2025, 2505.07686).

A group is serial: m early exits from one thought, and the thought in full. From the earliest exit to the full one,

    r_i = decay^-(N - 1) if the answer is right, where N counts the right ones up to and with it; else 0        (the paper's decay is 2)

decay = 1 is the paper's ablation "all right exits get 1", decay = inf "only the shortest right one".
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from thinkwell.training._conventions import expect, pick
from thinkwell.training.rewards._batch import expect_batch, flags, read_batch

OWNER = "decaying_exit"


@dataclass(frozen=True)
class Knobs:
    decay: float = 2.0

    def __post_init__(self) -> None:
        expect("decay", self.decay, self.decay >= 1, "a number of at least 1, infinity too")


PRESETS = {"paper": Knobs(), "trl": Knobs(), "verl": Knobs()}


def decaying_exit(
    correct: Tensor,
    lengths: Tensor,
    group_ids: Tensor,
    *,
    decay: float | None = None,
    full: Tensor | None = None,
    valid: Tensor | None = None,
    preset: str = "paper",
) -> Tensor:
    """The decaying reward. correct (B,) flags of the answers; lengths (B,): thinking tokens before the exit, which order the exits of a group; group_ids (B,) int64,
    one group a thought -> (B,) in [0, 1].

    decay: in [1, inf]; 2. full (B,) flags: the members that are the whole thought, visited last even when an exit falls on its last token; None: lengths decide.
    Members of one place are visited at once: each counts the right ones strictly before it, so that the order of the batch does not matter.
    A thought that was cut by the length cap has no end and is wrong; its early exits may be right. valid (B,) flags; None: all are well formed.
    preset: all the same here. Raises `ConfigError`.
    """
    knobs = pick(OWNER, PRESETS, preset, decay=decay)
    batch = read_batch(OWNER, correct, lengths, group_ids, valid)
    expect_batch(OWNER, correct=correct, full=full)
    last = torch.zeros_like(batch.right) if full is None else flags(OWNER, "full", full)
    before = torch.zeros_like(batch.lengths)
    for group in range(batch.groups.count):  # a group at a time: all pairs of a batch would be B x B
        mine = (batch.groups.index == group).nonzero().flatten()
        place, whole, right = batch.lengths[mine], last[mine], batch.right[mine]
        earlier = ((place[None] < place[:, None]) & (whole[None] <= whole[:, None])) | (~whole[None] & whole[:, None])
        before[mine] = (earlier & right[None]).sum(1).to(before.dtype)
    return (torch.full_like(before, 1 / knobs.decay) ** before * batch.right).to(batch.dtype)
