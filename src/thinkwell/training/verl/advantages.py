"""Our advantages as verl's estimators: `algorithm.adv_estimator=thinkwell_rloo`, knobs as `+algorithm.thinkwell.<knob>=value`.

    +algorithm.thinkwell.preset=paper              the conventions; verl's own where nothing is said
    +algorithm.thinkwell.scale=none                a knob of the estimator
    +algorithm.thinkwell.reward=laser_d            a reward on whole groups in place of verl's score, which then says 1 for right and 0 for wrong
    +algorithm.thinkwell.reward_knobs.targets=4096

verl scores responses one by one; a reward that compares the members of a group or looks at the whole batch has its place here, where verl first has them together.
The length of a response is the number of its trained tokens.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError, UnknownName
from thinkwell.training import advantages, rewards

ESTIMATORS: dict[str, Callable[..., Tensor]] = {
    "reinforce": advantages.reinforce,
    "rloo": advantages.rloo,
    "grpo": advantages.grpo,
    "dr_grpo": advantages.dr_grpo,
    "s_grpo": advantages.s_grpo,
    "reinforce_pp": advantages.reinforce_pp,
    "reinforce_pp_baseline": advantages.reinforce_pp_baseline,
}
BY_TOKEN = ("reinforce", "reinforce_pp")  # take verl's rewards of tokens, with the KL in them
SHAPED: dict[str, Callable[..., Tensor]] = {
    name: getattr(rewards, name)
    for name in (
        "truncation", "think_prune", "group_penalty", "kimi", "l1_exact", "l1_max", "laser", "laser_d", "laser_de", "grpo_lambda", "l_grpo", "overlong",
    )
}  # fmt: skip


def estimator(name: str) -> Callable[..., tuple[Tensor, Tensor]]:
    """The function that verl calls by keyword: (token_level_rewards, response_mask, config, index) -> (advantages, returns), both (B, T)."""
    function = ESTIMATORS[name]
    known = {knob for knob, facts in inspect.signature(function).parameters.items() if facts.kind is inspect.Parameter.KEYWORD_ONLY}

    def estimate(
        token_level_rewards: Tensor, response_mask: Tensor, config: Any = None, index: Sequence[Any] | None = None, **_: Any
    ) -> tuple[Tensor, Tensor]:
        knobs = knobs_of(config)
        reward, reward_knobs = knobs.pop("reward", None), knobs.pop("reward_knobs", {})
        unknown = sorted(knobs.keys() - known)
        if unknown:
            raise UnknownName(f"knob of thinkwell_{name}", unknown[0], known | {"reward", "reward_knobs"})
        knobs.setdefault("preset", "verl")
        if "gamma" in known and config is not None:
            knobs.setdefault("gamma", float(config.get("gamma", 1.0)))
        mask = response_mask.bool()
        given = token_level_rewards if name in BY_TOKEN and reward is None else token_level_rewards.sum(-1)
        groups = group_ids(index, len(mask), mask.device)
        if reward is not None:
            given = shaped(str(reward), given, mask, groups, reward_knobs).to(token_level_rewards.dtype)
        values = function(given, mask, groups, **knobs)
        return values, values

    estimate.__name__ = f"thinkwell_{name}"
    return estimate


def shaped(name: str, scores: Tensor, mask: Tensor, groups: Tensor, knobs: Mapping[str, Any]) -> Tensor:
    """(B,): the reward of whole groups. scores (B,): 1 for a right answer, 0 for a wrong one. Raises `UnknownName`, and `ConfigError` as the reward does."""
    if name not in SHAPED:
        raise UnknownName("reward on groups", name, SHAPED)
    plain = {knob: tuple(value) if isinstance(value, list) else value for knob, value in knobs.items()}
    return SHAPED[name](scores, mask.sum(1), groups, **plain)


def group_ids(index: Sequence[Any] | None, samples: int, device: torch.device) -> Tensor:
    """(B,) int64 from verl's ids of prompts, which are strings. Raises `ConfigError` without them."""
    if index is None:
        raise ConfigError("verl gave no ids of prompts (uid); expected one a sample. Use a trainer that passes `index` to the estimator.")
    numbers: dict[Any, int] = {}
    ids = [numbers.setdefault(name, len(numbers)) for name in index]
    if len(ids) != samples:
        raise ConfigError(f"{len(ids)} ids of prompts for {samples} samples; expected one a sample.")
    return torch.tensor(ids, dtype=torch.int64, device=device)


def knobs_of(config: Any) -> dict[str, Any]:
    """The node `thinkwell` of verl's `algorithm` node as plain values; null is "not said", so that a configuration can take back what one below it says."""
    node = config.get("thinkwell", None) if config is not None else None
    if node is None:
        return {}
    if not isinstance(node, dict):
        from omegaconf import OmegaConf

        node = OmegaConf.to_container(node, resolve=True)
    return {knob: value for knob, value in node.items() if value is not None}
