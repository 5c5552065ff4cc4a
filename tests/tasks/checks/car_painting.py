"""An independent judge of car orders; the fewest changes from a recursion over how many cars of each colour are painted."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise

from thinkwell.tasks.puzzle import Item


@cache
def fewest(colours: tuple[str, ...], reach: int) -> int:
    """Fewest colour changes of an order in which no car moves by more than `reach` places."""
    kinds = sorted(set(colours))
    cars = [[i for i, colour in enumerate(colours) if colour == kind] for kind in kinds]

    @cache
    def rest(painted: tuple[int, ...], last: int) -> int:
        place = sum(painted)
        if place == len(colours):
            return 0
        best = 10**6
        for kind, used in enumerate(painted):
            if used < len(cars[kind]) and abs(cars[kind][used] - place) <= reach:
                after = (*painted[:kind], used + 1, *painted[kind + 1 :])
                best = min(best, (kind != last and place > 0) + rest(after, kind))
        return best

    return rest((0,) * len(kinds), -1)


def check(answer: str, item: Item) -> bool:
    colours, reach = tuple(item.meta["colours"]), item.meta["reach"]
    cars = [int(token) for token in re.findall(r"-?\d+", answer)]
    if sorted(cars) != list(range(1, len(colours) + 1)) or any(abs(car - place) > reach for place, car in enumerate(cars, 1)):
        return False
    painted = [colours[car - 1] for car in cars]
    return sum(a != b for a, b in pairwise(painted)) == fewest(colours, reach)
