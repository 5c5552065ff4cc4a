"""LeaP-T: what is learnt, what is filtered out, what carries no loss, and the control."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.training.small import folder, setting, tokenizer
from thinkwell.core.errors import ConfigError
from thinkwell.methods.wording.leap import WORDINGS
from thinkwell.training.recipe import RECIPES
from thinkwell.training.recipes.leap_t import Config, stages, talked
from thinkwell.training.stage import Sft
from thinkwell.training.trainer import train

LAB = WORDINGS["lab"]


def learnt(row) -> str:
    ids, flags = row
    return tokenizer().decode([token for token, flag in zip(ids, flags, strict=True) if flag])


def text(row) -> str:
    return tokenizer().decode(row[0])


def stage(**knobs) -> Sft:
    (only,) = stages(Config(sft_rows=24, **knobs), setting())
    assert isinstance(only, Sft)
    return only


def test_every_trace_has_a_block_and_ends_with_an_answer() -> None:
    for row in stage().rows(0):
        assert LAB.openings[0] in text(row)
        assert "\\boxed{" in learnt(row)
        assert text(row).endswith("<|im_end|>")


def test_every_trace_ends_in_the_right_answer(monkeypatch) -> None:
    from thinkwell.lab.labels import boxed
    from thinkwell.training.recipes import leap_t

    seen = []
    real = leap_t.drawn
    monkeypatch.setattr(leap_t, "drawn", lambda rng, levels: seen.append(real(rng, levels)) or seen[-1])
    draw, rng, kept = talked(Config(), setting()), random.Random(0), 0
    for _ in range(40):
        row = draw(rng)
        if row is not None:
            kept += 1
            assert boxed(text(row).rpartition("<|im_start|>")[2]) == seen[-1].answer
    assert 5 < kept < 40


def test_frames_and_comments_carry_no_loss_and_summaries_do() -> None:
    rows = stage().rows(1)
    assert any(LAB.comments_open in text(row) for row in rows)
    for row in rows:
        assert LAB.comments_open not in learnt(row)
        assert LAB.openings[0] not in learnt(row)
        assert "peer 1" not in learnt(row)
        assert "user" not in learnt(row)
    assert sum("that is wrong:" in learnt(row) for row in rows) >= 4


def test_a_long_summary_is_filtered_out() -> None:
    with pytest.raises(ConfigError, match="milder"):
        stage(summary_tokens=1).rows(0)


def test_the_control_has_plain_traces_and_as_many() -> None:
    rows = stage(data="plain").rows(0)
    assert len(rows) == 24
    assert all("comments" not in text(row) and LAB.openings[0] not in text(row) for row in rows)
    assert all("\\boxed{" in learnt(row) for row in rows)


def test_rows_are_a_pure_function_of_seed_and_step() -> None:
    assert stage().rows(3) == stage().rows(3) != stage().rows(4)


def test_the_schedule_is_the_papers() -> None:
    optimiser = stage(sft_steps=100).optimiser
    assert (optimiser.decay, optimiser.warmup, optimiser.weight_decay) == ("cosine", 5, 1e-4)
    recipe = RECIPES.get("leap-t")
    assert not recipe.group
    assert not recipe.needs_answers


@pytest.mark.parametrize("data", ["leap", "plain"])
def test_a_run_with_the_trainer(tmp_path: Path, data: str) -> None:
    knobs = {"data": data, "sft_steps": 2, "sft_rows": 2, "levels": (1,), "max_tokens": 8}
    report = train("leap-t", out=tmp_path / "run", model=folder(tmp_path / "model"), knobs=knobs, eval_every=0, eval_problems=1)
    assert [row["kind"] for row in report.steps] == ["sft", "sft"]
    assert all(row["loss"] > 0 and row["learnt_tokens"] > 0 for row in report.steps)
