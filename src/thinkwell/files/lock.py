"""One process a run folder: a lock that the system frees when its owner ends, by whatever means."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path as FilePath
from typing import IO

from thinkwell.core.errors import RunFolderError

LOCK = "run.lock"


def locked(folder: FilePath) -> tuple[IO[str], bool]:
    """The locked file, and whether it is new. Locking a file that was unlinked meanwhile would lock nobody out: then try again."""
    while True:
        fresh = not (folder / LOCK).exists()
        file = (folder / LOCK).open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            file.close()
            raise RunFolderError(
                f"{folder} is in use by process {owner}; expected one process a run folder. Wait for it, or give another --out."
            ) from None
        if (folder / LOCK).exists() and os.path.samestat(os.fstat(file.fileno()), (folder / LOCK).stat()):
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            return file, fresh
        file.close()
