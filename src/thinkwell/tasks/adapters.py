"""Puzzles and games for other trainers, in their own shapes: reasoning-gym's data sets, the rows and rubric of `verifiers`, the reward functions of TRL.

    gym = gym_dataset("puzzles/sudoku", level="hard", size=100, seed=1)      # gym[i] is {"question", "answer", "metadata"}; gym.score_answer(answer, entry)
    add_to_reasoning_gym()                                                   # reasoning_gym.create_dataset("thinkwell/puzzles/sudoku", level="hard")
    environment = verifiers_environment("puzzles/sudoku", level="hard")      # a vf.SingleTurnEnv; or rows(...) and rubric alone
    GRPOTrainer(..., train_dataset=Dataset.from_list(rows("puzzles/sudoku", n=1000)), reward_funcs=reward_funcs())

None of these packages is needed to import this file. What travels with an item is its sealed reference, one JSON text, so that tables that know no nested values keep it whole.
A whole model output and a bare answer can both be scored. verl is served by `thinkwell.training.verl.rewards` with kind "rules" and the same reference.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, make_dataclass
from typing import Any

from thinkwell.answers.extract import extract
from thinkwell.core.answer import AnswerKind
from thinkwell.core.errors import ConfigError, DataError, UsageError
from thinkwell.core.rules import RULES, Score, unseal
from thinkwell.tasks.puzzle import Item, PuzzleTask, Split, load, puzzle_of


def score(text: str | None, reference: str, *, thinking: bool = False) -> Score:
    """Score a model output, or a bare answer, against a sealed reference. thinking: the prompt had opened the thinking. Raises `DataError` for another reference."""
    try:
        puzzle = puzzle_of(unseal(reference)["rules"])
    except ValueError as error:
        raise DataError(f"{error}. Use the reference that came with the item.") from None
    if not isinstance(text, str):
        return Score(0.0, "there is no answer")
    extraction = extract(text, AnswerKind.RULES, (puzzle.name,), thinking=thinking)
    if extraction.text is None:
        return Score(0.0, "the answer was cut" if extraction.truncated else "the text holds no answer")
    return puzzle.judge(extraction.text, reference)


# ---- reasoning-gym ----------------------------------------------------------------------------------------------------------


@dataclass
class GymConfig:
    """Settings of one data set, as reasoning-gym's are: plain fields that may be changed, then `validate`. size: entries; knobs: of the puzzle, in place of the level's.
    source: the name that entries give as theirs, by which a composite data set finds who scores them; empty for the puzzle's own."""

    name: str = ""
    level: str = "easy"
    seed: int = 0
    size: int = 500
    split: Split = "train"
    knobs: dict[str, Any] = field(default_factory=dict)
    source: str = ""

    def validate(self) -> None:
        if self.size < 1:
            raise ConfigError(f"size={self.size} leaves no entry; expected at least 1. Raise it.")
        self.task()

    def task(self) -> PuzzleTask:
        return load(self.name, self.level, split=self.split, **self.knobs)


class GymDataset:
    """Entries of one puzzle at one level, made when they are asked for; entry i is item i of the stream `config.seed`."""

    def __init__(self, config: GymConfig) -> None:
        config.validate()
        self.config, self.size, self.seed, self.task = config, config.size, config.seed, config.task()

    @property
    def category(self) -> str:
        return self.task.category

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[place] for place in range(self.size))

    def __getitem__(self, idx: int) -> dict[str, Any]:
        """Raises IndexError outside of the data set."""
        if not -self.size <= idx < self.size:
            raise IndexError(f"entry {idx} of {self.size}")
        place = idx % self.size
        item = self.task.item(self.seed, place)
        metadata = {
            "source_dataset": self.config.source or item.task,
            "source_index": place,
            "category": item.category,
            "difficulty": {"level": item.level},
            "canonical": item.canonical,
            "reference": self._reference(item),
        }
        return {"question": item.prompt, "answer": item.answer, "metadata": metadata}

    def score_answer(self, answer: str | None, entry: Mapping[str, Any]) -> float:
        """0 to 1 for an answer, or a whole output, to any entry of this or another of our data sets; None scores 0."""
        return score(answer, str(entry["metadata"]["reference"])).value

    def _reference(self, item: Item) -> str:
        return str(self.task.problem(item).reference)


def gym_dataset(name: str, level: str = "easy", *, size: int = 500, seed: int = 0, split: Split = "train", **knobs: Any) -> GymDataset:
    """A puzzle as a data set of reasoning-gym's shape. Raises what `load` raises."""
    return GymDataset(GymConfig(name, level, seed, size, split, knobs))


def add_to_reasoning_gym(prefix: str = "thinkwell/") -> list[str]:
    """Register every puzzle and game with the installed reasoning-gym, under these names; those already there are left alone. Raises `UsageError`."""
    try:
        from reasoning_gym.dataset import ProceduralDataset
        from reasoning_gym.factory import DATASETS, register_dataset
    except ImportError:
        raise UsageError("reasoning-gym is not installed; expected it for registering puzzles there. pip install reasoning-gym") from None
    added = []
    for name in RULES.names():
        if prefix + name not in DATASETS:
            config = make_dataclass("PuzzleConfig", [("name", str, name), ("source", str, prefix + name)], bases=(GymConfig,))
            register_dataset(prefix + name, type("PuzzleDataset", (GymDataset, ProceduralDataset), {}), config)
            added.append(prefix + name)
    return added


# ---- rows and rewards: verifiers, TRL ---------------------------------------------------------------------------------------


def rows(name: str, level: str = "easy", *, n: int, seed: int = 0, split: Split = "train", **knobs: Any) -> list[dict[str, Any]]:
    """n rows for `Dataset.from_list`: prompt as a conversation, answer (gold), reference (sealed), and info, JSON text that holds the reference too, as `verifiers` wants it."""
    if n < 1:
        raise ConfigError(f"n={n} leaves no row; expected at least 1. Raise it.")
    task = load(name, level, split=split, **knobs)
    found = []
    for item in (task.item(seed, place) for place in range(n)):
        reference = str(task.problem(item).reference)
        info = {"task": item.task, "category": item.category, "level": item.level, "id": item.id, "reference": reference}
        prompt = [{"role": "user", "content": item.prompt}]
        found.append({"prompt": prompt, "answer": item.answer, "reference": reference, "info": json.dumps(info, ensure_ascii=False)})
    return found


def rubric(completion: Any, info: Any, **_: Any) -> float:
    """A reward function of `verifiers`: the score of the last answer in the assistant's messages."""
    facts = json.loads(info) if isinstance(info, str) else info
    return score(text_of(completion), str(facts["reference"])).value


def verifiers_environment(name: str, level: str = "easy", *, n: int = 1000, n_eval: int = 100, seed: int = 0, **knobs: Any) -> Any:
    """A `SingleTurnEnv` with n training items, and n_eval items of the test part for evaluation. Tried with verifiers 0.3.1; from 0.4 on it has no such class.

    Raises `UsageError` and what `load` raises.
    """
    try:
        import verifiers as vf
        from datasets import Dataset
    except ImportError as error:
        raise UsageError(
            f"{error.name} is not installed; expected it for environments of verifiers. pip install 'verifiers<0.4' datasets"
        ) from None
    if not hasattr(vf, "SingleTurnEnv"):
        raise UsageError("this version of verifiers has no SingleTurnEnv; expected one before 0.4. pip install 'verifiers<0.4'")
    trained, held = rows(name, level, n=n, seed=seed, **knobs), rows(name, level, n=n_eval, seed=seed, split="test", **knobs)
    return vf.SingleTurnEnv(dataset=Dataset.from_list(trained), eval_dataset=Dataset.from_list(held), rubric=vf.Rubric(funcs=[rubric]))


def reward_funcs(*, thinking: bool = False) -> list[Callable[..., list[float]]]:
    """TRL's `reward_funcs=`: the scores of completions (texts or conversations) against the column `reference`. thinking: the prompt's template opens the thinking."""

    def puzzle_reward(completions: Sequence[Any], reference: Sequence[str] = (), **_: Any) -> list[float]:
        if len(reference) != len(completions):
            raise ConfigError(
                f"{len(completions)} completions came with {len(reference)} references; expected one each. Give the data set the column `reference`, as `rows` does."
            )
        pairs = zip(completions, reference, strict=True)
        return [score(text_of(completion), sealed, thinking=thinking).value for completion, sealed in pairs]

    return [puzzle_reward]


def text_of(completion: Any) -> str:
    """The text of a completion: a string, or the assistant's messages of a conversation, whose content may be in parts."""
    if isinstance(completion, str):
        return completion
    texts = []
    for message in completion or ():
        said = message if isinstance(message, Mapping) else vars(message)
        if said.get("role", "assistant") == "assistant":
            content = said.get("content") or ""
            texts.append(content if isinstance(content, str) else "".join(str(part.get("text") or "") for part in content))
    return "".join(texts)
