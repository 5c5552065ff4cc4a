from __future__ import annotations

import sys
from pathlib import Path

import pytest

from thinkwell.core.method import METHODS

sys.path.insert(0, str(Path(__file__).parent))

from runs_world import METHODS_OF_THE_WORLD


@pytest.fixture(autouse=True)
def world_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy methods, registered for one test."""
    METHODS.names()
    for method in METHODS_OF_THE_WORLD:
        monkeypatch.setitem(METHODS._entries, method.name, method)
