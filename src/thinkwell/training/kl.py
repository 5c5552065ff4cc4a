"""How far the policy is from a reference: KL by token, as a loss, in the reward, or centred as in T1; and the reference that follows the policy.

With d = logp - ref_logp (Schulman's estimators):  k1 = d,  k2 = d^2 / 2,  k3 = exp(-d) - 1 + d.

All three have a use as values; as losses their gradients differ. k1 has grad logp, which is zero in the mean on-policy: no pull at all. k2 has
d * grad logp, the on-policy gradient of the reverse KL. k3 has (1 - exp(-d)) * grad logp, that of a forward KL. exp(logp - old_logp) * k3 has that of k2 on-policy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Unpack

import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError

from ._conventions import finite, one_of, pick, within
from ._loss_conventions import Reduction, check_mask, same_shape
from .aggregation import aggregate, masked_mean

ESTIMATORS = ("k1", "k2", "k3", "k1+", "k3+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clamps:
    """Bounds of d before exp and of the estimate, both on both sides."""

    log_ratio_max: float
    value_max: float

    def __post_init__(self) -> None:
        within("log_ratio_max", self.log_ratio_max, 0.0, above=True)
        within("value_max", self.value_max, 0.0, above=True)


_FREE = Clamps(log_ratio_max=math.inf, value_max=math.inf)
_K3_CLAMPS = {"paper": _FREE, "trl": _FREE, "verl": Clamps(log_ratio_max=20.0, value_max=10.0)}
_CLAMPS = {"paper": _FREE, "trl": _FREE, "verl": _FREE}


def kl(
    logp: Tensor,
    ref_logp: Tensor,
    mask: Tensor | None = None,
    *,
    estimator: str = "k3",
    old_logp: Tensor | None = None,
    preset: str = "paper",
    log_ratio_max: float | None = None,
    value_max: float | None = None,
) -> Tensor:
    """The estimate of KL(policy || reference) at every token (B, T), in nats, zero outside the mask (all tokens where None).

    `estimator`: `k1`, `k2`, `k3`; with `+` its value has the gradient of k2 (verl `k1+`, `k3+`: straight through). `old_logp`: multiplies by
    exp(logp - old_logp), the policy that sampled (TRL `use_bias_correction_kl`, off in 1.10 and on in 1.16; slime `--use-unbiased-kl`).
    `log_ratio_max`, `value_max`: bounds of d and of the estimate; verl has 20 and 10 for k3 alone, OpenRLHF clamps every estimate to 10, TRL and the
    definition none. `ref_logp` and `old_logp` get no gradient. Raises `ConfigError`. Source: Schulman, "Approximating KL divergence"; GRPO eq. 4 (k3).
    """
    one_of("estimator", estimator, ESTIMATORS)
    clamps = pick("kl", _K3_CLAMPS if "k3" in estimator else _CLAMPS, preset, log_ratio_max=log_ratio_max, value_max=value_max)
    mask = torch.ones_like(logp, dtype=torch.bool) if mask is None else mask
    check_mask(mask, logp.dim())
    same_shape(mask, logp=logp, ref_logp=ref_logp, old_logp=old_logp)
    zero = logp.new_zeros(())
    d = torch.where(mask, logp - ref_logp.detach(), zero)
    bounded = d.clamp(-clamps.log_ratio_max, clamps.log_ratio_max)
    if estimator.startswith("k1"):
        value = bounded
    elif estimator.startswith("k2"):
        value = bounded.square() / 2
    else:
        value = torch.expm1(-bounded) + bounded
    value = value.clamp(-clamps.value_max, clamps.value_max)
    if estimator.endswith("+"):
        k2 = d.square() / 2
        value = value.detach() + (k2 - k2.detach())
    if old_logp is not None:
        value = value * torch.where(mask, logp - old_logp.detach(), zero).exp()
    return torch.where(mask, value, zero)


def kl_loss(
    logp: Tensor,
    ref_logp: Tensor,
    mask: Tensor,
    *,
    coef: float,
    estimator: str = "k3",
    old_logp: Tensor | None = None,
    preset: str = "paper",
    log_ratio_max: float | None = None,
    value_max: float | None = None,
    **reduction: Unpack[Reduction],
) -> tuple[Tensor, dict[str, float]]:
    """coef times the aggregated estimate, to be added to a policy loss, and its mean over tokens (`kl`).

    Knobs as in `kl` and `aggregate`. Frameworks' coefficients: verl 0.001, NeMo-RL 0.01, TRL's GRPO 0. Raises `ConfigError`.
    """
    finite("coef", coef)
    values = kl(
        logp, ref_logp, mask, estimator=estimator, old_logp=old_logp, preset=preset, log_ratio_max=log_ratio_max, value_max=value_max
    )
    return coef * aggregate(values, mask, preset=preset, **reduction), {"kl": masked_mean(values, mask)}


def kl_reward(
    old_logp: Tensor, ref_logp: Tensor, mask: Tensor, *, coef: float, estimator: str = "k1", level: str = "token", preset: str = "paper"
) -> Tensor:
    """What the KL takes from rewards, to be added to them before advantages: -coef * estimate, without a gradient.

    `level`: `token` gives (B, T), for token rewards (verl `use_kl_in_reward`, coef 0.001; REINFORCE++); `sequence` gives the sums (B,) (TRL's RLOO,
    coef 0.05). The estimate is one of k1, k2, k3: a `+` is about gradients. Raises `ConfigError`.
    """
    one_of("estimator", estimator, ("k1", "k2", "k3"))
    one_of("level", level, ("token", "sequence"))
    finite("coef", coef)
    taken = -coef * kl(old_logp.detach(), ref_logp, mask, estimator=estimator, preset=preset)
    return taken if level == "token" else taken.sum(-1)


def adaptive_kl_coef(coef: float, measured: float, *, target: float, horizon: float, samples: int) -> float:
    """The next coefficient: coef * (1 + clip(measured / target - 1, -0.2, 0.2) * samples / horizon). Source: verl, Ziegler et al. 2019.

    `measured`, `target`: KL in nats, the same estimate. `horizon`: samples over which the coefficient may change by a fifth. Raises `ConfigError`.
    """
    within("target", target, 0.0, above=True)
    within("horizon", horizon, 0.0, above=True)
    finite("coef", coef)
    return coef * (1.0 + min(max(measured / target - 1.0, -0.2), 0.2) * samples / horizon)


def centred_kl(
    logp: Tensor, ref_logp: Tensor, mask: Tensor, group_ids: Tensor | None = None, *, coef: float = 2e-4, centre: str = "batch"
) -> Tensor:
    """T1's KL: what to add to advantages (B, T), zero outside the mask: -coef * (k_i - mean_j k_j), with k_i = sum_t logp - ref_logp. No gradient.

    `centre`: mean over the `batch` (inferred: the paper says "on-policy batch mean" in its readers' words) or the `group` (needs group_ids (B,)).
    Sequences without a token are left out of means. The terms of what is centred together add up to zero over its sequences, so the KL
    moves ranks but not the mean. coef 2e-4: read by third parties. Raises `ConfigError`. Source: T1, arXiv 2501.11651.
    """
    one_of("centre", centre, ("batch", "group"))
    finite("coef", coef)
    check_mask(mask)
    same_shape(mask, logp=logp, ref_logp=ref_logp)
    k = torch.where(mask, (logp - ref_logp).detach(), logp.new_zeros(())).sum(-1)
    group = torch.zeros(mask.shape[0], dtype=torch.int64, device=mask.device)
    if centre == "group":
        if group_ids is None or group_ids.shape != mask.shape[:1]:
            raise ConfigError(f"centre 'group' needs group_ids of shape ({mask.shape[0]},). Pass every sample's group, or centre='batch'.")
        group = torch.unique(group_ids, return_inverse=True)[1]
    written = mask.any(-1).to(k.dtype)
    groups = int(group.max()) + 1 if len(group) else 0
    total = k.new_zeros(groups).index_add_(0, group, k * written)
    count = k.new_zeros(groups).index_add_(0, group, written).clamp(min=1.0)
    return torch.where(mask, (-coef * (k - (total / count)[group]))[:, None], k.new_zeros(()))


def ema_anchor(anchor: Mapping[str, Tensor], policy: Mapping[str, Tensor], *, decay: float = 0.99) -> dict[str, Tensor]:
    """The reference's next weights by name: decay * anchor + (1 - decay) * policy; what is not floating point is copied from the policy.

    decay 0.99 an update is inferred: T1 does not print its rate. TRL's `ref_model_mixup_alpha` (0.6) is the weight of the policy, 1 - decay. New tensors
    without gradients; the inputs stay. Raises `ConfigError` for a decay outside [0, 1] or weights of other names. Source: T1's dynamic anchor.
    """
    within("decay", decay, 0.0, 1.0)
    if anchor.keys() != policy.keys():
        odd = sorted(anchor.keys() ^ policy.keys())[:3]
        raise ConfigError(
            f"anchor and policy differ in names ({', '.join(odd)}, ...); expected the same weights. Pass both models' state_dict()."
        )
    with torch.no_grad():
        return {
            name: decay * anchor[name] + (1.0 - decay) * new if new.is_floating_point() else new.detach().clone()
            for name, new in policy.items()
        }
