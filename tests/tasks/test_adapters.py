"""Puzzles in the shapes of other trainers; where a package is not installed, stand-ins that call as it does."""

from __future__ import annotations

import inspect
import json
import sys
from abc import ABC, abstractmethod
from copy import deepcopy
from dataclasses import is_dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from thinkwell.core.errors import ConfigError, DataError, UnknownName, UsageError
from thinkwell.core.rules import RULES
from thinkwell.tasks import adapters, load
from thinkwell.tasks.adapters import GymConfig, GymDataset, gym_dataset, reward_funcs, rows, rubric, score, text_of
from thinkwell.tasks.puzzle import is_test

NAME = "puzzles/countdown"


def fenced(answer: str) -> str:
    return f"<think>\nhm\n</think>\nSo:\n```\n{answer}\n```"


def test_entries_are_those_of_reasoning_gym_and_score_from_themselves_alone() -> None:
    gym = gym_dataset(NAME, "medium", size=3, seed=7)
    entries = list(gym)
    assert (len(gym), len(entries), gym.category) == (3, 3, "arithmetic")
    assert entries == [gym[0], gym[1], gym[-1]]
    item = load(NAME, "medium").item(7, 1)
    assert (entries[1]["question"], entries[1]["answer"]) == (item.prompt, item.answer)
    entry = json.loads(json.dumps(entries[1]))  # as another process gets it
    other = gym_dataset(NAME)
    for answer in (item.answer, fenced(item.answer), f"\\boxed{{{item.answer}}}"):
        assert other.score_answer(answer, entry) == 1.0
    for answer in (None, "", "1 + 1", entries[0]["answer"], "the answer is " + item.answer, 7):
        assert other.score_answer(answer, entry) == 0.0  # type: ignore[arg-type]
    with pytest.raises(IndexError):
        gym[3]


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="size=0"):
        gym_dataset(NAME, size=0)
    with pytest.raises(ConfigError, match="easy, medium, hard"):
        gym_dataset(NAME, "brutal")
    with pytest.raises(UnknownName):
        gym_dataset(NAME, holes=3)
    with pytest.raises(ConfigError, match="n=0"):
        rows(NAME, n=0)
    with pytest.raises(DataError, match="no sealed item"):
        score("1", "42")


class ProceduralDataset(ABC):
    """reasoning-gym's base class, as far as it is used here."""

    @abstractmethod
    def __getitem__(self, idx: int) -> dict[str, Any]: ...

    @property
    def category(self) -> str:
        return "other"


def test_with_reasoning_gym_s_registry_every_puzzle_can_be_made_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    known: dict[str, tuple[Any, Any]] = {}

    def register(name: str, dataset_cls: Any, config_cls: Any) -> None:
        assert name not in known
        assert issubclass(dataset_cls, ProceduralDataset)
        assert is_dataclass(config_cls)
        known[name] = dataset_cls, config_cls

    package, dataset, factory = ModuleType("reasoning_gym"), ModuleType("reasoning_gym.dataset"), ModuleType("reasoning_gym.factory")
    dataset.ProceduralDataset, factory.DATASETS, factory.register_dataset = ProceduralDataset, known, register  # type: ignore[attr-defined]
    for module in (package, dataset, factory):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    assert adapters.add_to_reasoning_gym() == [f"thinkwell/{name}" for name in RULES.names()]
    assert adapters.add_to_reasoning_gym() == []
    dataset_cls, config_cls = known[f"thinkwell/{NAME}"]
    made = dataset_cls(config=config_cls(level="hard", seed=4, size=2))
    assert made[0]["question"] == load(NAME, "hard").item(4, 0).prompt
    assert made.category == "arithmetic"
    assert made[0]["metadata"]["source_dataset"] == f"thinkwell/{NAME}"  # a composite data set looks its scorer up by it
    reseeded = deepcopy(made.config)
    reseeded.seed = 5
    assert type(made)(reseeded)[0] != made[0]
    assert dataset_cls(config=config_cls()).score_answer(made[1]["answer"], made[1]) == 1.0  # as get_score_answer_fn does


def test_without_these_packages_the_error_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("reasoning_gym", "reasoning_gym.dataset", "verifiers"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match="pip install reasoning-gym"):
        adapters.add_to_reasoning_gym()
    with pytest.raises(UsageError, match=r"pip install 'verifiers<0\.4'"):
        adapters.verifiers_environment(NAME)


def test_a_version_of_verifiers_without_such_environments_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = ModuleType("datasets")
    datasets.Dataset = SimpleNamespace()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", datasets)
    monkeypatch.setitem(sys.modules, "verifiers", ModuleType("verifiers"))
    with pytest.raises(UsageError, match=r"no SingleTurnEnv; expected one before 0\.4"):
        adapters.verifiers_environment(NAME)


def test_rows_survive_a_table_and_the_rubric_scores_conversations() -> None:
    made = rows("games/cttt", "hard", n=2, seed=1)
    flat = json.loads(json.dumps(made))
    assert all(isinstance(value, str) for row in flat for name, value in row.items() if name != "prompt")
    assert flat[0]["prompt"] == [{"role": "user", "content": load("games/cttt", "hard").item(1, 0).prompt}]
    said = [{"role": "assistant", "content": fenced(flat[0]["answer"])}]
    assert rubric(completion=said, info=flat[0]["info"], answer="", state={}) == 1.0
    assert rubric(completion=said, info=json.loads(flat[0]["info"])) == 1.0
    assert rubric(completion=[{"role": "assistant", "content": "no idea"}], info=flat[0]["info"]) == 0.0


def test_the_environment_has_training_and_test_items(monkeypatch: pytest.MonkeyPatch) -> None:
    verifiers, datasets = ModuleType("verifiers"), ModuleType("datasets")
    verifiers.SingleTurnEnv = lambda **kwargs: SimpleNamespace(**kwargs)  # type: ignore[attr-defined]
    verifiers.Rubric = lambda funcs: SimpleNamespace(funcs=funcs)  # type: ignore[attr-defined]
    datasets.Dataset = SimpleNamespace(from_list=list)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "verifiers", verifiers)
    monkeypatch.setitem(sys.modules, "datasets", datasets)
    environment = adapters.verifiers_environment(NAME, n=4, n_eval=3, largest=9)

    def part(row: dict[str, Any]) -> bool:
        facts = json.loads(row["reference"])["meta"]
        assert max(facts["numbers"]) <= 9
        return is_test(f"{sorted(facts['numbers'])} {facts['target']}")

    assert [part(row) for row in environment.dataset] == [False] * 4
    assert [part(row) for row in environment.eval_dataset] == [True] * 3
    (function,) = environment.rubric.funcs
    assert {"completion", "info"} <= inspect.signature(function).parameters.keys()  # verifiers passes what is named


def test_trl_s_reward_functions_read_the_reference_column() -> None:
    made = rows(NAME, n=2, seed=3)
    (function,) = reward_funcs()
    assert function.__name__ == "puzzle_reward"
    columns = {"reference": [row["reference"] for row in made], "answer": ["", ""], "trainer_state": None}
    right = [fenced(row["answer"]) for row in made]
    assert function(prompts=["", ""], completions=right, **columns) == [1.0, 1.0]
    assert function(prompts=["", ""], completions=[[{"role": "assistant", "content": text}] for text in right], **columns) == [1.0, 1.0]
    assert function(prompts=["", ""], completions=right[::-1], **columns) == [0.0, 0.0]
    assert reward_funcs(thinking=True)[0](completions=[made[0]["answer"]], reference=columns["reference"][:1]) == [0.0]
    with pytest.raises(ConfigError, match="column `reference`"):
        function(prompts=[""], completions=right[:1], answer=[""])


def test_the_text_of_a_completion_is_what_the_assistant_said() -> None:
    assert text_of([{"role": "user", "content": "x"}, {"role": "assistant", "content": [{"type": "text", "text": "y"}]}]) == "y"
    assert text_of([SimpleNamespace(role="assistant", content="z")]) == "z"
    assert text_of([{"role": "assistant", "content": None}]) == ""
    assert text_of(None) == ""


def test_a_config_checks_itself_like_reasoning_gym_s() -> None:
    GymConfig(NAME, "hard").validate()
    with pytest.raises(ConfigError):
        GymDataset(GymConfig(NAME, split="dev"))  # type: ignore[arg-type]
