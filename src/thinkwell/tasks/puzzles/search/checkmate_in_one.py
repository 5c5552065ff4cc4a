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
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Refused, Score, ask, register
from thinkwell.tasks.puzzles.search._chess import placed, played
from thinkwell.tasks.reading import shown

_MOVE = re.compile(r"[KQRBN]?[a-h]?[1-8]?[x:-]?[a-h][1-8](?:=?[QRBNqrbn])?|[Oo0]-[Oo0](?:-[Oo0])?")
_NUMBER = re.compile(r"[0-9]{1,4}\s*\.{1,3}\s*")
_TEXT = re.compile(r"\\(?:text|mathrm|textbf|mathbf)\{([^{}]*)\}")
_SQUARES = re.compile(r"[a-h][1-8]-?[a-h][1-8][qrbn]?")
_DECORATION = "#+!?. "  # at the end of a move
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
        board, mate = played(rng, config.min_plies, config.max_plies)
    else:
        board, mate = placed(rng, config.attackers, config.defenders)
    moves = chess.Board().variation_san(board.move_stack) if config.game else ""
    fen = board.fen()
    side = "White" if board.turn else "Black"
    parts = [f"Moves so far: {moves}"] if moves else []
    parts += [f"{_diagram(fen)}\n\nFEN: {fen}"] if config.board else []
    shown_as = "\n\n".join([*parts, f"{side} is to move."])
    prompt = ask(rng.choice(OPENINGS).format(side=side), RULES + (SIGNS if config.board else ""), shown_as, FORM, EXAMPLE)
    return Drawn(prompt, board.san(mate), {"fen": fen, "moves": moves}, _canonical(fen))


def verify(answer: str, item: Item) -> Score:
    """Plays the move and asks whether the king is mated."""
    text = _read(answer)
    chess = _chess()
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
    """The move without signs of capture, check, mate and promotion, and without a hyphen between squares."""
    return re.sub("[x:=]|(?<=[1-8])-", "", _read(answer))


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


def _canonical(fen: str) -> str:
    """The smallest text of the position, its mirror image (where nobody may castle) and both with the colours exchanged."""
    placement, turn, castling = fen.split()[:3]
    turned = "/".join(reversed(placement.split("/"))).swapcase()
    texts = [f"{placement} {turn} {castling}", f"{turned} {'b' if turn == 'w' else 'w'} {''.join(sorted(castling.swapcase()))}"]
    if castling == "-":
        texts += ["/".join(rank[::-1] for rank in text.partition(" ")[0].split("/")) + text[text.index(" ") :] for text in texts]
    return min(texts)


def _read(answer: str) -> str:
    """The move without its number, signs and decoration."""
    text = _TEXT.sub(r"\1", answer.strip().replace("\\#", "#")).strip(" \t\r\n\"'`$*.")
    text = _NUMBER.sub("", text, count=1) if text[:1].isdigit() and "." in text[:6] else text
    move = text.rstrip(_DECORATION).removesuffix("e.p").rstrip(_DECORATION)  # captured in passing: the mark is optional
    if _MOVE.fullmatch(move) is None:
        raise Refused(f"{shown(text)} is no move in algebraic notation")
    return move.upper().replace("0", "O") if move[0] in "Oo0" else move.replace(":", "x")


def _squares(placement: str) -> list[str]:
    return ["".join("." * int(char) if char.isdigit() else char for char in rank) for rank in placement.split("/")]


def _diagram(fen: str) -> str:
    ranks = _squares(fen.split()[0])
    return "\n".join([*(f"{8 - i} {' '.join(rank)}" for i, rank in enumerate(ranks)), "  a b c d e f g h"])


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
