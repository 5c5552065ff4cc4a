"""The trainer end to end on a small or the bundled model: what it leaves behind, resume, errors that are loud."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from tests.training.small import tiny_model
from thinkwell.core.errors import ConfigError, ModelError, RunFolderError, UnknownName
from thinkwell.lab import artifacts
from thinkwell.training import checkpoint
from thinkwell.training.checkpoint import CheckpointError
from thinkwell.training.experience import RewardError
from thinkwell.training.rewards.applied import Correct
from thinkwell.training.trainer import TrainingError, train

SMALL: dict[str, Any] = {
    "prompts": 2,
    "group_size": 4,
    "max_tokens": 160,
    "levels": (1, 2),
    "micro_tokens": 600,
    "passes": 2,
    "minibatches": 2,
}
TIMED = ("seconds", "time/")


def untimed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without what a clock says."""
    return [{name: value for name, value in row.items() if not name.startswith(TIMED)} for row in rows]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return AutoModelForCausalLM.from_pretrained(folder).state_dict()


def test_a_run_leaves_a_model_a_record_and_a_page(tmp_path: Path) -> None:
    heard: list[dict[str, Any]] = []
    report = train("grpo", out=tmp_path, knobs={**SMALL, "steps": 2}, eval_problems=4, eval_every=1, listener=heard.append)
    assert [row["step"] for row in report.steps] == [1, 2]
    assert heard == report.steps
    for row in report.steps:
        assert row["kind"] == "rl"
        assert row["samples"] == 8
        assert 0 <= row["accuracy"] == row["reward"] <= 1
        assert 0 < row["tokens"] <= 160
        assert row["grad_norm"] > 0
    assert report.final["problems"] == 4
    assert {"accuracy", "tokens", "start_accuracy", "start_tokens", "mean_accuracy"} <= report.final.keys()
    assert [json.loads(line)["step"] for line in (tmp_path / "evaluations.jsonl").read_text().splitlines()] == [0, 1, 2]
    sampled = [json.loads(line) for line in (tmp_path / "samples.jsonl").read_text().splitlines()]
    assert {"problem", "question", "text", "reward", "parts", "advantage", "right", "tokens", "step"} <= sampled[0].keys()
    assert (tmp_path / "curves.html").read_text().startswith("<!")
    before, after = weights(artifacts.path("policy")), weights(tmp_path)
    assert any(not torch.equal(before[name], after[name]) for name in before)


def test_a_run_that_was_killed_goes_on_to_the_same_numbers_and_weights(tmp_path: Path) -> None:
    knobs = {**SMALL, "steps": 4, "kl_coef": 0.01}
    whole = train("grpo", out=tmp_path / "whole", knobs=knobs, eval_problems=3, eval_every=2, save_every=2)
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom thinkwell.training.trainer import train\n"
        "def listen(row):\n    if row['step'] == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"train('grpo', out=Path(sys.argv[1]), knobs={knobs!r}, eval_problems=3, eval_every=2, save_every=2, listener=listen)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "killed")], env=dict(os.environ), check=False, capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert len((tmp_path / "killed" / "steps.jsonl").read_text().splitlines()) == 3
    again = train("grpo", out=tmp_path / "killed", resume=True, save_every=2)
    assert untimed(again.steps) == untimed(whole.steps)
    assert (tmp_path / "killed" / "evaluations.jsonl").read_text() == (tmp_path / "whole" / "evaluations.jsonl").read_text()
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_more_steps_prolong_a_finished_run(tmp_path: Path) -> None:
    model = str(tiny_model(tmp_path / "model"))
    knobs = {**SMALL, "max_tokens": 24}
    whole = train("grpo", out=tmp_path / "whole", model=model, knobs={**knobs, "steps": 3}, eval_problems=0)
    train("grpo", out=tmp_path / "short", model=model, knobs={**knobs, "steps": 1}, eval_problems=0)
    longer = train("grpo", out=tmp_path / "short", knobs={"steps": 3}, resume=True)
    assert untimed(longer.steps) == untimed(whole.steps)


def test_low_rank_adapters_move_the_written_model_and_leave_the_base(tmp_path: Path) -> None:
    train("grpo", out=tmp_path, knobs={**SMALL, "steps": 2, "lora_rank": 4, "rate": 1e-3, "warmup": 0}, eval_problems=0)
    before, after = weights(artifacts.path("policy")), weights(tmp_path)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert any("q_proj" in name for name in changed)
    assert not any("embed_tokens" in name or "norm" in name for name in changed)


class Failing(Correct):
    """A reward with a fault."""

    def __call__(self, batch: Any, step: int) -> Any:
        if batch.samples and any(sample.group.endswith("/1") for sample in batch.samples):
            raise ZeroDivisionError("a fault of the reward")
        return super().__call__(batch, step)


def test_a_reward_that_raises_stops_the_run_and_shows_the_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thinkwell.training.recipes.grpo.Correct", Failing)
    with pytest.raises(RewardError, match=r"ZeroDivisionError: a fault of the reward(.|\n)*problem lab/train/1"):
        train("grpo", out=tmp_path / "stops", knobs={**SMALL, "steps": 1}, eval_problems=0)
    report = train("grpo", out=tmp_path / "counts", knobs={**SMALL, "steps": 1}, eval_problems=0, on_reward_error="count")
    assert report.steps[0]["reward_errors"] == 4
    assert report.steps[0]["samples"] == 4
    resumed = train("grpo", out=tmp_path / "stops", resume=True, on_reward_error="count")  # what the message offers
    assert resumed.steps[0]["reward_errors"] == 4


def test_a_tokenizer_without_the_marks_of_thinking_is_refused_by_recipes_on_thoughts(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "model")
    file = folder / "tokenizer.json"
    file.write_text(file.read_text().replace("</think>", "</thnk>"))
    with pytest.raises(ModelError, match=r"</think>.*as one token"):
        train("s-grpo", out=tmp_path / "run", model=str(folder))
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from thinkwell.training import losses

    def poisoned(*args: Any, **knobs: Any) -> Any:
        loss, metrics = real(*args, **knobs)
        return loss * float("nan"), metrics

    real = losses.ppo_clip
    monkeypatch.setattr(losses, "ppo_clip", poisoned)
    with pytest.raises(TrainingError, match="loss is not finite at step 1") as raised:
        train("grpo", out=tmp_path, knobs={**SMALL, "steps": 1}, eval_problems=0)
    file = tmp_path / "failed-step-000001.pt"
    assert str(file) in str(raised.value)
    assert torch.load(file)["ids"].shape[0] >= 1


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train("grpo", out=tmp_path, model=str(tiny_model(tmp_path / "model")), knobs={**SMALL, "max_tokens": 24, "steps": 1}, eval_problems=0)

    def full(value: object, file: Any) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(CheckpointError, match=r"step 2.*No space left.*step-000001 is whole.*--resume"):
        train("grpo", out=tmp_path, knobs={"steps": 2}, resume=True)
    monkeypatch.undo()
    assert [place.name for place in checkpoint.found(tmp_path)] == ["step-000001"]
    assert len(train("grpo", out=tmp_path, knobs={"steps": 2}, resume=True).steps) == 2


@pytest.mark.parametrize(
    ("recipe", "more", "error", "says"),
    [
        ("grpoo", {}, UnknownName, "did you mean 'grpo'"),
        ("grpo", {"knobs": {"rat": 1}}, UnknownName, "'rate'"),
        ("grpo", {"knobs": {"steps": 0}}, ConfigError, "steps"),
        ("grpo", {"knobs": {"group_size": 1}}, ConfigError, "at least 2"),
        ("grpo", {"knobs": {"levels": (11,)}}, ConfigError, "1 to 10"),
        ("grpo", {"resume": True}, RunFolderError, "no training run"),
        ("grpo", {"data": Path("x.jsonl")}, ConfigError, "--task"),
        ("grpo", {"eval_every": -1}, ConfigError, "eval_every"),
        ("grpo", {"model": "prior-prompt"}, UnknownName, "did you mean 'prior-prompts'"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_before_a_folder_is_made(
    tmp_path: Path, recipe: str, more: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        train(recipe, out=tmp_path / "run", **more)
    assert not (tmp_path / "run").exists()


def test_a_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    model = str(tiny_model(tmp_path / "model"))
    small = {**SMALL, "max_tokens": 24, "steps": 1}
    train("grpo", out=tmp_path / "run", model=model, knobs=small, eval_problems=0)
    with pytest.raises(RunFolderError, match="holds a run of 'grpo' already"):
        train("grpo", out=tmp_path / "run", model=model, knobs=small)
    with pytest.raises(RunFolderError, match="rate"):
        train("grpo", out=tmp_path / "run", knobs={"rate": 1.0}, resume=True)
    with pytest.raises(RunFolderError, match="from model"):
        train("grpo", out=tmp_path / "run", model="skills", resume=True)


def test_a_model_that_cannot_be_loaded_leaves_no_run_behind(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model folder"):
        train("grpo", out=tmp_path / "run", model="/nowhere")
    assert not (tmp_path / "run").exists()
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "notes.txt").write_text("mine")
    with pytest.raises(ModelError):
        train("grpo", out=tmp_path / "own", model="/nowhere")
    assert [file.name for file in (tmp_path / "own").iterdir()] == ["notes.txt"]


def test_a_data_set_without_answers_is_refused_where_the_reward_compares(tmp_path: Path) -> None:
    file = tmp_path / "problems.jsonl"
    file.write_text('{"question": "What is 2 + 2?"}\n')
    with pytest.raises(Exception, match="answer"):
        train("grpo", out=tmp_path / "run", task="lab/arithmetic", data=file)
