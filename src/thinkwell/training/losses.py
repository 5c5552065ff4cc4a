"""Losses of policies: PPO's clip and what came after it, one function a paper; each is one line of difference in a shared frame.

    loss = aggregate( - weight_t * surrogate(rho_t, A_t) ),   rho_t = exp(logp_t - old_logp_t)

    ppo_clip   min(rho A, clip(rho) A)                          no gradient where clipped
    gspo       the same, with one ratio a sequence: exp(mean_t log rho_t)
    cispo      stopgrad(clip(rho)) A logp                       every token has a gradient, bounded
    gppo       PPO's value, and a bounded gradient where PPO has none
    spc        offline: one length-normalised ratio a sequence, to a frozen reference, plus supervised samples

Every `policy_loss(logp, old_logp, advantages, mask, **knobs)` takes (B, T) tensors and a bool mask, minimises, and gives a scalar with a gradient to logp alone
and metrics of this call's tokens. What lies outside the mask may be anything, NaN too. `weights` (B, T) multiplies a token's loss after clipping
(`importance_weights`). The knobs of `aggregate` are passed on. A knob left at None has the value of the preset; `math.inf` turns a bound off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

import torch
from torch import Tensor

from ._conventions import finite, pick, within
from ._loss_conventions import CISPO, GPPO, GSPO, PPO, SPC, Clipping, Reduction, check_mask, same_shape
from .aggregation import aggregate, masked_mean
from .importance import importance_weights
from .kl import adaptive_kl_coef, centred_kl, ema_anchor, kl, kl_loss, kl_reward
from .mpo import bco, dpo, mpo, running_shift

__all__ = [
    "adaptive_kl_coef",
    "aggregate",
    "bco",
    "centred_kl",
    "cispo",
    "dpo",
    "ema_anchor",
    "entropy_bonus",
    "gppo",
    "gspo",
    "importance_weights",
    "kl",
    "kl_loss",
    "kl_reward",
    "mpo",
    "positive_nll",
    "ppo_clip",
    "running_shift",
    "spc",
    "token_entropy",
]

Result = tuple[Tensor, dict[str, float]]


def ppo_clip(
    logp: Tensor,
    old_logp: Tensor,
    advantages: Tensor,
    mask: Tensor,
    *,
    preset: str = "paper",
    eps_low: float | None = None,
    eps_high: float | None = None,
    dual_clip: float | None = None,
    log_ratio_max: float | None = None,
    weights: Tensor | None = None,
    **reduction: Unpack[Reduction],
) -> Result:
    """PPO's clipped loss: -min(rho A, clip(rho, 1 - eps_low, 1 + eps_high) A); for A < 0 never above dual_clip |A|.

    `eps_low`, `eps_high` >= 0: 0.2 everywhere by default; clip-higher (DAPO) is eps_high 0.28. `dual_clip` > 1, a ratio: verl's `clip_ratio_c` (3, always on),
    TRL's `delta` (off; the same for dual_clip > 1 + eps_high); off in the paper. `log_ratio_max`: bound of log rho before exp (verl 20).
    Metrics: see `_measured`. Raises `ConfigError`. Source: PPO, arXiv 1707.06347, eq. 7; dual clip, arXiv 1912.09729; DAPO, arXiv 2503.14476.
    """
    how = pick("ppo_clip", PPO, preset, eps_low=eps_low, eps_high=eps_high, dual_clip=dual_clip, log_ratio_max=log_ratio_max)
    ratio = _Ratio.of(logp, old_logp, advantages, mask, weights, how.log_ratio_max)
    kept = _kept(ratio.log, ratio.advantages, how)
    values = -_surrogate(ratio.log, kept) * ratio.advantages
    return _finish(values, ratio, kept, kept.factor * ratio.passes, preset, how.aggregation, reduction)


def gspo(
    logp: Tensor,
    old_logp: Tensor,
    advantages: Tensor,
    mask: Tensor,
    *,
    preset: str = "paper",
    eps_low: float | None = None,
    eps_high: float | None = None,
    dual_clip: float | None = None,
    log_ratio_max: float | None = None,
    weights: Tensor | None = None,
    **reduction: Unpack[Reduction],
) -> Result:
    """PPO's clip on the sequence's ratio s = exp(mean_t log rho_t), with the gradient stopgrad(s) * grad logp_t at every token (GSPO-token).

    With one advantage a sequence and the mean over a sequence's tokens this is GSPO itself; the aggregation is `seq-mean-token-mean` unless said otherwise.
    eps: 3e-4 and 4e-4 in the paper, for a mean moves less than a token; TRL and verl have their 0.2 unless set. `log_ratio_max` bounds log s from above
    alone (verl 10). Other knobs as in `ppo_clip`. Raises `ConfigError`. Source: GSPO, arXiv 2507.18071, eq. 5-7, 13-17.
    """
    how = pick("gspo", GSPO, preset, eps_low=eps_low, eps_high=eps_high, dual_clip=dual_clip, log_ratio_max=log_ratio_max)
    ratio = _Ratio.of(logp, old_logp, advantages, mask, weights)
    mean = ratio.log.detach().sum(-1, keepdim=True) / mask.sum(-1, keepdim=True).clamp(min=1)
    log_sequence = torch.where(mask, (ratio.through + mean).clamp(max=how.log_ratio_max), ratio.log.new_zeros(()))
    kept = _kept(log_sequence, ratio.advantages, how)
    values = -_surrogate(log_sequence, kept) * ratio.advantages
    factor = kept.factor * (mean <= how.log_ratio_max)
    return _finish(values, ratio, kept, factor, preset, how.aggregation, reduction)


def cispo(
    logp: Tensor,
    old_logp: Tensor,
    advantages: Tensor,
    mask: Tensor,
    *,
    preset: str = "paper",
    eps_low: float | None = None,
    eps_high: float | None = None,
    log_ratio_max: float | None = None,
    weights: Tensor | None = None,
    **reduction: Unpack[Reduction],
) -> Result:
    """CISPO: -stopgrad(clip(rho, 1 - eps_low, 1 + eps_high)) A logp. The weight is clipped, for either sign of A; no token loses its gradient.

    Both bounds are offsets from 1, as in the paper and verl (0.2, 0.2). The paper uses no lower bound (eps_low infinite) and does not print the upper:
    preset `paper` has eps_high 4, the weight at most 5, which is ScaleRL's. TRL's `epsilon_high` is the absolute bound (eps_high = epsilon_high - 1); unset
    it is 0.2, so that preset `trl` caps every weight at 0.2, as TRL does. eps_high > -1. `log_ratio_max` as in `ppo_clip`.
    The clip fractions count both signs of A. Raises `ConfigError`. Source: MiniMax-M1, arXiv 2506.13585, eq. 4-5.
    """
    how = pick("cispo", CISPO, preset, eps_low=eps_low, eps_high=eps_high, log_ratio_max=log_ratio_max)
    ratio = _Ratio.of(logp, old_logp, advantages, mask, weights, how.log_ratio_max)
    rho = ratio.log.detach().exp()
    low, high = 1.0 - how.eps_low, 1.0 + how.eps_high
    weight = rho.clamp(max(low, 0.0), high)
    values = -weight * ratio.advantages * torch.where(mask, logp, logp.new_zeros(()))
    kept = _Kept(low=mask & (rho < low), high=mask & (rho > high), dual=torch.zeros_like(mask), bound=weight, ratio=rho, factor=weight)
    return _finish(values, ratio, kept, weight, preset, how.aggregation, reduction)


def gppo(
    logp: Tensor,
    old_logp: Tensor,
    advantages: Tensor,
    mask: Tensor,
    *,
    preset: str = "paper",
    eps_low: float | None = None,
    eps_high: float | None = None,
    beta1: float = 1.0,
    beta2: float = 1.0,
    dual_clip: float | None = None,
    log_ratio_max: float | None = None,
    weights: Tensor | None = None,
    **reduction: Unpack[Reduction],
) -> Result:
    """GPPO: PPO's clipped value, multiplied by rho / stopgrad(rho) where PPO's gradient is zero, so that a bounded one gets through.

    The gradient is F * A * grad logp with F = beta1 (1 - eps_low) where rho < 1 - eps_low and A < 0, F = beta2 (1 + eps_high) where rho > 1 + eps_high and A > 0,
    F = rho elsewhere. beta1, beta2 >= 0; at 1 the value is PPO's with the same bounds; at 0 the token gives neither value nor gradient.
    `dual_clip`: off in the paper. The released code has it (function default 3, scripts 10, which is preset `verl`, the code being a fork of verl), and it
    makes the gradient zero again where rho > dual_clip and A < 0. TRL has no GPPO. Metric `zero_gradient_fraction` is 0 without dual clip.
    Bounds 0.2 and 0.28. Raises `ConfigError`. Source: Klear-Reasoner, arXiv 2508.07629, eq. 11, 12, 17, 18.
    """
    how = pick("gppo", GPPO, preset, eps_low=eps_low, eps_high=eps_high, dual_clip=dual_clip, log_ratio_max=log_ratio_max)
    finite("beta1", beta1)
    finite("beta2", beta2)
    ratio = _Ratio.of(logp, old_logp, advantages, mask, weights, how.log_ratio_max)
    kept = _kept(ratio.log, ratio.advantages, how)
    through = (
        torch.where(kept.low, beta1 * kept.bound, beta2 * kept.bound) * ratio.through.exp()
    )  # rho / stopgrad(rho), which cannot overflow
    clipped = kept.low | kept.high
    values = -torch.where(clipped, through, _surrogate(ratio.log, kept)) * ratio.advantages
    factor = torch.where(clipped, through.detach(), kept.factor * ratio.passes)
    return _finish(values, ratio, kept, factor, preset, how.aggregation, reduction)


def spc(
    logp: Tensor,
    old_logp: Tensor,
    advantages: Tensor,
    mask: Tensor,
    *,
    sft: Tensor | None = None,
    sample_weights: Tensor | None = None,
    preset: str = "paper",
    eps_low: float | None = None,
    eps_high: float | None = None,
    sft_coef: float | None = None,
    kl_coef: float | None = None,
    batch_rl: float | None = None,
    batch_sft: float | None = None,
) -> Result:
    """SPC's offline loss: -min(R rho, R clip(rho)) over the games' samples + sft_coef * (-l) over the supervised ones.

    l is the mean of logp over a sequence's tokens, l_ref that of `old_logp`, here the frozen initial model, and rho = exp(l - l_ref). R is the mean of
    `advantages` over the sequence's tokens: the reward +1 or -1 at every token. `sft` (B,) bool: samples of the supervised term, whose advantages are not read
    (none where not given). `sample_weights` (B,): 1 where not given. `kl_coef` takes kl_coef * (l - l_ref), without a gradient, from R:
    0 in the released code, where the term is commented out; its form is inferred. `batch_rl`, `batch_sft`: how many of either kind the whole batch holds,
    where this call sees a part. A sequence without a token counts as neither. All presets: 0.2, 0.2, 0.15, 0. Clip fractions count sequences.
    Raises `ConfigError`. Source: SPC, arXiv 2504.19162; the formula is that of the released `src/trainers.py`.
    """
    how = pick("spc", SPC, preset, eps_low=eps_low, eps_high=eps_high, sft_coef=sft_coef, kl_coef=kl_coef)
    check_mask(mask)
    same_shape(mask, logp=logp, old_logp=old_logp, advantages=advantages)
    for knob, value in {"batch_rl": batch_rl, "batch_sft": batch_sft}.items():
        if value is not None:
            within(knob, value, 0.0, above=True)
    written = mask.any(-1)
    sft = torch.zeros_like(written) if sft is None else sft
    check_mask(sft, 1)
    same_shape(written, sft=sft, sample_weights=sample_weights)
    one = torch.ones_like(logp[:, 0]) if sample_weights is None else sample_weights.detach().to(logp.dtype)
    game, supervised = written & ~sft, written & sft
    mean_logp, mean_old = _sequence_mean(logp, mask), _sequence_mean(old_logp.detach(), mask)
    log_ratio = torch.where(game, mean_logp - mean_old, logp.new_zeros(()))
    rewards = torch.where(game, _sequence_mean(advantages.detach(), mask) - how.kl_coef * log_ratio.detach(), logp.new_zeros(()))
    bounds = Clipping(
        eps_low=how.eps_low, eps_high=how.eps_high, dual_clip=float("inf"), log_ratio_max=float("inf"), aggregation="token-sum"
    )
    kept = _kept(log_ratio, rewards, bounds)
    games = batch_rl or int(game.sum().clamp(min=1))
    lessons = batch_sft or int(supervised.sum().clamp(min=1))
    loss_rl = -(one * _surrogate(log_ratio, kept) * rewards).sum() / games
    loss_sft = -(one * torch.where(supervised, mean_logp, logp.new_zeros(()))).sum() / lessons
    metrics = {
        "loss_rl": float(loss_rl.detach()),
        "loss_sft": float(loss_sft.detach()),
        "kl": masked_mean(log_ratio, game),
        **_measured(log_ratio.detach(), kept, kept.factor * one, rewards, game),
    }
    return loss_rl + how.sft_coef * loss_sft, metrics


def positive_nll(logp: Tensor, correct: Tensor, mask: Tensor, *, coef: float = 0.1, batch_positive_tokens: float | None = None) -> Result:
    """The likelihood of correct answers: -coef / (their tokens) * sum of their logp, to be added to a policy loss; 0 without a correct one.

    `correct` (B,) bool is a flag of its own: telling it from a summed reward equal to 1, as the released code does, breaks with a length reward or KL
    in the reward. `batch_positive_tokens`: tokens of correct answers in the whole batch; this call's where not given (as in the released code, whose loss so
    depends on the micro-batches). coef 0.1 in Klear-Reasoner (its best of 0, 0.05, 0.1, 0.2) and VAPO. Raises `ConfigError`.
    Source: Klear-Reasoner eq. 13-14 (printed without the log; the code has -log pi); VAPO, arXiv 2504.05118.
    """
    finite("coef", coef)
    check_mask(mask)
    check_mask(correct, 1)
    same_shape(mask, logp=logp)
    same_shape(mask[:, 0], correct=correct)
    chosen = mask & correct[:, None]
    loss = aggregate(-logp, chosen, "token-mean", batch_tokens=batch_positive_tokens)
    return coef * loss, {"positive_nll": masked_mean(-logp, chosen), "positive_fraction": masked_mean(chosen.to(logp.dtype), mask)}


def token_entropy(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """H = -sum_v p log p in nats over the last axis, p = softmax(logits / temperature); tokens with logit -inf count as nothing. Raises `ConfigError`."""
    within("temperature", temperature, 0.0, above=True)
    logp = torch.log_softmax(logits / temperature, -1)
    return -(logp.exp() * logp.masked_fill(logp == -torch.inf, 0.0)).sum(-1)


def entropy_bonus(entropy: Tensor, mask: Tensor, *, coef: float = 5e-4, **reduction: Unpack[Reduction]) -> Result:
    """-coef times the aggregated entropy (B, T), to be added to a policy loss with the same knobs of `aggregate`; metric `entropy`, in nats.

    coef 5e-4 is inferred for T1, which prints none; verl and TRL have 0, off. Raises `ConfigError`.
    """
    finite("coef", coef)
    return -coef * aggregate(entropy, mask, **reduction), {"entropy": masked_mean(entropy, mask)}


@dataclass(frozen=True, slots=True)
class _Ratio:
    """What losses of tokens start from: (B, T) each, harmless outside the mask."""

    log: Tensor  # log rho, within its bound
    through: Tensor  # logp - stopgrad(logp): zero, with the gradient of logp
    passes: Tensor  # whether log rho was inside its bound, where it has a gradient
    raw: Tensor  # log rho without bound or gradient
    logp: Tensor
    advantages: Tensor
    mask: Tensor
    weights: Tensor | None

    @classmethod
    def of(
        cls, logp: Tensor, old_logp: Tensor, advantages: Tensor, mask: Tensor, weights: Tensor | None, limit: float = float("inf")
    ) -> _Ratio:
        check_mask(mask)
        same_shape(mask, logp=logp, old_logp=old_logp, advantages=advantages, weights=weights)
        zero = logp.new_zeros(())
        log = torch.where(mask, logp - old_logp.detach(), zero)
        safe = torch.where(mask, logp, zero)
        return cls(
            log.clamp(-limit, limit),
            safe - safe.detach(),
            log.detach().abs() <= limit,
            log.detach(),
            safe.detach(),
            torch.where(mask, advantages.detach(), zero),
            mask,
            None if weights is None else torch.where(mask, weights.detach(), zero),
        )


@dataclass(frozen=True, slots=True)
class _Kept:
    """Where the ratio is clipped, the bound there, and the factor F of the gradient F * A * grad logp."""

    low: Tensor
    high: Tensor
    dual: Tensor
    bound: Tensor
    ratio: Tensor
    factor: Tensor


def _kept(log_ratio: Tensor, advantages: Tensor, how: Clipping) -> _Kept:
    """PPO's cases, told from ratio and sign alone: comparing the two surrogates would count rounding as clipping."""
    ratio = log_ratio.detach().exp()
    low = (advantages < 0) & (ratio < 1.0 - how.eps_low)
    high = (advantages > 0) & (ratio > 1.0 + how.eps_high)
    dual = (advantages < 0) & (ratio > how.dual_clip)
    zero = torch.zeros_like(ratio)
    bound = torch.where(low, 1.0 - how.eps_low, torch.where(high, 1.0 + how.eps_high, torch.where(dual, how.dual_clip, zero)))
    return _Kept(low, high, dual, bound, ratio, torch.where(low | high | dual, zero, ratio))


def _surrogate(log_ratio: Tensor, kept: _Kept) -> Tensor:
    """The ratio, or its bound where it is clipped; exp never sees a clipped log-ratio, whose overflow would make the gradient NaN."""
    clipped = kept.low | kept.high | kept.dual
    return torch.where(clipped, kept.bound, torch.where(clipped, torch.zeros_like(log_ratio), log_ratio).exp())


def _sequence_mean(values: Tensor, mask: Tensor) -> Tensor:
    return torch.where(mask, values, values.new_zeros(())).sum(-1) / mask.sum(-1).clamp(min=1)


def _finish(values: Tensor, ratio: _Ratio, kept: _Kept, factor: Tensor, preset: str, aggregation: str, reduction: Reduction) -> Result:
    """Weights, aggregation and metrics, the same for every loss of tokens."""
    if ratio.weights is not None:
        values, factor = values * ratio.weights, factor * ratio.weights
    knobs: Reduction = {"aggregation": aggregation, **reduction}
    loss = aggregate(values, ratio.mask, preset=preset, **knobs)
    metrics = {"entropy_estimate": masked_mean(-ratio.logp, ratio.mask), **_measured(ratio.raw, kept, factor, ratio.advantages, ratio.mask)}
    return loss, metrics


def _measured(log_ratio: Tensor, kept: _Kept, factor: Tensor, advantages: Tensor, mask: Tensor) -> dict[str, float]:
    """Metrics over the tokens of the mask (for SPC: its sequences), each a mean of this call.

    `clip_fraction_low`, `clip_fraction_high`, `clip_fraction_dual`: where the bound acts. `approx_kl`: mean of rho - 1 - log rho, never negative; `approx_kl_k1`:
    mean of -log rho (verl's `ppo_kl`); both estimate KL(old || new). `ratio_mean`, `ratio_std` (population), `ratio_min`, `ratio_max`: of the ratio that was
    clipped. `zero_gradient_fraction`: of the tokens with an advantage that is not zero, those whose loss has no gradient.
    `entropy_estimate`: mean of -logp, an estimate of the entropy on-policy.
    """
    ratios = kept.ratio[mask]
    acting = mask & (advantages != 0)
    share = {name: getattr(kept, name).to(log_ratio.dtype) for name in ("low", "high", "dual")}
    return {
        **{f"clip_fraction_{name}": masked_mean(where, mask) for name, where in share.items()},
        "approx_kl": masked_mean(torch.expm1(log_ratio) - log_ratio, mask),
        "approx_kl_k1": masked_mean(-log_ratio, mask),
        "ratio_mean": float(ratios.mean()) if len(ratios) else 1.0,
        "ratio_std": float(ratios.std(correction=0)) if len(ratios) else 0.0,
        "ratio_min": float(ratios.min()) if len(ratios) else 1.0,
        "ratio_max": float(ratios.max()) if len(ratios) else 1.0,
        "zero_gradient_fraction": masked_mean((factor == 0).to(log_ratio.dtype), acting),
    }
