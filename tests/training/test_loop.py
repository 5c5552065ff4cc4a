"""The loop to read and the trainer that scales are the same mathematics."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.training.small import tiny_model
from thinkwell.lab import artifacts
from thinkwell.tasks.presets import preset
from thinkwell.training import loop
from thinkwell.training.problems import LabProblems
from thinkwell.training.trainer import train

SIZES = {"steps": 2, "prompts": 3, "max_tokens": 40, "levels": (1, 2), "micro_tokens": 400}


@pytest.mark.parametrize("source", ["policy", "tiny"])
def test_loop_and_trainer_give_the_same_numbers(tmp_path: Path, source: str) -> None:
    folder = artifacts.path("policy") if source == "policy" else tiny_model(tmp_path / "model")
    longest = 200 if source == "policy" else 40
    report = train(
        "grpo", out=tmp_path / "run", model=str(folder), knobs={**SIZES, "group_size": 4, "max_tokens": longest}, eval_problems=0
    )
    module, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    how = loop.Settings(steps=2, prompts=3, size=4, max_tokens=longest, micro_tokens=400)
    rows = loop.train(module, tokenizer, LabProblems((1, 2), 0), preset("lab"), how)
    for mine, theirs in zip(rows, report.steps, strict=True):
        assert mine["reward"] == theirs["reward"]
        assert mine["tokens"] == theirs["tokens"]
        assert mine["loss"] == pytest.approx(theirs["loss"], abs=1e-6)
        assert mine["grad_norm"] == pytest.approx(theirs["grad_norm"], rel=1e-4)
    trained = AutoModelForCausalLM.from_pretrained(tmp_path / "run").state_dict()
    moved = 0.0
    for name, weight in module.state_dict().items():
        assert (weight - trained[name]).abs().max() < 1e-5
        moved = max(moved, float((weight - AutoModelForCausalLM.from_pretrained(folder).state_dict()[name]).abs().max()))
    assert (moved > 1e-6) == (source == "policy")  # fresh weights answer nothing right: no signal, no move


def test_loop_is_short_enough_to_be_read_in_one_sitting() -> None:
    assert len(Path(loop.__file__).read_text().splitlines()) < 300
