"""Weights & Biases and TensorBoard as listeners of a run. Neither is needed: a run records itself (`record.py`); these copy its numbers to where a team looks.

A tracker is loaded only when asked for. A run that goes on after a stop goes on in the same place.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from thinkwell.core.errors import MissingExtra, UnknownName, UsageError

HELD_OUT = "held-out/"  # before the names of an evaluation's numbers
PROJECT = "thinkwell"


class Tracker(Protocol):
    """Copies rows of the record."""

    def step(self, row: Mapping[str, Any]) -> None: ...

    def evaluation(self, row: Mapping[str, Any]) -> None: ...

    def close(self) -> None: ...


class MissingTracker(MissingExtra):
    """A tracker whose package is not installed. It is in no extra of ours, so the message names the package itself."""

    def __init__(self, what: str, package: str) -> None:
        UsageError.__init__(
            self, f"{what} is not installed; expected the package {package!r}. Run pip install {package}, or leave --track out."
        )


def numbers(row: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """What can be drawn: every number but the step, under its name."""
    return {
        f"{prefix}{name}": float(value)
        for name, value in row.items()
        if name != "step" and isinstance(value, int | float) and not isinstance(value, bool)
    }


class Wandb:
    """A run of Weights & Biases. Its own count of steps would refuse steps that a resumed run repeats, so ours is a number like the others."""

    def __init__(self, folder: Path, facts: Mapping[str, Any]) -> None:
        wandb = check("wandb")
        place = str(folder.resolve())
        self._run = wandb.init(
            project=PROJECT,
            name=f"{facts.get('recipe', folder.name)}-{facts.get('seed', 0)}",
            id=hashlib.sha256(place.encode()).hexdigest()[:16],  # of the folder, so that a resumed run is the same run
            resume="allow",
            dir=place,
            config=dict(facts),
        )
        self._run.define_metric("*", step_metric="step")

    def step(self, row: Mapping[str, Any]) -> None:
        self._run.log({**numbers(row), "step": row["step"]})

    def evaluation(self, row: Mapping[str, Any]) -> None:
        self._run.log({**numbers(row, HELD_OUT), "step": row["step"]})

    def close(self) -> None:
        self._run.finish()


class TensorBoard:
    """Event files in the run's folder `tensorboard`, which `tensorboard --logdir` shows."""

    def __init__(self, folder: Path, facts: Mapping[str, Any]) -> None:
        self._writer = check("tensorboard").SummaryWriter(str(folder / "tensorboard"))
        self._writer.add_text("run", "\n".join(f"    {name}: {value}" for name, value in facts.items()))

    def step(self, row: Mapping[str, Any]) -> None:
        self._add(numbers(row), int(row["step"]))

    def evaluation(self, row: Mapping[str, Any]) -> None:
        self._add(numbers(row, HELD_OUT), int(row["step"]))

    def close(self) -> None:
        self._writer.close()

    def _add(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)


KINDS: Mapping[str, type[Wandb] | type[TensorBoard]] = {"wandb": Wandb, "tensorboard": TensorBoard}


NAMES = {"wandb": ("Weights & Biases", "wandb"), "tensorboard": ("TensorBoard", "torch.utils.tensorboard")}


def check(kind: str) -> Any:
    """The library of a tracker. Raises `UnknownName` or `MissingExtra` for one that cannot be had, so that a run can be refused before it begins."""
    if kind not in NAMES:
        raise UnknownName("tracker", kind, NAMES)
    what, module = NAMES[kind]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingTracker(what, kind) from error


def open_tracker(kind: str, folder: Path, facts: Mapping[str, Any]) -> Tracker:
    """facts: what the run was asked for, kept beside its numbers. Raises as `check` does."""
    check(kind)
    return KINDS[kind](folder, facts)
