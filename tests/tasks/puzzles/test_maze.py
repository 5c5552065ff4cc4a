"""Mazes: the sentence that no path exists can be right, any path counts, and what is broken is named."""

from __future__ import annotations

import pytest

from tests.tasks.checks.maze import check
from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item
from thinkwell.tasks.puzzles.graph.maze import NONE, _canonical

TASK = load("puzzles/maze")
OPEN = Item("puzzles/maze", "graph", "easy", "", "", "", "", {"grid": ["S.B", "...", "B.E"], "exists": True})


def score(answer: str, item: Item = OPEN) -> tuple[float, str]:
    found = TASK.verify(f"```\n{answer}\n```", item)
    return found.value, found.reason


def test_any_path_counts_in_any_layout() -> None:
    for path in (
        "(1,1)->(1,2)->(2,2)->(2,3)->(3,3)",
        "(1, 1), (2, 1), (2, 2), (3, 2), (3, 3)",
        "[(1,1), (1,2), (1,1), (2,1), (2,2), (2,3), (3,3)]",
        "(1,1) → (1,2) → (2,2) → (3,2) → (3,3)",
    ):
        assert score(path) == (1.0, "")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("(1,2)->(2,2)->(2,3)->(3,3)", "must begin at (1,1)"),
        ("(1,1)->(1,2)->(2,2)", "must end at (3,3)"),
        ("(1,1)->(1,2)->(1,3)->(2,3)->(3,3)", "(1,3) is blocked"),
        ("(1,1)->(0,1)->(1,1)->(2,1)->(2,2)->(2,3)->(3,3)", "outside"),
        ("(1,1)->(2,2)->(2,3)->(3,3)", "step 1 goes from (1,1) to (2,2)"),
        (NONE, "there is a path"),
        ("[]", "must begin"),
    ],
)
def test_a_broken_rule_is_named(path: str, reason: str) -> None:
    value, said = score(path)
    assert value == 0.0
    assert reason in said


def test_the_sentence_is_right_exactly_where_there_is_no_path() -> None:
    for level in ("easy", "medium", "hard"):
        task = load("puzzles/maze", level, no_path_share=0.5)
        items = [task.item(1, i) for i in range(20)]
        assert {item.meta["exists"] for item in items} == {True, False}
        for item in items:
            for sentence in ("no path exists", "No path exists."):
                assert task.verify(f"```\n{sentence}\n```", item).value == (not item.meta["exists"]) == check(sentence, item)


def test_mirrored_and_turned_mazes_are_the_same_puzzle() -> None:
    assert _canonical(3, {1, 2}) == _canonical(3, {3, 6}) == _canonical(3, {6, 7}) == _canonical(3, {2, 5})
    assert _canonical(3, {1, 2}) != _canonical(3, {1, 3})


def test_impossible_mazes_are_refused() -> None:
    with pytest.raises(ConfigError, match="at most 16"):
        load("puzzles/maze", max_blocked=17)
    with pytest.raises(ConfigError, match="no_path_share=0"):
        load("puzzles/maze", min_blocked=1, max_blocked=1)
    assert all(load("puzzles/maze", min_blocked=1, max_blocked=2, no_path_share=1.0).item(0, i).answer == NONE for i in range(2))
    assert load("puzzles/maze", size=9, min_blocked=20, max_blocked=25).item(0, 0)
