"""Campsite beyond the common contract: diagonal contact, pairs of trees and tents, counts that can be met, and what the original lets pass."""

from __future__ import annotations

import pytest

from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item, puzzle_of
from thinkwell.tasks.puzzles.grid.campsite import _canonical

PUZZLE = puzzle_of("puzzles/campsite")


def item(camp: str) -> Item:
    """The board of a camp, with the camp's own counts."""
    lines = camp.split()
    rows, columns = [line.count("*") for line in lines], ["".join(line).count("*") for line in zip(*lines, strict=True)]
    board = [line.replace("*", ".") for line in lines]
    return Item("puzzles/campsite", "grid", "", "", "", "", "", {"board": board, "rows": rows, "columns": columns})


@pytest.mark.parametrize(
    ("camp", "reason", "paper"),
    [
        ("*X.. ..X* .... ....", "", 1.0),
        ("*X.. X*.. .... ....", "the tents at row 1, column 1 and row 2, column 2 touch", 1.0),
        ("**.. XX.. .... ....", "touch", 0.0),
        ("*X.* ..X. .... ....", "trees and tents do not make pairs", 1.0),  # a tent beside no tree
        (".*.. .X.. .*.. .X..", "", 1.0),
        ("..X. *X*. .... X...", "trees and tents do not make pairs: none is left for the tree at row 4, column 1", 1.0),
        (
            "*X*X* ..X.. ..... .....",
            "",
            1.0,
        ),  # trees beside two tents: only a matching finds that the last one needs the tent in the middle
    ],
)
def test_pairs_and_contact(camp: str, reason: str, paper: float) -> None:
    facts = item(camp)
    score = PUZZLE.score(camp.replace(" ", "\n"), facts)
    assert (reason in score.reason) if reason else (score.value, score.reason) == (1.0, "")
    assert PUZZLE.score(camp.replace(" ", "\n"), facts, "paper").value == paper


def test_counts_and_trees_are_checked() -> None:
    facts = item("*X.. ..X* .... ....")
    assert PUZZLE.score("*X..\n....\n..X*\n....", facts).reason == "row 2, column 3 was a tree and is now '.'"
    assert PUZZLE.score("*X..\n..X.\n...*\n....", facts).reason == "row 2 holds 0 tents; 1 are asked for"
    assert PUZZLE.score(".X*.\n..X*\n....\n....", facts).reason == "column 1 holds 0 tents; 1 are asked for"


def test_turned_and_mirrored_boards_are_the_same_puzzle() -> None:
    board, rows, columns = ["X..X", "....", ".X.."], [1, 0, 2], [1, 0, 1, 1]
    turned = ["".join(line) for line in zip(*board[::-1], strict=True)]
    assert _canonical(board, rows, columns) == _canonical(turned, columns, rows[::-1])
    assert _canonical(board, rows, columns) == _canonical([line[::-1] for line in board], rows, columns[::-1])
    assert _canonical(board, rows, columns) != _canonical(board, rows, columns[::-1])


@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
def test_every_board_can_be_solved_and_its_counts_add_up(level: str) -> None:
    task = load("puzzles/campsite", level)
    for i in range(40):
        drawn = task.item(3, i)
        trees = sum(line.count("X") for line in drawn.meta["board"])
        assert sum(drawn.meta["rows"]) == sum(drawn.meta["columns"]) == trees
        assert task.verify(f"```\n{task.solve(drawn)}\n```", drawn).value == 1.0
