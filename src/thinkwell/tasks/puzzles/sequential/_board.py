"""Boards of numbered tiles: their disorder, how they are drawn at random and shown. Shared by the puzzles that sort one."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache

Board = tuple[int, ...]  # row by row


def inversions(values: Sequence[int]) -> int:
    """Pairs that stand in the wrong order."""
    return sum(left > right for place, left in enumerate(values) for right in values[place + 1 :])


def arrangement(rng: random.Random, size: int, low: int, high: int, odd: bool | None = None) -> list[int]:
    """0 to `size` - 1 in an order with `low` to `high` inversions, every such order equally likely. odd: only an odd (even) number of inversions.

    Drawn as a Lehmer code, so a narrow range costs no retries. Raises IndexError if there is no such order.
    """
    counts = [count for count in range(low, min(high, size * (size - 1) // 2) + 1) if odd is None or count % 2 == odd]
    (left,) = rng.choices(counts, [_orders(size, count) for count in counts])
    free = list(range(size))
    values = []
    while free:
        rest = len(free) - 1
        choices = range(min(left, rest) + 1)
        (smaller,) = rng.choices(choices, [_orders(rest, left - choice) for choice in choices])
        values.append(free.pop(smaller))
        left -= smaller
    return values


@cache
def _orders(size: int, count: int) -> int:
    """How many orders of `size` things have `count` inversions (Mahonian numbers)."""
    if count < 0 or count > size * (size - 1) // 2:
        return 0
    return 1 if size <= 1 else sum(_orders(size - 1, count - first) for first in range(min(count, size - 1) + 1))


def has_count(low: int, high: int, odd: bool) -> bool:
    """Does the range hold an odd (even) number?"""
    return any(count % 2 == odd for count in range(low, high + 1))


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
