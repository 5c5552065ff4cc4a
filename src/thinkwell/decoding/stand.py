"""The draft model of STAND: a table from the last tokens to a running average of the target's own next-token law (Song et al. 2025, arXiv 2506.04708).

    key     the last n tokens, n = max_order ... min_order; the longest one that was seen answers (back-off, no interpolation)
    value   how often it was seen, k, and the `top` likeliest ids with their average probabilities
    update  new = k/(k+1) old + 1/(k+1) p over the union of ids (a missing id counts as 0), cut back to the `top` largest; not renormalised

A static tree (see `draft_tree`) is walked from the path's end; every node draws its children from the law that the table has for its own last tokens: without replacement by
Gumbel-Top-k, with the noise of the rule. Where the table knows nothing, the branch ends.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from heapq import nlargest
from operator import itemgetter

from thinkwell.core.errors import ConfigError
from thinkwell.decoding.acceptance import Rule, gumbel_children
from thinkwell.decoding.draft_tree import START_NODES, DraftTree, heuristic_tree
from thinkwell.decoding.drafts import Draft, Noise, Top

SMALLEST = 1e-9  # what is less likely than this is no candidate


class NgramTable:
    """Average next-token laws by n-gram."""

    def __init__(self, max_order: int = 4, min_order: int = 1, top: int = 10, *, average: bool = True) -> None:
        if not 1 <= min_order <= max_order or top < 1:
            raise ConfigError(
                f"a table of orders {min_order} to {max_order} with {top} ids a key cannot be; expected 1 <= min <= max, and at least 1 id."
            )
        self.max_order, self.min_order, self.top, self.average = max_order, min_order, top, average
        self.counts: dict[tuple[int, ...], int] = {}
        self.laws: dict[tuple[int, ...], dict[int, float]] = {}
        self.lookups = self.hits = 0

    def __len__(self) -> int:
        return len(self.laws)

    def add(self, context: Sequence[int], ids: Sequence[int], probs: Sequence[float]) -> None:
        """The target's law after `context`: every order's key learns it."""
        pairs = [(token, p) for token, p in zip(ids, probs, strict=True) if p > SMALLEST][: self.top]
        tail = tuple(context[-self.max_order :])
        for order in range(self.min_order, len(tail) + 1):
            key = tail[-order:]
            count = self.counts.get(key, 0)
            self.counts[key] = count + 1
            if count and self.average:
                keep, share = count / (count + 1), 1 / (count + 1)
                mixed = {token: keep * p for token, p in self.laws[key].items()}
                for token, p in pairs:
                    mixed[token] = mixed.get(token, 0.0) + share * p
                self.laws[key] = mixed if len(mixed) <= self.top else dict(nlargest(self.top, mixed.items(), key=itemgetter(1)))
            else:
                self.laws[key] = dict(pairs)

    def law(self, tail: tuple[int, ...]) -> Mapping[int, float] | None:
        """The law after the longest known end of `tail` (at most `max_order` ids), not renormalised; None if none is known."""
        self.lookups += 1
        for start in range(max(0, len(tail) - self.max_order), len(tail) - self.min_order + 1):
            found = self.laws.get(tail[start:])
            if found is not None:
                self.hits += 1
                return found
        return None


class StandDrafter:
    """Draft trees from a table that all paths of a problem share."""

    draws = True

    def __init__(self, table: NgramTable | None = None, tree: DraftTree | None = None) -> None:
        """tree: none takes the heuristic one, and leaves an engine free to grow each tree by what the table knows where it chooses the size."""
        self.table = NgramTable() if table is None else table  # an empty table is false
        self.tree = heuristic_tree(START_NODES) if tree is None else tree
        self.free = tree is None
        self.top = self.table.top

    def observe(self, contexts: Sequence[Sequence[int]], tops: Sequence[Top]) -> None:
        for context, (ids, probs) in zip(contexts, tops, strict=True):
            self.table.add(context, ids, probs)

    def propose(self, path: str, ids: Sequence[int], nodes: int, depth: int, noise: Noise) -> Draft:
        table = self.table
        tree = self.tree.first(nodes)
        tails: dict[int, tuple[int, ...]] = {-1: tuple(ids[-table.max_order :])}  # of the nodes that were filled, by place in the tree
        at: dict[int, int] = {-1: -1}  # place in the tree -> node of the draft
        tokens: list[int] = []
        parents: list[int] = []
        slots: list[int] = []
        laws: dict[int, Mapping[int, float]] = {}
        for parent, places in tree.families:
            tail = tails.get(parent)
            level = len(tree.nodes[parent]) if parent >= 0 else 0
            if tail is None or level >= depth:
                continue
            law = table.law(tail)
            if not law:
                continue
            if not noise.rule.matches:
                laws[at[parent]] = law
            for place, token in zip(places, _children(law, len(places), level, noise), strict=False):
                at[place] = len(tokens)
                tails[place] = (*tail[-table.max_order + 1 :], token) if table.max_order > 1 else (token,)
                tokens.append(token)
                parents.append(at[parent])
                slots.append(place)
        return Draft(tokens, parents, laws, slots)


def _children(law: Mapping[int, float], count: int, depth: int, noise: Noise) -> list[int]:
    """Children of a node in the order in which the rule draws them."""
    ids = list(law)
    if noise.rule is Rule.MATCH:
        return sorted(ids, key=lambda token: -law[token])[:count]
    log_q = [math.log(p) for p in law.values()]
    if noise.rule is Rule.WITH_REPLACEMENT:
        return [ids[gumbel_children(log_q, noise.gumbel(depth, ids), 1)[0]] for _ in range(count)]
    width = min(count, 1) if noise.rule is Rule.CHAIN else count
    return [ids[index] for index in gumbel_children(log_q, noise.gumbel(depth, ids), width)]
