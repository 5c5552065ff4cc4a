"""DAPO's soft overlong punishment: responses that come near the cap lose up to 1 (Yu et al. 2025, 2503.14476, equation 13).

    0                                             L <= max_length - cache
    ((max_length - cache) - L) / cache            up to max_length
    -1                                            beyond

times `factor`, added to the score of the answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from thinkwell.training._conventions import expect, finite, pick
from thinkwell.training.rewards._batch import read_batch

OWNER = "overlong"


@dataclass(frozen=True)
class Knobs:
    max_length: float = 20480
    cache: float = 4096
    factor: float = 1.0
    clamp: bool = True

    def __post_init__(self) -> None:
        finite("max_length", self.max_length, above=True)
        expect("cache", self.cache, 0 < self.cache <= self.max_length, f"tokens, more than 0 and at most max_length, {self.max_length}")
        finite("factor", self.factor)


PRESETS = {"paper": Knobs(), "trl": Knobs(), "verl": Knobs(clamp=False)}


def overlong(
    correct: Tensor,
    lengths: Tensor,
    group_ids: Tensor | None = None,
    *,
    max_length: float | None = None,
    cache: float | None = None,
    factor: float | None = None,
    clamp: bool | None = None,
    preset: str = "paper",
) -> Tensor:
    """Score + punishment. correct (B,): flags (1 and 0), or any score as floats, which is kept; lengths (B,) tokens; group_ids is not looked at -> (B,).

    max_length: tokens with the cache, which is the part of them that is punished [20480 and 4096 are the paper's, recalled]; 0 < cache <= max_length.
    factor: of the punishment, >= 0 (verl's `overlong_buffer.penalty_factor`).
    clamp: whether it stops at -factor beyond max_length ("paper", and TRL's `get_soft_overlong_punishment`); verl's reward manager lets it fall further, which only
    shows where responses may be longer than max_length. Raises `ConfigError`.
    """
    knobs = pick(OWNER, PRESETS, preset, max_length=max_length, cache=cache, factor=factor, clamp=clamp)
    batch = read_batch(OWNER, torch.zeros_like(correct), lengths, group_ids)  # zeros: the score may be any number
    punished = ((knobs.max_length - knobs.cache - batch.lengths) / knobs.cache).clamp(min=-1 if knobs.clamp else None, max=0)
    return (correct.to(punished.dtype) + knobs.factor * punished).to(batch.dtype)
