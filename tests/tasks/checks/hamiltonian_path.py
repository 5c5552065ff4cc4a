"""An independent judge of Hamiltonian paths: as of cycles, where a vertex 0 that is everybody's neighbour makes a path a cycle."""

from __future__ import annotations

from tests.tasks.checks.hamiltonian_cycle import is_right
from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    return is_right(answer, item, closed=False)
