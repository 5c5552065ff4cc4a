"""Mate in one: any mate counts in any notation; the paper's rule wants one text."""

from __future__ import annotations

import chess
import pytest

from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item
from thinkwell.tasks.puzzles.search._chess import mating_move
from thinkwell.tasks.puzzles.search.checkmate_in_one import _canonical

TASK = load("puzzles/checkmate_in_one")
TWO_MATES = "6k1/5ppp/8/8/8/8/8/RR4K1 w - - 0 1"  # Ra8# and Rb8#
PROMOTION = "7k/4P1pp/8/8/8/8/8/6K1 w - - 0 1"
CASTLING = "5k2/8/8/8/8/8/8/R3K2R w KQ - 0 1"


def item(fen: str, answer: str) -> Item:
    return Item("puzzles/checkmate_in_one", "search", "easy", "x", "", answer, "", {"fen": fen, "moves": ""})


@pytest.mark.parametrize(
    "answer", ["Ra8#", "Ra8", "Rb8", "Rb8+", "a1a8", "b1-b8", "1. Ra8#", "12... Rb8!!", "Ra1a8", "\\text{Ra8\\#}", '"Ra8#"']
)
def test_every_mate_counts_in_every_notation(answer: str) -> None:
    assert TASK.verify(f"```\n{answer}\n```", item(TWO_MATES, "Ra8#")).value == 1.0


def test_the_paper_s_rule_wants_the_text_of_one_mate() -> None:
    scores = [TASK.verify(f"```\n{answer}\n```", item(TWO_MATES, "Ra8#"), "paper").value for answer in ("Ra8#", "Ra8", "Rb8#", "a1a8")]
    assert scores == [1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("fen", "answer", "reason"),
    [
        (TWO_MATES, "Ra7", "there is the answer"),
        (TWO_MATES, "Rc8", "no legal move"),
        (TWO_MATES, "Ra9#", "no move in algebraic notation"),
        (TWO_MATES, "Ra8# or Rb8#", "no move in algebraic notation"),
        (PROMOTION, "e8=N", "there is the answer"),
        (PROMOTION, "e8", "no legal move"),
        ("3k4/R6R/8/8/8/8/8/4K3 w - - 0 1", "Rd7", "more than one piece"),
        ("7k/5K2/8/6Q1/8/8/8/8 w - - 0 1", "Qg6", "stalemate"),
    ],
)
def test_what_is_wrong_is_named(fen: str, answer: str, reason: str) -> None:
    score = TASK.verify(f"```\n{answer}\n```", item(fen, "?"))
    assert score.value == 0.0
    assert reason in score.reason


@pytest.mark.parametrize("answer", ["e8=Q#", "e8Q", "e7e8q", "e8=R"])
def test_promotions_are_read(answer: str) -> None:
    assert TASK.verify(f"```\n{answer}\n```", item(PROMOTION, "e8=Q#")).value == 1.0


@pytest.mark.parametrize("answer", ["O-O", "0-0", "o-o", "e1g1"])
def test_castling_is_read(answer: str) -> None:
    reason = TASK.verify(f"```\n{answer}\n```", item(CASTLING, "?")).reason
    assert "there is the answer" in reason  # a legal move, though no mate


@pytest.mark.parametrize("answer", ["exd6", "exd6 e.p.", "exd6 e.p.#", "exd6+ e.p.", "e5d6", "e5xd6"])
def test_pawns_captured_in_passing_are_read(answer: str) -> None:
    reason = TASK.verify(f"```\n{answer}\n```", item("4k3/8/8/3pP3/8/8/8/4K3 w - d6 0 1", "?")).reason
    assert "there is the answer" in reason  # a legal move, though no mate


def test_votes_do_not_tell_signs_apart() -> None:
    for same in (("Rxa8#", "R:a8", "1. Ra8+"), ("a1-a8", "a1a8"), ("O-O", "0-0#"), ("e8=Q#", "e8Q")):
        assert len({TASK.puzzle.form_of(answer) for answer in same}) == 1, same


def test_mirror_images_are_one_position_and_castling_keeps_them_apart() -> None:
    board = chess.Board("6k1/5ppp/8/8/8/8/8/R5K1 w - - 0 1")
    images = [board, board.mirror(), board.transform(chess.flip_horizontal), board.mirror().transform(chess.flip_horizontal)]
    assert len({_canonical(image.fen()) for image in images}) == 1
    assert _canonical(CASTLING) != _canonical(CASTLING.replace("KQ", "-"))
    castling = chess.Board("r3k3/8/8/8/8/8/8/R3K2R w KQq - 0 1")
    assert _canonical(castling.fen()) == _canonical(castling.mirror().fen())


@pytest.mark.parametrize(
    ("fen", "mate"),
    [
        (TWO_MATES, "b1b8"),
        (PROMOTION, "e7e8q"),
        ("k7/8/1K6/8/8/8/8/7R b - - 0 1", None),
        ("k7/8/1K6/8/8/8/8/7R w - - 0 1", "h1h8"),
        ("6k1/5ppp/8/8/8/8/8/R5KN w - - 0 1", "a1a8"),
        ("6k1/5p1p/8/8/8/8/8/R5K1 w - - 0 1", None),  # g7 is safe
        ("r5k1/5ppp/8/8/8/8/6P1/R6K w - - 0 1", "a1a8"),
        ("r5k1/5ppp/8/8/8/8/1r4P1/R6K w - - 0 1", None),  # a rook steps between
        ("6rk/6pp/8/6N1/8/8/8/6K1 w - - 0 1", "g5f7"),
        ("6rk/6pp/8/6N1/3b4/8/8/6K1 w - - 0 1", None),  # the knight may not leave: Black's bishop gives check
    ],
)
def test_a_mate_is_found_where_there_is_one(fen: str, mate: str | None) -> None:
    move = mating_move(chess.Board(fen))
    assert (move.uci() if move else None) == mate


@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
def test_gold_moves_mate_and_positions_are_possible(level: str) -> None:
    for i in range(10):
        drawn = load("puzzles/checkmate_in_one", level).item(9, i)
        board = chess.Board(drawn.meta["fen"])
        assert board.is_valid()
        board.push_san(drawn.answer)
        assert board.is_checkmate()


def test_games_can_be_given_by_their_moves_alone_and_lead_to_the_position() -> None:
    task = load("puzzles/checkmate_in_one", "hard", board=False)
    item = task.item(2, 0)
    assert "FEN" not in item.prompt
    board = chess.Board()
    for token in item.meta["moves"].split():
        if not token.endswith("."):
            board.push_san(token)
    assert board.fen() == item.meta["fen"]
    assert item.meta["moves"] in item.prompt
    with pytest.raises(ConfigError, match="leaves nothing to see"):
        load("puzzles/checkmate_in_one", board=False)
