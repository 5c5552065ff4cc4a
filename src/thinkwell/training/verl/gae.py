"""EGAE of T-PPO in verl: its GAE is not looked up in a registry, so the function itself is replaced, where the environment asks for it.

    THINKWELL_VERL_EGAE=hold:8192        bootstrap ("hold" or "zero") and `data.max_response_length`

in every process, for example through `ray_kwargs.ray_init.runtime_env.env_vars`. verl hands this function rewards, values and mask and nothing else: a response that
fills the greatest length is taken for unfinished, every other for finished. The critic's targets stay those of verl (lambda of the actor, all responses): T-PPO's critic, which
learns from finished ones alone, needs a trainer of its own. Windows need verl's asynchronous trainer.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError
from thinkwell.training.advantages import egae

VARIABLE = "THINKWELL_VERL_EGAE"


def install(core_algos: Any) -> None:
    """Replace verl's GAE if the environment says so. Raises `ConfigError` for a value that does not say how."""
    said = os.environ.get(VARIABLE, "")
    if said:
        core_algos.compute_gae_advantage_return = egae_of(*read(said))


def read(said: str) -> tuple[str, int]:
    """("hold", 8192) from "hold:8192"."""
    bootstrap, _, length = said.partition(":")
    if bootstrap not in ("hold", "zero") or not length.isdigit() or int(length) < 1:
        raise ConfigError(
            f"{VARIABLE}={said!r}; expected 'hold:N' or 'zero:N' with N the greatest response length in tokens. Set it so, or not at all."
        )
    return bootstrap, int(length)


def egae_of(bootstrap: str, max_length: int) -> Callable[..., tuple[Tensor, Tensor]]:
    """A function in the place of verl's `compute_gae_advantage_return`: (advantages, whitened as in verl; returns), both (B, T), zero outside the mask."""

    def compute(token_level_rewards: Tensor, values: Tensor, response_mask: Tensor, gamma: Any, lam: Any) -> tuple[Tensor, Tensor]:
        mask = response_mask.bool()
        how: Any = {
            "values": values,
            "finished": mask.sum(1) < max_length,
            "bootstrap": bootstrap,
            "gamma": float(gamma),
            "lam": float(lam),
            "preset": "verl",
        }
        raw = egae(token_level_rewards, mask, whiten="off", **how)
        white = egae(token_level_rewards, mask, **how)
        return white, torch.where(mask, raw + values.detach(), 0.0)

    return compute
