"""An independent judge of answers on the corners of two cubes."""

from __future__ import annotations

from functools import cache

from tests.tasks.checks._stones import judged, planes
from thinkwell.tasks.puzzle import Item

TOP = {"A": (0, 0), "B": (1, 0), "I": (2, 0), "D": (0, 1), "C": (1, 1), "J": (2, 1)}
BELOW = {"A": "E", "B": "F", "C": "G", "D": "H", "I": "K", "J": "L"}  # the edges AE, BF, CG, DH, IK, JL
POINTS = {label: (*at, 1) for label, at in TOP.items()} | {BELOW[label]: (*at, 0) for label, at in TOP.items()}


@cache
def sets(kind: str) -> set[frozenset[str]]:
    return planes(POINTS, diagonals=kind != "faces")


SETS = {"faces": planes(POINTS, diagonals=False), "faces_and_diagonals": planes(POINTS, diagonals=True)}


def check(answer: str, item: Item) -> bool:
    return judged(answer, item, POINTS, SETS[item.meta["planes"]])
