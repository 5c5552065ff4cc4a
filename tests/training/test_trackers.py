"""Trackers get every number under its name; the libraries are stand-ins that write down what they are given."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from thinkwell.core.errors import MissingExtra, UnknownName
from thinkwell.training.trackers import numbers, open_tracker

ROW = {"step": 3, "stage": "rl", "reward": 0.5, "accuracy": None, "samples": 8, "time/loss": 1.25, "odd": True}
FACTS = {"recipe": "grpo", "seed": 4}


class Told:
    """Stands for a run of wandb and for a SummaryWriter: remembers the calls."""

    def __init__(self, *args: Any, **more: Any) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [("init", args, more)]

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **more: self.calls.append((name, args, more))


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> list[Told]:
    made: list[Told] = []

    def init(**more: Any) -> Told:
        made.append(Told(**more))
        return made[-1]

    module = types.ModuleType("wandb")
    module.init = init  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", module)
    return made


@pytest.fixture
def tensorboard(monkeypatch: pytest.MonkeyPatch) -> list[Told]:
    made: list[Told] = []

    def writer(place: str) -> Told:
        made.append(Told(place))
        return made[-1]

    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    return made


def test_only_numbers_are_drawn_and_never_the_step() -> None:
    assert numbers(ROW) == {"reward": 0.5, "samples": 8.0, "time/loss": 1.25}
    assert numbers({"step": 0, "accuracy": 0.5}, "held-out/") == {"held-out/accuracy": 0.5}


def test_wandb_gets_the_run_its_steps_and_its_evaluations(wandb: list[Told], tmp_path: Path) -> None:
    tracker = open_tracker("wandb", tmp_path, FACTS)
    tracker.evaluation({"step": 0, "accuracy": 0.5, "problems": 64})
    tracker.step(ROW)
    tracker.close()
    (run,) = wandb
    (_, _, asked), *rest = run.calls
    assert (asked["project"], asked["name"], asked["config"], asked["resume"]) == ("thinkwell", "grpo-4", FACTS, "allow")
    assert rest == [
        ("define_metric", ("*",), {"step_metric": "step"}),
        ("log", ({"held-out/accuracy": 0.5, "held-out/problems": 64.0, "step": 0},), {}),
        ("log", ({"reward": 0.5, "samples": 8.0, "time/loss": 1.25, "step": 3},), {}),
        ("finish", (), {}),
    ]


def test_a_run_that_goes_on_is_the_same_run_and_another_folder_another(wandb: list[Told], tmp_path: Path) -> None:
    for folder in (tmp_path / "a", tmp_path / "a", tmp_path / "b"):
        folder.mkdir(exist_ok=True)
        open_tracker("wandb", folder, FACTS)
    first, again, other = (run.calls[0][2]["id"] for run in wandb)
    assert first == again != other


def test_tensorboard_gets_a_scalar_a_number_at_its_step(tensorboard: list[Told], tmp_path: Path) -> None:
    tracker = open_tracker("tensorboard", tmp_path, FACTS)
    tracker.step(ROW)
    tracker.evaluation({"step": 3, "accuracy": 0.25})
    tracker.close()
    (writer,) = tensorboard
    assert writer.calls[0] == ("init", (str(tmp_path / "tensorboard"),), {})
    scalars = [args for name, args, _ in writer.calls if name == "add_scalar"]
    assert scalars == [("reward", 0.5, 3), ("samples", 8.0, 3), ("time/loss", 1.25, 3), ("held-out/accuracy", 0.25, 3)]
    assert writer.calls[-1] == ("close", (), {})


@pytest.mark.parametrize(("kind", "module"), [("wandb", "wandb"), ("tensorboard", "torch.utils.tensorboard")])
def test_a_tracker_that_is_not_installed_is_named_with_what_to_do(
    kind: str, module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # importing it raises ImportError
    with pytest.raises(MissingExtra, match=f"is not installed; expected the package '{kind}'. Run pip install {kind}"):
        open_tracker(kind, tmp_path, FACTS)


def test_an_unknown_tracker_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'wandb'"):
        open_tracker("wandbb", tmp_path, FACTS)
