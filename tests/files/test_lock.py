"""One process a folder: who holds it is named, and a folder is free again when its owner is gone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from thinkwell.core.errors import RunFolderError
from thinkwell.files.lock import LOCK, locked

OWNER = "import sys, pathlib; from thinkwell.files.lock import locked; held = locked(pathlib.Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"


def test_a_held_folder_is_refused_with_its_owner_and_free_after_a_kill(tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    assert owner.stdout.readline() == "held\n"
    with pytest.raises(RunFolderError, match=f"in use by process {owner.pid}"):
        locked(tmp_path)
    owner.kill()
    owner.wait()
    file, fresh = locked(tmp_path)
    assert not fresh
    file.close()
    assert (tmp_path / LOCK).exists()
