"""Mate in one: any mate counts in any notation; the paper's rule wants one text."""

from __future__ import annotations

import chess
import pytest

from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item
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


def test_mirror_images_are_one_position_and_castling_keeps_them_apart() -> None:
    board = chess.Board("6k1/5ppp/8/8/8/8/8/R5K1 w - - 0 1")
    images = [board, board.mirror(), board.transform(chess.flip_horizontal), board.mirror().transform(chess.flip_horizontal)]
    assert len({_canonical(image.fen()) for image in images}) == 1
    assert _canonical(CASTLING) != _canonical(CASTLING.replace("KQ", "-"))


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
