"""Reward functions put to samples: what recipes give to a stage. The mathematics is in the files beside this one; here samples become its tensors.

A response that nobody could grade is no wrong one: every reward here that looks at answers refuses such a batch, so that it is counted and shown, never paid 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError
from thinkwell.training.rewards.correctness import correctness
from thinkwell.training.rewards.format_length import format_length
from thinkwell.training.rewards.hybrid import hybrid
from thinkwell.training.sample import Rewarded, Rollouts

Part = Callable[[Rollouts], Tensor]
"""A named term of a reward, (B,), for curves and tables."""


@dataclass(frozen=True)
class Correct:
    """`correctness` with its knobs: the plain reward of verifiable problems."""

    preset: str = "paper"
    formatted: bool = False  # whether a broken format is worth `malformed`

    def __call__(self, batch: Rollouts, step: int) -> Rewarded:
        known = batch.judged | ~batch.finished  # what is still being written has no verdict yet, and nobody reads its reward
        return Rewarded(correctness(batch.correct.to(torch.float64), batch.valid if self.formatted else None, known, preset=self.preset))

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass


def graded(batch: Rollouts, of: str) -> Tensor:
    """(B,) float64 of 0 and 1: the answer is right. Raises `ConfigError` if a response could not be graded."""
    missing = int((~batch.judged).sum())
    if missing:
        raise ConfigError(
            f"{of}: {missing} of {len(batch)} responses could not be graded; expected a verdict for each. Drop them from the batch before."
        )
    return batch.correct.to(torch.float64)


@dataclass(frozen=True)
class OnLengths:
    """A reward `function(correct, lengths, group_ids, valid=..., **knobs)` of this folder. parts: what curves show beside it."""

    function: Callable[..., Tensor]
    knobs: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, Part] = field(default_factory=dict)

    def __call__(self, batch: Rollouts, step: int) -> Rewarded:
        correct = graded(batch, self.function.__name__)
        values = self.function(correct, batch.lengths, batch.group_ids, valid=batch.valid, **self.knobs)
        return Rewarded(values, {name: part(batch).to(torch.float64) for name, part in self.parts.items()})

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass


@dataclass(frozen=True)
class OnFormat:
    """`format_length`, which never looks at an answer. arm: both terms; the format alone; or the length alone, of any response, well formed or not."""

    knobs: Mapping[str, Any] = field(default_factory=dict)
    arm: Literal["format-length", "format", "length"] = "format-length"

    def __call__(self, batch: Rollouts, step: int) -> Rewarded:
        valid = torch.ones_like(batch.valid) if self.arm == "length" else batch.valid
        weights = {"format-length": {}, "format": {"length_weight": 0.0}, "length": {"format_weight": 0.0}}[self.arm]
        values = format_length(valid.to(torch.float64), batch.lengths, batch.group_ids, **{**self.knobs, **weights})
        return Rewarded(values, {"format": batch.valid.to(torch.float64)})

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass


@dataclass(frozen=True)
class AnswerAndFormat:
    """answer_weight for a right answer and format_weight for a kept format, independently (`hybrid` without a reward model)."""

    answer_weight: float = 0.5
    format_weight: float = 0.5
    parts: Mapping[str, Part] = field(default_factory=dict)

    def __call__(self, batch: Rollouts, step: int) -> Rewarded:
        correct, kept = graded(batch, "answer and format"), batch.valid.to(torch.float64)
        values = hybrid(correct, None, kept, rule_weight=self.answer_weight, format_weight=self.format_weight)
        return Rewarded(values, {"format": kept, **{name: part(batch).to(torch.float64) for name, part in self.parts.items()}})

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass
