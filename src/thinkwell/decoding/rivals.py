"""Other drafters that need no draft model, to compare with: prompt lookup, adaptive n-grams, token recycling, suffix decoding.

They have candidates, not laws, so they serve `match` and `gumbel_coupled` (for them the same thing). Text is shared between the paths of a problem, as STAND's table is.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from thinkwell.decoding.draft_tree import DraftTree, heuristic_tree
from thinkwell.decoding.drafts import EMPTY, Draft, Noise, Top


def chain(tokens: Sequence[int]) -> Draft:
    """A tree without branches."""
    return Draft(list(tokens), list(range(-1, len(tokens) - 1)))


class Texts:
    """What each path has written so far (prompt included); `fresh` says what is new since it last looked."""

    def __init__(self) -> None:
        self.of: dict[str, list[int]] = {}

    def fresh(self, path: str, ids: Sequence[int]) -> tuple[list[int], int]:
        """The path's text, brought up to date, and where the new part begins."""
        text = self.of.setdefault(path, [])
        start = len(text)
        if start > len(ids) or text[-8:] != list(ids[max(0, start - 8) : start]):  # cut and rewritten: begin again
            self.of[path] = text = []
            start = 0
        text += ids[start:]
        return text, start


class PromptLookup:
    """Copies what followed the same last tokens before (Saxena 2023): the earliest match in the path itself, else in a sibling's text.

    max_ngram: last tokens that must match, shortened to min_ngram when there is none.
    """

    top: int = 0
    draws: bool = False

    def __init__(self, max_ngram: int = 3, min_ngram: int = 2, length: int = 10) -> None:
        self.max_ngram, self.min_ngram, self.length = max_ngram, min_ngram, length
        self.texts = Texts()
        self.first: dict[tuple[str, tuple[int, ...]], int] = {}  # (path, n-gram) -> where its first occurrence ends
        self.anywhere: dict[tuple[int, ...], tuple[str, int]] = {}

    def observe(self, contexts: Sequence[Sequence[int]], tops: Sequence[Top]) -> None:
        pass

    def propose(self, path: str, ids: Sequence[int], nodes: int, depth: int, noise: Noise) -> Draft:
        text, start = self.texts.fresh(path, ids)
        for end in range(max(1, start), len(text)):  # the last n-gram of the text has no follower yet
            for order in range(self.min_ngram, min(self.max_ngram, end) + 1):
                gram = tuple(text[end - order : end])
                self.first.setdefault((path, gram), end)
                self.anywhere.setdefault(gram, (path, end))
        for order in range(min(self.max_ngram, len(text)), self.min_ngram - 1, -1):
            gram = tuple(text[-order:])
            own = self.first.get((path, gram))
            found = (path, own) if own is not None else self.anywhere.get(gram)
            if found is not None:
                return chain(self.texts.of[found[0]][found[1] : found[1] + min(self.length, nodes, depth)])
        return EMPTY


class AdaptiveNgram:
    """Adaptive n-gram parallel decoding (Ou et al. 2024, arXiv 2404.08698): counts of what followed the last n ... 1 tokens; the likeliest follower of
    the longest known context, again and again."""

    top: int = 0
    draws: bool = False

    def __init__(self, max_order: int = 4, length: int = 10) -> None:
        self.max_order, self.length = max_order, length
        self.texts = Texts()
        self.counts: dict[tuple[int, ...], dict[int, int]] = {}

    def observe(self, contexts: Sequence[Sequence[int]], tops: Sequence[Top]) -> None:
        pass

    def propose(self, path: str, ids: Sequence[int], nodes: int, depth: int, noise: Noise) -> Draft:
        text, start = self.texts.fresh(path, ids)
        for end in range(max(1, start), len(text)):
            for order in range(1, min(self.max_order, end) + 1):
                followers = self.counts.setdefault(tuple(text[end - order : end]), {})
                followers[text[end]] = followers.get(text[end], 0) + 1
        tail = tuple(text[-self.max_order :])
        tokens: list[int] = []
        while len(tokens) < min(self.length, nodes, depth):
            followers = next((found for cut in range(len(tail)) if (found := self.counts.get(tail[cut:]))), {})
            if not followers:
                break
            tokens.append(max(followers, key=lambda token: followers[token]))
            tail = (*tail, tokens[-1])[-self.max_order :]
        return chain(tokens)


class TokenRecycling:
    """Token Recycling (Luo et al. 2024, arXiv 2408.08696): for every token the ids that the target last found likeliest after it, replaced each time it is
    seen; a static tree over them."""

    draws: bool = False

    def __init__(self, tree: DraftTree | None = None, top: int = 8) -> None:
        self.tree, self.top = heuristic_tree() if tree is None else tree, top
        self.after: dict[int, Sequence[int]] = {}

    def observe(self, contexts: Sequence[Sequence[int]], tops: Sequence[Top]) -> None:
        for context, (ids, _) in zip(contexts, tops, strict=True):
            self.after[context[-1]] = tuple(ids[: self.top])

    def propose(self, path: str, ids: Sequence[int], nodes: int, depth: int, noise: Noise) -> Draft:
        tree = self.tree.first(nodes)
        filled: dict[int, tuple[int, int]] = {-1: (-1, ids[-1])}  # place in the tree -> (node of the draft, token)
        tokens: list[int] = []
        parents: list[int] = []
        slots: list[int] = []
        for parent, places in tree.families:
            if parent not in filled or (parent >= 0 and len(tree.nodes[parent]) >= depth):
                continue
            node, last = filled[parent]
            for place, token in zip(places, self.after.get(last, ()), strict=False):
                filled[place] = (len(tokens), token)
                tokens.append(token)
                parents.append(node)
                slots.append(place)
        return Draft(tokens, parents, {}, slots)


class Branch:
    """A node of a suffix tree: how often the text to it occurred, and what followed."""

    __slots__ = ("count", "next")

    def __init__(self) -> None:
        self.count = 0
        self.next: dict[int, Branch] = {}


class SuffixDecoding:
    """Suffix decoding (Oliaro et al. 2024, arXiv 2411.04975): a tree of all substrings of the texts so far; below the longest end of the path that occurred, the
    likeliest continuations. The longer the match, the more is drafted."""

    top: int = 0
    draws: bool = False

    def __init__(self, max_depth: int = 24, factor: float = 2.0, min_prob: float = 0.1) -> None:
        self.max_depth, self.factor, self.min_prob = max_depth, factor, min_prob
        self.texts = Texts()
        self.root = Branch()
        self.open: dict[str, list[Branch]] = {}  # path -> the branches that its last tokens lead to, longest first

    def observe(self, contexts: Sequence[Sequence[int]], tops: Sequence[Top]) -> None:
        pass

    def propose(self, path: str, ids: Sequence[int], nodes: int, depth: int, noise: Noise) -> Draft:
        text, start = self.texts.fresh(path, ids)
        ends = self.open.get(path, []) if start else []
        for token in text[start:]:
            grown = []
            for branch in (*ends[-self.max_depth + 1 :], self.root):
                child = branch.next.setdefault(token, Branch())
                child.count += 1
                grown.append(child)
            ends = grown
        self.open[path] = ends
        for index, branch in enumerate(ends):
            if branch.next:
                matched = len(ends) - index
                return self._below(branch, min(nodes, max(1, int(self.factor * matched))), depth)
        return EMPTY

    def _below(self, match: Branch, nodes: int, depth: int) -> Draft:
        """The `nodes` likeliest branches below a match."""
        tokens: list[int] = []
        parents: list[int] = []
        number = 0  # so that branches are never compared
        open_: list[tuple[float, int, int, int, int, Branch]] = []

        def expand(branch: Branch, prob: float, node: int, level: int) -> None:
            nonlocal number
            total = sum(child.count for child in branch.next.values())
            for token, child in branch.next.items():
                chance = prob * child.count / total
                if chance >= self.min_prob and level < depth:
                    heapq.heappush(open_, (-chance, number, node, token, level + 1, child))
                    number += 1

        expand(match, 1.0, -1, 0)
        while open_ and len(tokens) < nodes:
            chance, _, node, token, level, branch = heapq.heappop(open_)
            tokens.append(token)
            parents.append(node)
            expand(branch, -chance, len(tokens) - 1, level)
        return Draft(tokens, parents)
