"""Items of several puzzles in one stream, by weight, and files of items: written, read, and checked for items that two files share."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypedDict

from thinkwell.core.errors import ConfigError, DataError, MissingExtra, UnknownName
from thinkwell.core.rules import RULES
from thinkwell.files.whole import drafted
from thinkwell.tasks.puzzle import CATEGORIES, LEVEL_NAMES, Item, PuzzleTask, Split, load
from thinkwell.tasks.rows import read_rows

CHUNK = 64  # items that a worker makes at a time


def category_of(name: str) -> str:
    """The category of a puzzle, from the folder of its file where it has one, so that nothing is imported."""
    home = RULES.home(name)
    folders = home.split(".")[2:-1] if home else []
    return folders[-1] if folders else str(getattr(RULES.get(name), "category", ""))


@dataclass(frozen=True)
class Mix:
    """weights: categories and names of puzzles with their shares; a category shares its weight evenly among its puzzles. Empty: all puzzles, evenly. ratio: easy : medium : hard.

    Item j is a pure function of (the mix, seed, j). Raises `ConfigError` and `UnknownName`.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    ratio: tuple[float, ...] = (1.0, 1.0, 1.0)
    split: Split = "train"

    def __post_init__(self) -> None:
        for name, weight in self.weights.items():
            if name not in CATEGORIES and name not in RULES.names():
                raise UnknownName("puzzle or category", name, [*CATEGORIES, *RULES.names()])
            if not 0 <= weight < float("inf"):
                raise ConfigError(f"the weight {name}={weight} is out of range; expected a number of at least 0. Give another.")
        if self.weights and not sum(self.weights.values()) > 0:
            raise ConfigError("all weights are 0; expected one above 0. Raise one.")
        if len(self.ratio) != len(LEVEL_NAMES) or min(self.ratio) < 0 or not 0 < sum(self.ratio) < float("inf"):
            raise ConfigError(
                f"levels {self.ratio} are no ratio; expected three numbers of at least 0, easy:medium:hard, one above 0. For example 1:1:1."
            )

    @cached_property
    def _shares(self) -> dict[str, float]:
        shares: dict[str, float] = {}
        for name, weight in (self.weights or {"": 1.0}).items():
            inside = [name] if name in RULES.names() else [one for one in RULES.names() if not name or category_of(one) == name]
            if not inside:
                raise ConfigError(f"category {name!r} has no puzzle; expected one that has. `thinkwell tasks list` shows them.")
            for one in inside:
                shares[one] = shares.get(one, 0.0) + weight / len(inside)
        return shares

    @cached_property
    def _tasks(self) -> dict[tuple[str, str], PuzzleTask]:
        return {}

    def item(self, seed: int, j: int) -> Item:
        rng = random.Random(f"mix/{seed}/{j}")
        name = rng.choices(list(self._shares), list(self._shares.values()))[0]
        level = rng.choices(LEVEL_NAMES, self.ratio)[0]
        if (name, level) not in self._tasks:
            self._tasks[name, level] = load(name, level, split=self.split)
        return self._tasks[name, level].item(seed, j)

    def items(self, seed: int, n: int, workers: int = 1) -> Iterator[Item]:
        """The first n items, in order, whatever the number of worker processes."""
        if workers <= 1:
            yield from (self.item(seed, j) for j in range(n))
            return
        with ProcessPoolExecutor(workers) as pool:
            yield from pool.map(partial(self.item, seed), range(n), chunksize=CHUNK)


def weights_of(text: str | None) -> dict[str, float]:
    """ "grid=2,puzzles/maze=1" as weights; a name alone weighs 1. A puzzle may be named without its folder. Raises `ConfigError`."""
    short = {name.rpartition("/")[2]: name for name in RULES.names()}
    weights: dict[str, float] = {}
    for part in (text or "").replace(",", " ").split():
        given, _, weight = part.partition("=")
        name = given if given in CATEGORIES else short.get(given, given)
        if name in weights:
            raise ConfigError(f"{text!r} names {name} twice; expected each name once. Add the weights up.")
        weights[name] = _number(weight or "1", part)
    return weights


def numbers_of(text: str) -> tuple[float, ...]:
    """ "1:2:1" as numbers. Raises `ConfigError`."""
    return tuple(_number(part, text) for part in text.split(":"))


def _number(text: str, whole: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(
            f"{text!r} in {whole!r} is no number; expected name=weight,... or easy:medium:hard. For example grid=2,logic=1 or 1:1:1."
        ) from None


def write_items(items: Iterable[Item], file: Path) -> int:
    """Write items, one a line as JSON, or as Parquet if the file's name ends so (`meta` is JSON text there). Returns how many. The file is there when all of it is.

    Raises `DataError` for another suffix, `RunFolderError` for a place that cannot be written, and `MissingExtra` if Parquet's library is not there.
    """
    if file.suffix not in (".jsonl", ".parquet"):
        raise DataError(f"{file} has no suffix that says how to write it; expected .jsonl or .parquet. Rename it.")
    with drafted(file) as draft:
        return _write_parquet(items, draft) if file.suffix == ".parquet" else _write_lines(items, draft)


def _write_lines(items: Iterable[Item], file: Path) -> int:
    count = 0
    with file.open("w", encoding="utf-8") as out:
        for item in items:
            out.write(json.dumps(item.as_dict(), ensure_ascii=False) + "\n")
            count += 1
    return count


def _write_parquet(items: Iterable[Item], file: Path) -> int:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtra("pyarrow, needed for Parquet,", "data") from None
    rows = [{**item.as_dict(), "meta": json.dumps(item.meta, ensure_ascii=False)} for item in items]
    pq.write_table(pa.Table.from_pylist(rows), file)
    return len(rows)


class Leak(TypedDict):
    """One item of the second file that is in the first too; lines count from 1."""

    task: str
    id: str
    place: str
    first: str


def leaks(first: Path, second: Path) -> list[Leak]:
    """Items of `second` that are in `first`, by their canonical form, so another wording does not hide one. Raises `DataError`."""
    seen: dict[tuple[str, str], str] = {}
    for key, _, where in _keys(first):
        seen.setdefault(key, where)
    return [Leak(task=key[0], id=name, place=where, first=seen[key]) for key, name, where in _keys(second) if key in seen]


def _keys(file: Path) -> Iterator[tuple[tuple[str, str], str, str]]:
    for row in read_rows(file):
        canonical: Any = row.get("canonical")
        text = canonical if isinstance(canonical, str) else " ".join(row.text("prompt", "question", "problem").split())
        yield (str(row.get("task") or ""), text), str(row.get("id") or ""), row.where
