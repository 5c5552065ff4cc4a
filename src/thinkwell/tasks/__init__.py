"""Benchmarks and their prompt presets. A task turns a data file (or the hub's copy) into problems with references; see `task.py`.

`TASKS.get("aime25").load(path)` gives the problems; `validate.validate(folder)` proves that their gold answers score 1 and junk scores 0. Puzzles and games are tasks too;
`load("puzzles/sudoku", level="hard")` gives their endless stream of items with its verifier, see `puzzle.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thinkwell.core.registry import Registry
from thinkwell.tasks.task import Task

if TYPE_CHECKING:
    from thinkwell.tasks.puzzle import PuzzleTask

TASKS: Registry[Task] = Registry("task", "thinkwell.tasks", "thinkwell.tasks", folders=("puzzles", "games"))


def load(name: str, level: str = "easy", **how: Any) -> PuzzleTask:
    """A puzzle or game at a level: `.item(seed, i)`, `.verify(text, item)`. how: split, verifier and any knob, see `puzzle.load`."""
    from thinkwell.tasks import puzzle

    return puzzle.load(name, level, **how)
