"""What other processes are asked to do in `test_processes.py`: they must find it in a module."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from thinkwell.core.errors import ThinkwellError, UnknownName


def written(place: Path) -> None:
    (place.parent / f"{place.name}.by").write_text(str(os.getpid()))


def refused(place: Path) -> None:
    if place.name == "b":
        raise UnknownName("recipe", "grop", ["grpo"])
    signal.pause()


def broken(place: Path) -> None:
    raise ThinkwellError(f"{place.name} broke")


def held(place: Path) -> None:
    """Writes its number into a pipe with a name and holds that open until it is ended."""
    with place.open("w") as pipe:
        print(os.getpid(), file=pipe, flush=True)
        signal.pause()
