"""Starting points for reinforcement learning: small models made from the policy, each with a property that a recipe needs.

`path(name)` is a folder in Hugging Face format. The package holds a start as its difference to the policy (`store`); the first call writes the folder into the
user's cache. `traces` says what each of them has learnt to write, `learn` makes them, `measure` says what they do.
"""

from __future__ import annotations

from pathlib import Path

from thinkwell.core.errors import ModelError, UnknownName
from thinkwell.lab.starts.traces import STARTS

BUNDLED = ("policy", "skills")


def names() -> tuple[str, ...]:
    """The starting points that this installation holds, the bundled models first; a build makes all of `traces.STARTS`."""
    return (*BUNDLED, *(name for name in STARTS if _file(name).exists()))


def _file(name: str) -> Path:
    from thinkwell.lab import artifacts

    return artifacts.FOLDER / "starts" / f"{name}.safetensors"


def path(name: str) -> Path:
    """Folder of a starting point, in Hugging Face format, float32.

    Raises `UnknownName` for a name that none has, `ModelError` for one that this installation does not hold, `FileNotFoundError` where the lab was not built, `OSError` where
    the cache cannot be written.
    """
    from thinkwell.lab import artifacts
    from thinkwell.lab.starts.store import unpacked

    if name in BUNDLED:
        return artifacts.path(name)
    if name not in STARTS:
        raise UnknownName("starting point", name, (*BUNDLED, *STARTS))
    if not _file(name).exists():
        raise ModelError(
            f"this installation does not hold the starting point {name!r}; expected one of {', '.join(names())}. `thinkwell lab build` makes it."
        )
    return unpacked(_file(name), artifacts.path("policy"))
