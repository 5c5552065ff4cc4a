"""SPC: a sneaky generator and a step critic play for +1 and -1 (Chen et al. 2025, arXiv 2504.19162).

    valid      a rewritten step is an attack iff the solver succeeds from the right step (rate >= 0.75) and never from the wrong one (rate <= 0)
    critic     +1 if its label of the last step is right, -1 if not
    generator  +1 if its attack is valid and the critic took it for right, else -1

On a valid attack the game is zero-sum. The critic sees right steps as well, paired with the wrong ones: without them "incorrect" always wins. +1 and
-1 are the paper's (Fig. 2); thresholds and the part of the solver come from a summary of it; the released code has the critic only.
`solver_reward=False` is the paper's ablation: an invalid attack that the critic believes then counts as won. A win rate far from one half makes the
raw rewards a biased advantage: subtract a baseline. TRL and verl have no such reward; their presets are "paper".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from thinkwell.training._conventions import expect, finite, pick
from thinkwell.training.rewards._batch import expect_batch, flags

OWNER = "self_play"
OPEN, CLOSE = "<Answer>", "</Answer>"


@dataclass(frozen=True)
class Knobs:
    won: float = 1.0
    lost: float = -1.0
    solver_reward: bool = True
    min_right: float = 0.75
    max_wrong: float = 0.0

    def __post_init__(self) -> None:
        expect("won", self.won, self.won > self.lost, f"more than lost ({self.lost})")
        finite("min_right", self.min_right, 0, 1)
        finite("max_wrong", self.max_wrong, 0, 1)


PRESETS = {"paper": Knobs(), "trl": Knobs(), "verl": Knobs()}


def spc_critic(
    said_right: Tensor,
    is_right: Tensor,
    parsed: Tensor | None = None,
    *,
    preset: str = "paper",
    won: float | None = None,
    lost: float | None = None,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """The critic's reward (B,). said_right: (B,) bool, its label. is_right: (B,) bool, the truth. parsed: (B,) bool, it gave a label; without one it
    has lost.

    Raises ConfigError for won <= lost and shapes that differ.
    """
    expect_batch(OWNER, said_right=said_right, is_right=is_right, parsed=parsed)
    knobs = pick(OWNER, PRESETS, preset, won=won, lost=lost)
    hit = flags(OWNER, "said_right", said_right) == flags(OWNER, "is_right", is_right)
    if parsed is not None:
        hit = hit & flags(OWNER, "parsed", parsed)
    return _paid(hit, knobs, dtype)


def spc_generator(
    fooled: Tensor,
    valid: Tensor,
    *,
    preset: str = "paper",
    won: float | None = None,
    lost: float | None = None,
    solver_reward: bool | None = None,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """The generator's reward (B,). fooled: (B,) bool, the critic took the rewritten step for right. valid: (B,) bool, see `valid_attacks`.

    Raises ConfigError for won <= lost and shapes that differ.
    """
    expect_batch(OWNER, fooled=fooled, valid=valid)
    knobs = pick(OWNER, PRESETS, preset, won=won, lost=lost, solver_reward=solver_reward)
    hit, attack = flags(OWNER, "fooled", fooled), flags(OWNER, "valid", valid)
    return _paid(hit & attack if knobs.solver_reward else hit, knobs, dtype)


def valid_attacks(
    right_rate: Tensor, wrong_rate: Tensor, *, preset: str = "paper", min_right: float | None = None, max_wrong: float | None = None
) -> Tensor:
    """(B,) bool: the solver's success rates (B,) from the right and from the rewritten step make it an attack. Both bounds are included. Raises
    ConfigError for rates outside [0, 1]."""
    expect_batch(OWNER, right_rate=right_rate, wrong_rate=wrong_rate)
    knobs = pick(OWNER, PRESETS, preset, min_right=min_right, max_wrong=max_wrong)
    for name, rate in (("right_rate", right_rate), ("wrong_rate", wrong_rate)):
        expect(name, rate.tolist(), bool(((rate >= 0) & (rate <= 1)).all()), "success rates from 0 to 1")
    return (right_rate >= knobs.min_right) & (wrong_rate <= knobs.max_wrong)


def critic_labels(critiques: Sequence[str]) -> tuple[Tensor, Tensor]:
    """(said_right, parsed), each (B,) bool, from what a critic wrote: the last `<Answer>Correct</Answer>` or `<Answer>Incorrect</Answer>`.

    Case and white space inside do not matter; anything else inside is no label. Linear.
    """
    labels = [_label(text) for text in critiques]
    return torch.tensor([label == "correct" for label in labels], dtype=torch.bool), torch.tensor(
        [label != "" for label in labels], dtype=torch.bool
    )


def _label(text: str) -> str:
    closed = text.rfind(CLOSE)
    opened = text.rfind(OPEN, 0, closed) if closed >= 0 else -1
    if opened < 0:
        return ""
    label = text[opened + len(OPEN) : closed].strip().lower()
    return label if label in ("correct", "incorrect") else ""


def _paid(hit: Tensor, knobs: Knobs, dtype: torch.dtype | None) -> Tensor:
    return torch.where(hit, knobs.won, knobs.lost).to(dtype or torch.get_default_dtype())
