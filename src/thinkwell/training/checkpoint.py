"""Checkpoints of a training run: everything that the next step depends on, written whole or not at all.

A checkpoint is a folder `checkpoints/step-000040` with one file. It is written beside its place and renamed when it is on the disk, so that a kill or a full disk leaves
the one before. The last two are kept.
"""

from __future__ import annotations

import os
import pickle
import random
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from thinkwell.core.errors import RunFolderError, ThinkwellError

KEPT = 2
STATE = "state.pt"


class CheckpointError(ThinkwellError):
    """A checkpoint that could not be written; says which one is whole."""


def save(folder: Path, step: int, state: Mapping[str, Any]) -> Path:
    """Write the checkpoint of a step (counted over the whole run) under `folder`/checkpoints. Raises `CheckpointError`."""
    home = folder / "checkpoints"
    place = home / f"step-{step:06d}"
    draft = home / f".writing-{step:06d}"
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        with (draft / STATE).open("wb") as file:
            torch.save({**state, "random": random_state()}, file)
            file.flush()
            os.fsync(file.fileno())
        shutil.rmtree(place, ignore_errors=True)
        draft.rename(place)
    except (OSError, RuntimeError) as error:  # torch's writer raises RuntimeError when the disk is full
        shutil.rmtree(draft, ignore_errors=True)
        whole = latest(folder)
        kept = f"the checkpoint {whole} is whole" if whole is not None else "there is no earlier checkpoint"
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error).splitlines()[0]
        raise CheckpointError(
            f"cannot write the checkpoint of step {step} to {place}: {reason}; {kept}. Free space, then go on with --resume."
        ) from error
    for old in found(folder)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return place


def found(folder: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    return sorted(place for place in (folder / "checkpoints").glob("step-*") if (place / STATE).is_file())


def latest(folder: Path) -> Path | None:
    places = found(folder)
    return places[-1] if places else None


def load(place: Path) -> dict[str, Any]:
    """What `save` was given; the states of the random generators are put back. Raises `RunFolderError` for a file that is none of ours."""
    try:
        state = torch.load(place / STATE, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise RunFolderError(
            f"{place / STATE} cannot be read: {str(error).splitlines()[0]}. Delete that folder to go on from the one before."
        ) from error
    if not isinstance(state, dict) or "random" not in state:
        raise RunFolderError(
            f"{place / STATE} is no checkpoint of a training run; expected what `thinkwell train` writes. Give another folder."
        )
    restore_random(state["random"])
    return state


def random_state() -> dict[str, Any]:
    """Of Python, numpy and torch, in plain types, so that a checkpoint is read without running anything in it."""
    name, keys, place, has_gauss, gauss = np.random.get_state(legacy=True)
    return {
        "python": random.getstate(),
        "numpy": (str(name), [int(k) for k in keys], int(place), int(has_gauss), float(gauss)),
        "torch": torch.get_rng_state(),
    }


def restore_random(state: Mapping[str, Any]) -> None:
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), *rest))
    torch.set_rng_state(state["torch"])
