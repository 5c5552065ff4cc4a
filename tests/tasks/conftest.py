"""Where the real data is, and how its absence is met."""

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared"


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of benchmark files; without it tests are skipped, but fail in CI."""
    folder = SHARED / "data"
    if not folder.is_dir():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"no benchmark files at {folder}")
    return folder
