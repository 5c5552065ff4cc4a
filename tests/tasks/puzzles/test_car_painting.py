"""Car painting: the optimum is exact, and every order that reaches it counts."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import permutations

import pytest

from tests.tasks.checks.car_painting import fewest
from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzles.sequential.car_painting import _best_order, _changes

NAME = "puzzles/car_painting"


def test_the_optimum_is_that_of_all_orders() -> None:
    rng = random.Random(4)
    for _ in range(40):
        colours = [rng.randrange(3) for _ in range(6)]
        reach = rng.randint(1, 3)
        orders = [order for order in permutations(range(6)) if all(abs(car - place) <= reach for place, car in enumerate(order))]
        best = _best_order(colours, reach)
        assert tuple(best) in orders
        assert _changes([colours[car] for car in best]) == min(_changes([colours[car] for car in order]) for order in orders)


def test_the_optimum_of_long_lines_is_that_of_another_recursion() -> None:
    for i in range(6):
        item = load(NAME, "hard").item(8, i)
        assert item.meta["least"] == fewest(tuple(item.meta["colours"]), item.meta["reach"])
        assert item.meta["least"] < _changes(item.meta["colours"])


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("1 3 2 4 5", ""),
        ("[1, 3, 2, 4, 5]", ""),
        ("1 3 2 5 4", ""),
        ("3 1 2 4 5", "car 3 is in place 1, moved by 2; at most 1 are allowed"),
        ("1 2 3 4 5", "the colour changes 4 times; an order with 2 changes exists"),
        ("1 3 3 4 5", "car 3 is given twice"),
        ("0 3 2 4 5", "there is no car 0"),
        ("1 3 2 4", "4 numbers are given where 5 are expected"),
    ],
)
def test_an_order_is_judged_by_its_changes(answer: str, reason: str) -> None:
    task = load(NAME)
    item = replace(task.item(0, 0), meta={"colours": ["red", "blue", "red", "blue", "red"], "reach": 1, "least": 2})
    if answer == "1 3 2 5 4":
        item = replace(item, meta={"colours": ["red", "blue", "red", "blue", "blue"], "reach": 1, "least": 1})
    assert task.verify(f"```\n{answer}\n```", item).reason == reason


def test_knobs_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ConfigError, match="min_reach=5 is above max_reach=4"):
        load(NAME, min_reach=5)
    with pytest.raises(ConfigError, match="must be below min_cars"):
        load(NAME, max_colours=8)
