"""The store of a run: one SQLite file in the run folder, one transaction a finished problem.

A row is keyed by the content it depends on, so running the same command again does what is missing and nothing else. `kill -9` at any moment loses at most the
problems in flight: a transaction is either in the write-ahead log or it never was. A lock on `run.lock` (with the owner's process id) keeps
a second process out; the kernel frees it when its owner dies, however it dies. Everything that can be refused is refused before the run starts, and a folder
made for a refused run is removed again.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from types import TracebackType
from typing import IO, Any, Self

from thinkwell.core.errors import RunFolderError
from thinkwell.core.problem import Problem
from thinkwell.files.lock import LOCK, locked
from thinkwell.runs.record import Record, Trace

DATABASE = "run.sqlite"
FORMAT = 1  # PRAGMA user_version; raised when the tables change
PROBE_BYTES = 1 << 20
MISSING = "(absent)"

TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE problems (id TEXT PRIMARY KEY, position INTEGER NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE walls (method TEXT PRIMARY KEY, seconds REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE records (
    key TEXT PRIMARY KEY, method TEXT NOT NULL, problem TEXT NOT NULL, sample INTEGER NOT NULL, failed INTEGER NOT NULL, value TEXT NOT NULL, trace BLOB NOT NULL
);
CREATE INDEX records_by_problem ON records (problem, method, sample);
"""


class Store:
    """The rows of one run folder. Open with `Store.create` to run, `Store.read` to look."""

    def __init__(self, folder: FilePath, database: sqlite3.Connection, lock: IO[str] | None) -> None:
        self.folder = folder
        self._database = database
        self._lock = lock

    @classmethod
    def create(cls, folder: FilePath, configuration: Mapping[str, Any], *, may_grow: Collection[str] = ()) -> Self:
        """Open a run folder for writing, making it if need be. Keys named in `may_grow` may differ from an earlier run's.

        Raises `RunFolderError` if the folder cannot be written, is full, is in use by a live process, or belongs to another configuration; nothing is left behind then.
        """
        made = [parent for parent in (folder, *folder.absolute().parents) if not parent.exists()]
        try:
            ensure_writable(folder)
            lock, fresh_lock = locked(folder)
        except BaseException:
            _remove_empty(made)
            raise
        fresh = not (folder / DATABASE).exists()
        try:
            database = _connected(folder, json.loads(json.dumps(configuration, default=str)), may_grow)
        except BaseException:
            if fresh:
                for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"):
                    (folder / name).unlink(missing_ok=True)
            if fresh_lock:
                (folder / LOCK).unlink(missing_ok=True)
            lock.close()
            _remove_empty(made)
            raise
        return cls(folder, database, lock)

    @classmethod
    def read(cls, folder: FilePath) -> Self:
        """Open a run folder for reading, also while it is being written. Raises `RunFolderError` if it is none."""
        file = folder / DATABASE
        if not file.is_file():
            raise RunFolderError(f"{folder} is no run folder: it has no {DATABASE}. Give the folder that `thinkwell compare --out` wrote.")
        for mode in ("mode=ro", "immutable=1"):  # a write-ahead log cannot be read on a read-only disk; a closed run has none
            database = sqlite3.connect(f"{file.absolute().as_uri()}?{mode}", uri=True, check_same_thread=False)
            try:
                _check_format(database, folder)
                return cls(folder, database, None)
            except sqlite3.OperationalError:
                database.close()
            except sqlite3.DatabaseError as error:
                database.close()
                raise RunFolderError(f"{file} is not a run of thinkwell ({error}); give another folder.") from None
        raise RunFolderError(f"{file} cannot be read; check its permissions.")

    def close(self) -> None:
        """Fold the log into the one file, so that it can be copied or read anywhere, and free the folder."""
        if self._lock is not None:
            with contextlib.suppress(sqlite3.Error):  # somebody is reading: the next run folds it
                self._database.execute("PRAGMA journal_mode=DELETE")
        self._database.close()
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # ---- writing ------------------------------------------------------------------------------------------------------------

    def save(self, record: Record, trace: Trace, walls: Mapping[str, float] | None = None) -> None:
        """Store one finished record in one transaction, with the wall seconds spent so far. A record of the same key is replaced."""
        blob = zlib.compress(
            json.dumps({"paths": trace.paths, "events": trace.events}, separators=(",", ":")).encode("utf-8", "surrogatepass"), 3
        )
        with self._transaction():
            self._database.execute(
                "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?, ?)",
                (record.key, record.method, record.problem, record.sample, record.failure is not None, record.to_json(), blob),
            )
            self._database.executemany("INSERT OR REPLACE INTO walls VALUES (?, ?)", (walls or {}).items())

    def save_problems(self, problems: Iterable[Problem]) -> None:
        with self._transaction():
            self._database.executemany(
                "INSERT OR REPLACE INTO problems VALUES (?, ?, ?)",
                [(p.id, position, json.dumps(problem_as_dict(p))) for position, p in enumerate(problems)],
            )

    def save_fact(self, name: str, value: Any) -> None:
        with self._transaction():
            self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value, sort_keys=True, default=str)))

    # ---- reading ------------------------------------------------------------------------------------------------------------

    def finished(self) -> set[str]:
        """Keys of the records that need not be computed again (a failed one is tried again)."""
        return {key for (key,) in self._database.execute("SELECT key FROM records WHERE NOT failed")}

    def records(self) -> list[Record]:
        return [Record.from_json(value) for (value,) in self._database.execute("SELECT value FROM records ORDER BY key")]

    def trace(self, key: str) -> Trace:
        row = self._database.execute("SELECT trace FROM records WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise RunFolderError(f"{self.folder} has no record {key!r}.")
        value = json.loads(zlib.decompress(row[0]))
        return Trace(value["paths"], value["events"])

    def problems(self) -> list[dict[str, Any]]:
        return [json.loads(value) for (value,) in self._database.execute("SELECT value FROM problems ORDER BY position, id")]

    def walls(self) -> dict[str, float]:
        return dict(self._database.execute("SELECT method, seconds FROM walls"))

    def fact(self, name: str, default: Any = None) -> Any:
        row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return default if row is None else json.loads(row[0])

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            with self._database:
                yield
        except sqlite3.Error as error:
            raise RunFolderError(
                f"{self.folder / DATABASE} cannot be written: {error}. What was finished is kept; mend the disk and run the same command again."
            ) from error


def problem_as_dict(problem: Problem) -> dict[str, Any]:
    return {
        "id": problem.id,
        "question": problem.question,
        "reference": problem.reference,
        "kind": problem.kind.value,
        "options": list(problem.options),
        "aliases": list(problem.aliases),
        "meta": dict(problem.meta),
    }


def ensure_writable(folder: FilePath) -> None:
    """Make `folder` and prove with a file of one megabyte that it can be written. Raises `RunFolderError`; the probe is removed."""
    if folder.exists() and not folder.is_dir():
        raise RunFolderError(f"{folder} is a file; expected a folder. Give another --out.")
    standing = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    if not standing.stat().st_mode & 0o222:  # root may write here all the same; somebody marked it read-only on purpose
        raise RunFolderError(f"{standing} is marked read-only; expected a folder that can be written. Give another --out or chmod it.")
    probe = folder / f".probe-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with probe.open("wb") as file:
                file.write(bytes(PROBE_BYTES))
                file.flush()
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        free = shutil.disk_usage(standing).free
        raise RunFolderError(
            f"cannot write to {folder}: {error.strerror or error} ({free / 1e6:.0f} MB free); expected a writable folder with room for a run. Free space or give another --out."
        ) from None


def _remove_empty(folders: Sequence[FilePath]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):  # not empty: somebody else's by now
            folder.rmdir()


def _connected(folder: FilePath, configuration: Mapping[str, Any], may_grow: Collection[str]) -> sqlite3.Connection:
    """The database, ready to be written. Whatever it was before is looked at before a byte of it is changed."""
    file = folder / DATABASE
    database = sqlite3.connect(file, check_same_thread=False, isolation_level="IMMEDIATE")
    try:
        if database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            _check_format(database, folder)
            _check_configuration(database, folder, configuration, may_grow)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")  # survives any kill; a power cut may take the last rows, never the file
        if not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            database.executescript(f"BEGIN IMMEDIATE; {TABLES} PRAGMA user_version={FORMAT}; COMMIT;")
        with database:
            database.execute("INSERT OR REPLACE INTO facts VALUES ('configuration', ?)", (json.dumps(configuration, sort_keys=True),))
    except sqlite3.DatabaseError as error:
        database.close()
        raise RunFolderError(f"{file} is not a run of thinkwell, or cannot be written ({error}); give another --out.") from None
    except BaseException:
        database.close()
        raise
    return database


def _check_format(database: sqlite3.Connection, folder: FilePath) -> None:
    found = database.execute("PRAGMA user_version").fetchone()[0]
    if found != FORMAT:
        raise RunFolderError(f"{folder} has run format {found}, this version of thinkwell reads {FORMAT}; give another --out.")


def _check_configuration(database: sqlite3.Connection, folder: FilePath, wanted: Mapping[str, Any], may_grow: Collection[str]) -> None:
    row = database.execute("SELECT value FROM facts WHERE name = 'configuration'").fetchone()
    if row is None:  # killed before it began
        return
    found = json.loads(row[0])
    differing = [
        key for key in sorted(wanted.keys() | found.keys()) if wanted.get(key, MISSING) != found.get(key, MISSING) and key not in may_grow
    ]
    if differing:
        shown = "; ".join(
            f"{key}: the folder has {_short(found.get(key, MISSING))}, you asked for {_short(wanted.get(key, MISSING))}"
            for key in differing
        )
        raise RunFolderError(
            f"{folder} belongs to a run of another configuration ({shown}). Give another --out, or the same settings to go on with it."
        )


def _short(value: Any, limit: int = 120) -> str:
    text = json.dumps(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
