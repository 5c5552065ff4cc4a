"""A file is there whole, or as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from thinkwell.core.errors import RunFolderError
from thinkwell.files.whole import write_whole


def test_a_file_is_replaced_and_no_draft_is_left(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    write_whole(file, "one")
    write_whole(file, "two")
    assert file.read_text() == "two"
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]


def test_a_place_that_cannot_be_written_is_an_error_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="No such file or directory"):
        write_whole(tmp_path / "nowhere" / "a.txt", "one")
