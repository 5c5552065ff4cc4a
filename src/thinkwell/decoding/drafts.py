"""Drafting: what guesses the next tokens of a path, and how an engine that can verify a tree of guesses in one forward is told to use it.

A `Drafting` goes with the requests of one problem. The engine asks its `Drafter` for a tree of tokens after a path, runs the target model once over the whole
tree, keeps the branch that stands (see `acceptance`), and shows the drafter what the target thought at every position that was kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from thinkwell.core.sampling import Sampling
from thinkwell.decoding.acceptance import Rule

Top = tuple[Sequence[int], Sequence[float]]  # ids of the likeliest next tokens and their probabilities, likeliest first


@dataclass(frozen=True, slots=True)
class Draft:
    """A tree of tokens after a path. parents[i] < i is a node, or -1 for the path's end; siblings stand in the order in which they were drawn.

    laws: the law that a node's (or -1's) children were drawn from, for the rules that reject. slots: the place of each node in a static tree, for statistics.
    """

    tokens: Sequence[int] = ()
    parents: Sequence[int] = ()
    laws: Mapping[int, Mapping[int, float]] = field(default_factory=dict)
    slots: Sequence[int] = ()


EMPTY = Draft()


class Noise(Protocol):
    """The noise that a draft may use. Under `gumbel_coupled` it is that of the token's position in plain decoding, else fresh at every call."""

    rule: Rule

    def gumbel(self, depth: int, ids: Sequence[int]) -> Sequence[float]:
        """One number for each id, for a token `depth` places after the path's end (0: the next one)."""
        ...


class Drafter(Protocol):
    """Guesses. One instance serves the paths of one problem, or one path."""

    top: int
    """How many of the target's likeliest tokens it wants to see at each position; 0: none."""
    draws: bool
    """Whether it knows laws to draw from; one that only has candidates can serve no rule that rejects."""

    def propose(self, path: str, ids: Sequence[int], nodes: int, depth: int, noise: Noise) -> Draft:
        """A tree of at most `nodes` tokens, at most `depth` deep, after these ids."""
        ...

    def observe(self, contexts: Sequence[Sequence[int]], tops: Sequence[Top]) -> None:
        """What the target thought after each context (the path's last ids before the token)."""
        ...


@dataclass(slots=True)
class DraftStats:
    """What drafting came to, over all paths that shared it.

    target_calls: forwards of the target, counted for each path that took part. tokens: what they wrote. proposed: nodes verified. by_depth: how often a node at depth
    1, 2 ... was accepted. by_slot: the same by place in the static tree.
    """

    target_calls: int = 0
    tokens: int = 0
    proposed: int = 0
    by_depth: list[int] = field(default_factory=list)
    by_slot: dict[int, int] = field(default_factory=dict)

    @property
    def mean_accepted_tokens(self) -> float:
        """Tokens written a target call; 1 without drafts."""
        return self.tokens / self.target_calls if self.target_calls else 0.0

    def count(self, written: int, proposed: int, slots: Sequence[int]) -> None:
        """A target call of one path. slots: of each node that was accepted, parent first, its place in the static tree, or -1."""
        self.target_calls += 1
        self.tokens += written
        self.proposed += proposed
        self.by_depth += [0] * (len(slots) - len(self.by_depth))
        for depth, slot in enumerate(slots):
            self.by_depth[depth] += 1
            if slot >= 0:
                self.by_slot[slot] = self.by_slot.get(slot, 0) + 1

    def as_facts(self) -> dict[str, Any]:
        return {
            "mean_accepted_tokens": round(self.mean_accepted_tokens, 4),
            "target_calls": self.target_calls,
            "drafted_tokens": self.proposed,
            "accepted_by_depth": tuple(self.by_depth),
        }


class Drafting:
    """How the requests that carry it are drafted; one for a problem.

    make: a new drafter. rule: how drafts are put to the test. nodes: draft tokens a step at most (None: the engine chooses by what its forwards cost).
    share: whether all paths of the problem share a drafter. all_nodes: show the drafter the target's law after rejected drafts too.
    """

    def __init__(
        self,
        make: Callable[[], Drafter],
        rule: Rule = Rule.GUMBEL_COUPLED,
        nodes: int | None = None,
        *,
        share: bool = True,
        all_nodes: bool = False,
    ) -> None:
        self.rule, self.nodes, self.all_nodes = rule, nodes, all_nodes
        self.stats = DraftStats()
        self._make, self._share = make, share
        self._drafters: dict[tuple[Sampling, str], Drafter] = {}

    def drafter(self, sampling: Sampling, path: str) -> Drafter:
        """The drafter for paths of this sampling (laws at other temperatures are no guide). path: id of the path or of the one it was forked from."""
        key = (sampling, "" if self._share else path)
        if key not in self._drafters:
            self._drafters[key] = self._make()
        return self._drafters[key]

    @property
    def drafters(self) -> Sequence[Drafter]:
        return tuple(self._drafters.values())
