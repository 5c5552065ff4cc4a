"""The starting points that ship: each is a model that loads, with the property that the card says it has."""

import json
import shutil
from dataclasses import replace

import pytest
import transformers

from thinkwell.core.errors import ModelError, UnknownName
from thinkwell.lab import artifacts, build, starts
from thinkwell.lab.card import render_card
from thinkwell.lab.sample import sample
from thinkwell.lab.starts.traces import STARTS
from thinkwell.lab.world import generate


def test_the_bundled_models_are_starting_points_too():
    for name in starts.BUNDLED:
        assert starts.path(name) == artifacts.path(name)


def test_an_unknown_start_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownName, match="overthinking"):
        starts.path("overthinkin")


def test_overthinking_loads_and_writes_much_more_than_the_policy(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    questions = [generate(i, 3, "test").question for i in range(8)]
    tokens = {}
    for name in ("policy", "overthinking"):
        folder = starts.path(name)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        found = sample(transformers.AutoModelForCausalLM.from_pretrained(folder), tokenizer, questions, 2, temperature=0.8, max_tokens=400)
        tokens[name] = sum(len(s.ids) for s in found)
        assert sum("\\boxed{" in s.text for s in found) >= 15
    assert tokens["overthinking"] > 1.3 * tokens["policy"]


def test_the_build_makes_measures_and_keeps_a_start_and_does_it_only_once(tmp_path, monkeypatch):
    mini = replace(build.SCALES["mini"], start_rows=2, start_steps=1, start_problems=2, start_samples=1)
    monkeypatch.setitem(build.SCALES, "mini", mini)
    shutil.copytree(artifacts.path("policy"), tmp_path / "policy")
    work = build.Work(tmp_path, mini, "mini", 0, lambda _: None)
    work.open(True)
    work.tokenizer()
    work.starts()
    facts = json.loads((tmp_path / ".build" / "start-overthinking.json").read_text())
    assert facts["steps"] == 1
    assert facts["problems"] == 2
    assert 0 <= facts["pass_at_1"] <= 1
    file = tmp_path / "starts" / "overthinking.safetensors"
    made = file.stat().st_mtime_ns
    work.starts()
    assert file.stat().st_mtime_ns == made


def test_the_card_has_the_numbers_of_every_start_that_ships():
    shipped = {file.stem for file in (artifacts.FOLDER / "starts").glob("*.safetensors")}
    assert {"overthinking", "loose-format", "wrong-habit"} <= shipped <= set(STARTS)
    assert set(artifacts.card()["starts"]) == {"policy", *shipped}
    assert set(starts.names()) == {*starts.BUNDLED, *shipped}


def test_a_start_that_this_installation_does_not_hold_is_refused_with_what_makes_it(monkeypatch, tmp_path):
    monkeypatch.setattr(artifacts, "FOLDER", tmp_path)
    with pytest.raises(ModelError, match="lab build"):
        starts.path("overthinking")


def test_the_card_says_that_each_start_has_the_property_that_it_is_for():
    card = artifacts.card()["starts"]
    policy, over, loose, habit = (card[name] for name in ("policy", "overthinking", "loose-format", "wrong-habit"))
    assert over["mean_tokens"] > 1.5 * policy["mean_tokens"]
    assert abs(over["pass_at_1"] - policy["pass_at_1"]) < 0.04
    assert over["idle_reflection"] > 0.5
    assert 0.5 < loose["boxed"] < 0.7
    assert loose["well_formed"] < loose["closed"] < 0.95
    assert 0 < habit["tricky_read"] < 0.5 * policy["tricky_read"]
    prior = card["prior-prompts"]
    assert abs(prior["pass_at_1"] - policy["pass_at_1"]) < 0.04
    assert all(0.5 < style["styled"] < 0.9 for style in prior["styles"].values())
    assert "overthinking" in render_card(artifacts.card())
