"""Small data files made by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from thinkwell.core.problem import Problem
from thinkwell.tasks import TASKS


def load(tmp_path: Path, task: str, *rows: Mapping[str, Any], name: str = "file.jsonl", **how: Any) -> list[Problem]:
    """The problems that `task` reads from a file of these rows."""
    path = tmp_path / name
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return TASKS.get(task).load(path, **how)
