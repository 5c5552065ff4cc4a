"""Mixed preference optimisation: DPO on pairs, BCO on single answers with a running shift, and the likelihood of the chosen one.

    L = w_pref L_DPO + w_quality L_BCO + w_gen L_NLL      (MPO, arXiv 2411.10442; Skywork R1V2, arXiv 2504.16656, eq. 2-5)

P pairs; r = beta * (log pi(y) - log ref(y)), summed over the tokens of y, is the implicit reward of an answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from thinkwell.core.errors import ConfigError

from ._conventions import finite, pick, within
from ._loss_conventions import check_mask, same_shape
from .aggregation import aggregate, masked_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """Weights of the three terms, the scale of implicit rewards, and how slowly the shift follows them."""

    w_pref: float
    w_quality: float
    w_gen: float
    beta: float
    shift_momentum: float

    def __post_init__(self) -> None:
        for name in ("w_pref", "w_quality", "w_gen"):
            finite(name, getattr(self, name))
        within("beta", self.beta, 0.0, above=True)
        finite("beta", self.beta)
        within("shift_momentum", self.shift_momentum, 0.0, 1.0)


MIXTURE = {
    "paper": Mixture(w_pref=0.8, w_quality=0.2, w_gen=1.0, beta=0.1, shift_momentum=0.99),
    "trl": Mixture(w_pref=0.8, w_quality=0.2, w_gen=1.0, beta=0.1, shift_momentum=1.0),
    "verl": Mixture(w_pref=0.8, w_quality=0.2, w_gen=1.0, beta=0.1, shift_momentum=0.99),
}


def dpo(chosen_reward: Tensor, rejected_reward: Tensor) -> Tensor:
    """-log sigmoid(r_chosen - r_rejected) for every pair (P,). Source: DPO, arXiv 2305.18290, eq. 7."""
    return -F.logsigmoid(chosen_reward - rejected_reward)


def bco(chosen_reward: Tensor, rejected_reward: Tensor, shift: float) -> Tensor:
    """-log sigmoid(r_chosen - shift) - log sigmoid(-(r_rejected - shift)) for every pair (P,). Source: BCO, arXiv 2404.04656."""
    return -F.logsigmoid(chosen_reward - shift) - F.logsigmoid(-(rejected_reward - shift))


def running_shift(shift: float, rewards: Tensor, *, momentum: float = 0.99) -> float:
    """The shift after a batch: momentum * shift + (1 - momentum) * mean(rewards); no rewards leave it. Raises `ConfigError`.

    Momentum 0.99 is NeMo-RL's; the papers say "moving average of past rewards".
    """
    within("momentum", momentum, 0.0, 1.0)
    return shift if not rewards.numel() else momentum * shift + (1.0 - momentum) * float(rewards.detach().mean())


def mpo(
    chosen_logp: Tensor,
    rejected_logp: Tensor,
    ref_chosen_logp: Tensor,
    ref_rejected_logp: Tensor,
    chosen_mask: Tensor,
    rejected_mask: Tensor,
    *,
    shift: float = 0.0,
    preset: str = "paper",
    w_pref: float | None = None,
    w_quality: float | None = None,
    w_gen: float | None = None,
    beta: float | None = None,
    shift_momentum: float | None = None,
    batch_pairs: float | None = None,
) -> tuple[Tensor, dict[str, float]]:
    """The mixed loss of P pairs and its metrics; log-probabilities and bool masks of tokens are (P, T), chosen and rejected may differ in T.

    `shift`: delta, from the batches before (BCO's threshold; 0 at the start); `metrics["next_shift"]` is the value for the next batch, moved by the mean of
    this batch's chosen and rejected rewards. `batch_pairs`: pairs of the whole batch where this call sees a part (this call's P where not given).
    w_pref, w_quality, w_gen, beta are positive or zero weights; presets: 0.8, 0.2, 1.0 (TRL's notes on MPO; R1V2 prints none), beta 0.1 (recalled).
    TRL's `bco_pair` inside its DPO trainer has no shift: preset `trl` has momentum 1, so that a shift that starts at 0 stays. The likelihood term is
    the mean over pairs of -sum_t logp / length of the chosen answer. References get no gradient. Raises `ConfigError`.
    """
    how = pick("mpo", MIXTURE, preset, w_pref=w_pref, w_quality=w_quality, w_gen=w_gen, beta=beta, shift_momentum=shift_momentum)
    check_mask(chosen_mask)
    check_mask(rejected_mask)
    same_shape(chosen_mask, chosen_logp=chosen_logp, ref_chosen_logp=ref_chosen_logp)
    same_shape(rejected_mask, rejected_logp=rejected_logp, ref_rejected_logp=ref_rejected_logp)
    pairs = chosen_mask.shape[0]
    if pairs != rejected_mask.shape[0]:
        raise ConfigError(f"{pairs} chosen and {rejected_mask.shape[0]} rejected answers; expected one of each a pair. Pass them in pairs.")
    if batch_pairs is not None:
        within("batch_pairs", batch_pairs, 0.0, above=True)
    chosen = how.beta * _log_ratio(chosen_logp, ref_chosen_logp, chosen_mask)
    rejected = how.beta * _log_ratio(rejected_logp, ref_rejected_logp, rejected_mask)
    count = batch_pairs or max(pairs, 1)
    preferred = dpo(chosen, rejected).sum() / count
    quality = bco(chosen, rejected, shift).sum() / count
    likely = aggregate(-chosen_logp, chosen_mask, "seq-mean-token-mean", batch_sequences=count)
    loss = how.w_pref * preferred + how.w_quality * quality + how.w_gen * likely
    both = torch.cat([chosen, rejected]).detach()
    metrics = {
        "loss_pref": float(preferred.detach()),
        "loss_quality": float(quality.detach()),
        "loss_gen": float(likely.detach()),
        "reward_chosen": float(chosen.detach().mean()) if pairs else 0.0,
        "reward_rejected": float(rejected.detach().mean()) if pairs else 0.0,
        "pair_accuracy": float((chosen > rejected).to(chosen.dtype).mean()) if pairs else 0.0,
        "logp_chosen": masked_mean(chosen_logp, chosen_mask),
        "next_shift": running_shift(shift, both, momentum=how.shift_momentum),
    }
    return loss, metrics


def _log_ratio(logp: Tensor, ref_logp: Tensor, mask: Tensor) -> Tensor:
    return torch.where(mask, logp - ref_logp.detach(), logp.new_zeros(())).sum(-1)
