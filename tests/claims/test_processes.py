"""Runs in processes of their own: all of them are done, the first failure ends the rest, and none outlives who asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.claims import apart
from thinkwell.claims.processes import each_apart
from thinkwell.core.errors import ThinkwellError, UsageError

ASKER = """import sys, pathlib
from tests.claims.apart import held
from thinkwell.claims.processes import each_apart
list(each_apart(held, [pathlib.Path(place) for place in sys.argv[1:]], 2))
"""


def test_everything_is_done_once_in_other_processes(tmp_path: Path) -> None:
    wanted = [tmp_path / name for name in "abc"]
    assert sorted(each_apart(apart.written, wanted, 2)) == wanted
    by = {(tmp_path / f"{name}.by").read_text() for name in "abc"}
    assert str(os.getpid()) not in by
    assert len(by) <= 2


def test_the_first_failure_is_raised_with_its_message_and_ends_the_others(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown recipe 'grop'; did you mean 'grpo'"):
        list(each_apart(apart.refused, [tmp_path / "a", tmp_path / "b"], 2))  # a would wait for ever
    with pytest.raises(ThinkwellError, match="a broke") as raised:
        list(each_apart(apart.broken, [tmp_path / "a"], 1))
    assert not isinstance(raised.value, UsageError)


def test_no_process_outlives_an_asker_that_was_killed(tmp_path: Path) -> None:
    pipes = [tmp_path / "one", tmp_path / "two"]
    for pipe in pipes:
        os.mkfifo(pipe)
    root = Path(__file__).parents[2]
    asker = subprocess.Popen([sys.executable, "-c", ASKER, *map(str, pipes)], cwd=root)
    with pipes[0].open() as one, pipes[1].open() as two:
        assert int(one.readline()) != int(two.readline())
        asker.kill()
        asker.wait()
        assert one.read() == two.read() == ""  # both ends are closed: their processes are gone
