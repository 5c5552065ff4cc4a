"""Which groups teach anything: those whose members' *final* rewards differ.

DAPO's dynamic sampling drops groups whose accuracy does not vary. With a reward that also looks at length that is a mistake which nothing reports: a group of right
answers of different lengths has accuracy 1 throughout, and is just where LASER, GRPO-lambda and L-GRPO have their signal. Filter on what the advantage is made from.
"""

from __future__ import annotations

import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError
from thinkwell.training._conventions import finite
from thinkwell.training._groups import read_groups


def carries_signal(rewards: Tensor, group_ids: Tensor, *, min_std: float = 0.0) -> Tensor:
    """(B,) bool: whether the rewards of each sample's group have a (population) standard deviation above min_std.

    rewards (B,): the final ones, with every term that the advantage will see; group_ids (B,) int64. A group of one, or of equal rewards, carries none: its advantage
    is 0 with a group's mean as baseline. min_std >= 0, in units of reward. Raises `ConfigError` for shapes that differ and rewards that are not finite.
    """
    of = "carries_signal"
    finite("min_std", min_std)
    if rewards.dim() != 1 or rewards.shape != group_ids.shape:
        raise ConfigError(
            f"{of}: rewards {tuple(rewards.shape)} and group_ids {tuple(group_ids.shape)}; expected one value a sample in both."
        )
    exact = rewards.to(torch.float32 if rewards.device.type == "mps" else torch.float64)
    if not bool(exact.isfinite().all()):
        raise ConfigError(f"{of}: rewards holds values that are not finite; expected the final reward of every sample.")
    groups = read_groups(group_ids)
    differ = groups.most(exact) > groups.least(exact)  # exact, where the deviation of equal numbers can round to more than 0
    off = exact - groups.spread(groups.sum(exact) / groups.size)
    std = (groups.sum(off * off) / groups.size).sqrt()
    return groups.spread(differ & ((std > min_std) | (min_std == 0)))
