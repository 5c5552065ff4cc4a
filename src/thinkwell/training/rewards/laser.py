"""LASER and the length rewards that it is compared with, in one form (Liu et al. 2025, 2505.15612, section 3 and table 1).

    reward(y) = C(y) + lambda(y) S(y)

R is +1 for a right response, -0.5 for a wrong one, -1 for one whose format is invalid (knob `scores`); L its tokens; I = 1 if it is right.

    function        C   lambda  S
    truncation      0   1       R if L <= target, else rho
    think_prune     0   1       the same, with a target that falls in stages (2504.01296)
    group_penalty   R   I       -alpha sigmoid((L - mean) / std), over the group's right responses (Arora and Zanette, 2502.04463)
    kimi            R   1       0.5 - (L - Lmin) / (Lmax - Lmin) if right, else min(0, the same) (Kimi k1.5, 2501.12599)
    l1_exact        R   1       -alpha |L - target| (2503.04697)
    l1_max          0   I       clip(alpha (target - L) + delta, 0, 1) (2503.04697)
    laser           R   I       alpha [L <= target]
    laser_d         R   I       alpha [L <= L_A(d)]
    laser_de        R   1       alpha I [L <= L_A(d)] + alpha (1 - I) [L > L_A(d)]

Every function: correct (B,) flags, lengths (B,) tokens, group_ids (B,) int64 (None where groups do not matter: each sample is one) -> (B,) in the dtype of
`correct`, the default one if it holds no floats. valid (B,) flags says whose format is right; None: all. A right answer in an invalid format is not right.
preset: "paper", "trl", "verl" are the same but for `group_penalty`; "repo" is the authors' code where that differs. Every function raises `ConfigError` for an
unknown preset, a knob out of range, tensors whose shapes differ, and a `correct` that holds scores instead of flags.

In a group of right responses that all are below the target, or all above it, the step bonus is the same for all: no advantage, and the pressure stops by itself.
The rewards that compare lengths within the group never stop.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError
from thinkwell.training._conventions import expect, finite, pick
from thinkwell.training.rewards._batch import Batch, Penalty, expect_batch, flags, read_batch, standardised_lengths
from thinkwell.training.rewards.laser_targets import LengthTargets, targets_of

SCORES = (1.0, -0.5, -1.0)  # right, wrong, invalid format
Scores = tuple[float, float, float]
PRESETS = {
    "paper": Penalty(),
    "trl": Penalty(std="sample", eps=1e-4),
    "verl": Penalty(std="sample"),
    "repo": Penalty(std="sample", single="raw"),
}


def truncation(
    correct: Tensor,
    lengths: Tensor,
    group_ids: Tensor | None = None,
    *,
    target: float | Tensor = 8192,
    rho: float = 0.0,
    valid: Tensor | None = None,
    scores: Scores = SCORES,
    preset: str = "paper",
) -> Tensor:
    """R if L <= target, else rho: a context window of `target` tokens. rho = 0 is the paper's, and with a negative score for wrong answers it makes a cut
    response worth more than a wrong one."""
    pick("truncation", PRESETS, preset)
    batch = read_batch("truncation", correct, lengths, group_ids, valid)
    return _truncated(batch, batch.per_sample(target, "target", "truncation"), rho, scores)


def think_prune(
    correct: Tensor,
    lengths: Tensor,
    group_ids: Tensor | None = None,
    *,
    stage: int = 0,
    stages: Sequence[int] = (4096, 3072, 2048),
    rho: float = 0.0,
    valid: Tensor | None = None,
    scores: Scores = SCORES,
    preset: str = "paper",
) -> Tensor:
    """Truncation at stages[stage] tokens. The caller says which stage training is in; how many steps a stage lasts is no part of the reward."""
    pick("think_prune", PRESETS, preset)
    expect("stage", stage, 0 <= stage < len(stages), f"one of the {len(stages)} stages, counted from 0")
    batch = read_batch("think_prune", correct, lengths, group_ids, valid)
    return _truncated(batch, batch.per_sample(stages[stage], "stages", "think_prune"), rho, scores)


def group_penalty(
    correct: Tensor,
    lengths: Tensor,
    group_ids: Tensor,
    *,
    alpha: float = 0.2,
    std: str | None = None,
    eps: float | None = None,
    single: str | None = None,
    valid: Tensor | None = None,
    scores: Scores = SCORES,
    preset: str = "paper",
) -> Tensor:
    """R - alpha sigmoid((L - mean) / (std + eps)) for right responses, R for others; mean and std over the group's right responses.

    alpha: the paper's grid is 0.05, 0.1, 0.2, 0.4. std: "population" or "sample"; the papers do not say, so "paper" takes the population's, "trl", "verl" and
    "repo" the sample's. eps: 1e-6 ("trl" 1e-4). single: what a group's only right response gets; "zero" z = 0, the penalty alpha / 2; "raw" ("repo") z = L, the
    penalty alpha, the largest there is, for the only right answer to a hard problem.
    """
    of = "group_penalty"
    how = pick(of, PRESETS, preset, std=std, eps=eps, single=single)
    finite("alpha", alpha)
    batch = read_batch(of, correct, lengths, group_ids, valid)
    squashed = torch.sigmoid(standardised_lengths(batch, how))
    return (_base(batch, scores) - alpha * squashed * batch.right).to(batch.dtype)


def kimi(
    correct: Tensor,
    lengths: Tensor,
    group_ids: Tensor,
    *,
    weight: float = 1.0,
    valid: Tensor | None = None,
    scores: Scores = SCORES,
    preset: str = "paper",
) -> Tensor:
    """R + weight (0.5 - (L - Lmin) / (Lmax - Lmin)) for right responses, R + weight min(0, the same) for others; Lmin and Lmax over the whole group.

    A group of one length gets R alone (as in Kimi's report [recalled])."""
    pick("kimi", PRESETS, preset)
    finite("weight", weight)
    batch = read_batch("kimi", correct, lengths, group_ids, valid)
    low, high = (batch.groups.spread(values) for values in (batch.groups.least(batch.lengths), batch.groups.most(batch.lengths)))
    short = 0.5 - (batch.lengths - low) / (high - low).clamp(min=1e-9)
    share = torch.where(batch.right, short, short.clamp(max=0)) * (high > low)
    return (_base(batch, scores) + weight * share).to(batch.dtype)


def l1_exact(
    correct: Tensor,
    lengths: Tensor,
    group_ids: Tensor | None = None,
    *,
    target: float | Tensor = 4096,
    alpha: float = 0.0003,
    valid: Tensor | None = None,
    scores: Scores = SCORES,
    preset: str = "paper",
) -> Tensor:
    """R - alpha |L - target|; target in tokens, for all or one a sample (B,), as the prompt asked for."""
    pick("l1_exact", PRESETS, preset)
    finite("alpha", alpha)
    batch = read_batch("l1_exact", correct, lengths, group_ids, valid)
    far = (batch.lengths - batch.per_sample(target, "target", "l1_exact")).abs()
    return (_base(batch, scores) - alpha * far).to(batch.dtype)


def l1_max(
    correct: Tensor,
    lengths: Tensor,
    group_ids: Tensor | None = None,
    *,
    target: float | Tensor = 4096,
    alpha: float = 0.01,
    delta: float = 0.5,
    as_printed: bool = False,
    valid: Tensor | None = None,
    preset: str = "paper",
) -> Tensor:
    """clip(alpha (target - L) + delta, 0, 1) for right responses, else 0.

    as_printed: LASER's table prints alpha (L - target) + delta, which would reward length; the sign here is that of the L1 paper [recalled], as is delta."""
    pick("l1_max", PRESETS, preset)
    finite("alpha", alpha)
    batch = read_batch("l1_max", correct, lengths, group_ids, valid)
    spare = batch.per_sample(target, "target", "l1_max") - batch.lengths
    return ((alpha * (-spare if as_printed else spare) + delta).clamp(0, 1) * batch.right).to(batch.dtype)


def laser(
    correct: Tensor,
    lengths: Tensor,
    group_ids: Tensor | None = None,
    *,
    target: float | Tensor = 8192,
    alpha: float = 0.5,
    valid: Tensor | None = None,
    scores: Scores = SCORES,
    preset: str = "paper",
) -> Tensor:
    """R + alpha for right responses of at most `target` tokens, else R. The paper's targets are 2048, 4096 and 8192 in a context of 16384; alpha was never tuned."""
    pick("laser", PRESETS, preset)
    finite("alpha", alpha)
    batch = read_batch("laser", correct, lengths, group_ids, valid)
    short = batch.lengths <= batch.per_sample(target, "target", "laser")
    return _with_bonus(batch, batch.right & short, alpha, scores)


def laser_d(
    correct: Tensor,
    lengths: Tensor,
    group_ids: Tensor,
    *,
    targets: int | tuple[int, int, int] | LengthTargets = 8192,
    alpha: float = 0.5,
    boundary: str = "easier",
    valid: Tensor | None = None,
    scores: Scores = SCORES,
    preset: str = "paper",
) -> Tensor:
    """LASER with a target for each difficulty, which the sample's own group of rollouts decides (see `difficulty`).

    targets: tokens for (easy, medium, hard) prompts, one number for all, or the `LengthTargets` that a monitoring set moves."""
    pick("laser_d", PRESETS, preset)
    finite("alpha", alpha)
    batch = read_batch("laser_d", correct, lengths, group_ids, valid)
    short = batch.lengths <= targets_of("laser_d", batch, targets, boundary)
    return _with_bonus(batch, batch.right & short, alpha, scores)


def laser_de(
    correct: Tensor,
    lengths: Tensor,
    group_ids: Tensor,
    *,
    targets: int | tuple[int, int, int] | LengthTargets = 8192,
    alpha: float = 0.5,
    repetitive: Tensor | None = None,
    boundary: str = "easier",
    valid: Tensor | None = None,
    scores: Scores = SCORES,
    preset: str = "paper",
) -> Tensor:
    """LASER-D, and wrong responses longer than the target get alpha too: going on looking costs less. Those of invalid format never do.

    repetitive (B,) flags: long wrong responses that go round in circles, which the published code leaves at the score of a wrong one; the paper does not speak of
    it. None: none do. preset="repo" raises `ConfigError` without the flags."""
    pick("laser_de", PRESETS, preset)
    finite("alpha", alpha)
    if preset == "repo" and repetitive is None:
        raise ConfigError(
            "laser_de: preset 'repo' leaves repetitive responses at the score of a wrong one; expected flags that mark them. Give repetitive=, one flag a sample."
        )
    batch = read_batch("laser_de", correct, lengths, group_ids, valid)
    short = batch.lengths <= targets_of("laser_de", batch, targets, boundary)
    searching = batch.valid & ~batch.right & ~short
    if repetitive is not None:
        expect_batch("laser_de", correct=correct, repetitive=repetitive)
        searching = searching & ~flags("laser_de", "repetitive", repetitive)
    return _with_bonus(batch, (batch.right & short) | searching, alpha, scores)


def _base(batch: Batch, scores: Scores) -> Tensor:
    """(B,) R."""
    right, wrong, invalid = (torch.full_like(batch.lengths, score) for score in scores)
    return torch.where(batch.right, right, torch.where(batch.valid, wrong, invalid))


def _with_bonus(batch: Batch, paid_B: Tensor, alpha: float, scores: Scores) -> Tensor:
    base = _base(batch, scores)
    return (base + alpha * paid_B.to(base.dtype)).to(batch.dtype)  # a float times flags would be a float32


def _truncated(batch: Batch, target_B: Tensor, rho: float, scores: Scores) -> Tensor:
    base = _base(batch, scores)
    return torch.where(batch.lengths <= target_B, base, torch.full_like(base, rho)).to(batch.dtype)
