"""An independent judge of twiddle answers: turns blocks as complex numbers, a quarter counter-clockwise about the block's centre."""

from __future__ import annotations

import re

from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    at = {complex(place % 3, -(place // 3)): tile for place, tile in enumerate(item.meta["board"])}  # x to the right, y upwards
    numbers = [int(token) for token in re.findall(r"-?\d+", answer.replace("->", " "))]
    if len(numbers) % 2 or not set(numbers) <= {0, 1}:
        return False
    for i, j in zip(numbers[::2], numbers[1::2], strict=True):
        centre = complex(j + 0.5, -i - 0.5)
        block = [centre + complex(x, y) for x in (-0.5, 0.5) for y in (-0.5, 0.5)]
        at.update({centre + (cell - centre) * 1j: tile for cell, tile in [(cell, at[cell]) for cell in block]})
    return [at[complex(place % 3, -(place // 3))] for place in range(9)] == list(range(1, 10))
