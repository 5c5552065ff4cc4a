"""GRPO-lambda: a length penalty only for the prompts of the batch that the policy already solves best (Dai et al. 2025, 2505.18086).

    a_k   = the share of right responses of group k
    top   = the ceil(lambda B) groups of the batch with the largest a_k
    r     = c - alpha c sigmoid((L - mean) / std) in a top group, with mean and std over its right responses; r = c in the others

Two other methods have the same name: eligibility traces for GRPO (2510.00194), and "lambda-GRPO" for GRPO seen as a process reward model. This is neither.
The ranking is over the batch: with data parallelism call it on the gathered batch, or lambda holds for every shard by itself.
The paper's text was read in a digest: alpha and the rounding are not from it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from thinkwell.training._conventions import finite, one_of, pick
from thinkwell.training.rewards._batch import Batch, Penalty, read_batch, standardised_lengths

ROUNDING = ("ceil", "floor", "round")
TIES = ("longer", "random")
PRESETS = {"paper": Penalty(), "trl": Penalty(std="sample", eps=1e-4), "verl": Penalty(std="sample")}


def grpo_lambda(
    correct: Tensor,
    lengths: Tensor,
    group_ids: Tensor,
    *,
    top: float = 0.2,
    alpha: float = 0.2,
    rounding: str = "ceil",
    ties: str = "longer",
    seed: int = 0,
    min_correct_ratio: float = 0.0,
    std: str | None = None,
    eps: float | None = None,
    valid: Tensor | None = None,
    preset: str = "paper",
) -> Tensor:
    """The reward of GRPO-lambda. correct (B,) flags, lengths (B,) tokens, group_ids (B,) int64 -> (B,) in [1 - alpha, 1] or 0.

    top: lambda, the share of groups with the penalty, in [0, 1]; 0 is GRPO's reward, 1 the plain penalty on every group; 0.2 is the example of the paper's figure.
    alpha: size of the penalty, in [0, 1]; the paper's is not known, 0.2 is LASER's choice for the same penalty [inferred].
    rounding: of lambda times the number of groups. ties, seed: see `efficiency_groups`. min_correct_ratio: groups below it never get the penalty [inferred; off].
    std: of lengths, "population" ("paper", which does not say) or "sample" ("trl", "verl"). eps: added to it; 1e-6, "trl" 1e-4. A group's only right response has
    z = 0. Wrong responses get 0 in every group.
    valid (B,) flags: a right answer in an invalid format is not right; None: all are well formed. Raises `ConfigError`.
    """
    of = "grpo_lambda"
    how = pick(of, PRESETS, preset, std=std, eps=eps)
    finite("alpha", alpha, 0, 1)
    batch = read_batch(of, correct, lengths, group_ids, valid)
    picked = batch.groups.spread(_efficiency_groups(batch, top, rounding, ties, seed, min_correct_ratio))
    penalty = alpha * torch.sigmoid(standardised_lengths(batch, how)) * picked
    return (batch.right * (1 - penalty)).to(batch.dtype)


def efficiency_groups(
    correct: Tensor,
    lengths: Tensor,
    group_ids: Tensor,
    *,
    top: float = 0.2,
    rounding: str = "ceil",
    ties: str = "longer",
    seed: int = 0,
    min_correct_ratio: float = 0.0,
    valid: Tensor | None = None,
) -> Tensor:
    """(B,) bool: whether each sample's group is among the top share of the batch by its share of right responses (to log what the penalty touches).

    ties: many groups have the same share, and where the cut falls among them must not hang on the order of the batch. "longer": the larger mean length of all
    responses first, then the smaller id. "random": shuffled with `seed`, the same for the same seed and ids; give the step as seed. Raises `ConfigError`.
    """
    batch = read_batch("efficiency_groups", correct, lengths, group_ids, valid)
    return batch.groups.spread(_efficiency_groups(batch, top, rounding, ties, seed, min_correct_ratio))


def _efficiency_groups(batch: Batch, top: float, rounding: str, ties: str, seed: int, min_correct_ratio: float) -> Tensor:
    """(G,) bool."""
    groups = batch.groups
    finite("top", top, 0, 1)
    finite("min_correct_ratio", min_correct_ratio, 0, 1)
    one_of("rounding", rounding, ROUNDING)
    one_of("ties", ties, TIES)
    share = batch.right_of_group.to(batch.lengths.dtype) / groups.size
    second = groups.sum(batch.lengths) / groups.size
    if ties == "random":
        second = torch.randperm(groups.count, generator=torch.Generator().manual_seed(seed)).to(share)
    keys = zip(share.tolist(), second.tolist(), strict=True)
    order = [index for *_, index in sorted((-first, -then, index) for index, (first, then) in enumerate(keys))]
    among = torch.zeros(groups.count, dtype=torch.bool, device=share.device)
    among[order[: _how_many(top, groups.count, rounding)]] = True
    return among & (share >= min_correct_ratio)


def _how_many(top: float, groups: int, rounding: str) -> int:
    """Of the groups, at least 1 unless lambda or the batch is 0."""
    exact = round(top * groups, 9)  # 0.07 x 100 is 7, not the 7.000000000000001 that ceil would make 8
    whole = math.ceil(exact) if rounding == "ceil" else math.floor(exact + (0.5 if rounding == "round" else 0))
    return min(max(whole, 1), groups) if top > 0 else 0
