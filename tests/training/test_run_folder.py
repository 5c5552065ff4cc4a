"""The folder of a run belongs to one process; a run is begun, continued, or refused with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from thinkwell.core.errors import RunFolderError
from thinkwell.files.lock import LOCK
from thinkwell.training.run_folder import Asked, alone, forget, opened, read

ASKED = Asked("grpo", "lab", 0, {"steps": 4, "levels": (1, 2)})


def test_a_second_process_in_the_folder_is_refused_and_the_folder_is_free_afterwards(tmp_path: Path) -> None:
    with alone(tmp_path):
        assert (tmp_path / LOCK).exists()
        with pytest.raises(RunFolderError, match="in use by process"), alone(tmp_path):
            pass
    assert not (tmp_path / LOCK).exists()
    with alone(tmp_path):
        pass


def test_of_several_processes_of_one_run_only_the_first_holds_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    with alone(tmp_path):
        assert not (tmp_path / LOCK).exists()


def test_a_run_is_continued_with_its_own_knobs_and_with_more_steps(tmp_path: Path) -> None:
    opened(tmp_path, ASKED, resume=False)
    with pytest.raises(RunFolderError, match="holds a run of 'grpo' already"):
        opened(tmp_path, ASKED, resume=False)
    assert opened(tmp_path, Asked("grpo", "lab", 0, {"steps": 9}), resume=True).knobs == {"steps": 9, "levels": [1, 2]}
    assert read(tmp_path).knobs["steps"] == 9
    with pytest.raises(RunFolderError, match="holds a run of 'grpo', not of 'dapo'"):
        opened(tmp_path, Asked("dapo", "lab", 0, {}), resume=True)
    with pytest.raises(RunFolderError, match="levels="):
        opened(tmp_path, Asked("grpo", "lab", 0, {"levels": (3,)}), resume=True)


def test_what_a_run_that_never_began_made_is_taken_back_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    opened(folder, ASKED, resume=False)
    forget(folder)
    assert not folder.exists()
    opened(folder, ASKED, resume=False)
    (folder / "notes.txt").write_text("mine")
    forget(folder)
    assert [file.name for file in folder.iterdir()] == ["notes.txt"]


def test_a_run_goes_on_only_with_the_file_that_it_began_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, out = tmp_path / "rows.jsonl", tmp_path / "run"
    file.write_text("one\n")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cosine").write_text("named as a knob's value is, and nothing to learn from")
    asked = Asked("sft", "lab", 0, {"file": str(file), "decay": "cosine"}, data=str(file))
    opened(out, asked, resume=False)
    assert opened(out, asked, resume=True).files == {str(file): "2b93bf7282cb10ba"}
    assert opened(tmp_path / "drawn", ASKED, resume=False).files == {}
    file.write_text("two\n")
    with pytest.raises(RunFolderError, match=r"rows\.jsonl has changed since the run"):
        opened(out, asked, resume=True)
    file.unlink()
    with pytest.raises(RunFolderError, match=r"rows\.jsonl is gone"):
        opened(out, asked, resume=True)
