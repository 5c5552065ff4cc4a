"""What all tests share: no network, one thread, the command line in the same process, real data, and how its absence is met."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # several workers share the machine
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["COLUMNS"] = "120"
os.environ["NO_COLOR"] = "1"
os.environ.pop("THINKWELL_DEBUG", None)

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import settings

settings.register_profile("thinkwell", deadline=None)  # wall time says nothing on shared cores
settings.load_profile("thinkwell")


SHARED = Path(__file__).resolve().parents[2] / "shared"


def lacking(what: str) -> NoReturn:
    """Skip the test, for want of something that only some machines have; in CI, which has it all, fail it."""
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(what)


@pytest.fixture(scope="session")
def traces() -> Path:
    """The folder of recorded samples, beside the checkout."""
    return _beside("traces", "recorded samples")


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of benchmark files, beside the checkout."""
    return _beside("data", "benchmark files")


def _beside(name: str, what: str) -> Path:
    folder = SHARED / name
    return folder if folder.is_dir() else lacking(f"no {what} at {folder}")


@dataclass(frozen=True)
class Ran:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """`cli("methods", "--json")` runs the command line in this process."""
    from thinkwell.cli import main

    def run(*argv: str) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in argv])
        out, err = capsys.readouterr()
        code = left.value.code
        return Ran(code if isinstance(code, int) else 0 if code is None else 1, out, err)

    return run
