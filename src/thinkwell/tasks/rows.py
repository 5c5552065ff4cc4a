"""Rows of a benchmark file, each knowing where it stands, so that an error can name the file and the line.

Read by content, not by name: JSON lines (also under the name .json), a JSON array, a JSON object with the rows under "examples", "data", "rows" or
"problems", CSV with a header; any of them gzipped. Parquet, as hubs keep data sets, with the extra `data`.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thinkwell.core.errors import DataError, MissingExtra

ROW_LISTS = ("examples", "data", "rows", "problems")
SUFFIXES = (".json", ".jsonl", ".csv", ".json.gz", ".jsonl.gz", ".csv.gz", ".parquet")
PARQUET = b"PAR1"  # how such a file begins


@dataclass(frozen=True, slots=True)
class Row:
    """One record. `where` reads "file.jsonl, line 3"; names may be dotted ("meta.answer"), and "messages.0.content" steps into lists."""

    fields: Mapping[str, Any]
    where: str

    def get(self, *names: str) -> Any:
        """The first of `names` that is there and is neither null nor an empty text, else None."""
        for name in names:
            value: Any = self.fields
            for step in name.split("."):
                if isinstance(value, Mapping):
                    value = value.get(step)
                elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
                    value = value[int(step)]
                else:
                    value = None
            if value is not None and value != "":
                return value
        return None

    def text(self, *names: str) -> str:
        """The first of `names` as a text. Raises `DataError` if none is there, or it is not a text or number."""
        value = self.get(*names)
        if value is None:
            raise self.error(f"has none of the fields {', '.join(names)}", f"fields found: {', '.join(map(str, self.fields)) or 'none'}")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.error(f"has a {type(value).__name__} in {names[0]!r}", "a text or a number is expected")
        return str(value).strip()

    def texts(self, *names: str) -> list[str]:
        """The first of `names` as a list of texts (one text is a list of one). Raises `DataError` if it is missing or holds anything else."""
        value = self.get(*names)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return [str(value).strip()]
        if not isinstance(value, list) or not all(isinstance(item, str | int | float) for item in value):
            raise self.error(f"has no list of texts in {' or '.join(map(repr, names))}", "check that the file belongs to this task")
        return [str(item).strip() for item in value]

    def error(self, wrong: str, hint: str) -> DataError:
        return DataError(f"{self.where} {wrong}; {hint}.")


def read_rows(path: Path) -> list[Row]:
    """All rows of a file.

    Raises `DataError` if it is missing, unreadable, empty, of an unknown layout, or malformed (naming the line), `MissingExtra` for Parquet without its library.
    """
    raw = _bytes(path)
    if raw[:4] == PARQUET:
        return _parquet(path, raw)
    text = _text(path, raw)
    if not text.strip():
        raise DataError(f"{path} is empty; give a JSON, JSON-lines or CSV file with one problem a row.")
    first = text.lstrip()[0]
    if first == "[":
        return _array(_json(path, text), path)
    if first == "{":
        return _objects(path, text)
    if path.name.removesuffix(".gz").endswith(".csv"):
        return _table(path, text)
    raise DataError(f"{path}, line 1 starts with {first!r}; JSON lines, a JSON array or a .csv file is expected.")


def _bytes(path: Path) -> bytes:
    if not path.exists():
        raise DataError(f"no file {path}; give the path of an existing data file.")
    if path.is_dir():
        raise DataError(f"{path} is a folder; give one data file in it.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}; check the file.") from None


def _text(path: Path, raw: bytes) -> str:
    try:
        return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataError(f"{path}, line {line} is not UTF-8 text; convert the file or give another one.") from None
    except (OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}; check the file.") from None


def _parquet(path: Path, raw: bytes) -> list[Row]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtra("pyarrow, needed for Parquet,", "data") from None
    try:
        records = pq.read_table(pa.BufferReader(raw)).to_pylist()
    except pa.ArrowException as error:
        raise DataError(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}; check the file.") from None
    if not records:
        raise DataError(f"{path} holds no rows; give a file with at least one problem.")
    return [Row(record, f"{path}, row {number}") for number, record in enumerate(records, 1)]


def _json(path: Path, text: str, line: int = 1) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}, line {line + error.lineno - 1}, column {error.colno}: {error.msg}; mend the JSON there.") from None
    except RecursionError:
        raise DataError(f"{path}, line {line} is nested too deeply to be a data row; check the file.") from None


def _array(items: Any, path: Path) -> list[Row]:
    rows = []
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            raise DataError(f"{path}, item {number} is a {type(item).__name__}; every item must be a JSON object.")
        rows.append(Row(item, f"{path}, item {number}"))
    if not rows:
        raise DataError(f"{path} holds no rows; give a file with at least one problem.")
    return rows


def _objects(path: Path, text: str) -> list[Row]:
    """JSON lines, or one object over the whole file."""
    head, _, rest = text.lstrip().partition("\n")
    whole = not rest.strip()
    try:
        json.loads(head)
    except json.JSONDecodeError:
        # A pretty-printed object starts with a line that is no JSON by itself. So does a file of lines with a broken first one: its next line starts a new object.
        whole = whole or not (".jsonl" in path.name or rest.startswith("{"))
    if whole:
        value = _json(path, text)
        for name in ROW_LISTS:
            if isinstance(value, dict) and isinstance(value.get(name), list):
                shared = {key: item for key, item in value.items() if key != name and isinstance(item, str)}
                return [Row({**shared, **row.fields}, row.where) for row in _array(value[name], path)]
        return [Row(value, f"{path}, line 1")]
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        value = _json(path, line, number)
        if not isinstance(value, dict):
            raise DataError(f"{path}, line {number} holds a {type(value).__name__}; every line must be a JSON object.")
        rows.append(Row(value, f"{path}, line {number}"))
    return rows


def _table(path: Path, text: str) -> list[Row]:
    csv.field_size_limit(1 << 24)
    reader = csv.DictReader(io.StringIO(text, newline=""))
    rows = []
    try:
        for record in reader:
            if None in record or None in record.values():
                raise DataError(f"{path}, line {reader.line_num} has not as many columns as the header; mend the row.")
            rows.append(Row(record, f"{path}, line {reader.line_num}"))
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}; mend the CSV there.") from None
    if not rows:
        raise DataError(f"{path} holds a header but no rows; give a file with at least one problem.")
    return rows
