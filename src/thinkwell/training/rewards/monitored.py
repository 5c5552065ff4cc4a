"""LASER-D's and LASER-DE's reward with its monitoring set: problems that the policy answers every so often, from which the length targets are chosen again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError, DataError
from thinkwell.core.problem import Problem
from thinkwell.training.rewards.applied import graded
from thinkwell.training.rewards.laser_targets import Difficulty, LengthTargets
from thinkwell.training.sample import Rewarded, Rollouts
from thinkwell.training.stage import Probe


@dataclass
class Monitored:
    """function: `laser_d` or `laser_de`. problems: the monitoring set. flags: further (B,) flags that the function takes, made from the samples (`repetitive`).

    Not pure: `prepare` moves the targets, before the first step and then every `targets.every` steps; 0: never, and they stay at `targets.fixed`. Where the search
    finds no target, the longest response of the last training batch is one (the published code's fallback), before the first batch the context window.
    """

    function: Callable[..., Tensor]
    targets: LengthTargets
    problems: Sequence[Problem]
    knobs: Mapping[str, Any] = field(default_factory=dict)
    flags: Mapping[str, Callable[[Rollouts], Tensor]] = field(default_factory=dict)
    updated_at: int | None = field(init=False, default=None)  # the step before which the targets were last chosen
    longest: int | None = field(init=False, default=None)  # tokens, in the last training batch

    async def prepare(self, step: int, probe: Probe) -> None:
        """Samples the monitoring set if it is time to. Raises `DataError` if none of its responses could be graded."""
        due = self.targets.every > 0 and (self.updated_at is None or step >= self.updated_at + self.targets.every)
        if not due:
            return
        seen = await probe(self.problems, self.targets.rollouts)
        known = seen.where(seen.judged)
        if not len(known):
            raise DataError(
                f"none of the {len(seen)} responses to the monitoring set could be graded; expected a verdict. Look at why the grader fails."
            )
        self.targets.update(known.correct, known.lengths, known.group_ids, valid=known.valid, longest=self.longest)
        self.updated_at = step

    def __call__(self, batch: Rollouts, step: int) -> Rewarded:
        more = {name: flag(batch) for name, flag in self.flags.items()}
        values = self.function(
            graded(batch, self.function.__name__),
            batch.lengths,
            batch.group_ids,
            targets=self.targets,
            valid=batch.valid,
            **more,
            **self.knobs,
        )
        if len(batch):
            self.longest = max(int(batch.lengths.max()), 1)
        named = {f"target_{kind.name.lower()}": float(tokens) for kind, tokens in zip(Difficulty, self.targets.current, strict=True)}
        return Rewarded(values, {name: torch.full_like(values, tokens) for name, tokens in named.items()})

    def state_dict(self) -> dict[str, Any]:
        return {"targets": self.targets.state_dict(), "updated_at": self.updated_at, "longest": self.longest}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes up where `state_dict` was made. Raises `ConfigError` for a state that is not of this shape."""
        targets = state.get("targets")
        numbers = {name: state.get(name) for name in ("updated_at", "longest")}
        if not isinstance(targets, Mapping) or any(value is not None and not isinstance(value, int) for value in numbers.values()):
            raise ConfigError(
                f"the state of a monitoring set is {dict(state)!r}; expected targets, updated_at and longest. Load what state_dict gave."
            )
        self.targets.load_state_dict(targets)
        self.updated_at, self.longest = numbers["updated_at"], numbers["longest"]
