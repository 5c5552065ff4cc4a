"""The selective sample buffer (SSB) of Skywork R1V2: samples that taught something are kept and replayed, the more the larger their advantage (arXiv 2504.16656, sec. 3.3).

    effective = rows of this step with |A| > min_advantage, and the groups that `signal` asks for
    wanted    = min(rows - effective, share of the rows)                  slots that would carry no gradient
    replayed  = wanted draws from earlier steps' rows, p_i ~ |A_i|^alpha
    trained   = effective + replayed;  then the effective rows are stored, first in first out

The paper says what is kept, and that draws go by |A|; the rest is a choice, as near as can be to the replay of VL-Rethinker (arXiv 2504.08837), which R1V2 names as its source:
there the buffer holds half a rollout batch, rows are drawn with replacement, alpha is 1. Here a step never drops what it has just learnt from, and its own rows are not drawn
twice. A replayed row keeps its advantage and the log-probs it was sampled with, so that the ratio of PPO corrects for the policy having moved on; its weight stays 1.
With a real-valued reward hardly any advantage is exactly zero: `signal="verdict"` asks for a group with right and wrong answers as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError
from thinkwell.core.noise import NoiseKey, generator
from thinkwell.training._conventions import expect, finite, one_of, within
from thinkwell.training.plain import plain_row, row_of
from thinkwell.training.sample import Row


@dataclass(frozen=True)
class Stored:
    """A row that may be replayed. step: when it was written; priority: mean |A| of its trained tokens."""

    row: Row
    step: int
    priority: float


class SelectiveBuffer:
    """capacity: rows kept; the oldest go first. share: largest part of a step's rows that may be replayed ones. alpha: exponent of the priority (0 draws evenly).

    max_age: steps until a row is too old to be replayed. max_lag: the same in optimiser steps between the policy that wrote the row and the newest one at hand; None: no
    limit. replacement: whether one row may be drawn twice in a step. temperature: of the rollouts; a row without old log-probs is given those of its engine, which are the
    policy's only at temperature 1. `metrics` is of the last call. Raises `ConfigError`.
    """

    def __init__(
        self,
        capacity: int = 64,
        *,
        share: float = 0.5,
        alpha: float = 1.0,
        min_advantage: float = 1e-6,
        max_age: int = 8,
        max_lag: int | None = None,
        signal: Literal["advantage", "verdict"] = "advantage",
        replacement: bool = True,
        temperature: float = 1.0,
        seed: int = 0,
    ) -> None:
        expect("capacity", capacity, capacity >= 1, "at least one row")
        within("share", share, 0.0, 1.0)
        finite("alpha", alpha)
        finite("min_advantage", min_advantage)
        expect("max_age", max_age, max_age >= 1, "at least one step")
        expect("max_lag", max_lag, max_lag is None or max_lag >= 0, "optimiser steps, at least 0, or None")
        one_of("signal", signal, ("advantage", "verdict"))
        finite("temperature", temperature, above=True)
        self.capacity, self.share, self.alpha, self.min_advantage = capacity, share, alpha, min_advantage
        self.max_age, self.max_lag, self.signal, self.replacement = max_age, max_lag, signal, replacement
        self.temperature, self.seed = temperature, seed
        self.metrics: dict[str, float] = {}
        self._stored: list[Stored] = []
        self._draws = 0  # names the noise of the next draw, so that a resumed run draws what the whole one would

    def __len__(self) -> int:
        return len(self._stored)

    def mix(self, rows: Sequence[Row], step: int) -> list[Row]:
        """What to train on: the step's own rows that carry a gradient, then replayed ones; at most as many as were given. Raises `ConfigError` for rows without log-probs."""
        fresh = [row for row in self._effective(rows) if priority(row) > self.min_advantage]
        newest = max((row.sample.version for row in rows), default=0)
        self._stored = [kept for kept in self._stored if self._young(kept, step, newest)]
        wanted = min(len(rows) - len(fresh), int(self.share * len(rows) + 1e-9))
        replayed = self._draw(wanted)
        ages = [step - kept.step for kept in replayed]
        self.metrics = {
            "buffer/effective": len(fresh) / len(rows) if rows else 0.0,
            "buffer/trained": (len(fresh) + len(replayed)) / len(rows) if rows else 0.0,
            "buffer/replayed": float(len(replayed)),
            "buffer/age": sum(ages) / len(ages) if ages else 0.0,
        }
        new = [Stored(self._with_logp(row), step, priority(row)) for row in fresh]
        self._stored = [*self._stored, *new][-self.capacity :]
        self.metrics["buffer/size"] = float(len(self._stored))
        return [*fresh, *(kept.row for kept in replayed)]

    def probabilities(self) -> Tensor:
        """(N,) of being drawn next, for the rows kept, oldest first: |A|^alpha / sum |A|^alpha."""
        weights = torch.tensor([kept.priority for kept in self._stored], dtype=torch.float64) ** self.alpha
        return weights / weights.sum()

    def state_dict(self) -> dict[str, Any]:
        rows = [{"row": plain_row(kept.row), "step": kept.step, "priority": kept.priority} for kept in self._stored]
        return {"rows": rows, "draws": self._draws}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._stored = [Stored(row_of(kept["row"]), kept["step"], kept["priority"]) for kept in state["rows"]][-self.capacity :]
        self._draws = state["draws"]

    def _effective(self, rows: Sequence[Row]) -> list[Row]:
        if self.signal == "advantage":
            return list(rows)
        verdicts: dict[str, set[bool]] = {}
        for row in rows:
            verdicts.setdefault(row.sample.group, set()).add(row.sample.correct)
        return [row for row in rows if len(verdicts[row.sample.group]) == 2]

    def _young(self, kept: Stored, step: int, newest: int) -> bool:
        return step - kept.step <= self.max_age and (self.max_lag is None or newest - kept.row.sample.version <= self.max_lag)

    def _draw(self, wanted: int) -> list[Stored]:
        count = wanted if self.replacement else min(wanted, len(self._stored))
        if not self._stored or count < 1:
            return []
        rng = generator(NoiseKey(self.seed, "buffer", str(self._draws)))
        self._draws += 1
        places = rng.choice(len(self._stored), size=count, replace=self.replacement, p=self.probabilities().numpy())
        return [self._stored[int(place)] for place in places]

    def _with_logp(self, row: Row) -> Row:
        """The row with the log-probs it was sampled with; computed later they would be those of a policy that has moved on, and the ratio always 1."""
        if row.old_logp is not None:
            return row
        logp = torch.tensor(row.sample.behaviour())
        if self.temperature != 1.0 or bool(logp[row.mask].isnan().any()):
            raise ConfigError(
                f"sample {row.sample.path.id} of {row.sample.group} has no log-probs of the policy that wrote it; expected them before it is stored, "
                f"for the engine's are of temperature 1 (here {self.temperature:g}) and of sampled tokens. Compute old_logp before the buffer."
            )
        return replace(row, old_logp=torch.where(row.mask, logp, torch.zeros_like(logp)))


def priority(row: Row) -> float:
    """|A| of a row: the mean over its trained tokens; 0 if it has none."""
    return float(row.advantage[row.mask].abs().mean()) if bool(row.mask.any()) else 0.0
