"""thinkwell-Eval: a fixed, versioned set of items of every puzzle and game at every level, its averages, and reference points to read a score by.

    thinkwell tasks eval-set --out eval.jsonl                       50 items a task and level, of the test part, made from the version's seed
    thinkwell tasks eval --data eval.jsonl                          the reference rows: random, greedy, solver
    thinkwell compare --task thinkwell_eval --data eval.jsonl ...   models and methods on it; `thinkwell tasks eval --data eval.jsonl --run DIR` gives its averages

The items of one version never change: a generator whose items change raises `VERSION`. They stand round robin, item 0 of every cell before item 1 of any, so that every
beginning of the set is balanced. micro: mean over items. macro: mean over categories of the mean over their tasks of the mean over a task's items, so that ten grids weigh as much
as two ciphers.

Reference rows. random: the gold answer of another item of the same task and level, drawn by seed: an answer of the right form that knows nothing of this item. greedy: a heuristic
that never takes a move back, see `_greedy.py`. solver: the puzzle's own exact solver.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypedDict

from thinkwell.core.answer import AnswerKind
from thinkwell.core.errors import ConfigError, DataError, UnknownName
from thinkwell.core.problem import Problem
from thinkwell.core.rules import RULES
from thinkwell.tasks import TASKS
from thinkwell.tasks.puzzle import CATEGORIES, LEVEL_NAMES, Item, PuzzleTask, item_of, load, puzzle_of
from thinkwell.tasks.rows import Row, read_rows
from thinkwell.tasks.task import NoKnobs, Task, unique

VERSION = "thinkwell-eval@1"
SEED = 20_260
PER_CELL = 50
STALE = 60  # draws without a new item after which a level counts as exhausted, and other wordings of its items are taken
PLAYERS = ("random", "greedy", "solver")
OUTPUT = ("output", "completion", "response", "text")

Cell = tuple[str, str]  # task, level


def make(n: int = PER_CELL, names: Sequence[str] = (), workers: int = 1) -> Iterator[Item]:
    """The set with n items a task and level, of these tasks (default: all), in its order. Raises `UnknownName`, `ConfigError`."""
    if n < 1:
        raise ConfigError(f"n={n} leaves no item; expected at least 1 a task and level. Raise it.")
    for name in names:
        if name not in RULES.names():
            raise UnknownName("puzzle", name, RULES.names())
    cells = [(name, level) for name in sorted(names or RULES.names()) for level in LEVEL_NAMES]
    if workers > 1:
        with ProcessPoolExecutor(workers) as pool:
            columns = list(pool.map(partial(cell_items, n=n), cells))
    else:
        columns = [cell_items(cell, n) for cell in cells]
    return (column[place] for place in range(n) for column in columns if place < len(column))


def cell_items(cell: Cell, n: int) -> list[Item]:
    """The first n items of a task and level, no two the same puzzle. Where a level has fewer (tic-tac-toe's forks), other wordings of them follow, and then nothing."""
    task = load(*cell, split="test")
    found: list[Item] = []
    boards: set[str] = set()
    prompts: set[str] = set()
    stale = 0
    for place in count():
        item = task.item(SEED, place)
        new = item.canonical not in boards
        if new or (stale >= STALE and item.prompt not in prompts):
            found.append(item)
            boards.add(item.canonical)
            prompts.add(item.prompt)
            stale = 0 if new else stale
        else:
            stale += 1
        if len(found) == n or stale >= 4 * STALE:
            return found
    raise AssertionError("unreachable")


def write(items: Iterable[Item], file: Path) -> int:
    """One item a line, with the version. Returns how many. Raises `DataError` if the file cannot be written."""
    written = 0
    try:
        with file.open("w", encoding="utf-8") as out:
            for item in items:
                out.write(json.dumps({**item.as_dict(), "suite": VERSION}, ensure_ascii=False) + "\n")
                written += 1
    except OSError as error:
        raise DataError(f"{file} cannot be written: {error.strerror or error}. Give another file.") from None
    return written


def read(file: Path) -> list[Item]:
    """The items of a file, whole or in part. Raises `DataError` with the line for what is no item, and `UnknownName` for a task that is not there."""
    items = []
    for row in read_rows(file):
        if (made_for := row.get("suite")) not in (None, VERSION):
            raise row.error(f"is of {made_for}", f"{VERSION} is expected; make the set anew with `thinkwell tasks eval-set`")
        item = item_of(row)
        if item.task not in RULES.names():
            raise UnknownName("puzzle", item.task, RULES.names())
        if not _whole(item):
            raise row.error("holds facts by which its own answer is not right", "an unchanged line of the set is expected; make it anew")
        items.append(item)
    if len({(item.id, item.level) for item in items}) < len(items):  # a board may belong to two levels of its puzzle
        raise DataError(f"{file} holds an item twice; expected each once. Make the set anew with `thinkwell tasks eval-set`.")
    return items


def _whole(item: Item) -> bool:
    try:
        return puzzle_of(item.task).score(item.answer, item).right
    except Exception:  # noqa: BLE001  facts that were changed can fail in any way inside a verifier
        return False


def digest(items: Iterable[Item]) -> str:
    """A short name of exactly these items in this order."""
    whole = hashlib.blake2b(digest_size=6)
    for item in items:
        whole.update(f"{item.task}\t{item.level}\t{item.prompt}\t{json.dumps(item.meta, sort_keys=True)}\n".encode())
    return whole.hexdigest()


# ---- averages ---------------------------------------------------------------------------------------------------------------


class Average(TypedDict):
    """Means in [0, 1] over n items; `se` is the standard error of micro."""

    n: int
    micro: float
    macro: float
    se: float


class Averages(TypedDict):
    """What one player or method reached. missing: items without an answer, which count as 0. tasks: mean by task and level."""

    player: str
    missing: int
    overall: Average
    categories: dict[str, Average]
    levels: dict[str, Average]
    tasks: dict[str, dict[str, float]]


def averages(player: str, items: Sequence[Item], scores: Mapping[str, float]) -> Averages:
    """Averages of scores by item id; an item without one counts as 0."""
    tasks: dict[str, dict[str, list[float]]] = {}
    for item in items:
        tasks.setdefault(item.task, {}).setdefault(item.level, []).append(scores.get(item.id, 0.0))
    return Averages(
        player=player,
        missing=sum(item.id not in scores for item in items),
        overall=_average(items, scores),
        categories={
            name: _average([item for item in items if item.category == name], scores)
            for name in _present(CATEGORIES, [i.category for i in items])
        },
        levels={
            name: _average([item for item in items if item.level == name], scores)
            for name in _present(LEVEL_NAMES, [i.level for i in items])
        },
        tasks={name: {level: _mean(values) for level, values in levels.items()} for name, levels in sorted(tasks.items())},
    )


def _average(items: Sequence[Item], scores: Mapping[str, float]) -> Average:
    categories: dict[str, dict[str, list[float]]] = {}
    for item in items:
        categories.setdefault(item.category, {}).setdefault(item.task, []).append(scores.get(item.id, 0.0))
    values = [value for tasks in categories.values() for own in tasks.values() for value in own]
    micro = _mean(values)
    spread = sum((value - micro) ** 2 for value in values)
    macro = _mean([_mean([_mean(own) for own in tasks.values()]) for tasks in categories.values()])
    return Average(n=len(values), micro=micro, macro=macro, se=(spread / len(values) / max(1, len(values) - 1)) ** 0.5)


def _mean(values: Collection[float]) -> float:
    return sum(values) / len(values)


def _present(order: Sequence[str], found: Collection[str]) -> list[str]:
    return [name for name in order if name in found]


# ---- who answers ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Play:
    """Reference players on the items of a set. seed: of the random one. workers: processes of the solver, which takes the longest."""

    items: Sequence[Item]
    seed: int = 0
    workers: int = 1

    def row(self, player: str) -> Averages:
        """The averages of one of `PLAYERS`. Raises `UnknownName`."""
        if player not in PLAYERS:
            raise UnknownName("player", player, PLAYERS)
        if player == "solver" and self.workers > 1:
            with ProcessPoolExecutor(self.workers) as pool:
                answers = list(pool.map(_solved, self.items, chunksize=8))
        else:
            answer = {"random": self._random, "greedy": self._greedy, "solver": lambda: _solved}[player]()
            answers = [answer(item) for item in self.items]
        scores = {item.id: puzzle_of(item.task).score(text, item).value for item, text in zip(self.items, answers, strict=True)}
        return averages(player, self.items, scores)

    def _random(self) -> Callable[[Item], str]:
        cells: dict[Cell, list[Item]] = {}
        for item in self.items:
            cells.setdefault((item.task, item.level), []).append(item)

        def answer(item: Item) -> str:
            others = [other for other in cells[item.task, item.level] if other.canonical != item.canonical]
            return random.Random(f"{self.seed}/{item.id}").choice(others).answer if others else ""

        return answer

    def _greedy(self) -> Callable[[Item], str]:
        from thinkwell.tasks._greedy import answer

        return answer


def _solved(item: Item) -> str:
    return puzzle_of(item.task).solve(replace(item, answer="", prompt=""))


def answered(items: Sequence[Item], file: Path, *, thinking: bool = False) -> dict[str, float]:
    """Scores of the model outputs in a file: rows with `id` and `output` (or completion, response, text); several of one item are averaged.

    thinking: the prompt had opened the thinking. Raises `DataError` with the place for a row of another layout or of no item of this set.
    """
    by_id, scores = {item.id: item for item in items}, dict[str, list[float]]()
    for row in read_rows(file):
        item = by_id.get(row.text("id"))
        if item is None:
            raise row.error(f"answers {row.text('id')[:60]!r}", "the id of an item of this set is expected")
        text = str(next((row.fields[name] for name in OUTPUT if isinstance(row.fields.get(name), str)), ""))
        if not any(name in row.fields for name in OUTPUT):
            raise row.error(f"has none of the fields {', '.join(OUTPUT)}", "the text that the model wrote is expected in one of them")
        scores.setdefault(item.id, []).append(_task(item).verify(text, item, thinking=thinking).value)
    return {name: _mean(values) for name, values in scores.items()}


def _task(item: Item) -> PuzzleTask:
    puzzle = puzzle_of(item.task)
    return PuzzleTask(puzzle, item.level, puzzle.Config())


# ---- as a task --------------------------------------------------------------------------------------------------------------


def _problem(row: Row, knobs: NoKnobs, seed: int) -> Problem:
    item = item_of(row)
    return _task(item).problem(item)


def _generate(n: int, seed: int, knobs: NoKnobs) -> list[Problem]:
    cells = len(RULES.names()) * len(LEVEL_NAMES)
    items = list(make(-(-n // cells)))[:n]
    return unique([_task(item).problem(item) for item in items])


TASKS.add("thinkwell_eval")(
    Task(
        "thinkwell_eval",
        AnswerKind.RULES,
        "thinkwell-Eval: items of every puzzle and game at every level, a fixed set",
        "puzzle@1",
        _problem,
        lambda hint, row: row.get("suite") is not None,
        generate=_generate,
    )
)
