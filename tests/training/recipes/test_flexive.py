"""FlexiVe: rewards of location and length, GRPO with TRL's conventions, solutions in place of problems."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.training.small import SHORT, folder, rollouts, sample, setting
from thinkwell.core.errors import ConfigError
from thinkwell.training.recipe import RECIPES
from thinkwell.training.recipes.flexive import Config, Located, stages
from thinkwell.training.record import Record
from thinkwell.training.rewards.flexive import UNPARSED
from thinkwell.training.sample import Sample
from thinkwell.training.stage import Rl
from thinkwell.training.trainer import train
from thinkwell.training.verification import GivenSolutions, Solutions


def said(predicted: int, target: int, tokens: int) -> Sample:
    return sample(tokens=tokens, predicted=predicted, target=target)


def test_location_and_length_make_the_reward() -> None:
    batch = rollouts(
        said(2, 2, 14),
        said(1, 2, 14),
        said(-1, 2, 14),
        said(UNPARSED, 2, 14),
        said(-1, -1, 6),
        said(-1, -1, 11),
        said(3, -1, 6),
        said(2, 2, 4),
    )
    found = Located(Config())(batch, 0)
    assert found.values.tolist() == pytest.approx([1.0, 0.5, 0.0, 0.0, 1.0, 0.5, 0.0, 0.8])
    assert found.parts["location"].tolist() == [1.0, 0.5, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0]
    assert found.parts["exact"].tolist() == [1, 0, 0, 0, 1, 1, 0, 1]
    assert found.parts["unread"].tolist() == [0, 0, 0, 1, 0, 0, 0, 0]
    assert found.parts["flagged"].tolist() == [1, 1, 0, 0, 0, 0, 1, 1]


def test_the_lengths_of_the_paper_are_a_choice_of_knobs() -> None:
    paper = Config(right_free=50, right_span=100, wrong_low=50, wrong_high=512)
    found = Located(paper)(rollouts(said(-1, -1, 100), said(2, 2, 25), said(2, 2, 300)), 0)
    assert found.values.tolist() == pytest.approx([0.5, 0.5, 1.0])


def test_a_sample_that_was_not_judged_is_an_error() -> None:
    with pytest.raises(KeyError):
        Located(Config())(rollouts(sample()), 0)


def test_the_stage_is_the_papers() -> None:
    (stage,) = stages(Config(steps=3), setting())
    assert isinstance(stage, Rl)
    assert isinstance(stage.problems, Solutions)
    assert (stage.passes, stage.kl, stage.optimiser.weight_decay, Config().group_size, Config().temperature) == (4, None, 0.01, 14, 0.6)
    recipe = RECIPES.get("flexive")
    assert (recipe.start, recipe.needs_answers) == ("skills", False)


def test_solutions_can_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "solutions.jsonl"
    file.write_text(json.dumps({"question": "Q", "steps": ["a", "b"], "error": 1}))
    (stage,) = stages(Config(solutions=str(file)), setting())
    assert isinstance(stage, Rl)
    assert isinstance(stage.problems, GivenSolutions)
    assert stage.problems.at(5).reference == "1"


def test_the_trainer_runs_every_stage(tmp_path: Path) -> None:
    report = train("flexive", out=tmp_path / "run", model=folder(tmp_path / "model"), knobs={**SHORT, "passes": 2}, eval_problems=0)
    assert [step["kind"] for step in report.steps] == ["rl", "rl"]
    assert all(step["grad_norm"] is None or step["grad_norm"] >= 0 for step in report.steps)
    assert report.steps[-1]["reward"] is not None


def test_a_run_is_evaluated_as_a_verifier(tmp_path: Path) -> None:
    train("flexive", out=tmp_path / "run", model=folder(tmp_path / "model"), knobs=SHORT, eval_problems=16)
    rows = Record(tmp_path / "run").read().evaluations
    assert [row["step"] for row in rows] == [0, 2]
    assert {"accuracy", "tokens", "f1", "right", "wrong"} <= set(rows[0])
    assert rows[0]["problems"] == 16
    with pytest.raises(ConfigError, match="tested on right and wrong cases; expected at least 16"):
        train("flexive", out=tmp_path / "few", model=folder(tmp_path / "model"), knobs=SHORT, eval_problems=4)
    assert not (tmp_path / "few").exists()
