"""Claims about training: what is read off runs, intervals over seeds and problems, a measurement that goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.tiny import tiny_model
from thinkwell.claims.page import markdown
from thinkwell.claims.trained import Arm, Ran, TrainedEffect, Training, accuracy, crossed, gained, measure_training, metric, tokens
from thinkwell.core.errors import ConfigError
from thinkwell.training.trainer import Report


def ran(evaluations: list[tuple[list[int], list[int]]], steps: list[dict[str, Any]] | None = None) -> Ran:
    rows = [{"step": i, "each": {"right": right, "tokens": length}} for i, (right, length) in enumerate(evaluations)]
    return Ran(Report("grpo", 0, steps or [], {}), rows, Path("runs"))


def test_the_end_of_a_run_counts_not_its_best_evaluation() -> None:
    run = ran([([0, 0], [9, 9]), ([1, 1], [1, 1]), ([0, 1], [4, 6]), ([0, 1], [4, 6]), ([0, 0], [4, 3])])
    assert accuracy(run).tolist() == [
        0,
        pytest.approx(2 / 3),
    ]  # of the last three, the second evaluation's two right answers are not among them
    assert tokens(run).tolist() == [4, 5]
    assert gained("tokens")(run).tolist() == [-5, -4]


def test_a_metric_is_the_mean_of_the_last_steps() -> None:
    run = ran([([0], [1])], [{"kl": 9.0}, {"kl": None}, {"kl": 1.0}, {"kl": 2.0}])
    assert metric("kl", last=3)(run).tolist() == [1.5]
    with pytest.raises(ConfigError, match="no step"):
        metric("entropy")(run)


def test_crossed_intervals_see_both_seeds_and_problems() -> None:
    same = [np.array([0.0, 1.0] * 20)] * 3
    over_problems = crossed(same, None)
    assert over_problems.mean == 0.5
    assert 0.3 < over_problems.low < 0.5 < over_problems.high < 0.7
    seeds_differ = crossed([np.full(40, value) for value in (0.0, 0.5, 1.0)], None)
    assert seeds_differ.low < 0.2
    assert seeds_differ.high > 0.8
    paired = crossed([each + 0.25 for each in same], same)
    assert paired.low == pytest.approx(paired.high) == pytest.approx(0.25)
    relative = crossed([np.full(4, 6.0)] * 2, [np.full(4, 8.0)] * 2, relative=True)
    assert relative.mean == pytest.approx(-0.25)


def test_a_measurement_trains_every_arm_with_every_seed_once(tmp_path: Path) -> None:
    model = str(tiny_model(tmp_path / "model"))
    paper = Training(
        "small",
        "A small paper",
        "0000.00000",
        "as small as can be",
        arms={"plain": Arm("grpo", model=model), "slow": Arm("grpo", {"rate": 1e-6}, model)},
        effects=(
            TrainedEffect("right more often", "+1", "plain", "slow", accuracy),
            TrainedEffect("a gradient", "some", "plain", None, metric("kept"), above=1.0),
        ),
        common={"prompts": 1, "group_size": 2, "max_tokens": 16, "levels": (1,)},
        steps={"fast": 2},
        problems={"fast": 3},
        seeds={"fast": 2},
        eval_every=1,
    )
    heard: list[tuple[str, int, int]] = []
    findings = measure_training(paper, out=tmp_path / "out", listener=lambda arm, seed, row: heard.append((arm, seed, row["step"])))
    assert heard == [(arm, seed, step) for seed in (0, 1) for arm in ("plain", "slow") for step in (1, 2)]
    assert findings[0].verdict == "undecided"  # fresh weights answer nothing: no problem tells the arms apart
    assert (findings[1].measured, findings[1].verdict) == (2.0, "holds")
    assert findings[0].left_tokens == 16
    heard.clear()
    again = measure_training(paper, out=tmp_path / "out", listener=lambda arm, seed, row: heard.append((arm, seed, row["step"])))
    assert not heard
    assert [f.as_dict() for f in again] == [f.as_dict() for f in findings]
    assert "right more often" in markdown(findings)
