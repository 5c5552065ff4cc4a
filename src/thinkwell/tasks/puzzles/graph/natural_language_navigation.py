"""Navigation: landmarks are joined by roads of given lengths, described in sentences; from the start, find the nearest landmark of a type and the way to it.

Landmarks hang in a binary tree that distinct random keys make. Any landmark of the type at the smallest distance counts, by any way of that length. The original accepts only the
first of several nearest ones (6 to 11 % of its items), and with keys that occur twice its answer is not even the shortest; equality with the stored answer is `verify_paper`.
"""

from __future__ import annotations

import random
from heapq import heappop, heappush
from itertools import pairwise

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.reading import shown

TYPES = (
    "bank",
    "bakery",
    "cafe",
    "church",
    "cinema",
    "garage",
    "hospital",
    "hotel",
    "library",
    "market",
    "museum",
    "park",
    "school",
    "station",
)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LENGTHS = (100, 200)  # metres
TRIES = 300

Road = tuple[str, str, int]  # from, to, metres
_LAYOUT = str.maketrans(dict.fromkeys("->,;()[]'\"→⇒➔⟶", " "))


class Config(Knobs):
    min_landmarks: int = Field(7, ge=4, le=20)
    """Fewest landmarks, 4 to 20."""
    max_landmarks: int = Field(10, ge=4, le=20)
    """Most landmarks, 4 to 20."""
    kinds: int = Field(4, ge=2, le=14)
    """Types that the landmarks are drawn from, 2 to 14; the start is never of the wanted type."""
    min_path: int = Field(2, ge=2, le=8)
    """Fewest landmarks on the way, start and goal counted, 2 to 8."""
    max_path: int = Field(2, ge=2, le=8)
    """Most landmarks on the way, start and goal counted, 2 to 8."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        for low, high in (("min_landmarks", "max_landmarks"), ("min_path", "max_path")):
            if getattr(self, low) > getattr(self, high):
                raise ValueError(f"{low}={getattr(self, low)} is above {high}={getattr(self, high)}")
        if self.min_path > self.min_landmarks // 2 + 1:
            raise ValueError(
                f"min_path={self.min_path} is rare among {self.min_landmarks} landmarks; expected at most {self.min_landmarks // 2 + 1}, or more landmarks"
            )
        return self


LEVELS = {"easy": {"min_path": 2, "max_path": 2}, "medium": {"min_path": 3, "max_path": 3}, "hard": {"min_path": 4, "max_path": 6}}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Draw trees until the way to the nearest landmark of some type has the wanted length. Ties between landmarks are left in."""
    for _ in range(TRIES):
        n = rng.randint(config.min_landmarks, config.max_landmarks)
        letters = rng.sample(LETTERS[:n], n)
        types = rng.sample(TYPES, config.kinds)
        kind = {letter: rng.choice(types) for letter in letters}
        roads, side = _tree(rng, letters)
        ways = {wanted: way for wanted in types if wanted != kind[letters[0]] and (way := _nearest(roads, kind, letters[0], wanted))}
        fit = [wanted for wanted, way in ways.items() if config.min_path <= len(way) <= config.max_path]
        if fit:
            break
    else:
        raise Redraw
    wanted = rng.choice(fit)
    told = [_sentence(kind, road, side[road[1]]) for road in roads]
    board = f"You are at {kind[letters[0]]} {letters[0]}.\n" + "\n".join(told) + f"\n\nQuestion: which way leads to the nearest {wanted}?"
    prompt = ask(rng.choice(OPENINGS), RULES, board, FORM, EXAMPLE)
    meta = {"start": letters[0], "kind": kind, "roads": [list(road) for road in roads], "side": side, "wanted": wanted}
    return Drawn(prompt, ways[wanted], meta, _canonical(roads, kind, letters[0], wanted))


def verify(answer: str, item: Item) -> Score:
    """Walks the way and compares its length with the smallest distance to a landmark of the type."""
    meta = item.meta
    way = _letters(answer)
    lengths = {frozenset((a, b)): length for a, b, length in meta["roads"]}
    if strange := [letter for letter in way if letter not in meta["kind"]]:
        raise Refused(f"there is no landmark {strange[0]}")
    if way[0] != meta["start"]:
        raise Refused(f"the way must begin at {meta['start']}")
    walked = 0
    for a, b in pairwise(way):
        if frozenset((a, b)) not in lengths:
            raise Refused(f"there is no road between {a} and {b}")
        walked += lengths[frozenset((a, b))]
    if meta["kind"][way[-1]] != meta["wanted"]:
        raise Refused(f"{way[-1]} is no {meta['wanted']}")
    shortest = _nearest([(a, b, length) for a, b, length in meta["roads"]], meta["kind"], meta["start"], meta["wanted"])
    least = sum(lengths[frozenset(step)] for step in pairwise(shortest))
    if walked > least:
        raise Refused(f"the way is {walked} metres long; the nearest {meta['wanted']} is {least} metres away")
    return RIGHT


def verify_paper(answer: str, item: Item) -> Score:
    """The original's rule: the stored answer, letter by letter."""
    if answer.strip() != item.answer:
        raise Refused("the answer is not the stored one")
    return RIGHT


def solve(item: Item) -> str:
    """All ways from the start in the order of their lengths, until one ends well."""
    near: dict[str, list[tuple[str, int]]] = {letter: [] for letter in item.meta["kind"]}
    for a, b, length in item.meta["roads"]:
        near[a].append((b, length))
        near[b].append((a, length))
    waiting = [(0, item.meta["start"])]
    while True:
        walked, way = heappop(waiting)
        if item.meta["kind"][way[-1]] == item.meta["wanted"]:
            return way
        for other, length in near[way[-1]]:
            if other not in way:
                heappush(waiting, (walked + length, way + other))


def form(answer: str) -> str:
    return _letters(answer)


def draw(item: Item) -> str:
    """The tree from the start down, lengths in metres at the roads."""
    kind, roads, side = item.meta["kind"], item.meta["roads"], item.meta["side"]
    spot: dict[str, tuple[int, int]] = {}

    def visit(letter: str, level: int) -> None:
        """Columns from left to right, as the roads go."""
        for way in ("left", "right"):
            if way == "right":
                spot[letter] = len(spot), level
            for a, b, _ in roads:
                if a == letter and side[b] == way:
                    visit(b, level + 1)

    visit(item.meta["start"], 0)
    at = {letter: (60 + 66 * column, 40 + 80 * level) for letter, (column, level) in spot.items()}
    width, height = 120 + 66 * (len(kind) - 1), 90 + 80 * max(level for _, level in spot.values())
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="14" text-anchor="middle">'
    ]
    parts.append(f'<rect width="{width}" height="{height}" fill="white"/>')
    for a, b, length in roads:
        (x, y), (u, v) = at[a], at[b]
        parts.append(f'<path d="M{x} {y}L{u} {v}" stroke="#555" stroke-width="1.5"/>')
        parts.append(
            f'<text x="{(x + u) / 2}" y="{(y + v) / 2 + 4}" fill="black" stroke="white" stroke-width="5" paint-order="stroke" font-size="12">{length}</text>'
        )
    for letter, (x, y) in at.items():
        fill = "#ddd" if letter == item.meta["start"] else "white"
        parts.append(f'<rect x="{x - 40}" y="{y - 18}" width="80" height="36" rx="6" fill="{fill}" stroke="black"/>')
        parts.append(f'<text x="{x}" y="{y + 5}" fill="black">{letter} {kind[letter]}</text>')
    parts.append(f'<text x="{width / 2}" y="{height - 12}" fill="black">to the nearest {item.meta["wanted"]}</text>')
    return "".join([*parts, "</svg>"])


def _tree(rng: random.Random, letters: list[str]) -> tuple[list[Road], dict[str, str]]:
    """Roads of a binary search tree into which the letters go one by one with distinct keys, and the side on which each hangs."""
    keys = dict(zip(letters, rng.sample(range(1, 101), len(letters)), strict=True))
    below: dict[tuple[str, str], str] = {}
    roads: list[Road] = []
    side: dict[str, str] = {}
    for letter in letters[1:]:
        at = letters[0]
        while True:
            way = "left" if keys[letter] < keys[at] else "right"
            if (at, way) not in below:
                break
            at = below[at, way]
        below[at, way], side[letter] = letter, way
        roads.append((at, letter, rng.choice(LENGTHS)))
    return roads, side


def _nearest(roads: list[Road], kind: dict[str, str], start: str, wanted: str) -> str:
    """The way to the nearest landmark of the type, the empty text if there is none. Distances grow along the roads until none changes."""
    way, far = {start: start}, {start: 0}
    changed = True
    while changed:
        changed = False
        for a, b, length in roads:
            for u, v in ((a, b), (b, a)):
                if u in far and far[u] + length < far.get(v, 10**9):
                    far[v], way[v], changed = far[u] + length, way[u] + v, True
    return min(((far[letter], way[letter]) for letter in far if kind[letter] == wanted), default=(0, ""))[1]


def _sentence(kind: dict[str, str], road: Road, side: str) -> str:
    a, b, length = road
    return f"From {kind[a]} {a}, the road to the {side} leads in {length} metres to {kind[b]} {b}."


def _letters(answer: str) -> str:
    text = "".join(answer.translate(_LAYOUT).split()).upper()
    if strange := [char for char in text if char not in LETTERS]:
        raise Refused(f"{strange[0]!r} in {shown(answer.strip())} is no letter of a landmark")
    if not text:
        raise Refused("the answer holds no letters")
    return text


def _canonical(roads: list[Road], kind: dict[str, str], start: str, wanted: str) -> str:
    """The tree without letters and sides; of the types, only whether it is the wanted one."""
    below: dict[str, list[tuple[str, int]]] = {letter: [] for letter in kind}
    for a, b, length in roads:
        below[a].append((b, length))

    def shape(letter: str) -> str:
        inside = sorted(f"{length}{shape(other)}" for other, length in below[letter])
        return f"({'+' if kind[letter] == wanted else '-'}{''.join(inside)})"

    return shape(start)


OPENINGS = (
    "Find your way in this town.",
    "Here is a description of some roads. Find the way to the nearest landmark of the kind that is asked for.",
    "You want to walk as little as possible. Which way do you take?",
    "Read how the landmarks of a town are joined by roads, and answer the question.",
)
RULES = (
    "Rules: every landmark has a letter and is of some type. Roads can be walked in both directions, and there are no others. The nearest landmark is the one with the smallest "
    "length of road from where you are, not the fewest roads; if several are equally near, any of them will do."
)
FORM = "the letters of the landmarks on the way, in order, from where you are to the landmark you go to, both included, as one word."
EXAMPLE = "QXW"

register(
    Puzzle(
        "puzzles/natural_language_navigation",
        "graph",
        "find the nearest landmark of a type from a description of roads",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        form,
        verify_paper,
        draw,
    )
)
