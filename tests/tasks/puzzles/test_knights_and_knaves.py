"""Knights and knaves: known puzzles, the bit masks against one world at a time, equally frequent labels."""

from __future__ import annotations

import random
from collections import Counter
from itertools import product

import pytest

from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item
from thinkwell.tasks.puzzles.logic._claims import canonical, holds, plain, sentence, worlds_of
from thinkwell.tasks.puzzles.logic.knights_and_knaves import _claim, solve

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
        mask = worlds_of(claim, 4)
        for world in product((True, False), repeat=4):
            number = sum(knight << person for person, knight in enumerate(world))
            assert bool(mask >> number & 1) is holds(claim, world), claim


def test_sentences_speak_of_the_speaker_as_i() -> None:
    people = ["Ann", "Bo", "Cy"]
    assert sentence(["or", [1, True], [0, True]], people, 1) == "At least one of Ann and me is a knight."
    assert sentence(["and", [1, True], [0, False]], people, 1) == "I am a knight and Ann is a knave."
    assert sentence(["same", 1, 2], people, 1) == "Cy and I are of the same kind."
    assert sentence(["if", [0, True], [1, False]], people, 1) == "If Ann is a knight, then I am a knave."
    assert sentence(["at most", 2, False], people, None) == "At most two of the people are knaves."


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


@pytest.mark.parametrize(("level", "needed"), [("medium", 3), ("hard", 5)])
def test_what_is_decided_needs_as_many_statements_as_the_level_says(level: str, needed: int) -> None:
    for i in range(8):
        drawn = load("puzzles/knights_and_knaves", level).item(1, i)
        statements, conclusion = drawn.meta["statements"], drawn.meta["conclusion"]
        worlds = list(product((True, False), repeat=len(statements)))
        fitting = [{world for world in worlds if holds(claim, world) is world[speaker]} for speaker, claim in enumerate(statements)]
        seen = []
        for left_out in range(len(statements)):
            rest = set(worlds).intersection(*(fits for speaker, fits in enumerate(fitting) if speaker != left_out))
            seen.append({holds(conclusion, world) for world in rest})
        if drawn.answer != "Unknown":
            assert sum(len(truths) == 2 for truths in seen) >= needed


def test_claims_that_say_the_same_have_one_form() -> None:
    for same in (
        [["if", [0, True], [1, False]], ["or", [1, False], [0, False]]],
        [["at least", 1, True], ["at most", 4, False]],
        [["exactly", 2, False], ["exactly", 3, True]],
        [["differ", 3, 1], ["differ", 1, 3]],
    ):
        one, other = (plain(claim, 5) for claim in same)
        assert one == other
        assert worlds_of(same[0], 5) == worlds_of(same[1], 5)
    assert plain(["if", [0, True], [1, True]], 5) != plain(["if", [1, True], [0, True]], 5)


def test_copies_with_other_people_are_the_same_puzzle() -> None:
    rng = random.Random(4)
    forms = set()
    for i in range(40):
        meta = load("puzzles/knights_and_knaves", "medium").item(2, i).meta
        order = rng.sample(range(len(meta["people"])), len(meta["people"]))

        def moved(claim: list, order: list[int] = order) -> list:
            kind, *parts = claim
            if kind in ("exactly", "at least", "at most"):
                return claim
            return [kind, *(order[part] if isinstance(part, int) else [order[part[0]], part[1]] for part in parts)]

        said = dict(zip(order, map(moved, meta["statements"]), strict=True))
        form = canonical(meta["statements"], meta["conclusion"])
        assert canonical([said[person] for person in sorted(said)], moved(meta["conclusion"])) == form
        forms.add(form)
    assert len(forms) == 40


def test_knobs_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match="more than min_people=2"):
        load("puzzles/knights_and_knaves", needed=3)
    with pytest.raises(ConfigError, match="above max_people"):
        load("puzzles/knights_and_knaves", min_people=6)
