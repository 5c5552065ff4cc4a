"""Step scores of a path and how they become one number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class Aggregate(StrEnum):
    """How step scores become one number. search-and-learn uses `last`, its_hub `prod`, Math-Shepherd `min`."""

    LAST = "last"
    MIN = "min"
    PROD = "prod"
    MEAN = "mean"


@dataclass(frozen=True, slots=True)
class Scores:
    """Step scores of one path, each in [0, 1]; `scored_tokens` is what the scorer had to forward for them."""

    steps: tuple[float, ...]
    scored_tokens: int = 0

    def value(self, how: Aggregate | str = Aggregate.LAST) -> float:
        """One number; a path without a finished step has no evidence either way and gets 0.5."""
        if not self.steps:
            return 0.5
        match Aggregate(how):
            case Aggregate.LAST:
                return self.steps[-1]
            case Aggregate.MIN:
                return min(self.steps)
            case Aggregate.PROD:
                return math.prod(self.steps)
            case Aggregate.MEAN:
                return math.fsum(self.steps) / len(self.steps)
