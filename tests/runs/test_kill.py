"""kill -9 in the middle of a comparison, again and again, loses nothing that was finished and changes nothing in the table."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from thinkwell.runs.store import Store

PROGRAM = Path(__file__).with_name("killed_run.py")


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, str(PROGRAM), str(folder)], stdout=subprocess.PIPE, text=True)


def rows(text: str) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != "seconds"} for row in json.loads(text)["rows"]]


def stored(folder: Path) -> int:
    if not (folder / "run.sqlite").exists() or not (folder / "run.sqlite").stat().st_size:
        return 0
    try:
        with Store.read(folder) as store:
            return len(store.finished())
    except Exception:  # noqa: BLE001  # killed before its tables were there
        return 0


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_runs_end_in_the_table_of_an_undisturbed_one(tmp_path: Path, kills: int) -> None:
    undisturbed, _ = start(tmp_path / "undisturbed").communicate(timeout=300)
    rng = random.Random(kills)
    folder = tmp_path / "killed"
    grew = 0
    for _ in range(kills):
        before = stored(folder)
        child = start(folder)
        goal = before + rng.randrange(1, 12)
        deadline = time.monotonic() + 60
        while child.poll() is None and stored(folder) < goal and time.monotonic() < deadline:
            time.sleep(rng.uniform(0.002, 0.03))
        child.send_signal(signal.SIGKILL)
        child.wait()
        after = stored(folder)
        assert after >= before  # nothing that was finished is lost
        grew += after > before
    assert grew >= kills // 2
    finished, _ = start(folder).communicate(timeout=300)
    assert rows(finished) == rows(undisturbed)
    assert stored(folder) == 180
