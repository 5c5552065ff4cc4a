"""L-GRPO, the second stage of ConciseR: length counts only for a prompt whose rollouts are all right (Song and Zheng 2025, 2505.21178).

    r_i = 1 + coef (1 - L_i / max_length)   if every response of the group is right
    r_i = c_i                               otherwise

The gate is the paper's. The shape of the length term and its size are not: no code was published and the text could not be read [inferred]. They matter little:
with advantages divided by the group's standard deviation, every falling straight line gives (mean L - L_i) / std L in a gated group, for any coef > 0.
Filters of groups must look at this reward, not at accuracy, or they drop every group that it says something about: see `carries_signal`.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from thinkwell.training._conventions import expect, finite, pick
from thinkwell.training.rewards._batch import read_batch

OWNER = "l_grpo"


@dataclass(frozen=True)
class Knobs:
    max_length: float = 4096
    coef: float = 1.0
    gate: str | float = "all_correct"
    min_length_std: float = 0.0

    def __post_init__(self) -> None:
        finite("max_length", self.max_length, above=True)
        finite("coef", self.coef)
        finite("min_length_std", self.min_length_std)
        named = self.gate in ("all_correct", "correct") if isinstance(self.gate, str) else 0 < self.gate <= 1
        expect("gate", self.gate, named, "'all_correct', 'correct' or a share above 0 and at most 1")

    @property
    def share(self) -> float:
        """Of right responses in a group, that opens the gate."""
        return {"all_correct": 1.0, "correct": 0.0}[self.gate] if isinstance(self.gate, str) else float(self.gate)


PRESETS = {"paper": Knobs(), "trl": Knobs(), "verl": Knobs()}


def l_grpo(
    correct: Tensor,
    lengths: Tensor,
    group_ids: Tensor,
    *,
    max_length: float | None = None,
    coef: float | None = None,
    gate: str | float | None = None,
    min_length_std: float | None = None,
    valid: Tensor | None = None,
    preset: str = "paper",
) -> Tensor:
    """The reward of L-GRPO. correct (B,) flags, lengths (B,) tokens, group_ids (B,) int64 -> (B,).

    max_length: tokens of the longest response that sampling allows [4096 inferred]; the line goes on below 0 beyond it. coef: weight of the length term, >= 0.
    gate: "all_correct"; "correct" pays every right response, whatever its group (the ablation without a gate); a number x in (0, 1] pays the right responses of
    groups with at least that share of right ones. One wrong or cut response closes the paper's gate.
    min_length_std: groups whose right responses differ less (population standard deviation, tokens) get no length term: divided by their deviation, lengths of 100
    and 101 would count as much as 100 and 1000 [inferred; off]. valid (B,) flags; None: all are well formed.
    preset: all the same here. Raises `ConfigError`.
    """
    knobs = pick(OWNER, PRESETS, preset, max_length=max_length, coef=coef, gate=gate, min_length_std=min_length_std)
    batch = read_batch(OWNER, correct, lengths, group_ids, valid)
    groups, inside = batch.groups, batch.right.to(batch.lengths.dtype)
    count = groups.sum(inside)
    open_ = groups.spread(
        count >= knobs.share * groups.size.to(count.dtype) - 1e-6
    )  # a share of 7/25 is met by 7 of 25, whatever is rounded
    mean = groups.sum(inside * batch.lengths) / count.clamp(min=1)
    off = (batch.lengths - groups.spread(mean)) * inside
    wide = groups.spread((groups.sum(off * off) / count.clamp(min=1)).sqrt()) >= knobs.min_length_std
    return (inside + knobs.coef * (1 - batch.lengths / knobs.max_length) * (batch.right & open_ & wide)).to(batch.dtype)
