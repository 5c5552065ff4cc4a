"""Tic-tac-toe: every move on every board against an independent judge, and what each kind of board asks for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tasks.checks.tic_tac_toe import check, successors, winner
from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item, puzzle_of

TASK = load("puzzles/tic_tac_toe")
PUZZLE = puzzle_of("puzzles/tic_tac_toe")
ANY = TASK.item(0, 0)


def item(board: str) -> Item:
    player = "X" if board.count("X") == board.count("O") else "O"
    return replace(ANY, meta={"board": board.split(), "player": player}, answer="")


def test_every_move_on_every_board_is_judged_as_by_the_rules() -> None:
    boards, front = 0, {"." * 9}
    while front:
        following = set()
        for board in front:
            drawn = item(f"{board[:3]} {board[3:6]} {board[6:]}")
            afters = successors(board, drawn.meta["player"])
            right = [after for after in afters if PUZZLE.score("\n".join((after[:3], after[3:6], after[6:])), drawn).right]
            assert right == [after for after in afters if check(after, drawn)]
            assert right
            boards += 1
            following |= {after for after in afters if not winner(after) and "." in after}
        front = following
    assert boards == 4520  # 5478 positions, less 626 + 316 that are won and 16 drawn


@pytest.mark.parametrize(
    ("board", "answer", "reason"),
    [
        ("XX. OO. ...", "XX. OOX ...", "row 2, column 3 does not win"),
        ("XX. O.. ...", "XX. OO. ...", "row 2, column 2 does not block"),
        ("X.. ... ...", "X.O ... ...", "row 1, column 3 leads to a loss where a draw can be had"),
        ("X.. ... ...", "X.X .O. ...", "2 cells differ"),
        ("X.. ... ...", "X.. .X. ...", "the move puts O on an empty cell"),
        ("X.. ... ...", "O.. ... ...", "row 1, column 1 was X and is O"),
        ("X.. ... ...", "X.. ... ...", "0 cells differ"),
    ],
)
def test_the_reason_says_what_was_missed(board: str, answer: str, reason: str) -> None:
    assert reason in PUZZLE.score(answer.replace(" ", "\n"), item(board)).reason


def test_any_right_move_counts_in_quotes_too() -> None:
    fork = item("X.. .O. ..X")
    assert PUZZLE.score("XO.\n.O.\n..X", fork).right
    assert PUZZLE.score("X..\n.O.\n.OX", fork).right
    assert not PUZZLE.score("X.O\n.O.\n..X", fork).right
    assert PUZZLE.score('["x", "o", "."]\n[".", "o", "."]\n[".", ".", "x"]', fork).right


@pytest.mark.parametrize(("level", "quiet"), [("easy", 0), ("medium", 12), ("hard", 32)])
def test_levels_have_their_share_of_quiet_boards(level: str, quiet: int) -> None:
    kinds = [load("puzzles/tic_tac_toe", level).item(2, i).meta["kind"] for i in range(40)]
    assert abs(kinds.count("quiet") - quiet) <= 8


def test_boards_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match="fewer than 3 stones"):
        load("puzzles/tic_tac_toe", min_stones=1, max_stones=2)
    with pytest.raises(ConfigError, match="at most 6 stones"):
        load("puzzles/tic_tac_toe", min_stones=7, quiet_share=0.5)
