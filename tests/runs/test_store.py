from __future__ import annotations

import multiprocessing
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from thinkwell.core.answer import VerdictValue
from thinkwell.core.errors import RunFolderError
from thinkwell.core.problem import Problem
from thinkwell.files.whole import write_whole
from thinkwell.runs import store as store_module
from thinkwell.runs.record import Candidate, Record, Trace
from thinkwell.runs.store import Store

SETTINGS = {"seed": 0, "budget": {"tokens": 100}}


def record(key: str = "k", **knobs: Any) -> Record:
    values: dict[str, Any] = {
        "key": key, "method": "one", "problem": "p0", "sample": 0, "seed": 0, "answer": "3", "verdict": VerdictValue.CORRECT, "stage": "integer", "score": 1.0,
        "usage": {"generated_tokens": 7, "seconds": 0.5}, "candidates": (Candidate("0", "3", "3", VerdictValue.CORRECT, "eos", 0.25),),
    }  # fmt: skip
    return Record(**{**values, **knobs})


def left_behind(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def test_records_and_traces_come_back_as_they_were(tmp_path: Path) -> None:
    trace = Trace([{"id": "0", "text": "hostile </script> \ud800 \x00 text"}], [{"kind": "note", "text": "é"}])
    with Store.create(tmp_path, SETTINGS) as store:
        store.save(record(), trace, {"one": 1.5})
        store.save_problems([Problem("b", "second?", "2"), Problem("a", "first?", "1", meta={"level": 3})])
        store.save_fact("command", ["thinkwell", "compare"])
    with Store.read(tmp_path) as store:
        assert store.records() == [record()]
        assert store.trace("k") == trace
        assert store.walls() == {"one": 1.5}
        assert [p["id"] for p in store.problems()] == ["b", "a"]
        assert store.fact("command") == ["thinkwell", "compare"]
    assert left_behind(tmp_path) == ["run.lock", "run.sqlite"]  # the log was folded in


def test_failed_records_are_not_finished(tmp_path: Path) -> None:
    with Store.create(tmp_path, SETTINGS) as store:
        store.save(record("good"), Trace([], []))
        store.save(record("bad", failure="RuntimeError: no"), Trace([], []))
        assert store.finished() == {"good"}


def test_a_record_of_the_same_key_is_replaced(tmp_path: Path) -> None:
    with Store.create(tmp_path, SETTINGS) as store:
        store.save(record(failure="no"), Trace([], []))
        store.save(record(), Trace([], []))
        assert store.records() == [record()]


def test_another_configuration_is_refused_naming_the_differing_keys(tmp_path: Path) -> None:
    Store.create(tmp_path, SETTINGS).close()
    with pytest.raises(RunFolderError, match=r"new: the folder has .\(absent\).*seed: the folder has 0, you asked for 1") as caught:
        Store.create(tmp_path, {**SETTINGS, "seed": 1, "new": 2}).close()
    assert "budget" not in str(caught.value)
    Store.create(tmp_path, SETTINGS).close()  # the folder is not spoilt or locked by the refusal


def test_two_processes_on_one_folder_the_second_is_refused_with_the_pid(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from thinkwell.runs.store import Store; "
        "store = Store.create(Path(sys.argv[1]), {'seed': 0}); print('up', flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout
    assert child.stdin
    assert child.stdout.readline() == "up\n"
    with pytest.raises(RunFolderError, match=f"in use by process {child.pid}"):
        Store.create(tmp_path, {"seed": 0})
    child.kill()
    child.wait()
    Store.create(tmp_path, {"seed": 0}).close()  # freed by the kernel, whatever killed its owner


def test_one_process_cannot_open_a_folder_twice_either(tmp_path: Path) -> None:
    with Store.create(tmp_path, SETTINGS), pytest.raises(RunFolderError, match=f"in use by process {os.getpid()}"):
        Store.create(tmp_path, SETTINGS)


def test_a_folder_marked_read_only_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(RunFolderError, match="read-only"):
            Store.create(tmp_path / "deep" / "run", SETTINGS)
        assert left_behind(tmp_path) == []
    finally:
        tmp_path.chmod(0o755)


def test_an_unwritable_place_is_refused() -> None:
    with pytest.raises(RunFolderError, match=r"cannot write to|read-only"):
        Store.create(Path("/proc/self/nowhere/run"), SETTINGS)


def create_with_limit(folder: Path, size: int, queue: Any) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    try:
        Store.create(folder, SETTINGS)
        queue.put("made")
    except RunFolderError as error:
        queue.put(str(error))


@pytest.mark.parametrize("size", [0, 1000, 500_000])
def test_a_full_disk_is_refused_before_the_run_and_nothing_is_left(tmp_path: Path, size: int) -> None:
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=create_with_limit, args=(tmp_path / "a" / "run", size, queue))
    child.start()
    assert "cannot write" in queue.get(timeout=120)
    child.join()
    assert left_behind(tmp_path) == []


def test_a_disk_that_fills_up_in_the_middle_keeps_what_is_done(tmp_path: Path) -> None:
    with Store.create(tmp_path, SETTINGS) as store:
        store.save(record("a"), Trace([], []))
        store._database.execute("PRAGMA max_page_count=1")  # sqlite's own "disk is full"
        with pytest.raises(RunFolderError, match=r"is full.*run the same command again"):
            store.save(record("b"), Trace([{"text": os.urandom(40_000).hex()}], []))
    with Store.read(tmp_path) as store:
        assert "a" in store.finished()


def test_a_run_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunFolderError, match="is a file"):
        Store.create(tmp_path / "file", SETTINGS)


def test_a_foreign_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run.sqlite").write_text("this is no database, but long enough to be looked at as one" * 20)
    before = (tmp_path / "run.sqlite").read_bytes()
    for open_ in (lambda: Store.create(tmp_path, SETTINGS), lambda: Store.read(tmp_path)):
        with pytest.raises(RunFolderError, match="not a run of thinkwell"):
            open_()
    assert (tmp_path / "run.sqlite").read_bytes() == before


def test_a_run_of_another_format_is_refused(tmp_path: Path) -> None:
    Store.create(tmp_path, SETTINGS).close()
    database = sqlite3.connect(tmp_path / "run.sqlite")
    database.execute(f"PRAGMA user_version={store_module.FORMAT + 1}")
    database.close()
    with pytest.raises(RunFolderError, match="run format"):
        Store.create(tmp_path, SETTINGS)
    with pytest.raises(RunFolderError, match="run format"):
        Store.read(tmp_path)


def test_reading_a_folder_that_is_no_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="no run folder"):
        Store.read(tmp_path)
    assert left_behind(tmp_path) == []


def test_a_run_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    with Store.create(tmp_path, SETTINGS) as store:
        store.save(record(), Trace([], []))
        with Store.read(tmp_path) as reader:
            assert reader.finished() == {"k"}


def test_a_half_made_database_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "run.sqlite").touch()  # killed between open and the first transaction
    with Store.create(tmp_path, SETTINGS) as store:
        assert store.finished() == set()


def test_files_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    write_whole(file, "old")
    with pytest.raises(RunFolderError, match="cannot write"):
        write_whole(tmp_path / "missing" / "out.json", "new")
    write_whole(file, "new")
    assert file.read_text() == "new"
    assert left_behind(tmp_path) == ["out.json"]
