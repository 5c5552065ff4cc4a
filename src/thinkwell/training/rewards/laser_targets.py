"""The moving length targets of LASER-D and LASER-DE: one for each difficulty, chosen again every N steps on a small monitoring set (2505.15612, section 4).

    difficulty of a prompt     from how many c of its n rollouts are right: easy, medium and hard by thirds of n
    P(l, d)                    the share of all responses of difficulty d that are no longer than l tokens
    ECR_d(l) = P(l, d) |C_d|   how many right responses to expect below l, where |C_d| is the least number of right ones that a prompt of that difficulty has
    L_A(d)                     the smallest l in {lower, lower + interval, .., upper} with ECR_d(l) >= 1; the longest response of the training batch if there is none

|C_d| for K rollouts is 2K/3, K/3 and 1. The paper rounds up (6, 3, 1 for K = 8), the published code with the settings of all its scripts down (5, 2, 1): knob `rounding`.
A hard prompt needs coverage 1, so its target stays where the longest response is. A difficulty without any prompt has coverage 0 everywhere and falls back too:
everybody then gets the bonus, which is no pressure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError
from thinkwell.training._conventions import expect, finite, one_of, pick
from thinkwell.training.rewards._batch import Batch, read_batch

ROUNDING = ("ceil", "floor")
BOUNDARY = ("easier", "harder")


@dataclass(frozen=True)
class Rounding:
    """Of |C_d|: 'ceil' as in the paper, 'floor' as in all scripts of the published code."""

    name: str = "ceil"

    def __post_init__(self) -> None:
        one_of("rounding", self.name, ROUNDING)


PRESETS = {"paper": Rounding(), "trl": Rounding(), "verl": Rounding(), "repo": Rounding("floor")}


class Difficulty(IntEnum):
    """Of a prompt, for the present policy. A high share of right rollouts is easy: the published code names the buckets by accuracy, the paper by difficulty."""

    EASY = 0
    MEDIUM = 1
    HARD = 2


def difficulty(correct: Tensor, group_ids: Tensor, *, valid: Tensor | None = None, boundary: str = "easier") -> Tensor:
    """(B,) int64, the `Difficulty` of each sample's prompt by its own group of rollouts; correct (B,) flags, group_ids (B,) int64.

    boundary: where a share of exactly 1/3 or 2/3 belongs. "easier" (shares of at least 2/3 are easy, below 1/3 hard) is what the published code does with training
    groups, "harder" (above 2/3 easy, up to 1/3 hard) what it does with the monitoring set. Raises `ConfigError`.
    """
    batch = read_batch("difficulty", correct, torch.zeros_like(group_ids), group_ids, valid)
    return difficulty_of(batch, boundary)


def difficulty_of(batch: Batch, boundary: str) -> Tensor:
    one_of("boundary", boundary, BOUNDARY)
    right, size = 3 * batch.right_of_group, batch.groups.size  # whole numbers: 2/3 of 3 is 2, in floating point it need not be
    if boundary == "harder":
        right = right - 1  # of whole numbers, a <= b is a - 1 < b
    return batch.groups.spread((right < 2 * size).long() + (right < size).long())


def least_correct(rollouts: int, rounding: str) -> tuple[int, int, int]:
    """|C_d|: the least number of right responses of an easy, a medium and a hard prompt with that many rollouts; at least 1 each."""
    one_of("rounding", rounding, ROUNDING)
    expect("rollouts", rollouts, rollouts >= 1, "rollouts of a prompt, at least 1")
    shares = (2 * rollouts, rollouts)
    easy, medium = ((share + 2) // 3 if rounding == "ceil" else share // 3 for share in shares)
    return max(easy, 1), max(medium, 1), 1


def smallest_target(lengths: Tensor, expected: int, *, lower: int, upper: int, interval: int, needed: int = 1) -> int | None:
    """The smallest l in {lower, lower + interval, .., upper} that P(l) * expected >= needed holds for; None if there is none or no response at all.

    lengths (n,): of all responses of one difficulty, right and wrong. expected: |C_d|. In whole numbers: count(L <= l) * expected >= needed * n.
    """
    for target in dict.fromkeys((*range(lower, upper, interval), upper)):
        if len(lengths) and int((lengths <= target).sum()) * expected >= needed * len(lengths):
            return target
    return None


@dataclass
class LengthTargets:
    """The targets that `laser_d` and `laser_de` use, kept across steps. Not pure: `update` changes `current`; save `state_dict()` with the model.

    Before the first update all targets are `fixed`. Published settings: lower 1024, 2048 or 4096, 500 prompts watched with the training's number of rollouts.
    Raises `ConfigError` for knobs out of range.
    """

    rollouts: int = 8  # K, rollouts for each prompt of the monitoring set
    lower: int = 4096  # tokens; the smallest target (L_T of the paper)
    upper: int = 16384  # tokens; the context window
    interval: int = 1024  # tokens; the grid of the search
    every: int = 20  # steps between updates, the first before training; 0: never
    expected_correct: int = 1  # right responses to expect below the target
    fixed: int = 8192  # tokens; all targets before the first update
    rounding: str | None = None  # of |C_d|; None: the preset's, "ceil" but for "repo"
    boundary: str = "harder"  # where shares of exactly 1/3 and 2/3 of the monitoring set belong
    preset: str = "paper"  # "paper", "trl", "verl" or "repo"
    current: tuple[int, int, int] = field(init=False)  # tokens; easy, medium, hard
    updates: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        of = "LengthTargets"
        self.rounding = pick(of, PRESETS, self.preset, name=self.rounding).name
        one_of("boundary", self.boundary, BOUNDARY)
        for knob in ("rollouts", "lower", "interval", "expected_correct", "fixed"):
            expect(knob, getattr(self, knob), getattr(self, knob) >= 1, "a whole number of at least 1")
        expect("upper", self.upper, self.upper >= self.lower, f"tokens, at least lower, {self.lower}")
        expect("every", self.every, self.every >= 0, "steps, at least 0")
        self.current = (self.fixed, self.fixed, self.fixed)

    def due(self, step: int) -> bool:
        """Whether the monitoring set is to be sampled before this step, counted from 0."""
        return self.every > 0 and step % self.every == 0

    def update(
        self, correct: Tensor, lengths: Tensor, group_ids: Tensor, *, valid: Tensor | None = None, longest: int | None = None
    ) -> tuple[int, int, int]:
        """Searches the targets on the monitoring set's responses and keeps them. All of one length n: correct flags, lengths in tokens, group_ids, valid flags.

        longest: tokens of the longest response of the current training batch, the target where the search finds none; None: `upper`.
        Returns (easy, medium, hard). Raises `ConfigError`.
        """
        batch = read_batch("LengthTargets.update", correct, lengths, group_ids, valid)
        level = difficulty_of(batch, self.boundary)
        otherwise = self.upper if longest is None else longest
        found = [
            smallest_target(
                batch.lengths[level == kind],
                expected,
                lower=self.lower,
                upper=self.upper,
                interval=self.interval,
                needed=self.expected_correct,
            )
            for kind, expected in zip(Difficulty, least_correct(self.rollouts, str(self.rounding)), strict=True)
        ]
        easy, medium, hard = (otherwise if target is None else target for target in found)
        self.current, self.updates = (easy, medium, hard), self.updates + 1
        return self.current

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint needs: plain numbers."""
        return {"current": list(self.current), "updates": self.updates}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes up where `state_dict` was made. Raises `ConfigError` for a state that is not of this shape."""
        current, updates = state.get("current"), state.get("updates")
        if (
            not isinstance(current, list | tuple)
            or len(current) != 3
            or not all(isinstance(target, int) and target > 0 for target in current)
        ):
            raise ConfigError(
                f"LengthTargets: the state's current is {current!r}; expected three lengths in tokens. Load what state_dict gave."
            )
        if not isinstance(updates, int) or updates < 0:
            raise ConfigError(f"LengthTargets: the state's updates is {updates!r}; expected a count. Load what state_dict gave.")
        easy, medium, hard = current
        self.current, self.updates = (easy, medium, hard), updates


def targets_of(of: str, batch: Batch, targets: int | tuple[int, int, int] | LengthTargets, boundary: str) -> Tensor:
    """(B,) the target of each sample: that of its prompt's difficulty, by its own group of rollouts."""
    three = targets.current if isinstance(targets, LengthTargets) else (targets,) * 3 if isinstance(targets, int) else tuple(targets)
    if len(three) != 3:
        raise ConfigError(f"{of}: targets is {targets!r}; expected a length in tokens, three (easy, medium, hard), or LengthTargets.")
    for target in three:
        finite("targets", target)
    of_level = torch.tensor(three, dtype=batch.lengths.dtype, device=batch.lengths.device)
    return of_level[difficulty_of(batch, boundary)]
