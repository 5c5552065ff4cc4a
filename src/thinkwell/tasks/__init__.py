"""Benchmarks and their prompt presets. A task turns a data file (or the hub's copy) into problems with references; see `task.py`.

`TASKS.get("aime25").load(path)` gives the problems; `validate.validate(folder)` proves that their gold answers score 1 and junk scores 0.
"""

from __future__ import annotations

from thinkwell.core.registry import Registry
from thinkwell.tasks.task import Task

TASKS: Registry[Task] = Registry("task", "thinkwell.tasks", "thinkwell.tasks")
