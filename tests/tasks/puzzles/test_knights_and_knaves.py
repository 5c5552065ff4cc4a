"""Knights and knaves: known puzzles, the bit masks against one world at a time, equally frequent labels."""

from __future__ import annotations

import random
from collections import Counter
from itertools import product

import pytest

from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item
from thinkwell.tasks.puzzles.logic.knights_and_knaves import _claim, _holds, _sentence, _true, solve

TASK = load("puzzles/knights_and_knaves")


def item(statements: list, conclusion: list, answer: str = "") -> Item:
    meta = {"people": ["A", "B", "C"][: len(statements)], "statements": statements, "conclusion": conclusion}
    return Item("puzzles/knights_and_knaves", "logic", "easy", "x", "", answer, "", meta)


@pytest.mark.parametrize(
    ("statements", "conclusion", "answer"),
    [
        # "We are both knaves", says A: he is a knave and B is a knight (B says that A is a knave)
        ([["and", [0, False], [1, False]], ["is", [0, False]]], ["is", [1, True]], "Entailment"),
        ([["and", [0, False], [1, False]], ["is", [0, False]]], ["same", 0, 1], "Contradiction"),
        # each calls the other a knight: both are, or neither
        ([["is", [1, True]], ["is", [0, True]]], ["is", [0, True]], "Unknown"),
        ([["is", [1, True]], ["is", [0, True]]], ["same", 0, 1], "Entailment"),
        # each of three calls exactly one of them a knight
        ([["exactly", 1, True]] * 3, ["at least", 1, True], "Contradiction"),
    ],
)
def test_known_puzzles(statements: list, conclusion: list, answer: str) -> None:
    assert solve(item(statements, conclusion)) == answer


def test_all_worlds_at_once_agree_with_one_at_a_time() -> None:
    rng = random.Random(0)
    for _ in range(200):
        claim = _claim(rng, 4, rng.choice((None, 0, 3)))
        mask = _true(claim, 4)
        for world in product((True, False), repeat=4):
            number = sum(knight << person for person, knight in enumerate(world))
            assert bool(mask >> number & 1) is _holds(claim, world), claim


def test_sentences_speak_of_the_speaker_as_i() -> None:
    people = ["Ann", "Bo", "Cy"]
    assert _sentence(["or", [1, True], [0, True]], people, 1) == "At least one of Ann and me is a knight."
    assert _sentence(["and", [1, True], [0, False]], people, 1) == "I am a knight and Ann is a knave."
    assert _sentence(["same", 1, 2], people, 1) == "Cy and I are of the same kind."
    assert _sentence(["if", [0, True], [1, False]], people, 1) == "If Ann is a knight, then I am a knave."
    assert _sentence(["at most", 2, False], people, None) == "At most two of the people are knaves."


def test_labels_are_equally_frequent_and_read_in_any_case() -> None:
    counts = Counter(TASK.item(3, i).answer for i in range(150))
    assert set(counts) == {"Entailment", "Contradiction", "Unknown"}
    assert min(counts.values()) > 30
    one = item([["is", [1, True]], ["is", [0, True]]], ["is", [0, True]], "Unknown")
    scores = {
        text: (TASK.verify(f"```\n{text}\n```", one).value, TASK.verify(f"```\n{text}\n```", one, "paper").value)
        for text in ("Unknown", "unknown.", '"Unknown"')
    }
    assert scores == {"Unknown": (1.0, 1.0), "unknown.": (1.0, 0.0), '"Unknown"': (1.0, 1.0)}
    assert TASK.verify("```\nContradiction\n```", one).reason == "the statement can be true"
    assert "none of Entailment" in TASK.verify("```\nEntailment or Unknown\n```", one).reason
