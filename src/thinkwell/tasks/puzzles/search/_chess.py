"""Chess positions in which the side to move can mate at once, placed or played, apart from the puzzle's rules and prompts. Bit masks and tables are the library's.

Squares are numbers, a1 = 0, b1 = 1, up to h8 = 63; bit i of a mask is square i.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from thinkwell.tasks.puzzle import Redraw

if TYPE_CHECKING:
    import chess

PLACINGS = 60  # boards that are tried in one draw
ATTACKERS = "QRRBBNNPPP"
DEFENDERS = "PPPPPRRBBNNQ"


def placed(rng: random.Random, attackers: int, defenders: int) -> tuple[chess.Board, chess.Move]:
    """A placed board with its side to move (White and Black with equal chance) and a mate.

    The weaker king stands on the edge mostly, where mates are, and its own pieces tend to stand in its way.
    """
    import chess

    board = chess.Board(None)
    names: list[str] = []
    for _ in range(PLACINGS):
        if not names:
            first = rng.choice("QQR")  # without a queen or rook two pieces hardly ever mate
            names = [first, *rng.sample(ATTACKERS.replace(first, "", 1), attackers - 1), *rng.sample(DEFENDERS, defenders)]
        weak = rng.choice(EDGE) if rng.random() < 0.9 else rng.randrange(64)
        strong = rng.choice(RING[weak])
        kinds, sides = [0] * 7, [1 << weak, 1 << strong]  # squares of each kind of piece; of the weaker side and of the stronger
        occupied = kinds[chess.KING] = sides[0] | sides[1]
        for number, name in enumerate(names):
            ours = number < attackers
            square = rng.choice(NEAR[weak]) if not ours and rng.random() < 0.6 else rng.randrange(64)
            if occupied >> square & 1:
                square = rng.randrange(64)
            if occupied >> square & 1 or (name == "P" and square // 8 in (0, 7)):
                break
            occupied |= 1 << square
            kinds[KINDS[name]] |= 1 << square
            sides[ours] |= 1 << square
        else:
            board.pawns, board.knights, board.bishops, board.rooks, board.queens, board.kings = kinds[1:]
            board.occupied, board.occupied_co = occupied, sides
            if board.attackers_mask(chess.WHITE, weak) or board.attackers_mask(chess.BLACK, strong):
                continue
            names = []  # the same pieces until they stand in peace, so that pieces that seldom do are not rarer
            mate = mating_move(board)
            if mate is not None and board.is_valid():
                if rng.random() < 0.5:
                    return board.mirror(), chess.Move(mate.from_square ^ 56, mate.to_square ^ 56, mate.promotion)
                return board, mate
    raise Redraw


def played(rng: random.Random, min_plies: int, max_plies: int) -> tuple[chess.Board, chess.Move]:
    """A game of random moves, some captures preferred, up to a position with a mate."""
    import chess

    board = chess.Board()
    for ply in range(max_plies + 1):
        if ply >= min_plies and (mate := mating_move(board)) is not None:
            return board, mate
        moves = list(board.generate_pseudo_legal_captures()) if rng.random() < 0.15 else []
        moves = moves or list(board.generate_pseudo_legal_moves())
        rng.shuffle(moves)
        move = next(filter(board.is_legal, moves), None)
        if move is None:
            raise Redraw
        board.push(move)
    raise Redraw


def mating_move(board: chess.Board) -> chess.Move | None:
    """A mating move whose own piece gives the check, None if there is none. A move is made only if it gives check and leaves no square next to the king safe."""
    import chess

    side = board.turn
    king, own, theirs = board.king(not side), board.occupied_co[side], board.occupied_co[not side]
    assert king is not None
    seen = [0, *(_attacks(kind, king, board.occupied, not side) for kind in range(chess.PAWN, chess.KING)), 0]  # from where a kind checks
    without_king = board.occupied & ~(1 << king)  # lines go on behind a king that steps back
    covered: list[tuple[int, int]] = []  # own pieces and what each attacks; filled at the first check
    for move in board.generate_pseudo_legal_moves(own & ~board.kings, seen[chess.QUEEN] | seen[chess.KNIGHT] | seen[chess.PAWN]):
        kind = move.promotion or board.piece_type_at(move.from_square) or 0
        if not seen[kind] >> move.to_square & 1:
            continue
        safe = chess.BB_KING_ATTACKS[king] & ~(theirs & ~(1 << move.to_square)) & ~_attacks(kind, move.to_square, without_king, side)
        covered = covered or [
            (square, _attacks(board.piece_type_at(square) or 0, square, without_king, side)) for square in chess.scan_forward(own)
        ]
        for square, attacked in covered:
            if square != move.from_square:
                safe &= ~attacked
        if safe:
            continue
        board.push(move)
        mated = not any(board.generate_legal_moves())
        board.pop()
        if mated and board.is_legal(move):
            return move
    return None


def _attacks(kind: int, square: int, occupied: int, side: bool) -> int:
    """What a piece on a square attacks. Read backwards: from where such a piece of the other side attacks that square."""
    import chess

    if kind == chess.PAWN:
        return chess.BB_PAWN_ATTACKS[side][square]
    if kind == chess.KNIGHT:
        return chess.BB_KNIGHT_ATTACKS[square]
    if kind == chess.KING:
        return chess.BB_KING_ATTACKS[square]
    found = 0
    if kind != chess.BISHOP:
        found = chess.BB_RANK_ATTACKS[square][chess.BB_RANK_MASKS[square] & occupied]
        found |= chess.BB_FILE_ATTACKS[square][chess.BB_FILE_MASKS[square] & occupied]
    if kind != chess.ROOK:
        found |= chess.BB_DIAG_ATTACKS[square][chess.BB_DIAG_MASKS[square] & occupied]
    return found


def _distance(one: int, other: int) -> int:
    """Moves of a king between two squares."""
    return max(abs(one // 8 - other // 8), abs(one % 8 - other % 8))


KINDS = {name: kind for kind, name in enumerate("PNBRQK", 1)}  # as the library numbers them
EDGE = [square for square in range(64) if square // 8 in (0, 7) or square % 8 in (0, 7)]
NEAR = [[square for square in range(64) if _distance(square, king) == 1] for king in range(64)]
RING = [[square for square in range(64) if 2 <= _distance(square, king) <= 3] for king in range(64)]
