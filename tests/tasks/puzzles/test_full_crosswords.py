"""Crosswords: the word list, and what an answer may look like."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tasks.checks.full_crosswords import CLUES, LIST
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item

TASK = load("puzzles/full_crosswords")
META = {"grid": ["_____", "_*_**", "_____"], "across": ["", ""], "down": ["", ""]}
ITEM = Item("puzzles/full_crosswords", "grid", "easy", "x", "", "across: STONE, EARLY\ndown: SHE, OUR", "", META)


def test_every_word_has_a_clue_of_its_own_that_does_not_give_it_away() -> None:
    text = LIST.read_text()
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    assert "public domain" in text.splitlines()[1]
    assert len(rows) == len(CLUES) == len(set(CLUES.values())) > 600
    assert all(3 <= len(word) <= 7 and word.isascii() and word.islower() and clue for word, clue in rows)
    assert not [word for word, clue in rows if word in clue.lower()]


@pytest.mark.parametrize(
    "answer",
    [
        ITEM.answer,
        "Across: stone, early\nDown: she, our",
        "down: SHE, OUR\n\nacross: [STONE, EARLY]",
        '**across:** "S T O N E", "EARLY"\n**down:** SHE, OUR.',
    ],
)
def test_layout_is_forgiven(answer: str) -> None:
    assert TASK.verify(f"```\n{answer}\n```", ITEM).value == 1.0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("across: STONE, EARLY", "no line of words down"),
        ("across: STONE, EARLY\ndown: SHE, OUR, ONE", "3 words are given down where 2"),
        ("across: STONE, EARL\ndown: SHE, OUR", "has 4 letters where 5"),
        ("across: SHONE, EARLY\ndown: SHE, OAR\nup: X", "neither across: nor down:"),
        ("across: STONE, EARLY\ndown: THE, OUR", "word 1 across has S where word 1 down, which crosses it there, has T"),
        ("across: SHONE, EARLY\ndown: SHE, OUR", "word 1 across, SHONE, is not the word of its clue"),
        ("across: STONE,, EARLY\ndown: SHE, OUR", "missing between two commas"),
        ("across: STONE, EARLY\nacross: STONE, EARLY\ndown: SHE, OUR", "more than one line"),
        ("across: ST0NE, EARLY\ndown: SHE, OUR", "'ST0NE' is no word of letters from A to Z"),
        ("across: \u017ftone, EARLY\ndown: SHE, OUR", "no word of letters from A to Z"),  # a long s, whose capital is S
    ],
)
def test_what_is_wrong_is_named(answer: str, reason: str) -> None:
    score = TASK.verify(f"```\n{answer}\n```", ITEM)
    assert score.value == 0.0
    assert reason in score.reason


def test_an_answer_that_does_not_fit_the_grid_of_a_pool_s_row_is_refused_not_raised() -> None:
    row = replace(ITEM, answer="across: STO, EARLY\ndown: SHE, OUR")
    assert TASK.puzzle.score(row.answer, row).reason == "word 1 across, 'STO', has 3 letters where 5 are expected"


def test_hard_grids_are_filled_in_many_ways() -> None:
    task = load("puzzles/full_crosswords", "hard", split="all")
    assert len({task.item(0, i).canonical for i in range(80)}) > 75


def test_grids_that_cannot_be_filled_are_refused_with_the_knob() -> None:
    from thinkwell.core.errors import ConfigError

    with pytest.raises(ConfigError, match="leaves no line for blocks"):
        load("puzzles/full_crosswords", height=3, across=3)
    with pytest.raises(ConfigError, match="7x7 grids only"):
        load("puzzles/full_crosswords", height=5, across=4, down=4)
