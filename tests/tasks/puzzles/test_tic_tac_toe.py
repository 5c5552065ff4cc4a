"""Tic-tac-toe: every move on every board against an independent judge, and what each kind of board asks for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tasks.checks.tic_tac_toe import check, successors, winner
from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item, puzzle_of
from thinkwell.tasks.puzzles.search.tic_tac_toe import judged

TASK = load("puzzles/tic_tac_toe")
PUZZLE = puzzle_of("puzzles/tic_tac_toe")
ANY = TASK.item(0, 0)


def item(board: str) -> Item:
    """An item of a board, rows separated by blanks."""
    signs = board.replace(" ", "")
    stones = {sign: sum(1 << cell for cell, own in enumerate(signs) if own == sign) for sign in "XO"}
    player, rival = "XO" if signs.count("X") == signs.count("O") else "OX"
    kind, worth = judged(len(board.split()), stones[player], stones[rival])
    return replace(ANY, meta={"board": board.split(), "player": player, "kind": kind, "worth": list(worth.values())}, answer="")


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
        ("XXX. OOO. .... ....", "XXX. OOO. X... ....", "row 3, column 1 does not win"),
        ("XX.. OOO. X... ....", "XX.. OOO. XX.. ....", "row 3, column 2 does not block"),
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


@pytest.mark.parametrize(("empty", "quiet"), [(5, True), (6, False), (7, True), (8, True)])
def test_moves_on_boards_of_4x4_are_judged_as_by_the_rules(empty: int, quiet: bool) -> None:
    drawn = load("puzzles/tic_tac_toe", min_size=4, min_empty=empty, max_empty=empty, quiet_share=float(quiet)).item(3, 0)
    before = "".join(drawn.meta["board"])
    assert (len(before), before.count(".")) == (16, empty)
    afters = successors(before, drawn.meta["player"])
    right = [after for after in afters if PUZZLE.score("\n".join(after[at : at + 4] for at in range(0, 16, 4)), drawn).right]
    assert right == [after for after in afters if check(after, drawn)]
    assert 0 < len(right) <= empty / 2


@pytest.mark.parametrize(("level", "quiet"), [("easy", 0), ("medium", 7), ("hard", 19)])
def test_levels_have_their_share_of_quiet_boards(level: str, quiet: int) -> None:
    kinds = [load("puzzles/tic_tac_toe", level).item(2, i).meta["kind"] for i in range(24)]
    assert abs(kinds.count("quiet") - quiet) <= 5


@pytest.mark.parametrize(
    ("knobs", "reason"),
    [
        ({"min_size": 4, "max_size": 3}, "is above max_size"),
        ({"min_empty": 7}, "is above max_empty"),
        ({"min_empty": 7, "max_empty": 8}, "nobody is about to win"),
        ({"max_empty": 2, "quiet_share": 0.5}, "at least 3 empty cells"),
        ({"max_empty": 4, "max_right": 0.2}, "less than one"),
        ({"max_empty": 9}, "less than or equal to 8"),
    ],
)
def test_boards_that_cannot_be_are_refused(knobs: dict[str, float], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        load("puzzles/tic_tac_toe", **knobs)
