"""Claims about training: what is read off runs, intervals over seeds and problems, a measurement that goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.small import tiny_model
from thinkwell.claims.page import markdown
from thinkwell.claims.readings import (
    Ran,
    accuracy,
    critic,
    excess,
    gained,
    marks,
    metric,
    mode,
    on_levels,
    rise,
    steeper,
    throughout,
    tokens,
    verifier,
    within,
)
from thinkwell.claims.trained import Arm, TrainedEffect, Training, asked_run, crossed, finding_of, measure_training
from thinkwell.core.errors import ConfigError
from thinkwell.training.record import Report
from thinkwell.training.trainer import train


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
    assert gained("tokens", since=2)(run).tolist() == [0, -1]
    with pytest.raises(ConfigError, match="step 7"):
        gained("tokens", since=7)(run)


def test_a_metric_is_the_mean_of_the_last_steps_that_have_it() -> None:
    run = ran([([0], [1])], [{"kl": 9.0}, {"kl": None}, {"kl": 1.0}, {"kl": 2.0}])
    assert metric("kl", last=2)(run).tolist() == [1.5]
    assert metric("kl", last=3)(run).tolist() == [4.0]
    with pytest.raises(ConfigError, match="no step"):
        metric("entropy")(run)


def test_a_rise_is_late_less_early_over_the_steps_that_have_the_metric() -> None:
    run = ran([([0], [1])], [{"a": None}, {"a": 1.0, "b": 0.5}, {"a": 3.0, "b": 0.5}, {"a": 4.0, "b": 1.0}, {"a": 6.0, "b": 2.0}])
    assert rise("a", count=2)(run).tolist() == [3.0]
    assert excess("a", "b", last=2)(run).tolist() == [3.5]
    with pytest.raises(ConfigError, match="no step"):
        rise("c")(run)


def test_throughout_counts_when_a_run_got_there_and_not_its_start() -> None:
    soon = ran([([1], [9]), ([1], [1]), ([1], [1])])
    late = ran([([1], [9]), ([0], [3]), ([1], [1])])
    assert throughout("right")(soon).tolist() == [1]
    assert throughout("right")(late).tolist() == [0.5]
    assert throughout("tokens")(late).tolist() == [2]


def test_equal_time_takes_the_last_evaluation_that_it_reaches() -> None:
    steps = [{"step": step, "seconds": 10.0, "decode_steps": 50.0 if step < 3 else 200.0} for step in (1, 2, 3)]
    run = ran([([0, 0], [1, 1]), ([0, 1], [1, 1]), ([1, 0], [1, 1]), ([1, 1], [1, 1])], steps)
    assert within(2)(run).tolist() == [0, 0]  # 6 seconds in all
    assert within(8)(run).tolist() == [1, 0]  # 24
    assert within(33)(run).tolist() == [1, 1]
    assert within(50, "decode_steps")(run).tolist() == [1, 0]  # 150 of 300


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
    ended: list[tuple[str, int, int]] = []
    apart = measure_training(paper, out=tmp_path / "apart", jobs=2, listener=lambda arm, seed, row: ended.append((arm, seed, row["step"])))
    assert sorted(ended) == [(arm, seed, 2) for arm in ("plain", "slow") for seed in (0, 1)]
    assert [(f.measured, f.verdict) for f in apart] == [(f.measured, f.verdict) for f in findings]


def test_a_recipe_without_evaluations_is_judged_by_what_its_steps_say() -> None:
    effect = TrainedEffect("more", "-", "a", "b", metric("flags"))
    paper = Training("small", "A paper", "0000.00000", "small", {"a": Arm("flexive"), "b": Arm("flexive")}, (effect,))
    runs = {(arm, seed): ran([], [{"flags": value + seed, "seconds": 1.0}]) for arm, value in (("a", 2.0), ("b", 1.0)) for seed in (0, 1)}
    found = finding_of(paper, effect, runs, (0, 1), "fast", 4.0, "command")
    assert (found.measured, found.verdict) == (1.0, "holds")
    assert found.left_tokens is None
    assert found.right_tokens is None


def test_trained_models_are_measured_as_critics_verifiers_and_writers(tmp_path: Path) -> None:
    from thinkwell.training.problems import LabProblems

    knobs = {"steps": 1, "prompts": 1, "group_size": 2, "max_tokens": 8, "levels": (1, 2)}
    report = train("grpo", out=tmp_path / "run", model=str(tiny_model(tmp_path / "model")), knobs=knobs, eval_problems=4)
    right = [int(problem.meta["level"] == 2) for problem in LabProblems((1, 2)).held_out(4)]
    run = Ran(report, [{"step": 0, "each": {"right": right, "tokens": [8] * 4}}], tmp_path / "run")
    assert on_levels("right", (2,))(run).tolist() == [1, 1]
    assert on_levels("right", (1,))(run).tolist() == [0, 0]
    with pytest.raises(ConfigError, match="level"):
        on_levels("right", (7,))(run)
    # Fresh weights judge nothing and plan nothing; what they write is not empty.
    assert critic("harmonic", steps=12)(run).tolist() == [0]
    assert verifier("f1", solutions=12)(run).tolist() == [0]
    assert verifier("tokens", solutions=12)(run)[0] > 0
    assert mode("accuracy", "hard", "easy", problems=2)(run).tolist() == [0]
    assert marks("planning", problems=2)(run).shape == (2,)
    assert steeper(problems=2)(run).tolist() == [0]


def test_a_slope_is_what_the_second_half_of_the_thinking_is_worth(tmp_path: Path) -> None:
    from thinkwell.lab import artifacts

    folder = tmp_path / "run"
    knobs = {"steps": 1, "prompts": 1, "group_size": 2, "levels": (1,), "max_tokens": 160}
    report = train("grpo", out=folder, model=str(tiny_model(tmp_path / "model")), knobs=knobs, eval_problems=2)
    # Fresh weights learn nothing in a step; the lab's policy in their place is right with all of its thinking and seldom with half of it.
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((artifacts.path("policy") / name).read_bytes())
    assert steeper(problems=8)(Ran(report, [], folder))[0] > 0.3


def test_papers_whose_arms_are_the_same_run_share_it(tmp_path: Path) -> None:
    common = {"prompts": 6, "levels": (2, 3)}
    one = Training("one", "", "", "", {"grpo": Arm("grpo", {}, "overthinking"), "own": Arm("laser")}, (), common)
    two = Training(
        "two", "", "", "", {"baseline": Arm("grpo", {}, "overthinking"), "slow": Arm("grpo", {"rate": 1e-6}, "overthinking")}, (), common
    )
    shared = asked_run(one, "grpo", 1, "fast", tmp_path).folder
    assert shared == asked_run(two, "baseline", 1, "fast", tmp_path).folder
    others = [
        asked_run(one, "grpo", 2, "fast", tmp_path),
        asked_run(one, "grpo", 1, "full", tmp_path),
        asked_run(two, "slow", 1, "fast", tmp_path),
    ]
    assert len({shared, *(run.folder for run in others)}) == 4


def test_a_length_is_a_share_only_where_it_is_divided() -> None:
    plain = TrainedEffect("longer", "-", "a", "b", tokens)
    assert plain.quantity == "tokens_a_response"
    assert TrainedEffect("longer", "-", "a", "b", tokens, relative=True).quantity == "tokens"
