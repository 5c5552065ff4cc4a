"""Which samples of a step are trained on.

    Signal   dynamic sampling: groups whose samples differ in reward (or in verdict); the step is refilled    DAPO, arXiv 2503.14476, eq. 11
    Whole    overlong filtering by leaving out: no sample that ended at a limit                               DAPO, sec. 3.4
    Judged   no sample whose grader gave no judgement (a timeout, an exception)

Filters of a stage each look at the whole batch; `InOrder` gives each what those before it kept. A sample that is left out is in no group statistic. DAPO's overlong
filtering keeps it there and takes only its loss away: that is `without_cut`, around the advantage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from thinkwell.training._conventions import finite, one_of
from thinkwell.training.rewards.signal import carries_signal
from thinkwell.training.sample import Rewarded, Rollouts
from thinkwell.training.stage import Advantage, Filter, View


@dataclass(frozen=True)
class Signal:
    """Groups that teach. on: "reward" looks at the final reward, of which the advantage is made; "accuracy" at the verdicts, as DAPO does.

    "accuracy" drops a group of right answers whatever their lengths, and with it all the signal of a length reward: use it with a reward that is the verdict, or where
    the rest of the reward must not decide (a reward model's score is never quite equal). min_std: the population deviation must be above it, in units of reward. refill:
    the step asks for more until it has its groups; without it the step is smaller. Raises `ConfigError`.
    """

    on: Literal["reward", "accuracy"] = "reward"
    min_std: float = 0.0
    refill: bool = True

    def __post_init__(self) -> None:
        one_of("on", self.on, ("reward", "accuracy"))
        finite("min_std", self.min_std)

    def __call__(self, batch: Rollouts, rewards: Rewarded) -> Tensor:
        values = rewards.values if self.on == "reward" else batch.correct.to(torch.float64)
        return carries_signal(values, batch.group_ids, min_std=self.min_std)


@dataclass(frozen=True)
class Whole:
    """Samples that the model ended by itself. What was cut is neither right nor wrong: its reward says something about the limit."""

    refill: bool = False

    def __call__(self, batch: Rollouts, rewards: Rewarded) -> Tensor:
        return ~batch.cut


@dataclass(frozen=True)
class Judged:
    """Samples that were judged. "No answer" is a judgement; a timeout or an exception of the grader is none, and worth neither 0 nor 1."""

    refill: bool = False

    def __call__(self, batch: Rollouts, rewards: Rewarded) -> Tensor:
        return batch.judged


@dataclass(frozen=True)
class InOrder:
    """Filters one after the other: each sees what those before it kept, as one filter of a stage.

    A group of one right answer and one that was cut carries no signal once the cut one is gone; filters that each look at the whole batch would keep its right answer alone.
    """

    filters: tuple[Filter, ...]

    @property
    def refill(self) -> bool:
        return any(one.refill for one in self.filters)

    def __call__(self, batch: Rollouts, rewards: Rewarded) -> Tensor:
        kept = torch.ones(len(batch), dtype=torch.bool)
        for one in self.filters:
            left = kept.nonzero()[:, 0]
            kept[left] = one(batch.where(kept), Rewarded(rewards.values[left], {name: part[left] for name, part in rewards.parts.items()}))
        return kept


def without_cut(advantage: Advantage) -> Advantage:
    """The advantage with zeros for samples that ended at a limit: their reward counts in their group's mean and deviation, their tokens teach nothing.

    DAPO's overlong filtering and TRL's `mask_truncated_completions`. Of note: the tokens still count where a loss divides by tokens; TRL takes them out there too.
    """

    def masked(view: View) -> Tensor:
        values = advantage(view)
        return torch.where(view.cut[:, None], torch.zeros_like(values), values)

    masked.__name__ = f"{getattr(advantage, '__name__', 'advantage')}_without_cut"
    return masked
