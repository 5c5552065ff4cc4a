"""The plain reward of verifiable problems: what a right, a wrong and a badly formatted answer are worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from thinkwell.training.rewards import correctness
from thinkwell.training.sample import Rewarded, Rollouts


@dataclass(frozen=True)
class Correct:
    """`rewards.correctness` with its knobs, as a `Reward`."""

    preset: str = "paper"
    formatted: bool = False  # whether a broken format is worth `malformed`

    def __call__(self, batch: Rollouts, step: int) -> Rewarded:
        known = batch.judged | ~batch.finished  # what is still being written has no verdict yet, and nobody reads its reward
        return Rewarded(correctness(batch.correct.to(torch.float64), batch.valid if self.formatted else None, known, preset=self.preset))

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass
