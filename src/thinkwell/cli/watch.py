"""A training run while it goes on: a bar on a terminal, a line a step elsewhere, and the trackers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from thinkwell.training.curves import total_of
from thinkwell.training.record import EVALUATIONS, read_rows
from thinkwell.training.run_folder import FILE
from thinkwell.training.trackers import Tracker, open_tracker

if TYPE_CHECKING:
    from rich.progress import Progress

    from thinkwell.training.recipe import Recipe


class Watch:
    """The listener of a run: gets every step's row, and looks for evaluations that were recorded since. quiet: nothing goes to stdout.

    Of several processes (Accelerate) only the first one says anything and tracks.
    """

    def __init__(self, recipe: Recipe, folder: Path, track: Sequence[str] = (), *, quiet: bool = False) -> None:
        self.recipe, self.folder = recipe, folder
        first = os.environ.get("RANK", "0") == "0"
        self.quiet = quiet or not first
        self._kinds = list(track) if first else []
        self._trackers: list[Tracker] = []
        self._seen = -1  # step of the newest evaluation that was told
        self._total = 0
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        if not self.quiet:
            print(f"{self.recipe.name} ({self.recipe.paper}) in {self.folder}; curves: {self.folder / 'curves.html'}", flush=True)
        if not self.quiet and sys.stdout.isatty():
            self._bar = _bar()
            self._bar.start()
            self._job = self._bar.add_task("loading", total=None)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None and self._total:
            self._look()
        if self._bar is not None:
            self._bar.stop()
        for tracker in self._trackers:
            tracker.close()

    def __call__(self, row: Mapping[str, Any]) -> None:
        if not self._total:
            self._begin(row["step"])
        self._look(before=row["step"])
        for tracker in self._trackers:
            tracker.step(row)
        if self._bar is not None:
            self._total = max(self._total, row["step"])
            self._bar.update(self._job, completed=row["step"], total=self._total, description=described(row))
        elif not self.quiet:
            print(f"step {row['step']}/{max(self._total, row['step'])}  {described(row)}  {seconds(row['seconds'])}", flush=True)

    def _begin(self, step: int) -> None:
        """What the run was asked for is in its folder by now, and a page with the steps of all stages. A run that goes on has told the evaluations before this step already."""
        self._seen = -1 if step == 1 else step - 1
        facts = json.loads((self.folder / FILE).read_text(encoding="utf-8"))
        self._total = total_of(self.folder) or self.recipe.Config.parse(facts["knobs"], self.recipe.name).steps
        self._trackers = [open_tracker(kind, self.folder, facts) for kind in self._kinds]

    def _look(self, before: int | None = None) -> None:
        """Evaluations that came since; those of steps below `before`, for this step's own comes after it."""
        rows = read_rows(self.folder / EVALUATIONS)
        fresh = [row for row in rows if row["step"] > self._seen and (before is None or row["step"] < before)]
        self._seen = max([self._seen, *(row["step"] for row in fresh)])
        for row in fresh:
            for tracker in self._trackers:
                tracker.evaluation(row)
            if not self.quiet:
                line = f"step {row['step']}: held-out accuracy {share(row['accuracy'])}, tokens {whole(row['tokens'])} ({row['problems']} problems)"
                self._bar.console.print(line) if self._bar is not None else print(line, flush=True)


def described(row: Mapping[str, Any]) -> str:
    """A step in a line: what a person looks at first. A supervised step has no samples, so its loss stands for them."""
    if row.get("reward") is None:
        return f"{row['stage']}  loss {number(row.get('loss'))}"
    return f"reward {number(row['reward'])}  accuracy {share(row.get('accuracy'))}  tokens {whole(row.get('tokens'))}"


def share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def whole(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"


def _bar() -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(), transient=True
    )
