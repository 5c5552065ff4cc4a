"""The folder of a training run: what was asked for, and whether a command may go on in it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from thinkwell.core.errors import RunFolderError
from thinkwell.files.lock import LOCK, locked

FILE = "run.json"
LIBRARIES = ("thinkwell", "torch", "transformers", "accelerate")


@dataclass(frozen=True)
class Asked:
    """What a run was asked for: all that its numbers depend on."""

    recipe: str
    model: str
    seed: int
    knobs: dict[str, Any]
    task: str | None = None
    data: str | None = None
    on_reward_error: str = "stop"
    eval_every: int = 10
    eval_problems: int = 64
    versions: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    """Digests of the files that are learnt from (`digests`)."""


def opened(out: Path, asked: Asked, *, resume: bool, on_reward_error: str | None = None) -> Asked:
    """What the run in this folder is asked for: as given for a new one; with `resume` what the folder says, with new `steps` if they are given
    and `on_reward_error` if it is given.

    Raises `RunFolderError` for a folder that holds a run and no `resume`, holds none and `resume`, another recipe's run, knobs other than the folder's,
    or a file to learn from that is no longer what it was.
    """
    file = out / FILE
    if not resume:
        if file.exists():
            raise RunFolderError(
                f"{out} holds a run of {read(out).recipe!r} already; expected a new folder. Go on with --resume, or give another --out."
            )
        try:
            out.mkdir(parents=True, exist_ok=True)
            asked = replace(asked, versions={name: version(name) for name in LIBRARIES}, files=digests(asked))
            file.write_text(json.dumps(asdict(asked), indent=1) + "\n")
        except OSError as error:
            raise RunFolderError(
                f"cannot write in {out}: {error.strerror or error}. Give a folder that can be written with --out."
            ) from None
        return asked
    if not file.exists():
        raise RunFolderError(
            f"{out} holds no training run to go on with; expected {FILE}. Leave --resume out to begin one, or give its folder."
        )
    held = read(out)
    if held.recipe != asked.recipe:
        raise RunFolderError(
            f"{out} holds a run of {held.recipe!r}, not of {asked.recipe!r}; expected the same recipe. Name that one, or give another --out."
        )
    given: dict[str, Any] = json.loads(json.dumps(asked.knobs))  # as the file has them: tuples are lists there
    odd = [name for name, value in given.items() if name != "steps" and held.knobs.get(name) != value]
    if odd:
        raise RunFolderError(
            f"{out} holds a run with {odd[0]}={held.knobs.get(odd[0])!r}, not {asked.knobs[odd[0]]!r}; a run goes on with its own knobs (only steps may change). "
            "Leave the knob out, or give another --out."
        )
    if asked.model != "lab" and asked.model != held.model:
        raise RunFolderError(
            f"{out} holds a run from model {held.model!r}, not {asked.model!r}; expected the same. Leave --model out, or give another --out."
        )
    found = digests(held)
    changed = [name for name, digest in held.files.items() if found.get(name) != digest]
    if changed:
        raise RunFolderError(
            f"{changed[0]} {'has changed' if changed[0] in found else 'is gone'} since the run in {out} began; expected the file as it was then. "
            "Put the file back, or begin a new run with another --out."
        )
    going = replace(held, knobs={**held.knobs, **given}, on_reward_error=on_reward_error or held.on_reward_error)
    if going != held:
        file.write_text(json.dumps(asdict(going), indent=1) + "\n")
    return going


def digests(asked: Asked) -> dict[str, str]:
    """Name -> digest of every file that is learnt from and is there: that of `data`, and those that the recipe's knobs name."""
    from thinkwell.training.recipe import RECIPES

    named = [asked.data, *(asked.knobs.get(knob) for knob in RECIPES.get(asked.recipe).Config.reads)]
    found = {}
    for name in named:
        if name and Path(name).is_file():
            with Path(name).open("rb") as file:
                found[name] = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).hexdigest()
    return found


@contextlib.contextmanager
def alone(out: Path) -> Iterator[None]:
    """This run's processes are the only ones in the folder; the first of them holds its lock. Raises `RunFolderError` where another process is in it."""
    if os.environ.get("RANK", "0") != "0":
        yield
        return
    lock, _ = locked(out)
    try:
        yield
    finally:
        (out / LOCK).unlink(missing_ok=True)
        lock.close()


def forget(out: Path) -> None:
    """Takes back what `opened` and `alone` made for a new run; whatever else is in the folder stays."""
    for name in (FILE, LOCK):
        (out / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not empty
        out.rmdir()


def read(out: Path) -> Asked:
    """Raises `RunFolderError` for a file that is not what `opened` writes."""
    try:
        held: Mapping[str, Any] = json.loads((out / FILE).read_text())
        return Asked(**held)
    except (OSError, ValueError, TypeError) as error:
        raise RunFolderError(
            f"{out / FILE} cannot be read ({error}); expected what `thinkwell train` writes. Give another folder."
        ) from None
