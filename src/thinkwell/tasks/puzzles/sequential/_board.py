"""Boards of numbered tiles, row by row: how they are shown, and how one that can be sorted is made one that cannot. Shared by the puzzles that sort one."""

from __future__ import annotations

import random
from collections.abc import Sequence

Board = tuple[int, ...]  # row by row

NONE = "no solution"
IF_NONE = f" If no sequence of moves can reach the goal, write instead: {NONE}."


def swapped(rng: random.Random, board: Board) -> Board:
    """The board with two of its tiles exchanged (0 is no tile), which changes the parity of their order."""
    tiles = list(board)
    one, other = rng.sample([place for place, tile in enumerate(board) if tile], 2)
    tiles[one], tiles[other] = tiles[other], tiles[one]
    return tuple(tiles)


def text(board: Sequence[int], width: int) -> str:
    return "\n".join(" ".join(map(str, board[start : start + width])) for start in range(0, len(board), width))


def picture(board: Sequence[int], width: int) -> str:
    """The board as an SVG picture, 60 pixels a tile; 0 is the blank."""
    side = 60 * width + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" font-family="sans-serif" font-size="26" text-anchor="middle">',
        f'<rect width="{side}" height="{side}" fill="white"/>',
    ]
    for place, tile in enumerate(board):
        x, y = 4 + 60 * (place % width), 4 + 60 * (place // width)
        fill = "white" if tile else "#bbb"
        parts.append(f'<rect x="{x}" y="{y}" width="60" height="60" fill="{fill}" stroke="black" stroke-width="2"/>')
        if tile:
            parts.append(f'<text x="{x + 30}" y="{y + 39}" fill="black">{tile}</text>')
    return "".join([*parts, "</svg>"])
