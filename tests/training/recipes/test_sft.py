"""The recipe `sft`: a file's conversations, epochs as steps, and what is refused before a run begins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.training.small import folder, setting, tokenizer
from thinkwell.core.errors import ConfigError, DataError
from thinkwell.training.recipes.sft import Config, stages
from thinkwell.training.stage import Sft
from thinkwell.training.trainer import train


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Ten conversations in both forms."""
    written = tmp_path / "said.jsonl"
    lines = [{"prompt": f"{i} + 1?", "response": f"It is {i + 1}."} for i in range(9)]
    chat = {"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good day."}]}
    written.write_text("".join(json.dumps(line) + "\n" for line in [*lines, chat]))
    return written


def stage(**knobs) -> Sft:
    (only,) = stages(Config(**knobs), setting())
    assert isinstance(only, Sft)
    return only


def test_an_epoch_sees_every_row_once(file: Path) -> None:
    only = stage(file=str(file), sft_rows=5, epochs=1)
    assert only.steps == 2
    assert sorted(tuple(ids) for step in range(2) for ids, _ in only.rows(step)) == sorted(
        tuple(ids) for ids, _ in stage(file=str(file), sft_rows=10).rows(0)
    )


def test_steps_come_from_epochs_unless_they_are_given(file: Path) -> None:
    assert stage(file=str(file), sft_rows=4, epochs=2).steps == 5
    assert stage(file=str(file), sft_rows=4, epochs=2, sft_steps=7).steps == 7
    assert stage(file=str(file), sft_rows=64, epochs=0.01).steps == 1


def test_the_reply_alone_is_learnt(file: Path) -> None:
    for ids, flags in stage(file=str(file), sft_rows=10).rows(0):
        learnt = tokenizer().decode([token for token, flag in zip(ids, flags, strict=True) if flag])
        assert learnt.startswith(("It is ", "Good day."))
        assert "?" not in learnt


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--set file="):
        stage()
    with pytest.raises(DataError, match="cannot read"):
        stage(file=str(tmp_path / "none.jsonl"))
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"prompt": "a", "response": "b"}\n{"prompt": "a"}\n')
    with pytest.raises(DataError, match="line 2"):
        stage(file=str(broken))


def test_a_run_learns_the_file(tmp_path: Path, file: Path) -> None:
    knobs = {"file": str(file), "sft_rows": 5, "epochs": 15, "sft_rate": 1e-2, "levels": (1,), "max_tokens": 8}
    report = train("sft", out=tmp_path / "run", model=folder(tmp_path / "model"), knobs=knobs, eval_every=0, eval_problems=1)
    losses = [row["loss"] for row in report.steps]
    assert len(losses) == 30
    assert losses[-1] < 0.5 * losses[0]
