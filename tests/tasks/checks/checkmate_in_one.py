"""An independent judge of mates in one: reads the answer by itself, finds the one legal move that it fits, and asks the library whether that is mate."""

from __future__ import annotations

import re

import chess

from thinkwell.tasks.puzzle import Item

SAN = re.compile(r"([KQRBN]?)([a-h]?)([1-8]?)[x:-]?([a-h])([1-8])=?([QRBNqrbn]?)")


def check(answer: str, item: Item) -> bool:
    board = chess.Board(item.meta["fen"])
    text = re.sub(r"^[0-9]+\s*\.+\s*", "", answer.strip("\"' \n\t`.")).rstrip("#+!? ")
    found = [move for move in board.legal_moves if fits(text, move, board)]
    return len(found) == 1 and mates(found[0], board)


def fits(text: str, move: chess.Move, board: chess.Board) -> bool:
    if board.is_castling(move):
        king_side = chess.square_file(move.to_square) == 6
        if text.upper().replace("0", "O") == ("O-O" if king_side else "O-O-O"):
            return True
    if (match := SAN.fullmatch(text)) is None:
        return False
    piece, file, rank, to_file, to_rank, promotion = match.groups()
    if to_file + to_rank != chess.square_name(move.to_square) or promotion.lower() != (
        chess.piece_symbol(move.promotion) if move.promotion else ""
    ):
        return False
    start = chess.square_name(move.from_square)
    squares = bool(file and rank and not piece)
    kind = chess.piece_symbol(board.piece_type_at(move.from_square) or 1).upper()
    return file in ("", start[0]) and rank in ("", start[1]) and (squares or kind == (piece or "P"))


def mates(move: chess.Move, board: chess.Board) -> bool:
    board.push(move)
    return board.is_checkmate()
