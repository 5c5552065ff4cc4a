"""Car painting: cars wait in a line to be painted; each may move a few places forward or back, so that the colour changes as seldom as possible from one car to the next.

Every order with the fewest changes counts. The original takes that number from simulated annealing and demands it exactly, so that on a sixth of its medium and two thirds of its
hard items a better order scores 0. Here it is exact: dynamic programming over the places, whose state is which cars of the window around a place are painted.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from itertools import pairwise

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.reading import integers

COLOURS = ("red", "blue", "green", "white", "black", "yellow", "orange", "silver", "purple")
PAINTS = ("#d62728", "#3a78c2", "#2e8b57", "#ffffff", "#222222", "#f2d024", "#f08a24", "#b8b8b8", "#8e4bb8")


class Config(Knobs):
    min_cars: int = Field(8, ge=4, le=60)
    """Fewest cars, 4 to 60."""
    max_cars: int = Field(15, ge=4, le=60)
    """Most cars, 4 to 60."""
    min_colours: int = Field(2, ge=2, le=9)
    """Fewest colours, 2 to 9."""
    max_colours: int = Field(4, ge=2, le=9)
    """Most colours, 2 to 9."""
    min_reach: int = Field(2, ge=1, le=5)
    """Fewest places that a car may move at most, 1 to 5."""
    max_reach: int = Field(4, ge=1, le=5)
    """Most places that a car may move at most, 1 to 5."""
    min_evenness: float = Field(0.6, gt=0.0, le=1.0)
    """How even the shares of the colours are at least, above 0 to 1: a colour's weight is a random number to the power of 1/evenness."""
    max_evenness: float = Field(0.8, gt=0.0, le=1.0)
    """How even the shares of the colours are at most, above 0 to 1."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        for what in ("cars", "colours", "reach", "evenness"):
            low, high = getattr(self, f"min_{what}"), getattr(self, f"max_{what}")
            if low > high:
                raise ValueError(f"min_{what}={low} is above max_{what}={high}")
        if self.max_colours >= self.min_cars:
            raise ValueError(f"max_colours={self.max_colours} must be below min_cars={self.min_cars}, or no two cars need share a colour")
        return self


LEVELS = {
    "easy": {
        "min_cars": 8,
        "max_cars": 15,
        "min_colours": 2,
        "max_colours": 4,
        "min_reach": 2,
        "max_reach": 4,
        "min_evenness": 0.6,
        "max_evenness": 0.8,
    },
    "medium": {
        "min_cars": 15,
        "max_cars": 25,
        "min_colours": 3,
        "max_colours": 6,
        "min_reach": 3,
        "max_reach": 5,
        "min_evenness": 0.3,
        "max_evenness": 0.5,
    },
    "hard": {
        "min_cars": 25,
        "max_cars": 40,
        "min_colours": 5,
        "max_colours": 9,
        "min_reach": 2,
        "max_reach": 4,
        "min_evenness": 0.1,
        "max_evenness": 0.3,
    },
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Colours at random, each at least once; drawn again if the cars stand in a best order already."""
    count, reach = rng.randint(config.min_cars, config.max_cars), rng.randint(config.min_reach, config.max_reach)
    kinds = rng.sample(range(len(COLOURS)), rng.randint(config.min_colours, config.max_colours))
    evenness = rng.uniform(config.min_evenness, config.max_evenness)
    weights = [rng.random() ** (1 / evenness) for _ in kinds]
    colours = kinds + rng.choices(kinds, weights if sum(weights) else None, k=count - len(kinds))
    rng.shuffle(colours)
    order = _best_order(colours, reach)
    least = _changes([colours[car] for car in order])
    if least == _changes(colours):
        raise Redraw
    board = f"Cars: {count}\nPlaces that a car may move: at most {reach}\nThe line, from first to last:\n" + "\n".join(
        f"car {number}: {COLOURS[colour]}" for number, colour in enumerate(colours, 1)
    )
    prompt = ask(rng.choice(OPENINGS), RULES, board, FORM, EXAMPLE)
    meta = {"colours": [COLOURS[colour] for colour in colours], "reach": reach, "least": least}
    return Drawn(prompt, " ".join(str(car + 1) for car in order), meta, f"{reach}: {min(_renamed(colours), _renamed(colours[::-1]))}")


def verify(answer: str, item: Item) -> Score:
    """Every car once, none moved too far, no more changes than must be."""
    colours, reach, least = item.meta["colours"], item.meta["reach"], item.meta["least"]
    cars = integers(answer, len(colours))
    seen: set[int] = set()
    for place, car in enumerate(cars, 1):
        if not 1 <= car <= len(colours):
            raise Refused(f"there is no car {car}")
        if car in seen:
            raise Refused(f"car {car} is given twice")
        if abs(car - place) > reach:
            raise Refused(f"car {car} is in place {place}, moved by {abs(car - place)}; at most {reach} are allowed")
        seen.add(car)
    changes = _changes([colours[car - 1] for car in cars])
    if changes > least:
        raise Refused(f"the colour changes {changes} times; an order with {least} changes exists")
    return RIGHT


def solve(item: Item) -> str:
    """Shortest path over (place, painted cars of the window, last colour): steps without a change first. Any car of the window may come next."""
    colours, reach = item.meta["colours"], item.meta["reach"]
    count = len(colours)
    start = (0, (1 << reach) - 1, "")  # bit b of the window: car place + b - reach is painted; there is none before the first
    came: dict[tuple[int, int, str], tuple[tuple[int, int, str], int]] = {}
    costs = {start: 0}
    waiting = deque([start])
    done: set[tuple[int, int, str]] = set()
    while (state := waiting.popleft())[0] < count:
        if state in done:
            continue
        done.add(state)
        place, window, last = state
        for bit in range(2 * reach + 1):
            car = place + bit - reach
            if window >> bit & 1 or car >= count or (bit and not window & 1):
                continue
            after = (place + 1, (window | 1 << bit) >> 1, colours[car])
            cost = costs[state] + (colours[car] != last and place > 0)
            if cost < costs.get(after, count):
                costs[after], came[after] = cost, (state, car)
                if cost == costs[state]:
                    waiting.appendleft(after)
                else:
                    waiting.append(after)
    cars = []
    while state != start:
        state, car = came[state]
        cars.append(str(car + 1))
    return " ".join(reversed(cars))


def form(answer: str) -> str:
    return " ".join(map(str, integers(answer)))


def draw(item: Item) -> str:
    """The line of cars as an SVG picture, 44 pixels a car, ten cars a row."""
    colours = item.meta["colours"]
    height = 52 * -(-len(colours) // 10) + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 452 {height}" font-family="sans-serif" font-size="14" text-anchor="middle">',
        f'<rect width="452" height="{height}" fill="white"/>',
        f'<text x="226" y="20" fill="black">each car may move up to {item.meta["reach"]} places</text>',
    ]
    for place, colour in enumerate(colours):
        x, y = 8 + 44 * (place % 10), 32 + 52 * (place // 10)
        ink = "black" if colour in ("white", "yellow", "silver", "orange") else "white"
        parts.append(f'<rect x="{x}" y="{y}" width="38" height="26" rx="7" fill="{PAINTS[COLOURS.index(colour)]}" stroke="black"/>')
        parts += [f'<circle cx="{x + dx}" cy="{y + 28}" r="5" fill="#444" stroke="black"/>' for dx in (9, 29)]
        parts.append(f'<text x="{x + 19}" y="{y + 18}" fill="{ink}">{place + 1}</text>')
    return "".join([*parts, "</svg>"])


def _changes(colours: Sequence[object]) -> int:
    return sum(before != after for before, after in pairwise(colours))


def _renamed(colours: Sequence[int]) -> str:
    """The colours named by their order of appearance."""
    names: dict[int, int] = {}
    return " ".join(str(names.setdefault(colour, len(names))) for colour in colours)


def _best_order(colours: Sequence[int], reach: int) -> list[int]:
    """An order with the fewest changes, cars counted from 0.

    Two facts keep the states few. Cars of one colour may stay in their order (swapping two of them moves neither too far), so only the first unpainted car of each colour can come
    next. And whatever the last colour was, one change more makes up for it: of each window only the fewest changes matter, and the last colours that allow them.
    """
    count = len(colours)
    full = (1 << 2 * reach + 1) - 1
    layers: list[dict[int, tuple[int, dict[int, tuple[int, int]]]]] = [{(1 << reach) - 1: (-1, {-1: (0, 0)})}]
    for place in range(count):
        grown: dict[int, tuple[int, dict[int, tuple[int, int]]]] = {}  # window -> changes, {last colour: (window before, car)}
        for window, (changes, lasts) in layers[-1].items():
            tried = set()
            free = full & ~window
            if not window & 1:
                free = 1  # this car cannot wait any longer
            while free:
                bit = free & -free
                free ^= bit
                car = place + bit.bit_length() - 1 - reach
                if car >= count:
                    break
                colour = colours[car]
                if colour in tried:
                    continue
                tried.add(colour)
                after = (window | bit) >> 1
                cost = changes + (colour not in lasts)
                known = grown.get(after)
                if known is None or cost < known[0]:
                    grown[after] = cost, {colour: (window, car)}
                elif cost == known[0]:
                    known[1].setdefault(colour, (window, car))
        layers.append(grown)
    window, wanted = next(iter(layers[-1])), -1
    order = []
    for layer in reversed(layers[1:]):
        lasts = layer[window][1]
        colour = wanted if wanted in lasts else next(iter(lasts))
        window, car = lasts[colour]
        order.append(car)
        wanted = colour
    return order[::-1]


OPENINGS = (
    "Order these cars for the paint shop so that the colour changes as seldom as possible.",
    "A line of cars is to be painted. Rearrange it a little to save colour changes.",
    "Find an order of these cars with the fewest colour changes.",
    "Plan the paint shop: which order of the cars below needs the fewest changes of colour?",
)
RULES = (
    "Rules: the cars are painted one after the other, each in its given colour. Before that they may be put in another order, but no car may end up further from its place in the "
    "line than stated, neither forward nor back. A colour change is needed wherever two cars that follow each other have different colours. "
    "The order must need the fewest colour changes that are possible under this limit; any such order is right."
)
FORM = "the numbers of all cars in their new order, separated by single spaces."
EXAMPLE = "2 1 3 5 4"

register(
    Puzzle(
        "puzzles/car_painting",
        "sequential",
        "reorder a line of cars within limits so that the colour changes least",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        form,
        draw=draw,
    )
)
