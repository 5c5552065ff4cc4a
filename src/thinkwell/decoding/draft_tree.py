"""Static draft trees: which node gets how many children, fixed before anything is drawn.

A node is named by its ranks from the root: (0, 0, 1) is the second child of the first child of the first child. Nodes are listed in order of falling worth, so the
first n of them are the tree to use when only n nodes are affordable: every such list holds a node's parent and its earlier siblings before it.
"""

from __future__ import annotations

import heapq
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from thinkwell.core.errors import ConfigError

FORMAT = "thinkwell-draft-tree"
RANK_WORTH = (0.78, 0.1, 0.04, 0.02, 0.012, 0.008, 0.006, 0.004, 0.003, 0.002)  # how often the child of this rank stands, roughly
START_NODES, START_DEPTH = 625, 20  # the tree that acceptance is counted on before the best nodes are kept


@dataclass(frozen=True)
class DraftTree:
    """nodes[i]: ranks from the root. Raises `ConfigError` for a list that is no tree in the order described above."""

    nodes: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        seen: set[tuple[int, ...]] = {()}
        for index, node in enumerate(self.nodes):
            where = f"node {index} of the draft tree, {list(node)},"
            if not node or node in seen:
                raise ConfigError(f"{where} {'is the root' if not node else 'is listed twice'}; list every node below the root once.")
            if node[:-1] not in seen or (node[-1] > 0 and (*node[:-1], node[-1] - 1) not in seen) or node[-1] < 0:
                raise ConfigError(f"{where} stands before its parent or an earlier sibling; list those first.")
            seen.add(node)

    def __len__(self) -> int:
        return len(self.nodes)

    @cached_property
    def index(self) -> dict[tuple[int, ...], int]:
        return {node: i for i, node in enumerate(self.nodes)}

    @cached_property
    def parents(self) -> tuple[int, ...]:
        """The place of each node's parent, -1 for the root."""
        return tuple(self.index.get(node[:-1], -1) for node in self.nodes)

    @cached_property
    def families(self) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """(parent, its children by rank) for every node that has children, in the order of the parents; -1 is the root."""
        children: dict[int, list[int]] = {}
        for i, parent in enumerate(self.parents):
            children.setdefault(parent, []).append(i)
        return tuple((parent, tuple(children[parent])) for parent in sorted(children))

    @cached_property
    def depth(self) -> int:
        return max(map(len, self.nodes), default=0)

    def widths(self) -> list[int]:
        """Nodes at depth 1, 2 ..."""
        return [sum(len(node) == depth for node in self.nodes) for depth in range(1, self.depth + 1)]

    def first(self, count: int) -> DraftTree:
        """The `count` nodes worth most."""
        return self if count >= len(self.nodes) else _first(self, max(0, count))


@lru_cache(maxsize=512)
def _first(tree: DraftTree, count: int) -> DraftTree:
    return DraftTree(tree.nodes[:count])


@lru_cache(maxsize=64)
def heuristic_tree(nodes: int = 79, depth: int = 13, worth: tuple[float, ...] = RANK_WORTH) -> DraftTree:
    """The `nodes` nodes with the largest product of the worth of their ranks, none deeper than `depth`."""
    picked: list[tuple[int, ...]] = []
    open_: list[tuple[float, int, tuple[int, ...]]] = [(-math.log(worth[0]), 1, (0,))]  # (cost, depth, node)
    while open_ and len(picked) < nodes:
        cost, size, node = heapq.heappop(open_)
        picked.append(node)
        rank = node[-1]
        if rank + 1 < len(worth):
            heapq.heappush(open_, (cost + math.log(worth[rank]) - math.log(worth[rank + 1]), size, (*node[:-1], rank + 1)))
        if size < depth:
            heapq.heappush(open_, (cost - math.log(worth[0]), size + 1, (*node, 0)))
    return DraftTree(tuple(picked))


def start_tree() -> DraftTree:
    """The large tree that acceptance is counted on to tune a small one."""
    return heuristic_tree(START_NODES, START_DEPTH)


def tuned_tree(tree: DraftTree, accepted: Mapping[int, int], nodes: int) -> DraftTree:
    """The `nodes` nodes of `tree` that were accepted most often, most often first; ties go to the shallower, then to the lower rank.

    accepted: how often each node (by its place in `tree`) was. A node counts at least what its descendants and later siblings do, as it must be there for them.
    """
    worth = {node: accepted.get(i, 0) for i, node in enumerate(tree.nodes)}
    for node in sorted(worth, key=lambda node: (-len(node), -node[-1])):
        for before in ((*node[:-1], node[-1] - 1), node[:-1]):
            if before in worth:
                worth[before] = max(worth[before], worth[node])
    order = sorted(worth, key=lambda node: (-worth[node], len(node), node))
    return DraftTree(tuple(order[:nodes]))


def save_tree(tree: DraftTree, file: Path, about: Mapping[str, object] | None = None) -> None:
    """`about`: where the tree comes from, for the reader."""
    lines = ",\n  ".join(json.dumps(list(node)) for node in tree.nodes)
    head = json.dumps({"format": FORMAT, "version": 1, "about": dict(about or {})})[:-1]
    file.write_text(f'{head}, "nodes": [\n  {lines}\n]}}\n', encoding="utf-8")


def load_tree(file: Path | str) -> DraftTree:
    """Reads what `save_tree` wrote. Raises `ConfigError` for a file that is not there or holds no tree."""
    advice = "Give heuristic, or a file that `thinkwell lab tune-tree --out FILE` wrote."
    try:
        found = json.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the draft tree {str(file)!r}: {error.strerror or error}; expected a tree file. {advice}") from None
    except ValueError:  # neither text nor JSON
        raise ConfigError(f"{str(file)!r} is not a draft tree: it is not JSON; expected a tree file. {advice}") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ConfigError(f'{str(file)!r} is not a draft tree: it has no "format": "{FORMAT}"; expected a tree file. {advice}')
    if found.get("version") != 1:
        raise ConfigError(f"the draft tree {str(file)!r} has version {found.get('version')!r}; expected 1. {advice}")
    nodes = found.get("nodes")
    if not isinstance(nodes, list) or not nodes or not all(_is_node(node) for node in nodes):
        raise ConfigError(f'the draft tree {str(file)!r} has no list of nodes; expected "nodes": [[0], [0, 0], [1], ...]. {advice}')
    try:
        return DraftTree(tuple(tuple(node) for node in nodes))
    except ConfigError as error:
        raise ConfigError(f"{str(file)!r}: {error}") from None


def _is_node(node: object) -> bool:
    return isinstance(node, Sequence) and not isinstance(node, str) and all(type(rank) is int for rank in node)


def tree_named(name: str, nodes: int = START_NODES) -> DraftTree:
    """`heuristic`, or a file."""
    return heuristic_tree(min(nodes, START_NODES)) if name == "heuristic" else load_tree(name)
