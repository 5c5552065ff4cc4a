"""Checkmate in one: a chess position in which the side to move can mate at once; give such a move. Any mating move counts, in algebraic notation or as squares (d1h5).

The original draws from a pool of 3,500 games (BIG-bench; `tasks/pools.py` reads its files) and wants the very text of one move: another mate, or a missing #, is wrong
there. That is the paper rule. Here positions are placed (kings, attackers, and defenders that tend to stand in their king's way; kept if there is a mate) or come from games
of random moves, with their moves. Needs the library chess (`pip install thinkwell[puzzles]`).
"""

from __future__ import annotations

import random
import re
from typing import Any

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.core.errors import MissingExtra
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.reading import shown

PLACINGS = 60  # boards that are tried in one draw
ATTACKERS = "QRRBBNNPPP"
DEFENDERS = "PPPPPRRBBNNQ"

_MOVE = re.compile(r"[KQRBN]?[a-h]?[1-8]?[x:-]?[a-h][1-8](?:=?[QRBNqrbn])?|[Oo0]-[Oo0](?:-[Oo0])?")
_NUMBER = re.compile(r"[0-9]{1,4}\s*\.{1,3}\s*")
_TEXT = re.compile(r"\\(?:text|mathrm|textbf|mathbf)\{([^{}]*)\}")
_SQUARES = re.compile(r"[a-h][1-8]-?[a-h][1-8][qrbn]?")
GLYPHS = dict(zip("KQRBNPkqrbnp", "♔♕♖♗♘♙♚♛♜♝♞♟", strict=True))


class Config(Knobs):
    game: bool = False
    """Positions from games of random moves, with the moves; else placed ones."""
    attackers: int = Field(2, ge=1, le=8)
    """Pieces and pawns of the side to move besides its king, in placed positions, 1 to 8."""
    defenders: int = Field(2, ge=0, le=8)
    """Pieces and pawns of the other side besides its king, in placed positions, 0 to 8."""
    min_plies: int = Field(20, ge=4, le=200)
    """Fewest single moves before the mate, in games, 4 to 200."""
    max_plies: int = Field(120, ge=4, le=300)
    """Most single moves before the mate, in games, 4 to 300."""
    board: bool = True
    """Show the position; without it (in games only) the moves alone are given, as in the original."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if not self.board and not self.game:
            raise ValueError("board=false leaves nothing to see of a placed position; set game=true or board=true")
        if self.min_plies > self.max_plies:
            raise ValueError(f"min_plies={self.min_plies} is above max_plies={self.max_plies}")
        return self


LEVELS = {
    "easy": {"game": False, "attackers": 2, "defenders": 2},
    "medium": {"game": False, "attackers": 4, "defenders": 5},
    "hard": {"game": True, "min_plies": 20, "max_plies": 120},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Place or play until the side to move can mate."""
    chess = _chess()
    if config.game:
        board, mate = _played(chess, rng, config)
        moves = chess.Board().variation_san(board.move_stack)
    else:
        board, mate = _placed(chess, rng, config)
        moves = ""
    fen = board.fen()
    side = "White" if board.turn else "Black"
    parts = [f"Moves so far: {moves}"] if moves else []
    parts += [f"{_diagram(fen)}\n\nFEN: {fen}"] if config.board else []
    prompt = ask(
        rng.choice(OPENINGS).format(side=side),
        RULES + (SIGNS if config.board else ""),
        "\n\n".join([*parts, f"{side} is to move."]),
        FORM,
        EXAMPLE,
    )
    return Drawn(prompt, board.san(mate), {"fen": fen, "moves": moves}, _canonical(fen))


def verify(answer: str, item: Item) -> Score:
    """Plays the move and asks whether the king is mated."""
    chess = _chess()
    text = _read(answer)
    board = chess.Board(item.meta["fen"])
    try:
        move = board.parse_uci(text.replace("-", "")) if _SQUARES.fullmatch(text) else board.parse_san(text)
    except chess.AmbiguousMoveError:
        raise Refused(f"{shown(text)} can be a move of more than one piece") from None
    except ValueError:
        raise Refused(f"{shown(text)} is no legal move here") from None
    board.push(move)
    reply = next(board.generate_legal_moves(), None)
    if reply is not None:
        raise Refused(f"after {text} there is the answer {board.san(reply)}")
    if not board.is_check():
        raise Refused(f"after {text} the king is not in check: that is stalemate")
    return RIGHT


def verify_paper(answer: str, item: Item) -> Score:
    """The original's rule: the text of the gold move."""
    if answer.strip() != item.answer:
        raise Refused("this is not the text of the gold move")
    return RIGHT


def solve(item: Item) -> str:
    """Plays every legal move."""
    board = _chess().Board(item.meta["fen"])
    for move in list(board.legal_moves):
        board.push(move)
        mated = board.is_checkmate()
        board.pop()
        if mated:
            return str(board.uci(move))
    raise ValueError(f"there is no mate in {item.meta['fen']}")


def form(answer: str) -> str:
    """The move without signs of capture, check, mate and promotion."""
    return re.sub("[x:=]", "", _read(answer))


def draw(item: Item) -> str:
    """The board as an SVG picture, 40 pixels a square."""
    placement, turn = item.meta["fen"].split()[:2]
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 348 372" font-family="DejaVu Sans, sans-serif" text-anchor="middle">',
        '<rect width="348" height="372" fill="white"/>',
    ]
    for r, rank in enumerate(_squares(placement)):
        parts.append(f'<text x="12" y="{29 + 40 * r}" font-size="13" fill="black">{8 - r}</text>')
        for c, piece in enumerate(rank):
            x, y = 24 + 40 * c, 4 + 40 * r
            parts.append(f'<rect x="{x}" y="{y}" width="40" height="40" fill="{"#f0d9b5" if (r + c) % 2 == 0 else "#c89b6d"}"/>')
            if piece != ".":
                parts.append(f'<text x="{x + 20}" y="{y + 32}" font-size="34" fill="black">{GLYPHS[piece]}</text>')
    parts += [f'<text x="{44 + 40 * c}" y="340" font-size="13" fill="black">{file}</text>' for c, file in enumerate("abcdefgh")]
    parts.append(f'<text x="184" y="362" font-size="14" fill="black">{"White" if turn == "w" else "Black"} to move</text>')
    return "".join([*parts, "</svg>"])


def position(moves: str) -> tuple[str, str]:
    """FEN and canonical form of the position after a game in algebraic notation, numbered or not. Raises ValueError for an illegal move."""
    board = _chess().Board()
    for move in re.sub(r"[0-9]+\s*\.+", " ", moves).split():
        board.push_san(move)
    return board.fen(), _canonical(board.fen())


def _chess() -> Any:
    try:
        import chess
    except ImportError:
        raise MissingExtra("chess, needed to move chess pieces,", "puzzles") from None
    return chess


def _mate(chess: Any, board: Any) -> Any:
    """A mating move whose own piece gives the check, None if there is none: only moves to squares that see the king are tried."""
    king = board.king(not board.turn)
    lines, slants = chess.BB_RANK_MASKS[king] & board.occupied, chess.BB_DIAG_MASKS[king] & board.occupied
    straight = chess.BB_RANK_ATTACKS[king][lines] | chess.BB_FILE_ATTACKS[king][chess.BB_FILE_MASKS[king] & board.occupied]
    slanted = chess.BB_DIAG_ATTACKS[king][slants]
    seen = {
        chess.QUEEN: straight | slanted,
        chess.ROOK: straight,
        chess.BISHOP: slanted,
        chess.KNIGHT: chess.BB_KNIGHT_ATTACKS[king],
        chess.PAWN: chess.BB_PAWN_ATTACKS[not board.turn][king],
        chess.KING: 0,
    }
    near = seen[chess.QUEEN] | seen[chess.KNIGHT] | seen[chess.PAWN]
    for move in board.generate_pseudo_legal_moves(board.occupied_co[board.turn], near):
        piece = move.promotion or board.piece_type_at(move.from_square)
        if seen[piece] >> move.to_square & 1 and board.is_legal(move):
            board.push(move)
            mated = not any(board.generate_legal_moves())
            board.pop()
            if mated:
                return move
    return None


def _placed(chess: Any, rng: random.Random, config: Config) -> tuple[Any, Any]:
    """A board with White to move (half of them turned, for Black) and a mate. The weaker king stands on the edge mostly, where mates are."""
    kinds = {name: chess.PIECE_SYMBOLS.index(name.lower()) for name in "KQRBNP"}
    for _ in range(PLACINGS):
        weak = rng.choice(EDGE) if rng.random() < 0.9 else rng.randrange(64)
        strong = rng.choice(RING[weak])
        first = rng.choice("QQR")  # without a queen or rook two pieces hardly ever mate
        names = [first, *rng.sample(ATTACKERS.replace(first, "", 1), config.attackers - 1), *rng.sample(DEFENDERS, config.defenders)]
        squares = {strong: (kinds["K"], True), weak: (kinds["K"], False)}
        for number, name in enumerate(names):
            ours = number < config.attackers
            square = rng.choice(NEAR[weak]) if not ours and rng.random() < 0.6 else rng.randrange(64)
            if not (name == "P" and square // 8 in (0, 7)):
                squares.setdefault(square, (kinds[name], ours))
        if len(squares) < 2 + len(names):
            continue
        board = chess.Board(None)
        for square, (kind, side) in squares.items():
            board.set_piece_at(square, chess.Piece(kind, side))
        if board.attackers_mask(True, weak) or board.attackers_mask(False, strong):
            continue
        mate = _mate(chess, board)
        if mate is not None and board.is_valid():
            if rng.random() < 0.5:
                mate = chess.Move(mate.from_square ^ 56, mate.to_square ^ 56, mate.promotion)
                board = board.mirror()
            return board, mate
    raise Redraw


def _played(chess: Any, rng: random.Random, config: Config) -> tuple[Any, Any]:
    """Random moves, some captures preferred, until somebody can mate."""
    board = chess.Board()
    for ply in range(config.max_plies + 1):
        if ply >= config.min_plies and (mate := _mate(chess, board)) is not None:
            return board, mate
        moves = list(board.generate_pseudo_legal_captures()) if rng.random() < 0.15 else []
        moves = moves or list(board.generate_pseudo_legal_moves())
        rng.shuffle(moves)
        move = next(filter(board.is_legal, moves), None)
        if move is None:
            raise Redraw
        board.push(move)
    raise Redraw


def _distance(one: int, other: int) -> int:
    """Moves of a king between two squares."""
    return max(abs(one // 8 - other // 8), abs(one % 8 - other % 8))


def _canonical(fen: str) -> str:
    """The smallest text of the position, its mirror image (where nobody may castle) and both with the colours exchanged."""
    placement, turn, castling = fen.split()[:3]
    turned = "/".join(reversed(placement.split("/"))).swapcase()
    texts = [f"{placement} {turn} {castling}", f"{turned} {'b' if turn == 'w' else 'w'} {castling.swapcase()}"]
    if castling == "-":
        texts += ["/".join(rank[::-1] for rank in text.partition(" ")[0].split("/")) + text[text.index(" ") :] for text in texts]
    return min(texts)


def _read(answer: str) -> str:
    """The move without its number, signs and decoration."""
    text = _TEXT.sub(r"\1", answer.strip().replace("\\#", "#")).strip(" \t\r\n\"'`$*.")
    text = _NUMBER.sub("", text, count=1) if text[:1].isdigit() and "." in text[:6] else text
    move = text.rstrip("#+!? ").removesuffix(" e.p.").strip()
    if _MOVE.fullmatch(move) is None:
        raise Refused(f"{shown(text)} is no move in algebraic notation")
    return move.upper().replace("0", "O") if move[0] in "Oo0" else move.replace(":", "x")


def _squares(placement: str) -> list[str]:
    return ["".join("." * int(char) if char.isdigit() else char for char in rank) for rank in placement.split("/")]


def _diagram(fen: str) -> str:
    ranks = _squares(fen.split()[0])
    return "\n".join([*(f"{8 - i} {' '.join(rank)}" for i, rank in enumerate(ranks)), "  a b c d e f g h"])


EDGE = [square for square in range(64) if square // 8 in (0, 7) or square % 8 in (0, 7)]
NEAR = [[square for square in range(64) if _distance(square, king) == 1] for king in range(64)]
RING = [[square for square in range(64) if 2 <= _distance(square, king) <= 3] for king in range(64)]
OPENINGS = (
    "{side} can give checkmate with one move. Which?",
    "Find a move for {side} that is checkmate at once.",
    "Here is a chess position in which {side} mates in one. Give the move.",
    "Chess: what is {side}'s mate in one?",
)
RULES = "The rules of chess hold. If several moves mate, any of them is right."
SIGNS = (
    " In the diagram and in the FEN, capital letters are White's pieces (K king, Q queen, R rook, B bishop, N knight, P pawn), small letters Black's; "
    "a dot is an empty square."
)
FORM = "the move alone, in standard algebraic notation (Qh7#, exd8=Q#, O-O; the sign # may be left out) or as the squares it leaves and reaches (d3h7, e7d8q)."
EXAMPLE = "Nf7#"

register(
    Puzzle(
        "puzzles/checkmate_in_one",
        "search",
        "find a move that is checkmate at once",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        form,
        verify_paper,
        draw,
    )
)
