"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path as FilePath

from thinkwell.core.errors import RunFolderError


def write_whole(file: FilePath, text: str) -> None:
    """Write a file so that no reader ever sees half of it. Raises `RunFolderError` if it cannot be written."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8", errors="backslashreplace")
        draft.replace(file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise RunFolderError(f"cannot write {file}: {error.strerror or error}. Free space or give another place.") from None
