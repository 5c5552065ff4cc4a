"""The fuzzer itself: it finds what is there to be found, and finds nothing in a verifier at rest. `python -m tests.tasks.fuzz` runs it at length."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.tasks import fuzz
from thinkwell.core.rules import RIGHT, Score
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item, puzzle_of

NAME = "puzzles/sudoku2"


@pytest.fixture
def verifier(monkeypatch):
    """Put another verifier into a puzzle."""

    def put(verify):
        broken = replace(puzzle_of(NAME), verify=verify)
        monkeypatch.setattr(fuzz, "load", lambda name, level, split: replace(load(name, level, split=split), puzzle=broken))

    return put


def test_a_sound_verifier_gives_no_findings_and_other_right_answers_are_met() -> None:
    found = fuzz.fuzz("puzzles/hitori", 600)
    assert found.bad == 0
    assert found.counts["answers"] == 600
    assert found.counts["items"] == 3
    assert found.counts["other right answers"] > 0


def test_a_verifier_that_looks_at_the_shape_alone_is_found_out(verifier) -> None:
    verifier(lambda answer, item: RIGHT if answer.count("\n") == 3 else Score(0.0, "shape"))
    found = fuzz.fuzz(NAME, 300)
    assert found.counts["false accept"] > 10
    assert found.shown["false accept"]


def test_a_verifier_that_raises_is_found_out(verifier) -> None:
    def verify(answer: str, item: Item) -> Score:
        raise ZeroDivisionError("a bug")

    verifier(verify)
    found = fuzz.fuzz(NAME, 50)
    assert found.counts["crash"] == found.bad > 0
    assert "a bug" in found.shown["crash"][0]


def test_a_verifier_that_takes_too_long_is_found_out(verifier, monkeypatch) -> None:
    monkeypatch.setattr(fuzz, "MOST_SECONDS", -1.0)  # everything takes longer
    assert fuzz.fuzz(NAME, 40).counts["slow"] == 40


def test_a_verifier_that_refuses_everything_is_shown_as_such(verifier) -> None:
    verifier(lambda answer, item: Score(0.0, "never"))
    found = fuzz.fuzz(NAME, 300)
    assert found.bad == 0
    assert found.counts["only the judge takes it"] > 0


def test_mutants_stay_near_the_answer_and_depend_on_the_stream_alone() -> None:
    answer = "1 2 3\n4 5 6\n7 8 9"
    drawn = [[fuzz.mutant(answer, rng) for _ in range(50)] for rng in (random.Random(4), random.Random(4))]
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) > 30
    assert all(abs(len(text) - len(answer)) < 40 for text in drawn[0])


def test_the_command_says_what_it_found(capsys) -> None:
    assert fuzz.main(["--answers", "40", "--names", "games/ottt", NAME]) == 0
    out = capsys.readouterr().out
    assert "nothing found" in out
    assert "games/ottt" in out
