"""The lab's commands: the card as numbers and as text, the build's bad input."""

from __future__ import annotations

import json

import pytest

from thinkwell.lab import artifacts

INTERVALS = {key: [0.1, 0.9] for key in ("pass_at_1", "pass_at_4", "maj_at_4")}
CARD = {
    "mix": {
        "problems": 8, "samples": 4, "temperature": 0.8, "pass_at_1": 0.5, "pass_at_4": 0.9, "maj_at_4": 0.6, "bo4": 0.7, "ci95": INTERVALS,
        "bo4_minus_maj4": {"mean": 0.1, "ci95": [0.0, 0.2]}, "prm_auroc": 0.93, "step_ends": 100,
        "prm_auroc_first_wrong": {"off_calculation": 0.91, "misreading": None}, "mean_tokens": 110.0, "longest_tokens": 300,
        "idle_reflection": 0.3, "unreadable": 0.01, "with_trap": 0.4,
    },
    "levels": {},
    "parameters": {"policy": 1000, "prm": 1001},
}  # fmt: skip


@pytest.fixture
def card(tmp_path, monkeypatch):
    monkeypatch.setattr(artifacts, "FOLDER", tmp_path)
    (tmp_path / "card.json").write_text(json.dumps(CARD))


def test_the_card_is_printed_as_it_was_measured(cli, card):
    assert cli("lab", "card", "--json").json == CARD
    assert "0.500" in cli("lab", "card").out


def test_a_missing_card_says_how_to_get_one(cli, tmp_path, monkeypatch):
    monkeypatch.setattr(artifacts, "FOLDER", tmp_path)
    done = cli("lab", "card")
    assert done.code == 2
    assert "thinkwell lab build" in done.err


def test_missing_models_are_a_clear_error_of_compare(cli, tmp_path, monkeypatch):
    monkeypatch.setattr(artifacts, "FOLDER", tmp_path)
    done = cli("compare", "--task", "lab/arithmetic", "--methods", "single", "--limit", "1", "--out", tmp_path / "run")
    assert done.code == 2
    assert "thinkwell lab build" in done.err
    assert not (tmp_path / "run").exists()


def test_a_build_that_cannot_be_is_refused(cli, tmp_path):
    assert cli("lab", "build", "--out", tmp_path / "x", "--scale", "huge").code == 2
    assert cli("lab", "build", "--out", tmp_path / "x", "--until", "dinner").code == 2
    assert not (tmp_path / "x").exists()
    (tmp_path / "file").write_text("")
    assert cli("lab", "build", "--out", tmp_path / "file", "--scale", "mini").code == 2


@pytest.mark.parametrize(
    ("options", "says"),
    [(("--nodes", "0"), "out of range"), (("--limit", "0"), "out of range"), (("--paths", "0"), "out of range")],
)
def test_a_tree_cannot_be_tuned_on_nothing(cli, tmp_path, options, says):
    done = cli("lab", "tune-tree", "--out", str(tmp_path / "tree.json"), *options)
    assert done.code == 2
    assert says in done.err


def test_a_tree_needs_a_folder_to_go_to(cli, tmp_path):
    done = cli("lab", "tune-tree", "--out", str(tmp_path / "no" / "tree.json"))
    assert done.code != 0
    assert "no folder" in done.err


def test_a_tuned_tree_is_one_that_stand_reads(cli, tmp_path):
    from thinkwell.decoding.draft_tree import load_tree

    file = tmp_path / "tree.json"
    facts = cli("lab", "tune-tree", "--out", str(file), "--limit", "1", "--paths", "1", "--nodes", "12", "--json").json
    assert len(load_tree(file)) == 12
    assert sum(facts["widths"]) == 12
    assert facts["problems"] == 1
