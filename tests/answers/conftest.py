"""Where the real data is, and how its absence is met."""

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared"


@pytest.fixture(scope="session")
def traces() -> Path:
    """The folder of recorded samples; without it tests are skipped, but fail in CI."""
    folder = SHARED / "traces"
    if not folder.is_dir():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"no recorded samples at {folder}")
    return folder
