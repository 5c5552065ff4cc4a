"""Tables and JSON on stdout."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thinkwell.core.errors import RunFolderError

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 160  # columns when stdout is no terminal: a table in a log must not fold


def console() -> Console:
    from rich.console import Console

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else PLAIN_WIDTH
    return Console(width=width, highlight=False, soft_wrap=False)


def print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def write_json(value: Any, file: Path | None) -> None:
    """JSON into `file`, or on stdout for `-`. None writes nothing."""
    if file is None:
        return
    if str(file) == "-":
        print_json(value)
        return
    try:
        file.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise _unwritable(file, error) from None


def check_writable(file: Path | None, option: str = "--json") -> None:
    """Refuse a file that cannot be written before the work is done, not after. option: what named it."""
    if file is None or str(file) == "-":
        return
    existed = file.exists()
    try:
        with file.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise _unwritable(file, error, option) from None
    if not existed:
        file.unlink()


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1, title: str | None = None) -> None:
    """A plain table; the first `left` columns are text, the others numbers."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left", title_style="bold", show_edge=False)
    for position, name in enumerate(columns):
        table.add_column(name, justify="left" if position < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console().print(table)


def _unwritable(file: Path, error: OSError, option: str = "--json") -> RunFolderError:
    return RunFolderError(
        f"cannot write {file}: {error.strerror or error}; expected a file in a folder that exists and can be written. Give another {option} FILE."
    )
