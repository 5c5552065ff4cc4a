"""Starting points for reinforcement learning: small models made from the policy, each with a property that a recipe needs.

`path(name)` is a folder in Hugging Face format. The package holds a start as its difference to the policy (`store`); the first call writes the folder into the
user's cache. `traces` says what each of them has learnt to write, `learn` makes them, `measure` says what they do.
"""

from __future__ import annotations

from pathlib import Path

from thinkwell.core.errors import UnknownName
from thinkwell.lab.starts.traces import STARTS

BUNDLED = ("policy", "skills")


def names() -> tuple[str, ...]:
    """All starting points, the bundled models first."""
    return (*BUNDLED, *STARTS)


def path(name: str) -> Path:
    """Folder of a starting point, in Hugging Face format, float32.

    Raises `UnknownName` for a name that none has, `FileNotFoundError` where the lab was not built, `OSError` where the cache cannot be written.
    """
    from thinkwell.lab import artifacts
    from thinkwell.lab.starts.store import unpacked

    if name in BUNDLED:
        return artifacts.path(name)
    if name not in STARTS:
        raise UnknownName("starting point", name, names())
    file = artifacts.FOLDER / "starts" / f"{name}.safetensors"
    if not file.exists():
        raise FileNotFoundError(f"{file} is missing; expected the weights of a starting point; run `thinkwell lab build`")
    return unpacked(file, artifacts.path("policy"))
