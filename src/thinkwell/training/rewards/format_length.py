"""Format and length in place of the answer: a reward that never sees what is right (Xin et al. 2025, 2505.19439, equations 2, 4 and 5).

With x = L / max_length and p the peak:

    quadratic   R_l = 1 - (1 - x / p)^2                  up to p
                R_l = 1 - 2 ((x - p) / (1 - p))^2        beyond
    polyline    R_l = x / p, then 1 - 2 (x - p) / (1 - p): 2x and 3 - 4x for the paper's p = 0.5
    R           = w + R_l if the format is valid, else min(0, R_l)

R_l is 0 for an empty response, 1 at the peak and -1 at the cap. The best response by this reward is any boxed number in a text of p max_length tokens: watch for
repetition, and choose p max_length at 1.2 to 2 times the natural length.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from thinkwell.training._conventions import expect, finite, one_of, pick
from thinkwell.training.rewards._batch import read_batch

OWNER = "format_length"

SHAPES = ("quadratic", "polyline")


@dataclass(frozen=True)
class Knobs:
    max_length: float = 3072
    peak: float = 0.5
    shape: str = "quadratic"
    format_weight: float = 1.0
    length_weight: float = 1.0

    def __post_init__(self) -> None:
        finite("max_length", self.max_length, above=True)
        expect("peak", self.peak, 0 < self.peak < 1, "a share of max_length, between 0 and 1")
        one_of("shape", self.shape, SHAPES)
        finite("format_weight", self.format_weight)
        finite("length_weight", self.length_weight)


PRESETS = {"paper": Knobs(), "trl": Knobs(), "verl": Knobs(), "repo": Knobs(format_weight=0.5)}


def format_length(
    valid: Tensor,
    lengths: Tensor,
    group_ids: Tensor | None = None,
    *,
    max_length: float | None = None,
    peak: float | None = None,
    shape: str | None = None,
    format_weight: float | None = None,
    length_weight: float | None = None,
    preset: str = "paper",
) -> Tensor:
    """The format-length reward. valid (B,) flags: the response has a box whose content parses; lengths (B,) tokens; group_ids is not looked at -> (B,).

    max_length: the cap of a response in tokens; longer ones count as long as it. peak: p in (0, 1). shape: "quadratic" or "polyline".
    format_weight: w, what a valid format is worth; the paper's 1, the published code's ("repo") 0.5. length_weight: of R_l; 0 is the format-only arm.
    Among responses of invalid format a short one is never rewarded, a long one is punished. Raises `ConfigError`.
    """
    knobs = pick(
        OWNER, PRESETS, preset, max_length=max_length, peak=peak, shape=shape, format_weight=format_weight, length_weight=length_weight
    )
    batch = read_batch(OWNER, valid, lengths, group_ids)
    x = (batch.lengths / knobs.max_length).clamp(max=1)
    rise, fall = x / knobs.peak, (x - knobs.peak) / (1 - knobs.peak)
    up, down = (1 - (1 - rise) ** 2, 1 - 2 * fall**2) if knobs.shape == "quadratic" else (rise, 1 - 2 * fall)
    term = knobs.length_weight * torch.where(x <= knobs.peak, up, down)
    return torch.where(batch.right, knobs.format_weight + term, term.clamp(max=0)).to(batch.dtype)
