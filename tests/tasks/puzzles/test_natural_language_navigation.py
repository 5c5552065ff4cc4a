"""Navigation: every nearest landmark counts, a farther one does not, and sizes that cannot be are refused."""

from __future__ import annotations

import pytest

from tests.tasks.checks.natural_language_navigation import check
from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item

TASK = load("puzzles/natural_language_navigation")
ROADS = [["A", "B", 100], ["A", "C", 200], ["B", "D", 100], ["C", "E", 100], ["D", "F", 200]]
KIND = {"A": "bank", "B": "cafe", "C": "park", "D": "park", "E": "park", "F": "hotel"}
TOWN = Item(
    "puzzles/natural_language_navigation",
    "graph",
    "easy",
    "",
    "",
    "ABD",
    "",
    {"start": "A", "kind": KIND, "roads": ROADS, "wanted": "park"},
)


def test_every_nearest_landmark_counts() -> None:
    for way in ("AC", "ABD", "a -> c", "A, B, D", "[A,B,D]"):
        assert TASK.verify(f"```\n{way}\n```", TOWN).value == 1.0, way
        assert check(way, TOWN)
    assert TASK.verify("```\nABD\n```", TOWN, "paper").value == 1.0
    assert TASK.verify("```\nAC\n```", TOWN, "paper").value == 0.0


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("ACE", "300 metres long"),
        ("ABAC", "400 metres long"),
        ("AB", "B is no park"),
        ("BD", "must begin at A"),
        ("AD", "no road between A and D"),
        ("AAC", "no road between A and A"),
        ("AZ", "no landmark Z"),
        ("A1", "'1'"),
    ],
)
def test_a_broken_rule_is_named(way: str, reason: str) -> None:
    score = TASK.verify(f"```\n{way}\n```", TOWN)
    assert score.value == 0.0
    assert reason in score.reason
    assert not check(way, TOWN) or way == "A1"


def test_the_answer_s_length_is_the_level_s() -> None:
    for level, lengths in (("easy", {2}), ("medium", {3}), ("hard", {4, 5, 6})):
        task = load("puzzles/natural_language_navigation", level)
        assert {len(task.item(0, i).answer) for i in range(20)} <= lengths


def test_sizes_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match="above max_path"):
        load("puzzles/natural_language_navigation", min_path=4)
    with pytest.raises(ConfigError, match="rare among"):
        load("puzzles/natural_language_navigation", min_path=6, max_path=6)
    assert len(load("puzzles/natural_language_navigation", min_landmarks=20, max_landmarks=20).item(0, 0).meta["kind"]) == 20
