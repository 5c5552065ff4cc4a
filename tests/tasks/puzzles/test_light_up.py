"""Light Up: other placings than the gold one count, except under the paper's rule; walls with 0 are printed; filling from the top left does not solve a board."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.tasks.checks.light_up import check
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item

TASK = load("puzzles/light_up", "medium")
BOARD = [".....", ".1#..", ".....", "..0..", "....."]


def item(gold: str) -> Item:
    return replace(TASK.item(0, 0), meta={"board": BOARD}, answer=gold)


def test_any_placing_that_keeps_the_rules_counts_and_the_paper_knows_one_only() -> None:
    answers = ["(0,1), (2,3), (3,0), (4,4)", "(0,0), (1,3), (2,1), (4,4)"]
    drawn = item(gold=answers[1])
    assert [TASK.verify(f"```\n{answer}\n```", drawn).value for answer in answers] == [1.0, 1.0]
    assert [TASK.verify(f"```\n{answer}\n```", drawn, "paper").value for answer in answers] == [0.0, 1.0]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("(1,1)", "there is a wall at (1,1)"),
        ("(0,0), (0,4)", "the bulbs at (0,0) and (0,4) light each other"),
        ("(0,0), (1,3), (2,1)", "the cell (3,4) is not lit"),
        ("(0,0)", "the wall at (1,1) asks for 1 bulbs and has 0"),
        ("(5,0)", "(5,0) is not on the board"),
    ],
)
def test_the_reason_names_the_broken_rule(answer: str, reason: str) -> None:
    assert TASK.verify(f"```\n{answer}\n```", item("(0,0)")).reason == reason


def test_walls_with_0_are_shown_and_bind() -> None:
    zero = replace(TASK.item(0, 0), meta={"board": ["0..", "#.#", "..."]})
    assert TASK.verify("```\n(0,2), (1,1), (2,0)\n```", zero).value == 1.0
    assert TASK.verify("```\n(0,1), (2,0)\n```", zero).reason == "the wall at (0,0) asks for 0 bulbs and has 1"
    assert any("0" in "".join(TASK.item(1, i).meta["board"]) for i in range(10))
    assert all("".join(line) in "".join(TASK.item(1, 0).prompt.split()) for line in TASK.item(1, 0).meta["board"])


@pytest.mark.parametrize("i", range(10))
def test_filling_from_the_top_left_does_not_solve_a_board(i: int) -> None:
    drawn = TASK.item(2, i)
    board = drawn.meta["board"]
    bulbs = set()
    for row, line in enumerate(board):
        for column, sign in enumerate(line):
            left = [(row, c) for c in range(column + 1) if "." * (column - c + 1) == line[c : column + 1]]
            above = [(r, column) for r in range(row + 1) if all(board[k][column] == "." for k in range(r, row + 1))]
            if sign == "." and not bulbs & {*left, *above}:
                bulbs.add((row, column))
    answer = ", ".join(f"({r},{c})" for r, c in sorted(bulbs))
    assert "asks for" in TASK.verify(f"```\n{answer}\n```", drawn).reason


def test_a_random_filling_solves_fewer_boards_from_level_to_level() -> None:
    rng = random.Random(4)

    def filled(board: list[str]) -> str:
        """A bulb on every cell that no earlier bulb lights, in random order."""
        free = [(row, column) for row, line in enumerate(board) for column, sign in enumerate(line) if sign == "."]
        bulbs: list[tuple[int, int]] = []
        for row, column in rng.sample(free, len(free)):
            between = (
                board[row][min(c, column) : max(c, column)] if r == row else "".join(line[c] for line in board[min(r, row) : max(r, row)])
                for r, c in bulbs
                if r == row or c == column
            )
            if not any(set(cells) <= {"."} for cells in between):
                bulbs.append((row, column))
        return ", ".join(f"({row},{column})" for row, column in bulbs)

    solved = []
    for level in ("easy", "medium", "hard"):
        boards = [load("puzzles/light_up", level).item(6, i) for i in range(25)]
        solved.append(sum(check(filled(board.meta["board"]), board) for board in boards for _ in range(40)))
    assert solved[0] > 2 * solved[1] > 4 * solved[2]  # of 1,000: some 34, 9 and 1
