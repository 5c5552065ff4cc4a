"""Preference stages in the trainer: rounds of pairs, the loss falls on them, a kill changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from thinkwell.training.pairs import Pairs
from thinkwell.training.recipe import RECIPES, Recipe, Setting, TrainKnobs
from thinkwell.training.rewards.applied import Correct
from thinkwell.training.stage import Optimiser, Preference, Stage
from thinkwell.training.trainer import train


class Stop(Exception):
    """In place of a kill."""


@pytest.fixture(autouse=True)
def _recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    def stages(knobs: TrainKnobs, setting: Setting) -> Sequence[Stage]:
        pairs = Pairs(Correct(), prompts=4, samples=4, seed=setting.seed)
        return [Preference(make=pairs, steps=knobs.steps, rounds=2, batch=2, optimiser=Optimiser(rate=3e-4))]

    RECIPES.names()
    monkeypatch.setitem(RECIPES._entries, "preferring", Recipe("preferring", "-", "-", TrainKnobs, stages))


def test_pairs_are_made_once_a_round_and_learnt_from(tmp_path: Path) -> None:
    report = train("preferring", out=tmp_path, knobs={"steps": 6, "levels": (3,), "max_tokens": 200}, eval_problems=0)
    made = [row["step"] for row in report.steps if "pairs/made" in row]
    assert made == [1, 4]
    assert all(row["pairs/gap"] == 1 for row in report.steps if "pairs/made" in row)  # right against wrong
    first = report.steps[:3]
    assert all(row["kind"] == "preference" and row["pairs"] == 2 for row in first)
    assert first[0]["samples"] == 16
    assert first[0]["shift"] != first[1]["shift"]
    assert report.steps[2]["loss"] < report.steps[0]["loss"]


def test_a_stopped_preference_stage_goes_on_to_the_same_numbers(tmp_path: Path) -> None:
    knobs = {"steps": 4, "levels": (3,), "max_tokens": 200}
    whole = train("preferring", out=tmp_path / "whole", knobs=knobs, eval_problems=0)

    def stop(row: dict[str, object]) -> None:
        if row["step"] == 2:
            raise Stop

    with pytest.raises(Stop):
        train("preferring", out=tmp_path / "cut", knobs=knobs, eval_problems=0, save_every=1, listener=stop)
    again = train("preferring", out=tmp_path / "cut", resume=True)
    timed = ("seconds", "time/")
    plain = [[{k: v for k, v in row.items() if not k.startswith(timed)} for row in report.steps] for report in (whole, again)]
    assert plain[0] == plain[1]
