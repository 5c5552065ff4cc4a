"""The selective sample buffer of Skywork R1V2 in verl's trainer, for whole groups: `trainer.v1.sampler.custom_sampler.{path,name}`.

    trainer.v1.sampler.custom_sampler.path=pkg://thinkwell.training.verl.sampler   .name=SelectiveReplay
    +trainer.v1.sampler.sampler_kwargs.capacity=256                                 groups kept, on the trainer's machine

verl computes advantages after sampling, from the groups that it finds in the batch; so what is kept and replayed here are groups, not single samples: those whose members'
rewards differ, by p ~ (mean |A|)^alpha. Groups without a signal give way to replayed ones, and stay where too few are kept: the number of groups in a batch never changes.
A replayed group is a new one to verl (a new uid). Its log-probs must be those it was sampled with: `algorithm.rollout_correction.bypass_mode=True`, or verl computes them anew
and the ratio of PPO corrects for nothing. What is kept is not in verl's checkpoint: after a resume the buffer fills again. For the synchronous trainer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import numpy as np
import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError
from thinkwell.core.noise import NoiseKey, generator
from thinkwell.training._conventions import finite, within
from thinkwell.training.advantages import grpo


@dataclass(frozen=True)
class Kept:
    """A group that may be replayed: what verl stores of its trajectories, in which step it was written, mean |A|."""

    names: list[str]  # what follows the uid in verl's keys: session and output
    tags: list[dict[str, Any]]
    fields: Any
    step: int
    priority: float


def priorities(rewards: Tensor, uids: Sequence[str]) -> dict[str, float]:
    """Mean |A| of every group, by GRPO with a group's std; rewards (B,) in the order of uids."""
    numbers = {uid: number for number, uid in enumerate(dict.fromkeys(uids))}
    group = torch.tensor([numbers[uid] for uid in uids])
    size = grpo(rewards, torch.ones(len(uids), 1, dtype=torch.bool), group)[:, 0].abs()
    return {uid: float(size[group == number].mean()) for uid, number in numbers.items()}


def drawn(kept: Sequence[Kept], count: int, alpha: float, rng: np.random.Generator) -> list[Kept]:
    """`count` groups, with replacement, p ~ priority^alpha; none from an empty buffer."""
    if not kept or count < 1:
        return []
    weights = np.array([group.priority for group in kept]) ** alpha
    return [kept[int(place)] for place in rng.choice(len(kept), size=count, p=weights / weights.sum())]


class Selective:
    """Comes before verl's `ReplayBuffer` in the order of bases; `SelectiveReplay` is the two together. Knobs in `sampler_kwargs`:

    capacity: groups kept, the oldest go first (256). share: largest part of a batch's groups that may be replayed (0.5). alpha: exponent of the priority (1).
    max_age: steps until a group is too old (8). min_advantage: mean |A| above which a group has a signal (1e-6). seed: of the draws.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        knobs: Mapping[str, Any] = kwargs.get("sampler_kwargs") or {}
        defaults = {"capacity": 256, "share": 0.5, "alpha": 1.0, "max_age": 8, "min_advantage": 1e-6, "seed": 0}
        unknown = sorted(set(knobs) - set(defaults))
        if unknown:
            raise ConfigError(f"sampler_kwargs hold {', '.join(unknown)}; expected {', '.join(defaults)}. Leave out the others.")
        self.knobs = {**defaults, **{name: knobs[name] for name in knobs}}
        within("capacity", self.knobs["capacity"], 1)
        within("share", self.knobs["share"], 0.0, 1.0)
        finite("alpha", self.knobs["alpha"])
        within("max_age", self.knobs["max_age"], 1)
        finite("min_advantage", self.knobs["min_advantage"])
        self.kept: list[Kept] = []

    def sample(self: Any, global_steps: int, partition_id: str, batch_size: int) -> tuple[Any, dict[str, Any]]:
        """verl's batch, with replayed groups in the place of those without a signal."""
        batch, metrics = super().sample(global_steps, partition_id, batch_size)  # type: ignore[misc]
        if partition_id != "train":
            return batch, metrics
        import transfer_queue as tq

        uids = [key.split("_")[0] for key in batch.keys]
        scores = tq.kv_batch_get(keys=batch.keys, partition_id=partition_id, select_fields=["rm_scores"])["rm_scores"]
        worth = priorities(torch.tensor([float(row.sum()) for row in scores.unbind(0)], dtype=torch.float64), uids)
        idle = [uid for uid, size in worth.items() if size <= self.knobs["min_advantage"]]
        self.kept = [group for group in self.kept if global_steps - group.step <= self.knobs["max_age"]]
        rng = generator(NoiseKey(int(self.knobs["seed"]), "buffer", str(global_steps)))
        wanted = min(len(idle), int(self.knobs["share"] * len(worth) + 1e-9))
        replayed = drawn(self.kept, wanted, float(self.knobs["alpha"]), rng)
        fresh = [self._kept(tq, batch, uids, uid, size, global_steps) for uid, size in worth.items() if uid not in idle]
        self.kept = [*self.kept, *fresh][-int(self.knobs["capacity"]) :]
        keys, tags = _without(batch, uids, set(idle[: len(replayed)]))
        gone = [key for key in batch.keys if key not in set(keys)]
        if gone:
            tq.kv_clear(keys=gone, partition_id=partition_id)
        for group in replayed:
            uid = uuid4().hex
            names = [f"{uid}_{name}" for name in group.names]
            tq.kv_batch_put(keys=names, partition_id=partition_id, fields=renamed(group.fields, uid), tags=group.tags)
            keys, tags = [*keys, *names], [*tags, *group.tags]
        batch.keys, batch.tags = keys, tags
        ages = [global_steps - group.step for group in replayed]
        metrics = {
            **metrics,
            "training/buffer/effective": 1 - len(idle) / max(len(worth), 1),
            "training/buffer/trained": 1 - (len(idle) - len(replayed)) / max(len(worth), 1),
            "training/buffer/age": sum(ages) / len(ages) if ages else 0.0,
            "training/buffer/size": len(self.kept),
        }
        return batch, metrics

    def _kept(self: Any, tq: Any, batch: Any, uids: Sequence[str], uid: str, size: float, step: int) -> Kept:
        rows = [row for row, name in enumerate(uids) if name == uid]
        keys = [batch.keys[row] for row in rows]
        fields = tq.kv_batch_get(keys=keys, partition_id=batch.partition_id)
        return Kept([key[len(uid) + 1 :] for key in keys], [dict(batch.tags[row]) for row in rows], fields, step, size)


def _without(batch: Any, uids: Sequence[str], left_out: set[str]) -> tuple[list[str], list[dict[str, Any]]]:
    kept = [row for row, uid in enumerate(uids) if uid not in left_out]
    return [batch.keys[row] for row in kept], [batch.tags[row] for row in kept]


def renamed(fields: Any, uid: str) -> Any:
    """The same trajectories as a group of another name: verl groups by the field `uid`."""
    from tensordict import NonTensorStack

    copy = fields.clone(recurse=False)
    if "uid" in copy.keys():  # noqa: SIM118  a TensorDict
        copy["uid"] = NonTensorStack(*[uid] * len(copy))
    return copy


def __getattr__(name: str) -> Any:
    if name != "SelectiveReplay":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer

    return globals().setdefault(name, type(name, (Selective, ReplayBuffer), {"__module__": __name__, "__doc__": Selective.__doc__}))
