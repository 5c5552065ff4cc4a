"""Binario beyond the common contract: many boards, one solution each under all rules, the rule of distinct lines, boards without a solution."""

from __future__ import annotations

from itertools import product

import pytest

from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item, puzzle_of
from thinkwell.tasks.puzzles.grid.binario import _canonical


def item(board: str, solvable: bool = True) -> Item:
    return Item("puzzles/binario", "grid", "", "", "", "", "", {"board": board.split(), "solvable": solvable})


def completions(board: list[str]) -> int:
    """All ways to fill the empty cells, tried one by one."""
    empty = [i for i, symbol in enumerate("".join(board)) if symbol == "_"]
    found, n = 0, len(board)
    for symbols in product("01", repeat=len(empty)):
        cells = list("".join(board))
        for i, symbol in zip(empty, symbols, strict=True):
            cells[i] = symbol
        lines = [tuple(cells[n * i : n * i + n]) for i in range(n)], [tuple(cells[i::n]) for i in range(n)]
        right = all(line.count("1") == n // 2 for side in lines for line in side) and all(len(set(side)) == n for side in lines)
        found += right and not any(line[i : i + 3] in (("0",) * 3, ("1",) * 3) for side in lines for line in side for i in range(n - 2))
    return found


def test_boards_vary_and_have_one_completion() -> None:
    task = load("puzzles/binario", "medium", split="all", max_size=4)
    items = [task.item(0, i) for i in range(30)]
    assert len({item.answer for item in items}) > 15, "the original has one solution per size"
    assert all(completions(item.meta["board"]) == 1 for item in items)


def test_equal_rows_are_refused_but_by_the_paper_s_rule() -> None:
    puzzle = puzzle_of("puzzles/binario")
    grid = "0 1 0 1\n1 0 1 0\n0 1 0 1\n1 0 1 0"
    assert puzzle.score(grid, item("____ ____ ____ ____")).reason == "row 1 and row 3 are the same"
    assert puzzle.score(grid, item("____ ____ ____ ____"), "paper").value == 1.0


@pytest.mark.parametrize(
    ("grid", "reason"),
    [
        ("0110 1001 0011 0110", "column 1 holds 3 zeros and 1 ones"),
        ("0111 1001 0011 1100", "row 1 holds 1 zeros and 3 ones"),
        ("1001 0110 0011 1100", "row 1, column 1 was given as 0 and is now 1"),
        ("0110 1001 0011", "3 rows where 4"),
        ("0120 1001 0011 1100", "'2', which is none of the symbols"),
    ],
)
def test_the_reason_names_the_broken_rule(grid: str, reason: str) -> None:
    assert reason in puzzle_of("puzzles/binario").score(grid.replace(" ", "\n"), item("0___ ____ ____ ____")).reason


def test_three_in_a_line_are_named() -> None:
    grid = "000111\n110010\n001101\n110010\n001101\n110100"
    assert puzzle_of("puzzles/binario").score(grid, item("______ " * 6)).reason == "row 1 holds three 0 next to each other"


def test_boards_without_a_solution_are_scored_by_the_sentence() -> None:
    task = load("puzzles/binario", "easy", unsolvable_share=1.0, max_size=4)
    for i in range(5):
        drawn = task.item(0, i)
        assert "write instead: no solution" in drawn.prompt
        assert completions(drawn.meta["board"]) == 0
        assert task.solve(drawn) == drawn.answer == "no solution"
        assert task.verify("```\nNo solution.\n```", drawn).value == 1.0
    solvable = load("puzzles/binario").item(0, 0)
    assert task.verify("```\nno solution\n```", solvable).reason == "the board has a solution"


def test_the_example_of_the_prompt_is_no_item_s_answer() -> None:
    task = load("puzzles/binario", split="all", max_size=4)
    assert "0 1 1 0\n1 0 0 1\n0 0 1 1\n1 1 0 0" not in {task.item(0, i).answer for i in range(400)}


def test_turned_mirrored_and_exchanged_boards_are_the_same_puzzle() -> None:
    board = ["01__", "1__0", "0___", "__1_"]
    turned = ["".join(line) for line in zip(*board[::-1], strict=True)]
    exchanged = [line[::-1].translate({48: "1", 49: "0"}) for line in turned]
    assert _canonical(board) == _canonical(turned) == _canonical(exchanged)
    assert _canonical(board) != _canonical([*board[:3], "__0_"])


def test_odd_sizes_are_refused() -> None:
    with pytest.raises(ConfigError, match="odd"):
        load("puzzles/binario", max_size=7)
