"""Our policy losses as verl's: `actor_rollout_ref.actor.policy_loss.loss_mode=thinkwell_gppo`.

    actor_rollout_ref.actor.policy_loss._target_=thinkwell.training.verl.losses.PolicyLoss      verl refuses keys that its own configuration has not
    +actor_rollout_ref.actor.policy_loss.eps_high=0.28                                          a knob of the loss

What is not given comes from verl's actor (`clip_ratio_low`, `clip_ratio_high`, `clip_ratio_c`), as for its own losses, then from the preset ("verl"). The aggregation is
verl's `loss_agg_mode`, over what verl says the whole batch holds; the constant of `seq-mean-token-sum-norm` is `loss_scale_factor`, or, as in verl, the padded width.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from torch import Tensor

from thinkwell.training import losses

LOSSES: dict[str, Callable[..., tuple[Tensor, dict[str, float]]]] = {
    "ppo_clip": losses.ppo_clip,
    "gspo": losses.gspo,
    "cispo": losses.cispo,
    "gppo": losses.gppo,
}
KNOBS: dict[str, tuple[str, ...]] = {
    "ppo_clip": ("eps_low", "eps_high", "dual_clip", "log_ratio_max"),
    "gspo": ("eps_low", "eps_high", "dual_clip", "log_ratio_max"),
    "cispo": ("eps_low", "eps_high", "log_ratio_max"),
    "gppo": ("eps_low", "eps_high", "dual_clip", "log_ratio_max", "beta1", "beta2"),
}
FIELDS = ("eps_low", "eps_high", "dual_clip", "log_ratio_max", "beta1", "beta2", "length_eps")


def policy_loss(name: str) -> Callable[..., tuple[Tensor, dict[str, Any]]]:
    """The function that verl calls: (old_log_prob, log_prob, advantages, response_mask, loss_agg_mode, config, rollout_is_weights) -> (loss, metrics)."""
    function = LOSSES[name]

    def loss(
        old_log_prob: Tensor,
        log_prob: Tensor,
        advantages: Tensor,
        response_mask: Tensor,
        loss_agg_mode: str = "token-mean",
        config: Any = None,
        rollout_is_weights: Tensor | None = None,
    ) -> tuple[Tensor, dict[str, Any]]:
        mask = response_mask.bool()
        whole = dict(config.global_batch_info)
        share = whole.get("dp_size", 1)
        reduction: dict[str, Any] = {"aggregation": loss_agg_mode}
        if whole.get("batch_num_tokens") is not None:  # verl multiplies by dp_size, for gradients are averaged over the ranks
            reduction["batch_tokens"] = float(whole["batch_num_tokens"]) / share
        if whole.get("global_batch_size") is not None:
            reduction["batch_sequences"] = float(whole["global_batch_size"]) / share
        if loss_agg_mode == "seq-mean-token-sum-norm":
            reduction["max_length"] = whole.get("loss_scale_factor") or mask.shape[-1]
        value, metrics = function(
            log_prob, old_log_prob, advantages, mask, weights=rollout_is_weights, **knobs_of(name, config), **reduction
        )
        if loss_agg_mode == "token-sum":
            value = value * share
        clipped = metrics["clip_fraction_low"] + metrics["clip_fraction_high"]
        named = {
            "actor/pg_clipfrac": clipped,
            "actor/ppo_kl": metrics["approx_kl_k1"],
            "actor/pg_clipfrac_lower": metrics["clip_fraction_dual"],
        }
        return value, {**named, **{f"actor/thinkwell/{key}": number for key, number in metrics.items()}}

    loss.__name__ = f"thinkwell_{name}"
    return loss


def knobs_of(name: str, config: Any) -> dict[str, Any]:
    """Knobs of a loss: those of `PolicyLoss`, else what verl's own loss would read from the actor; what neither says is the preset's."""
    said = getattr(config, "policy_loss", None)
    knobs = {knob: getattr(said, knob, None) for knob in (*KNOBS[name], "length_eps")}
    for knob, option in (("eps_low", "clip_ratio_low"), ("eps_high", "clip_ratio_high")):
        if knobs[knob] is None:
            knobs[knob] = config.get(option, None) if config.get(option, None) is not None else config.get("clip_ratio", None)
    if name == "ppo_clip" and knobs["dual_clip"] is None:
        knobs["dual_clip"] = config.get("clip_ratio_c", None)
    return {"preset": getattr(said, "preset", "verl"), **{knob: float(value) for knob, value in knobs.items() if value is not None}}


def _policy_loss_config() -> type:
    """verl's `PolicyLossConfig` with our knobs; None is "not said"."""
    from verl.workers.config import PolicyLossConfig

    ours: list[tuple[str, Any, Any]] = [("preset", str, dataclasses.field(default="verl"))]
    ours += [(knob, float | None, dataclasses.field(default=None)) for knob in FIELDS]
    return dataclasses.make_dataclass("PolicyLoss", ours, bases=(PolicyLossConfig,), namespace={"__module__": __name__})


def __getattr__(name: str) -> Any:
    if name != "PolicyLoss":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, _policy_loss_config())  # one class, so that pickle finds the same one
