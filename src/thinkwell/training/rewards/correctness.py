"""Correctness: what a right, a wrong and a badly formatted response are worth.

    r = malformed            if the format is known and wrong
        right                if the answer is right
        wrong                otherwise

Published values (right, wrong, malformed), as presets; -1 for a wrong answer and 0 are the same under group normalisation, but not beside other
terms:

    paper, trl, verl   1, 0, 0       accuracy reward of R1-style GRPO; TRL's accuracy_reward; ConciseR (its value for a bad format is a guess)
    laser              1, -0.5, -1   Liu et al. 2025, arXiv 2505.15612, sec. 2: a short wrong answer never beats a long right one with a bonus of 0.5
    adactrl            1, -1, -1     Huang et al. 2025, arXiv 2505.18822, released reward_func.py (it has no value of its own for a bad format)
    klear              1, -1, -1     Klear-Reasoner, released reward_config.py (which has further values for a missing think mark)

A response that could not be graded (the grader died or raised) is neither right nor wrong. Released code gives 0 (verl) or 1 (open-r1), which
teaches; TRL skips the sample. Here a value must be named, or the sample dropped before.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError
from thinkwell.training._conventions import expect, pick
from thinkwell.training.rewards._batch import expect_batch, flags

OWNER = "correctness"


@dataclass(frozen=True)
class Knobs:
    right: float = 1.0
    wrong: float = 0.0
    malformed: float = 0.0

    def __post_init__(self) -> None:
        expect("right", self.right, self.right > self.wrong, f"more than wrong ({self.wrong})")
        expect("malformed", self.malformed, self.malformed <= self.wrong, f"at most wrong ({self.wrong})")


PRESETS = {
    "paper": Knobs(),
    "trl": Knobs(),
    "verl": Knobs(),
    "laser": Knobs(right=1.0, wrong=-0.5, malformed=-1.0),
    "adactrl": Knobs(right=1.0, wrong=-1.0, malformed=-1.0),
    "klear": Knobs(right=1.0, wrong=-1.0, malformed=-1.0),
}


def correctness(
    correct: Tensor,
    formatted: Tensor | None = None,
    known: Tensor | None = None,
    *,
    preset: str = "paper",
    right: float | None = None,
    wrong: float | None = None,
    malformed: float | None = None,
    unknown: float | None = None,
) -> Tensor:
    """Reward of each response from its verdict.

    correct: (B,) bool (or 0/1), the answer is right. formatted: (B,) bool, the format is kept; None if format does not count. known: (B,) bool, the
    response could be graded; None if all could. unknown: reward of those that could not.
    Returns (B,) in torch's default dtype (that of `correct` if floating). A malformed response gets `malformed` whatever it says.
    Raises ConfigError for an unknown preset, right <= wrong, malformed > wrong, shapes that differ, or ungraded responses without `unknown`.
    """
    expect_batch(OWNER, correct=correct, formatted=formatted, known=known)
    knobs = pick(OWNER, PRESETS, preset, right=right, wrong=wrong, malformed=malformed)
    dtype = correct.dtype if correct.is_floating_point() else torch.get_default_dtype()

    def value(number: float) -> Tensor:
        return torch.tensor(number, dtype=dtype, device=correct.device)

    rewards = torch.where(flags(OWNER, "correct", correct), value(knobs.right), value(knobs.wrong))
    if formatted is not None:
        rewards = torch.where(flags(OWNER, "formatted", formatted), rewards, value(knobs.malformed))
    if known is not None:
        graded = flags(OWNER, "known", known)
        if unknown is None and not bool(graded.all()):
            missing = int((~graded).sum())
            raise ConfigError(
                f"{OWNER}: {missing} of {len(graded)} responses could not be graded; expected a verdict or a value for each; "
                "drop them from the batch, or say with unknown= what they are worth."
            )
        rewards = torch.where(graded, rewards, value(unknown if unknown is not None else 0.0))
    return rewards
