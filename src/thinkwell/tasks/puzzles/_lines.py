"""Lines of text as a picture, for puzzles whose board is sentences."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def picture(lines: Sequence[str]) -> str:
    """An SVG, a line of the text each 24 pixels."""
    width, height = 24 + 8 * max(map(len, lines)), 16 + 24 * len(lines)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="14">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *(f'<text x="12" y="{24 + 24 * number}" fill="black">{escape(line)}</text>' for number, line in enumerate(lines)),
    ]
    return "".join([*parts, "</svg>"])
