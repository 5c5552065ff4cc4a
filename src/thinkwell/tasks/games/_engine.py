"""One engine for games in which two players put stones on points and the first who owns a winning set has won (TTT-Bench, arXiv 2506.10209).

A game is a `Board`: points with names and coordinates, and winning sets. Here are its bit masks and symmetries, random histories and the label of a position; `_shown.py` tells
and draws it, `_position.py` makes puzzles of it. Stones are bit masks: bit i is point i.

Labels, for the player to move (the first that fits):

    win       a winning set can be completed now: right are all points that do
    blocked   the opponent could complete one with the next stone: right is that point (with two of them the position is lost and no puzzle)
    fork      right are the moves after which two points would win; with fork_mode "make_or_prevent" also, where there are none but the opponent would have some, those
              after which the opponent cannot win by force within two stones
    deep      right are the moves that win by force within `own_stones` stones of one's own, whatever the opponent does (exact search)
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations, product
from typing import Literal

Place = tuple[int, ...]
Verdict = Literal["win", "blocked", "fork", "deep"]
ForkMode = Literal["make", "make_or_prevent"]


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


def bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def several(mask: int) -> bool:
    return mask & (mask - 1) != 0


def _distance(one: Place, other: Place) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))
