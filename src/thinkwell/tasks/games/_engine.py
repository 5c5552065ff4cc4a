"""One engine for games in which two players put stones on points and the first who owns a winning set has won (TTT-Bench, arXiv 2506.10209).

A game is a `Board`: points with names and coordinates, and winning sets. Here are its bit masks and symmetries, random histories, the label of a position, text both ways
and the picture. `_position.py` makes puzzles of it. Stones are bit masks: bit i is point i.

Labels, for the player to move (the first that fits):

    win       a winning set can be completed now: right are all points that do
    blocked   the opponent could complete one with the next stone: right is that point (with two of them the position is lost and no puzzle)
    fork      right are the moves after which two points would win; with fork_mode "make_or_prevent" also, where there are none but the opponent would have some, those
              after which the opponent cannot win by force within two stones
    deep      right are the moves that win by force within `own_stones` stones of one's own, whatever the opponent does (exact search)
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations, product
from typing import Literal

Place = tuple[int, ...]
Verdict = Literal["win", "blocked", "fork", "deep"]
ForkMode = Literal["make", "make_or_prevent"]

PLAYERS = ("Alice", "Bob")  # Alice begins, always
COLOURS = ("white", "black")
SIGNS = "WB"
_MOVE = re.compile(r"\b(Alice|Bob)\s+(?:first\s+)?(?:places|puts)\s+a\s+(white|black)\s+\w+\s+(?:at|on)\s+([A-Z])\b")


@dataclass(frozen=True)
class Board:
    """labels: a letter a point, in order. places: its coordinates. lines: the winning sets as texts of labels. picture: the board as text, each label once.
    geometry, goal: what a player must know of it, in words."""

    name: str
    labels: str
    places: tuple[Place, ...]
    lines: tuple[str, ...]
    picture: str
    geometry: str
    goal: str

    @cached_property
    def masks(self) -> tuple[int, ...]:
        return tuple(self.mask(line) for line in self.lines)

    @cached_property
    def through(self) -> tuple[tuple[int, ...], ...]:
        """The winning sets of each point."""
        return tuple(tuple(mask for mask in self.masks if mask >> point & 1) for point in range(len(self.labels)))

    @property
    def full(self) -> int:
        return (1 << len(self.labels)) - 1

    @property
    def size(self) -> int:
        """Stones of a winning set."""
        return len(self.lines[0])

    @cached_property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """Neighbouring points."""
        number = range(len(self.places))
        return tuple((i, j) for i in number for j in number if i < j and _distance(self.places[i], self.places[j]) == 1)

    @cached_property
    def symmetries(self) -> tuple[tuple[int, ...], ...]:
        """Every rotation and reflection of the coordinates that maps points to points and winning sets to winning sets: for each point the one it comes from."""
        found = set()
        at, sets = {place: i for i, place in enumerate(self.places)}, set(self.masks)
        spans = [max(axis) for axis in zip(*self.places, strict=True)]
        for axes in permutations(range(len(spans))):
            for flips in product((False, True), repeat=len(spans)):
                images = [
                    tuple(spans[axis] - place[axis] if flip else place[axis] for axis, flip in zip(axes, flips, strict=True))
                    for place in self.places
                ]
                if set(images) == set(at):
                    moved = tuple(at[image] for image in images)
                    if {sum(1 << moved[i] for i in bits(mask)) for mask in sets} == sets:
                        found.add(moved)
        return tuple(sorted(found))

    def mask(self, labels: Iterable[str]) -> int:
        return sum(1 << self.labels.index(label) for label in labels)

    def names(self, mask: int) -> list[str]:
        return [self.labels[i] for i in bits(mask)]

    def has_won(self, stones: int) -> bool:
        return any(stones & mask == mask for mask in self.masks)

    def completing(self, mine: int, theirs: int) -> int:
        """The empty points that complete a winning set."""
        found = 0
        for mask in self.masks:
            if not mask & theirs:
                missing = mask & ~mine
                if not missing & (missing - 1):
                    found |= missing
        return found

    def forking(self, mine: int, theirs: int) -> int:
        """The empty points after which two other points would complete a winning set. Nothing can be completed now."""
        found = 0
        after: dict[int, int] = {}  # point -> points that would win once it is mine
        for mask in self.masks:
            if not mask & theirs and (missing := mask & ~mine).bit_count() == 2:
                low = missing & -missing
                high = missing ^ low
                for one, other in ((low, high), (high, low)):
                    wins = after[one] = after.get(one, 0) | other
                    if wins != other:
                        found |= one
        return found

    def wins(self, mine: int, theirs: int, stones: int) -> bool:
        """Can the player to move win by force with at most so many stones?"""
        if self.completing(mine, theirs):
            return True
        danger = self.completing(theirs, mine)
        if stones <= 1 or several(danger):
            return False
        if self.forking(mine, theirs) & (danger or self.full):
            return True
        return stones > 2 and any(
            self.holds(mine | 1 << point, theirs, stones - 1) for point in bits(danger or self.full & ~(mine | theirs))
        )

    def holds(self, mine: int, theirs: int, stones: int) -> bool:
        """The other player is to move: do I win by force with at most so many stones more?"""
        if self.completing(theirs, mine):
            return False
        threats = self.completing(mine, theirs)
        if several(threats):
            return True
        if not threats and not self.wins(mine, theirs, stones):  # not even if the other passed
            return False
        replies = threats or self.full & ~(mine | theirs)
        return replies != 0 and all(self.wins(mine, theirs | 1 << reply, stones) for reply in bits(replies))

    def forcing(self, mine: int, theirs: int, stones: int, most: int = 25) -> int:
        """The moves that win by force with at most so many stones, this one included; 0 also if there are more than `most`. Nobody can complete a set now."""
        found = 0
        for point in bits(self.full & ~(mine | theirs)):
            if self.holds(mine | 1 << point, theirs, stones - 1):
                found |= 1 << point
                if found.bit_count() > most:
                    return 0
        return found

    def preventing(self, mine: int, theirs: int) -> int:
        """The moves after which the opponent cannot win by force within two stones."""
        return sum(1 << point for point in bits(self.full & ~(mine | theirs)) if not self.wins(theirs, mine | 1 << point, 2))

    def label(self, mine: int, theirs: int, fork_mode: ForkMode = "make", own_stones: int = 0, most: int = 25) -> tuple[str, int]:
        """(label, right moves) of the position for the owner of `mine`, who is to move. "lost" and "none" have no right moves.

        own_stones: 0 looks for no deep wins. most: a position with more deep wins than that is labelled "none", which is found sooner.
        """
        if now := self.completing(mine, theirs):
            return "win", now
        if danger := self.completing(theirs, mine):
            return ("lost", 0) if several(danger) else ("blocked", danger)
        if forks := self.forking(mine, theirs):
            return "fork", forks
        if fork_mode == "make_or_prevent" and self.forking(theirs, mine):
            saved = self.preventing(mine, theirs)
            return ("fork", saved) if saved else ("lost", 0)
        if own_stones and (forced := self.forcing(mine, theirs, own_stones, most)):
            return "deep", forced
        return "none", 0

    def played(self, rng: random.Random, count: int, *, sensible: bool = False) -> list[int] | None:
        """A history of so many moves, None if somebody won on the way. sensible: players win if they can, and block what they must; otherwise they play at random."""
        order = rng.sample(range(len(self.labels)), len(self.labels))
        history: list[int] = []
        mine = theirs = 0
        while len(history) < count:
            if sensible:
                if self.completing(mine, theirs):
                    return None
                if danger := self.completing(theirs, mine):
                    order.sort(key=lambda point: not danger >> point & 1)
            point = order.pop(0)
            mine |= 1 << point
            if any(mine & mask == mask for mask in self.through[point]):
                return None
            history.append(point)
            mine, theirs = theirs, mine
        return history

    def stones(self, history: Sequence[int]) -> tuple[int, int]:
        """(stones of the player to move, of the other)."""
        players = [sum(1 << point for point in history[first::2]) for first in (0, 1)]
        return players[len(history) % 2], players[1 - len(history) % 2]

    def canonical(self, mine: int, theirs: int) -> str:
        """The same text for positions that a symmetry of the board maps to each other. x: stones of the player to move."""
        text = "".join("x" if mine >> i & 1 else "o" if theirs >> i & 1 else "." for i in range(len(self.labels)))
        return min("".join([text[i] for i in symmetry]) for symmetry in self.symmetries)

    def stones_text(self, history: Sequence[int]) -> str:
        """The picture with W and B for the stones and * for empty points."""
        signs = {self.labels[point]: SIGNS[turn % 2] for turn, point in enumerate(history)}
        return "".join(signs.get(char, "*") if char in self.labels else char for char in self.picture)


def bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def several(mask: int) -> bool:
    return mask & (mask - 1) != 0


def tell(board: Board, history: Sequence[int]) -> str:
    """The moves as sentences; `read_history` reads them back."""
    return " ".join(
        f"{'Then ' if turn else ''}{PLAYERS[turn % 2]} {'' if turn else 'first '}places a {COLOURS[turn % 2]} stone at {board.labels[point]}."
        for turn, point in enumerate(history)
    )


def read_history(board: Board, text: str) -> list[int]:
    """The moves told in a text (ours or TTT-Bench's). Raises ValueError for moves out of turn, of the wrong colour, on no point of the board or on a taken one."""
    history: list[int] = []
    for match in _MOVE.finditer(text):
        player, colour, letter = match.groups()
        turn = len(history) % 2
        if (player, colour) != (PLAYERS[turn], COLOURS[turn]) or letter not in board.labels or board.labels.index(letter) in history:
            raise ValueError(f"move {len(history) + 1}, {match[0]!r}, cannot be played on the board of {board.name}")
        history.append(board.labels.index(letter))
    return history


def svg(board: Board, history: Sequence[int]) -> str:
    """The board with its stones, points named, moves numbered; the player to move is written below."""
    spots = [_spot(place) for place in board.places]
    width, height = max(x for x, _ in spots) + 50, max(y for _, y in spots) + 80
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="20" text-anchor="middle">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for i, j in board.edges:
        (x, y), (u, v) = spots[i], spots[j]
        parts.append(f'<path d="M{x} {y}L{u} {v}" stroke="#888" stroke-width="2"/>')
    turns = {point: turn for turn, point in enumerate(history)}
    for point, (x, y) in enumerate(spots):
        turn = turns.get(point)
        fill, ink = ("#eee", "#666") if turn is None else ("white", "black") if turn % 2 == 0 else ("black", "white")
        line = 'stroke="#bbb"' if turn is None else 'stroke="black" stroke-width="3"'
        parts.append(f'<circle cx="{x}" cy="{y}" r="{16 if turn is None else 22}" fill="{fill}" {line}/>')
        parts.append(f'<text x="{x}" y="{y + 7}" fill="{ink}">{board.labels[point]}</text>')
        if turn is not None:
            parts.append(
                f'<text x="{x + 27}" y="{y - 17}" font-size="13" fill="#a33" stroke="white" stroke-width="4" paint-order="stroke">{turn + 1}</text>'
            )
    turn = len(history) % 2
    parts.append(f'<text x="{width // 2}" y="{height - 16}" fill="black">{PLAYERS[turn]} ({COLOURS[turn]}) to move</text></svg>')
    return "".join(parts)


def _spot(place: Place) -> tuple[int, int]:
    """Where a point is drawn; the second of three axes goes to the back, up and to the right."""
    if len(place) == 2:
        return 50 + 80 * place[0], 50 + 80 * place[1]
    return 50 + 160 * place[0] + 70 * place[1], 110 + 140 * place[2] - 60 * place[1]


def _distance(one: Place, other: Place) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))
