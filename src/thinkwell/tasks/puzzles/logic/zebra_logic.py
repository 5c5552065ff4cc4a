"""Zebra puzzle: objects stand in a row; each has one item of every kind (job, pet, ...), and clues say how items stand to each other. Fill the table of kinds and positions.

Clues: two items are at one position; one is directly left or right of another; one is somewhere left or right of another; one is in the middle (odd sizes); one is between two
others, directly beside both. The clues leave exactly one table, by our own solver, and none of them can be spared. The original's tables have one position fewer at each level, and
its verifier looks only whether every row of the solution occurs somewhere, so that listing all permutations scores: that is `verify_paper`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from html import escape

from pydantic import Field

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Refused, Score, ask, register
from thinkwell.tasks.puzzles.logic._clues import canonical, enough_clues, holds, minimal_clues, tables
from thinkwell.tasks.reading import lines, shown

KINDS = {
    "Job": ("baker", "judge", "pilot", "tailor", "nurse", "miner"),
    "Pet": ("cat", "parrot", "turtle", "rabbit", "lizard", "pony"),
    "Food": ("soup", "pizza", "salad", "curry", "omelette", "stew"),
    "Drink": ("tea", "coffee", "milk", "juice", "cider", "cocoa"),
    "Colour": ("red", "green", "blue", "yellow", "white", "purple"),
    "Country": ("Norway", "Kenya", "Peru", "Japan", "Greece", "Canada"),
    "Hobby": ("chess", "rowing", "knitting", "archery", "painting", "hiking"),
    "Instrument": ("violin", "flute", "drum", "harp", "piano", "banjo"),
    "Vehicle": ("tram", "bicycle", "van", "canoe", "scooter", "tractor"),
    "Flower": ("rose", "tulip", "lily", "daisy", "iris", "poppy"),
}
SAID = {
    "same": "{0} and {1} are at the same position.",
    "left": "{0} is directly left of {1}.",
    "right": "{0} is directly right of {1}.",
    "before": "{0} is somewhere left of {1}.",
    "after": "{0} is somewhere right of {1}.",
    "middle": "{0} is in the middle.",
    "between": "{0} is between {1} and {2}, directly beside both.",
}


class Config(Knobs):
    objects: int = Field(3, ge=2, le=6)
    """Positions in the row, 2 to 6."""
    kinds: int = Field(4, ge=2, le=5)
    """Kinds of items, the rows of the table, 2 to 5."""


LEVELS = {"easy": {"objects": 3, "kinds": 4}, "medium": {"objects": 4, "kinds": 4}, "hard": {"objects": 5, "kinds": 4}}


def generate(rng: random.Random, config: Config) -> Drawn:
    """The solution has item p of every kind at position p, and names are given at the end."""
    n, k = config.objects, config.kinds
    clues = minimal_clues(rng, enough_clues(rng, n, k), n, k)
    named = {kind: rng.sample(KINDS[kind], n) for kind in rng.sample(list(KINDS), k)}
    order = [rng.sample(range(n), n) for _ in range(k)]  # kind -> items as they are listed
    listed = [kind * n + order[kind].index(item) for kind in range(k) for item in range(n)]  # item -> number as listed
    rng.shuffle(clues)
    items = [[names[item] for item in order[kind]] for kind, names in enumerate(named.values())]
    told: list[list[str | int]] = [[said, *(listed[item] for item in of)] for said, of in clues]
    gold = "\n".join(f"| {' | '.join([kind, *names])} |" for kind, names in named.items())
    prompt = ask(rng.choice(OPENINGS), RULES.format(n=n), _board(list(named), items, told), FORM.format(k=k), EXAMPLE)
    meta = {"kinds": list(named), "items": items, "clues": told}
    return Drawn(prompt, gold, meta, f"{n} {k} {canonical(clues, n, k)}")


def verify(answer: str, item: Item) -> Score:
    """The table's rows and items, then every clue."""
    kinds, items = item.meta["kinds"], item.meta["items"]
    n = len(items[0])
    place: dict[int, int] = {}
    for row in _table(answer):
        kind = next((number for number, name in enumerate(kinds) if name.casefold() == row[0]), None)
        if kind is None:
            raise Refused(f"{shown(row[0])} is none of the kinds {', '.join(kinds)}")
        if kind * n in place:
            raise Refused(f"there is more than one row of {kinds[kind]}")
        known = [name.casefold() for name in items[kind]]
        if len(row) != n + 1:
            raise Refused(f"the row of {kinds[kind]} has {len(row) - 1} items where {n} are expected")
        strange = [name for name in row[1:] if name not in known]
        if strange:
            raise Refused(f"the row of {kinds[kind]} holds {shown(strange[0])}, which is none of its items")
        if len(set(row[1:])) < n:
            raise Refused(f"the row of {kinds[kind]} does not hold each of its items once")
        place.update((kind * n + known.index(name), position) for position, name in enumerate(row[1:]))
    if missing := next((name for kind, name in enumerate(kinds) if kind * n not in place), None):
        raise Refused(f"there is no row of {missing}")
    for number, (said, *of) in enumerate(item.meta["clues"], 1):
        if not holds(said, [place[i] for i in of], n):
            raise Refused(f"clue {number} does not hold: {_sentence(item.meta['clues'][number - 1], kinds, items)}")
    return RIGHT


def verify_paper(answer: str, item: Item) -> Score:
    """The original's rule: every row of the solution occurs among the rows of the table, whatever else does."""
    rows = [tuple(row) for row in _table(answer)]
    for row in _table(item.answer):
        if tuple(row) not in rows:
            raise Refused(f"the right row of {row[0]} does not occur")
    return RIGHT


def solve(item: Item) -> str:
    """The first table found from the clues."""
    kinds, items = item.meta["kinds"], item.meta["items"]
    n = len(items[0])
    places = next(tables([(said, tuple(of)) for said, *of in item.meta["clues"]], n, len(kinds)))
    rows = [[kind, *sorted(items[k], key=lambda name: places[k * n + items[k].index(name)])] for k, kind in enumerate(kinds)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def form(answer: str) -> str:
    return "\n".join(" | ".join(row) for row in sorted(_table(answer)))


def draw(item: Item) -> str:
    """The empty table, the items of each kind beside it, and the clues below."""
    kinds, items = item.meta["kinds"], item.meta["items"]
    n, k, clues = len(items[0]), len(kinds), item.meta["clues"]
    width, height, top = max(430 + 44 * n, 680), 40 + 34 * k + 24 * len(clues) + 16, 40 + 34 * k
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="14" fill="black">'
    ]
    parts.append(f'<rect width="{width}" height="{height}" fill="white"/>')
    for position in range(n):
        parts.append(f'<text x="{122 + 44 * position}" y="22" text-anchor="middle">{position + 1}</text>')
    for row in range(k):
        y = 32 + 34 * row
        parts.append(f'<text x="92" y="{y + 22}" text-anchor="end" font-weight="bold">{kinds[row]}</text>')
        parts.append(f'<text x="{112 + 44 * n}" y="{y + 22}">{escape(", ".join(items[row]))}</text>')
        parts += [f'<rect x="{100 + 44 * at}" y="{y}" width="44" height="34" fill="white" stroke="black"/>' for at in range(n)]
    for number, clue in enumerate(clues, 1):
        parts.append(f'<text x="14" y="{top + 24 * number}">{number}. {escape(_sentence(clue, kinds, items))}</text>')
    return "".join([*parts, "</svg>"])


def _table(answer: str) -> list[list[str]]:
    """The rows of a markdown table as lower-case cells; lines of dashes or bars alone, and a header that only numbers the positions, are layout."""
    rows = []
    for number, line in enumerate(lines(answer), 1):
        if set(line) <= set("|-: "):
            continue
        if "|" not in line:
            raise Refused(f"line {number}, {shown(line)}, is no row of a table")
        rows.append([cell.strip().casefold() for cell in line.removeprefix("|").removesuffix("|").split("|")])
    if not rows:
        raise Refused("the answer holds no table")
    numbered = len(rows) > 1 and len(rows[0]) > 1 and rows[0][1:] == [str(place) for place in range(1, len(rows[0]))]
    return rows[1:] if numbered else rows


def _sentence(clue: Sequence[str | int], kinds: Sequence[str], items: Sequence[Sequence[str]]) -> str:
    n = len(items[0])
    return SAID[str(clue[0])].format(*(f"{kinds[int(i) // n]}:{items[int(i) // n][int(i) % n]}" for i in clue[1:]))


def _board(kinds: Sequence[str], items: Sequence[Sequence[str]], clues: Sequence[Sequence[str | int]]) -> str:
    """Items, clues and the empty table, as the prompt shows them."""
    places = range(1, len(items[0]) + 1)
    listed = [f"- {kind}: {', '.join(names)}" for kind, names in zip(kinds, items, strict=True)]
    numbered = [f"{number}. {_sentence(clue, kinds, items)}" for number, clue in enumerate(clues, 1)]
    empty = [
        f"| | {' | '.join(map(str, places))} |",
        "|---" * (len(places) + 1) + "|",
        *(f"| {kind} |" + " |" * len(places) for kind in kinds),
    ]
    return "\n".join(["Items:", *listed, "", "Clues:", *numbered, "", "The table to fill:", *empty])


OPENINGS = (
    "Solve this zebra puzzle.",
    "Work out from the clues what stands where.",
    "Here is a logic puzzle about a row of objects. Find the one arrangement that agrees with all clues.",
    "Use the clues to fill in the table.",
)
RULES = (
    "Rules: {n} objects stand in a row, at positions 1 to {n} from left to right. Each object has exactly one item of every kind, and no item belongs to two objects. "
    '"Directly" left, right or beside means at the next position; "somewhere" left or right means at any distance. '
    "The clues name an item as Kind:item. They have exactly one solution."
)
FORM = "a markdown table without a header, {k} rows in any order: the name of the kind, then its items in the order of the positions."
EXAMPLE = "| Tree | oak | elm | ash |\n| Metal | tin | iron | lead |"

register(
    Puzzle(
        "puzzles/zebra_logic",
        "logic",
        "find who has what and where from clues",
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
