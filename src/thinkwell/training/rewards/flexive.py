"""FlexiVe: a verifier is paid for the index of the first wrong paragraph, and for the length that fits the case (Zhong et al. 2025, arXiv
2505.11966).

    r = location + length
    location   1 if the index is exact (-1: all is right), near (0.5) if both say "some error" but the index is wrong, else 0
    length     truth -1:     -min(1, (l - 50) / 100) above 50 tokens, else 0
               truth >= 0:   -min(1, (50 - l) / 50) below 50, 0 from 50 to 512, -min(1, (l - 512) / 512) above 512

So it pays to be short where all is right and to explain where there is an error. Source: the released compute_reward and
length_adjustment_reward_func (JianyuanZhong/flexive, grpo_train.py); the length depends on the truth, not on what the verifier says. TRL and verl
have no such reward; their presets are "paper".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from thinkwell.answers.extract import last_box
from thinkwell.training._conventions import expect, finite, pick
from thinkwell.training.rewards._batch import expect_batch, float_dtype

OWNER = "flexive"
ALL_RIGHT = -1
UNPARSED = -2
_INDEX = re.compile(r"-1|[0-9]{1,6}", re.ASCII)


@dataclass(frozen=True)
class Knobs:
    exact: float = 1.0
    near: float = 0.5
    length_weight: float = 1.0
    right_free: float = 50.0
    right_span: float = 100.0
    wrong_low: float = 50.0
    wrong_high: float = 512.0

    def __post_init__(self) -> None:
        expect("near", self.near, 0 <= self.near <= self.exact, f"from 0 to exact ({self.exact})")
        finite("length_weight", self.length_weight)
        expect("right_free", self.right_free, self.right_free >= 0, "tokens, at least 0")
        expect("right_span", self.right_span, self.right_span > 0, "positive tokens")
        expect(
            "wrong_low",
            self.wrong_low,
            0 < self.wrong_low <= self.wrong_high,
            f"positive tokens, at most wrong_high ({self.wrong_high})",
        )


PRESETS = {"paper": Knobs(), "trl": Knobs(), "verl": Knobs()}


def flexive(
    predicted: Tensor,
    target: Tensor,
    lengths: Tensor,
    *,
    preset: str = "paper",
    exact: float | None = None,
    near: float | None = None,
    length_weight: float | None = None,
    right_free: float | None = None,
    right_span: float | None = None,
    wrong_low: float | None = None,
    wrong_high: float | None = None,
) -> Tensor:
    """r of each verification.

    predicted: (B,) integers, the index of the first wrong paragraph, -1 for none, anything below for a verification that could not be read
    (`first_errors` gives them). target: (B,) the truth, >= -1.
    lengths: (B,) tokens written, >= 0. length_weight: 0 leaves the location only.
    Returns (B,) in the dtype of `lengths` if floating, else torch's default. Raises ConfigError for knobs out of range, shapes that differ, target <
    -1, negative lengths.
    """
    expect_batch(OWNER, predicted=predicted, target=target, lengths=lengths)
    knobs = pick(
        OWNER,
        PRESETS,
        preset,
        exact=exact,
        near=near,
        length_weight=length_weight,
        right_free=right_free,
        right_span=right_span,
        wrong_low=wrong_low,
        wrong_high=wrong_high,
    )
    expect("target", target.tolist(), bool((target >= ALL_RIGHT).all()), "-1 or the index of a paragraph for each")
    expect("lengths", lengths.tolist(), bool((lengths >= 0).all()), "tokens, at least 0 for each")
    long = lengths.to(float_dtype(lengths))
    location = torch.zeros_like(long)
    location = location.masked_fill((predicted > ALL_RIGHT) & (target > ALL_RIGHT), knobs.near)
    location = location.masked_fill(predicted == target, knobs.exact)
    too_long_right = (long - knobs.right_free) / knobs.right_span
    too_short = (knobs.wrong_low - long) / knobs.wrong_low
    too_long = (long - knobs.wrong_high) / knobs.wrong_high
    off = torch.where(target == ALL_RIGHT, too_long_right, torch.maximum(too_short, too_long))
    return location - knobs.length_weight * off.clamp(0, 1)


def first_errors(verifications: Sequence[str]) -> Tensor:
    """(B,) int64 from what a verifier wrote: -1 or an index of up to six digits in its last complete `\\boxed{}`, else UNPARSED. Linear, executes
    nothing."""
    return torch.tensor([_first_error(text) for text in verifications], dtype=torch.int64)


def _first_error(text: str) -> int:
    boxed = last_box(text)
    found = _INDEX.fullmatch(boxed.text) if boxed is not None and boxed.text is not None else None
    return int(found[0]) if found else UNPARSED
