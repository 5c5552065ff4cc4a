"""A position of a `Board` in words, and read back from them; in signs; and as a picture."""

from __future__ import annotations

import re
from collections.abc import Sequence

from thinkwell.tasks.games._engine import Board, Place

PLAYERS = ("Alice", "Bob")  # Alice begins, always
COLOURS = ("white", "black")
SIGNS = "WB"
_MOVE = re.compile(r"\b(Alice|Bob)\s+(?:first\s+)?(?:places|puts)\s+a\s+(white|black)\s+\w+\s+(?:at|on)\s+([A-Z])\b")


def tell(board: Board, history: Sequence[int]) -> str:
    """The moves as sentences; `read_history` reads them back."""
    return " ".join(
        f"{'Then ' if turn else ''}{PLAYERS[turn % 2]} {'' if turn else 'first '}places a {COLOURS[turn % 2]} stone at {board.labels[point]}."
        for turn, point in enumerate(history)
    )


def read_history(board: Board, text: str) -> list[int]:
    """The moves told in a text (ours or TTT-Bench's). Raises ValueError for moves out of turn, of the wrong colour, on no point of the board or on a taken one."""
    history: list[int] = []
    for match in _MOVE.finditer(text):
        player, colour, letter = match.groups()
        turn = len(history) % 2
        if (player, colour) != (PLAYERS[turn], COLOURS[turn]) or letter not in board.labels or board.labels.index(letter) in history:
            raise ValueError(f"move {len(history) + 1}, {match[0]!r}, cannot be played on the board of {board.name}")
        history.append(board.labels.index(letter))
    return history


def stones_text(board: Board, history: Sequence[int]) -> str:
    """The board's picture with W and B for the stones and * for empty points."""
    signs = {board.labels[point]: SIGNS[turn % 2] for turn, point in enumerate(history)}
    return "".join(signs.get(char, "*") if char in board.labels else char for char in board.picture)


def svg(board: Board, history: Sequence[int]) -> str:
    """The board with its stones, points named, moves numbered; the player to move is written below."""
    spots = [_spot(place) for place in board.places]
    width, height = max(x for x, _ in spots) + 50, max(y for _, y in spots) + 80
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="20" text-anchor="middle">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for i, j in board.edges:
        (x, y), (u, v) = spots[i], spots[j]
        parts.append(f'<path d="M{x} {y}L{u} {v}" stroke="#888" stroke-width="2"/>')
    turns = {point: turn for turn, point in enumerate(history)}
    for point, (x, y) in enumerate(spots):
        turn = turns.get(point)
        fill, ink = ("#eee", "#666") if turn is None else ("white", "black") if turn % 2 == 0 else ("black", "white")
        line = 'stroke="#bbb"' if turn is None else 'stroke="black" stroke-width="3"'
        parts.append(f'<circle cx="{x}" cy="{y}" r="{16 if turn is None else 22}" fill="{fill}" {line}/>')
        parts.append(f'<text x="{x}" y="{y + 7}" fill="{ink}">{board.labels[point]}</text>')
        if turn is not None:
            parts.append(
                f'<text x="{x + 27}" y="{y - 17}" font-size="13" fill="#a33" stroke="white" stroke-width="4" paint-order="stroke">{turn + 1}</text>'
            )
    turn = len(history) % 2
    parts.append(f'<text x="{width // 2}" y="{height - 16}" fill="black">{PLAYERS[turn]} ({COLOURS[turn]}) to move</text></svg>')
    return "".join(parts)


def _spot(place: Place) -> tuple[int, int]:
    """Where a point is drawn; the second of three axes goes to the back, up and to the right."""
    if len(place) == 2:
        return 50 + 80 * place[0], 50 + 80 * place[1]
    return 50 + 160 * place[0] + 70 * place[1], 110 + 140 * place[2] - 60 * place[1]
