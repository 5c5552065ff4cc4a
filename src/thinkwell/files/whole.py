"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path as FilePath

from thinkwell.core.errors import RunFolderError


@contextmanager
def drafted(file: FilePath) -> Iterator[FilePath]:
    """A path beside `file` to write to; it takes the file's place when the block ends, and is gone if the block fails. Raises `RunFolderError` if it cannot be written."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        yield draft
        draft.replace(file)
    except OSError as error:
        raise RunFolderError(f"cannot write {file}: {error.strerror or error}. Free space or give another place.") from None
    finally:
        draft.unlink(missing_ok=True)


def write_whole(file: FilePath, text: str) -> None:
    """Write a file so that no reader ever sees half of it. Raises `RunFolderError` if it cannot be written."""
    with drafted(file) as draft:
        draft.write_text(text, encoding="utf-8", errors="backslashreplace")
