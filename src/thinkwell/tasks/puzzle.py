"""What a puzzle is to us: rules in code, a generator with levels, a verifier, an independent solver; and the stream of items that they make.

Every file of `puzzles/` and `games/` has the same shape: rules in the docstring, `Config` and `LEVELS`, `generate(rng, config) -> Drawn`, `verify(answer, item) -> Score`,
`solve(item)`, and `register(Puzzle(...))` as the last lines. Item i is a pure function of (knobs, seed, i): making it alone or after a million others gives the same item.
Training and test items are disjoint, by a hash of the form in which two items count as the same. A puzzle is an ordinary task as well: its problems have the kind
`AnswerKind.RULES`.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, cast

from pydantic import Field, create_model

from thinkwell.answers.extract import LONG_TAIL, extract
from thinkwell.core.answer import AnswerKind
from thinkwell.core.config import Knobs
from thinkwell.core.errors import ConfigError, DataError
from thinkwell.core.problem import Problem
from thinkwell.core.rules import RIGHT, RULES, Score, seal, unseal
from thinkwell.tasks import TASKS, pools
from thinkwell.tasks.reading import Refused, check_text, tidy
from thinkwell.tasks.rows import Row
from thinkwell.tasks.task import Task, problem_id, unique

Split = Literal["train", "test", "all"]
Verifier = Literal["rules", "paper"]

CATEGORIES = ("grid", "crypto", "sequential", "search", "arithmetic", "graph", "logic", "games")
LEVEL_NAMES = ("easy", "medium", "hard")
TEST_SHARE = 64  # of 256 hash values: one item in four is a test item, so that small spaces fill both parts
MOST_DRAWS = 400  # tries for one item of the wanted part

__all__ = ["RIGHT", "Drawn", "Item", "Puzzle", "PuzzleTask", "Redraw", "Refused", "Score", "ask", "load", "puzzle_of", "register"]


class Redraw(Exception):
    """Raised by `generate` when a draw came to nothing; the next one continues with the same random stream."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What `generate` gives. answer: gold, in the stated format, without the fence; a function where it is dear, called only for an item that is kept (of four
    draws three are training items). meta: JSON values only; all that `verify` and `solve` need.

    canonical: equal for two items that are the same puzzle (its facts without wording; where cheap, up to symmetry), for the split and leak checks.
    """

    prompt: str
    answer: str | Callable[[], str]
    meta: Mapping[str, Any]
    canonical: str


@dataclass(frozen=True, slots=True)
class Item:
    """One puzzle as it is put to a model. `meta` went through JSON, so it is the same in memory and read from a file. `id` is a name made from the text."""

    task: str
    category: str
    level: str
    id: str
    prompt: str
    answer: str
    canonical: str
    meta: Mapping[str, Any] = field(hash=False)

    def as_dict(self) -> dict[str, Any]:
        """A row of a file; `Item(**row)` reads it back."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True)
class Puzzle:
    """One puzzle.

    Config, levels: knobs, and their presets, one for each of easy, medium and hard. generate: draws an item from its own random stream; raises `Redraw` for a draw that came to
    nothing and `ConfigError` for knobs that cannot be. verify: the extracted answer and the item to a score; raises `Refused` with the reason for a broken rule (else `RIGHT`);
    looks at `item.meta` and `item.answer` alone. solve: another way to an answer than the generator's. form: the answer's canonical text for votes, `Refused` if it does not
    read. verify_paper: the original's rule, where it differs. draw: the item as an SVG picture.
    """

    name: str
    category: str
    summary: str
    Config: type[Knobs]
    levels: Mapping[str, Mapping[str, Any]]
    generate: Callable[[random.Random, Any], Drawn]
    verify: Callable[[str, Item], Score]
    solve: Callable[[Item], str]
    form: Callable[[str], str] = tidy
    verify_paper: Callable[[str, Item], Score] | None = None
    draw: Callable[[Item], str] | None = None

    def __post_init__(self) -> None:
        if self.category not in CATEGORIES:
            raise ValueError(f"{self.name}: category {self.category!r} is none of {', '.join(CATEGORIES)}")
        if tuple(self.levels) != LEVEL_NAMES:
            raise ValueError(f"{self.name}: levels must be {', '.join(LEVEL_NAMES)}")

    def score(self, answer: str, item: Item, verifier: Verifier = "rules") -> Score:
        """Score an extracted answer; every text gets a score."""
        judge = self.verify_paper if verifier == "paper" and self.verify_paper else self.verify
        try:
            check_text(answer)
            return judge(answer, item)
        except Refused as refusal:
            return Score(0.0, str(refusal))

    def form_of(self, answer: str) -> str | None:
        try:
            check_text(answer)
            return self.form(answer)
        except Refused:
            return None

    def judge(self, answer: str, sealed: str) -> Score:
        facts = unseal(sealed)
        if facts["rules"] != self.name or not isinstance(facts.get("meta"), dict):
            raise ValueError(f"the sealed item belongs to {facts['rules']!r}, not to {self.name!r}")
        item = Item(self.name, self.category, str(facts.get("level", "")), "", "", facts["answer"], "", facts["meta"])
        return self.score(answer, item, "paper" if facts.get("verifier") == "paper" else "rules")


@dataclass(frozen=True)
class PuzzleTask:
    """A puzzle at one setting of its knobs: an endless, seeded stream of items, and their verifier. Made by `load`."""

    puzzle: Puzzle
    level: str
    config: Knobs
    split: Split = "train"
    verifier: Verifier = "rules"

    @property
    def name(self) -> str:
        return self.puzzle.name

    @property
    def category(self) -> str:
        return self.puzzle.category

    @cached_property
    def _key(self) -> str:
        knobs = json.dumps(self.config.model_dump(mode="json"), sort_keys=True)
        return f"{self.name}/{hashlib.blake2b(knobs.encode(), digest_size=8).hexdigest()}"

    def item(self, seed: int, i: int) -> Item:
        """Item i of the stream `seed`. Raises `ConfigError` if these knobs give no item of this split."""
        rng = random.Random(f"{self._key}/{seed}/{i}")
        for _ in range(MOST_DRAWS):
            try:
                drawn = self.puzzle.generate(rng, self.config)
            except Redraw:
                continue
            if self.split == "all" or is_test(drawn.canonical) is (self.split == "test"):
                meta = json.loads(json.dumps(drawn.meta))
                name = problem_id(self.name, drawn.prompt)
                answer = drawn.answer if isinstance(drawn.answer, str) else drawn.answer()
                return Item(self.name, self.category, self.level, name, drawn.prompt, answer, drawn.canonical, meta)
        knobs = ", ".join(f"{name}={value}" for name, value in self.config)
        raise ConfigError(
            f"{self.name} gave no {self.split} item in {MOST_DRAWS} draws with {knobs}; expected knobs that leave more boards. "
            f"Loosen them, or take a level: {', '.join(LEVEL_NAMES)}."
        )

    def items(self, seed: int, start: int = 0) -> Iterator[Item]:
        """Items `start`, `start` + 1, ... without end."""
        while True:
            yield self.item(seed, start)
            start += 1

    def verify(self, text: str, item: Item, verifier: Verifier | None = None, *, thinking: bool = False) -> Score:
        """Score a whole model output. thinking: the prompt had opened the thinking. verifier: "paper" for the original's rule, where it differs."""
        extraction = extract(text, AnswerKind.RULES, (self.name,), thinking=thinking)
        if extraction.text is None:
            if extraction.truncated:
                return Score(0.0, "the text ends before the answer does: its thinking, fence or box is not closed")
            where = f" in its last {LONG_TAIL} characters" if len(text) > LONG_TAIL else ""
            return Score(0.0, f"the text holds no answer{where}; a fenced block or \\boxed{{}} is read")
        return self.puzzle.score(extraction.text, item, verifier or self.verifier)

    def solve(self, item: Item) -> str:
        """An answer found independently of the generator."""
        return self.puzzle.solve(item)

    def problem(self, item: Item) -> Problem:
        """The item as methods, trainers and graders take it."""
        facts: dict[str, Any] = {"level": item.level, "meta": dict(item.meta)}
        if self.verifier != "rules":
            facts["verifier"] = self.verifier
        sealed = seal(self.name, item.answer, facts)
        meta = {"level": item.level, "category": item.category, "task": item.task}
        return Problem(item.id, item.prompt, sealed, AnswerKind.RULES, (self.name,), meta=meta)


def load(name: str, level: str = "easy", *, split: Split = "train", verifier: Verifier = "rules", **knobs: Any) -> PuzzleTask:
    """The puzzle `name` at a level, any of whose knobs can be set otherwise. split: train, test (never an item of train), or all.

    Raises `UnknownName` for a name or knob that does not exist and `ConfigError` for a level, split, verifier or value that cannot be.
    """
    puzzle = puzzle_of(name)
    for what, value, possible in (
        ("level", level, LEVEL_NAMES),
        ("split", split, ("train", "test", "all")),
        ("verifier", verifier, ("rules", "paper")),
    ):
        if value not in possible:
            raise ConfigError(f"{name} has no {what} {value!r}; expected {', '.join(possible)}. Give one of these.")
    return PuzzleTask(puzzle, level, puzzle.Config.parse({**puzzle.levels[level], **knobs}, name), split, verifier)


def puzzle_of(name: str) -> Puzzle:
    """The description of a puzzle or game. Raises `UnknownName`."""
    return cast(Puzzle, RULES.get(name))


def register(puzzle: Puzzle) -> Puzzle:
    """Make the puzzle known by name: its rules to graders, its problems as a task. The last line of its file."""
    RULES.add(puzzle.name)(puzzle)
    TASKS.add(puzzle.name)(_task(puzzle))
    return puzzle


def is_test(canonical: str) -> bool:
    """Which part an item belongs to, by its canonical form alone."""
    return hashlib.blake2b(canonical.encode(), digest_size=1).digest()[0] < TEST_SHARE


def ask(opening: str, rules: str, board: str, form: str, example: str) -> str:
    """A prompt in the order that all puzzles share. form: what to write, completely; example: an answer of that form to some other board."""
    return (
        f"{opening}\n\n{rules}\n\n{board}\n\nAnswer format: {form} Put your final answer, and nothing else, in a fenced block at the end. "
        f"For example (the layout only, the answer belongs to another puzzle):\n```\n{example}\n```"
    )


# ---- a puzzle as an ordinary task --------------------------------------------------------------------------------------------


def _task(puzzle: Puzzle) -> Task:
    def at(config: Any) -> PuzzleTask:
        set_by_hand = {name: value for name in puzzle.Config.model_fields if (value := getattr(config, name)) is not None}
        return load(puzzle.name, config.level, split=config.split, verifier=config.verifier, **set_by_hand)

    def generate(n: int, seed: int, config: Any) -> Sequence[Problem]:
        task = at(config)
        return unique([task.problem(task.item(seed, i)) for i in range(n)])

    def read(row: Row, config: Any, seed: int) -> Problem:
        item = pools.item_of(puzzle.name, row) if puzzle.name in pools.POOLS and row.get("task") is None else item_of(row)
        if item.task != puzzle.name:
            raise row.error(f"is an item of {item.task}", f"one of {puzzle.name} is expected")
        return PuzzleTask(puzzle, item.level, puzzle.Config(), verifier=config.verifier).problem(item)

    def recognise(hint: str, row: Row) -> bool:
        ours = row.get("task") == puzzle.name and row.get("prompt") is not None and row.get("suite") is None
        return ours or pools.recognise(puzzle.name, row)

    return Task(puzzle.name, AnswerKind.RULES, puzzle.summary, "puzzle@1", read, recognise, Config=_knobs(puzzle), generate=generate)


def _knobs(puzzle: Puzzle) -> type[Knobs]:
    """Level, split and verifier, and every knob of the puzzle, None for the level's own value."""
    own: dict[str, Any] = {
        "level": (Literal["easy", "medium", "hard"], Field("easy", description="Preset of the other knobs: easy, medium or hard.")),
        "split": (Split, Field("test", description="Which part the items are of: train, test (never an item of train) or all.")),
        "verifier": (Verifier, Field("rules", description="rules, or paper for the original's rule where it differs.")),
    }
    for name, knob in puzzle.Config.model_fields.items():
        own[name] = (
            (knob.annotation | None, Field(None, description=f"{knob.description or name} None: the level's."))
            if knob.annotation
            else (Any, None)
        )
    return create_model("Config", __base__=Knobs, **own)


def item_of(row: Row) -> Item:
    """An item from a line that `thinkwell tasks sample` wrote. Raises `DataError` with the place if it is none."""
    fields = {name: row.get(name) for name in Item.__slots__}
    meta = fields["meta"]
    if isinstance(meta, str):  # a Parquet file keeps it as JSON text
        try:
            meta = json.loads(meta)
        except ValueError:
            meta = None
    wrong = [name for name, value in fields.items() if name != "meta" and not isinstance(value, str)] + (
        [] if isinstance(meta, dict) else ["meta"]
    )
    if wrong:
        raise DataError(
            f"{row.where} lacks {', '.join(wrong)}; expected a line as `thinkwell tasks sample` writes it. Sample again, or mend the line."
        )
    return Item(**{**fields, "meta": meta})
