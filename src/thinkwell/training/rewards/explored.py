"""RLSP's reward on samples: where the reasoning ends is read in the text, and effort is counted in it. The formula is in `rlsp`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from thinkwell.training import behaviour
from thinkwell.training.rewards.applied import graded
from thinkwell.training.rewards.rlsp import reasoning_lengths, rlsp
from thinkwell.training.sample import Rewarded, Rollouts

Exploration = Literal["none", "length", "steps", "behaviours"]


@dataclass(frozen=True)
class Explored:
    """kind: "none" (the arm with the outcome only), "length" (-scale / L), "steps" (blank-line steps, beside the length), or "behaviours" (checks, retries and other ways
    by their markers, in place of the judge, beside the length). full: behaviours that are worth a grade of 1. box: which box ends the reasoning."""

    kind: Exploration = "length"
    knobs: Mapping[str, Any] = field(default_factory=dict)
    full: float = 4.0
    box: Literal["first", "last"] = "last"

    def __call__(self, batch: Rollouts, step: int) -> Rewarded:
        texts = [sample.path.own_text for sample in batch.samples]
        lengths, answered = tokens_before_answer(batch, texts, self.box)
        shown = torch.tensor([sum(behaviour.counts(text, behaviour.EXPLORATION).values()) for text in texts], dtype=torch.float64)
        effort: dict[str, Tensor] = {}
        if self.kind == "steps":
            effort["steps"] = torch.tensor([sum(bool(part.strip()) for part in text.split("\n\n")) for text in texts], dtype=torch.float64)
        elif self.kind == "behaviours":
            effort["judge"] = (shown / self.full).clamp(max=1)
        knobs = {**self.knobs, "scale": 0.0} if self.kind == "none" else self.knobs
        values = rlsp(graded(batch, "rlsp"), lengths, answered=answered, **effort, **knobs)
        return Rewarded(values, {"answered": answered.to(torch.float64), "behaviours": shown, "reasoning_tokens": lengths})

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass


def tokens_before_answer(batch: Rollouts, texts: list[str], box: Literal["first", "last"] = "last") -> tuple[Tensor, Tensor]:
    """(lengths (B,) float64, answered (B,) bool). The tokens written before the box, by its place among the characters: the released code divides characters by 4
    instead, which is off for a tokenizer with other pieces. A text without a box counts whole."""
    characters, answered = reasoning_lengths(texts, box=box, characters_per_token=1.0)
    whole = torch.tensor([max(len(text), 1) for text in texts], dtype=torch.float64)
    return batch.lengths.to(torch.float64) * characters.to(torch.float64) / whole, answered
