"""The pools of fixed items from which the original suite draws six of its puzzles, read into items of ours; our own generators need none of them.

Two layouts are read, row by row. The suite's own, the same for all six: {prompt, answer, task_name, meta}, meta an object or its JSON text with the question in it. And the
source's: BIG-bench's games {input, target} (checkmate_in_one); the chats {input: [{role, content}, ...], ideal} of "Logical and abstract reasoning" (symbolic_hard,
big_bench_symbolic); puzzte's {puzzle_text, question, answer} (knights_and_knaves); FOLIO's {premises, conclusion, label} (folio). Any other row raises `DataError`, which
names its line. A canary line of the file stays with the items, in their meta.

`read_pool("puzzles/folio", FILE)` gives items; `thinkwell tasks show puzzles/folio --data FILE`, and whatever else takes a benchmark's file, takes such a file too. An item of a
pool is judged by the puzzle's own verifier: chess positions are played out, so any mate counts; elsewhere the source gives an answer and no rules, and answers are compared
with it. Such an item has no solver; its meta says which layout it was read from.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thinkwell.core.errors import ConfigError
from thinkwell.tasks.reading import Refused, tidy
from thinkwell.tasks.rows import Row, read_rows
from thinkwell.tasks.task import problem_id

if TYPE_CHECKING:
    from thinkwell.tasks.puzzle import Item

KNIGHTS = {"neutral": "Unknown", "ambiguous": "Unknown", "uncertain": "Unknown", "true": "Entailment", "false": "Contradiction"}


@dataclass(frozen=True, slots=True)
class Found:
    """What a row says. question: the puzzle without words about the format of answers. answer: as a model would write it, read by the puzzle's own reader."""

    question: str
    answer: str
    level: str = "medium"
    meta: dict[str, Any] = field(default_factory=dict)
    canonical: str = ""


@dataclass(frozen=True, slots=True)
class Pool:
    """read: a row with its question (None for a row of the source) to what it says; raises ValueError or `Refused`. looks: is this a row of the source?

    source: its layout in words. rules: what the source's rows leave unsaid.
    """

    read: Callable[[Row, Any], Found]
    looks: Callable[[Row], bool]
    source: str
    rules: str


def read_pool(name: str, path: Path | str) -> list[Item]:
    """The items of a pool's file. Raises `ConfigError` for a puzzle without a pool and `DataError` for a file or row of another layout."""
    if name not in POOLS:
        raise ConfigError(f"{name} has no pool; expected one of {', '.join(POOLS)}. Its own items come from load({name!r}).")
    return [item_of(name, row) for row in read_rows(Path(path))]


def recognise(name: str, row: Row) -> bool:
    """Does the row look like one of this puzzle's pool?"""
    return name in POOLS and (_of_the_suite(name, row) or POOLS[name].looks(row))


def item_of(name: str, row: Row) -> Item:
    """The item of one row. Raises `DataError` with the place if it has neither layout, or an answer that its own rules refuse."""
    from thinkwell.tasks.puzzle import LEVEL_NAMES, Item, ask, puzzle_of  # puzzle.py imports this module when it reads a row

    pool, suite = POOLS[name], _of_the_suite(name, row)
    if not suite and not pool.looks(row):
        raise row.error(f"has no layout of the pool of {name}", f"{{prompt, answer, task_name, meta}} or {pool.source} is expected")
    puzzle = puzzle_of(name)
    meta = _meta(row) if suite else {}
    question = meta.get("question") if isinstance(meta.get("question"), str) else row.get("prompt")
    try:
        found = pool.read(row, question if suite else None)
        answer = found.answer if found.canonical else puzzle.form(found.answer)
    except (Refused, ValueError) as wrong:
        raise row.error(f"cannot be read: {wrong}", f"a row of the pool of {name} is expected") from None
    words = vars(sys.modules[puzzle.generate.__module__])
    prompt = row.text("prompt") if suite else ask("Solve this puzzle.", pool.rules, found.question, words["FORM"], words["EXAMPLE"])
    level = str(meta.get("difficulty_level", found.level))
    item = Item(
        name,
        puzzle.category,
        level if level in LEVEL_NAMES else "medium",
        problem_id(name, prompt),
        prompt,
        answer,
        found.canonical or f"pool {tidy(found.question)}",
        {"pool": "enigmata" if suite else "source", **found.meta, **({"canary": str(canary)} if (canary := row.get("canary")) else {})},
    )
    score = puzzle.score(answer, item)
    if not score.right:
        raise row.error(f"has the answer {answer!r}, which is wrong: {score.reason}", "mend the row or leave it out")
    return item


def _of_the_suite(name: str, row: Row) -> bool:
    task = row.get("task_name")
    return isinstance(task, str) and task.lower() == name.rpartition("/")[2] and row.get("prompt") is not None


def _meta(row: Row) -> Mapping[str, Any]:
    meta = row.get("meta")
    if isinstance(meta, str):
        meta = _json(meta)
        if meta is None:
            raise row.error("has a meta that is no JSON", "an object, or its JSON text, is expected")
    if meta is not None and not isinstance(meta, Mapping):
        raise row.error("has a meta that is no object", "an object, or its JSON text, is expected")
    return meta or {}


def _json(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return None


# ---- one reader for each task; question is None for a row of the source -------------------------------------------------------


def _crossword(row: Row, question: Any) -> Found:
    answer = _json(row.get("answer"))
    if not isinstance(answer, dict) or not all(isinstance(answer.get(way), list) for way in ("across", "down")):
        raise ValueError("the answer is no object with the lists across and down")
    lines = ["".join(line.split()) for line in str(question).splitlines() if re.fullmatch(r"[\s_*]*_[\s_*]*", line)]
    meta: dict[str, Any] = {}
    if lines and len({len(line) for line in lines}) == 1:
        words = [sum("*" not in line for line in lines), sum("*" not in column for column in zip(*lines, strict=True))]
        meta = {"grid": lines} if words == [len(answer["across"]), len(answer["down"])] else {}
    text = "\n".join(f"{way}: {', '.join(map(str, answer[way]))}" for way in ("across", "down"))
    return Found(str(question), text, "easy" if 0 < len(lines) <= 5 else "medium", meta)


def _by_example(row: Row, question: Any) -> Found:
    """Grids or lists: examples and test, a line each, without the words before them."""
    if question is not None:
        answer = row.get("answer")
        return Found(str(question), json.dumps(answer) if isinstance(answer, list) else str(answer))
    said = [message.get("content") if isinstance(message, Mapping) else None for message in row.get("input")]
    lines = [text.strip() for text in said if isinstance(text, str) and "->" in text]
    if len(lines) < 2 or not lines[-1].endswith("->"):
        raise ValueError("the messages are no examples '[...] -> [...]' with a test '[...] ->' at the end")
    return Found("\n".join([*lines[:-1], f"{lines[-1]} ?"]), row.text("ideal"))


def _game(row: Row, question: Any) -> Found:
    from thinkwell.tasks.puzzles.search.checkmate_in_one import position

    game = re.search(r"1\.\s*[a-hKQRBNO].*", row.text("input") if question is None else str(question), re.DOTALL)
    if game is None:
        raise ValueError("there is no game that begins with '1.'")
    fen, canonical = position(game[0])
    moves = " ".join(game[0].split())
    return Found(f"Moves so far: {moves}", row.text("answer", "target"), "hard", {"fen": fen, "moves": moves}, canonical)


def _knights(row: Row, question: Any) -> Found:
    said = row.text("answer")
    answer = KNIGHTS.get(said.lower(), said)
    if question is None:
        question = f"{row.text('puzzle_text')}\n\nStatement: {row.text('question')}"
    return Found(str(question), answer)


def _folio(row: Row, question: Any) -> Found:
    if question is not None:
        return Found(str(question), row.text("answer"))
    texts = row.texts("premises")
    premises = [line.strip() for text in texts for line in text.splitlines() if line.strip()]
    numbered = "\n".join(f"{number}. {premise}" for number, premise in enumerate(premises, 1))
    count = max(len(texts), len(premises))  # four lists of FOLIO hold an empty premise, which the original counts
    level = "easy" if count <= 5 else "medium" if count == 6 else "hard"
    return Found(f"Premises:\n{numbered}\n\nConclusion: {row.text('conclusion')}", row.text("label"), level)


def _chat(row: Row, deep: bool) -> bool:
    """A chat whose answer is a list of lists (deep) or of numbers."""
    ideal = row.get("ideal")
    if not isinstance(row.get("input"), list) or not isinstance(ideal, str):
        return False
    return ideal.replace(" ", "").startswith("[[") is deep and ideal.lstrip().startswith("[")


def _holding(*names: str) -> Callable[[Row], bool]:
    return lambda row: all(row.get(name) is not None for name in names)


POOLS = {
    "puzzles/full_crosswords": Pool(_crossword, lambda row: False, "nothing else", ""),
    "puzzles/symbolic_hard": Pool(
        _by_example,
        lambda row: _chat(row, deep=True),
        "{input: [{role, content}, ...], ideal: '[[...], ...]'}",
        "The same hidden rule made every grid after an arrow from the grid before it. Find it from the examples, and apply it to the last grid.",
    ),
    "puzzles/big_bench_symbolic": Pool(
        _by_example,
        lambda row: _chat(row, deep=False),
        "{input: [{role, content}, ...], ideal: '[...]'}",
        "The same hidden function made every list after an arrow from the list before it. Find it from the examples, and apply it to the last list.",
    ),
    "puzzles/checkmate_in_one": Pool(
        _game,
        lambda row: isinstance(row.get("target"), str) and re.match(r"\s*1\.", str(row.get("input"))) is not None,
        "{input: '1. e4 ...', target}",
        "The rules of chess hold. The side to move can give checkmate with its next move; any such move is right.",
    ),
    "puzzles/knights_and_knaves": Pool(
        _knights,
        _holding("puzzle_text", "question", "answer"),
        "{puzzle_text, question, answer}",
        "A knight says only what is true, a knave only what is false. Decide about the statement at the end: "
        "Entailment if it must be true, Contradiction if it must be false, Unknown if it may be either.",
    ),
    "puzzles/folio": Pool(
        _folio,
        _holding("premises", "conclusion", "label"),
        "{premises, conclusion, label}",
        "Judge by the premises alone. True: the conclusion follows from them. False: its denial follows from them. Uncertain: neither.",
    ),
}
