"""What a benchmark is to us: a name, a kind of answer, where its rows come from, and one function that turns a row into a problem.

Every file of this folder has the same shape: facts in the docstring, `Config` with the knobs (if any), `read(row, knobs, seed)`, `recognise(hint, row)`,
registration as the last lines.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from thinkwell.core.answer import AnswerKind
from thinkwell.core.config import Knobs
from thinkwell.core.errors import ConfigError, DataError, MissingExtra
from thinkwell.core.problem import Problem
from thinkwell.tasks.rows import Row, read_rows

Read = Callable[[Row, Any, int], Problem | None]
Recognise = Callable[[str, Row], bool]
Generate = Callable[[int, int, Any], Sequence[Problem]]


class NoKnobs(Knobs):
    """A task without knobs."""


@dataclass(frozen=True, slots=True)
class Hub:
    """A data set on the Hugging Face hub: id, configuration, split."""

    id: str
    split: str = "test"
    config: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One benchmark.

    read: row, knobs and seed to a problem, None to leave the row out; raises `DataError` for a row of another layout. recognise: does a file belong to
    this task, by its lower-case path and its first row? generate: (n, seed, knobs) -> problems, for tasks without a file. solution: the worked solution of a row, where
    the layout has one (its own answer must grade as correct). preset: name of the prompt used by default.
    """

    name: str
    kind: AnswerKind
    summary: str
    preset: str
    read: Read
    recognise: Recognise
    hub: Hub | None = None
    Config: type[Knobs] = NoKnobs
    generate: Generate | None = None
    solution: Callable[[Row], str | None] = lambda row: None

    @property
    def hub_id(self) -> str | None:
        return self.hub.id if self.hub else None

    def load(
        self,
        data: Path | str | None = None,
        *,
        seed: int = 0,
        limit: int | None = None,
        split: str | None = None,
        knobs: Mapping[str, Any] | None = None,
    ) -> list[Problem]:
        """The problems of `data`, or of the hub's copy, or generated; the first `limit` of them in file order (so two runs see the same ones).

        seed decides the order of options and generated problems. Raises `DataError` for a file that is missing, malformed or of another layout,
        `MissingExtra` if the hub is needed and its library is not there, `ConfigError` for a limit below 1, `UnknownName` for an unknown knob.
        """
        if limit is not None and limit < 1:
            raise ConfigError(f"limit={limit} leaves no problem to solve; give a limit of at least 1.")
        config = self.Config.parse(knobs or {}, self.name)
        if data is None and self.generate is not None:
            return list(self.generate(limit or 100, seed, config))
        rows = read_rows(Path(data)) if data is not None else self._hub_rows(split)
        problems: list[Problem] = []
        for row in rows:
            if limit is not None and len(problems) >= limit:
                break
            problem = self.read(row, config, seed)
            if problem is not None:
                problems.append(problem)
        if not problems:
            raise DataError(f"{data or self.hub_id} holds no problem of {self.name}; check that the file belongs to this task.")
        return unique(problems)

    def _hub_rows(self, split: str | None) -> list[Row]:
        if self.hub is None:
            raise DataError(f"{self.name} has no copy on the hub; give a file with --data FILE.")
        try:
            from datasets import load_dataset
        except ImportError:
            raise MissingExtra("datasets, needed to fetch a benchmark from the hub (--data FILE needs no library),", "data") from None
        part = split or self.hub.split
        try:
            table = load_dataset(self.hub.id, self.hub.config, split=part)
        except Exception as error:  # offline, gated, renamed: the library raises a different type for each
            reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise DataError(
                f"{self.hub.id} ({part}) could not be fetched from the hub: {reason}; give a local copy with --data FILE."
            ) from error
        return [Row(dict(record), f"{self.hub.id}, row {number}") for number, record in enumerate(table, 1)]


def problem_id(task: str, question: str) -> str:
    """Name of a problem: the task and a hash of its text, so that a problem keeps its name (and its noise) in any file, order or subset."""
    return f"{task}/{hashlib.blake2b(question.encode(), digest_size=6).hexdigest()}"


def unique(problems: Sequence[Problem]) -> list[Problem]:
    """The same problems, with ids told apart where the text is repeated."""
    seen: dict[str, int] = {}
    result = []
    for problem in problems:
        seen[problem.id] = seen.get(problem.id, 0) + 1
        count = seen[problem.id]
        result.append(problem if count == 1 else replace(problem, id=f"{problem.id}-{count}"))
    return result


QUESTION = ("problem", "question", "Problem", "Question", "meta.problem", "messages.0.content")
ANSWER = ("expected_answer", "answer", "Answer", "final_answer", "meta.answer", "meta.solution")
