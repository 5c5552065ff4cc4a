"""An independent judge of ways: shortest distances between all landmarks by Floyd and Warshall."""

from __future__ import annotations

from itertools import pairwise, product

from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    kind, start, wanted = item.meta["kind"], item.meta["start"], item.meta["wanted"]
    far = {(a, b): 0 if a == b else 10**9 for a, b in product(kind, repeat=2)}
    for a, b, length in item.meta["roads"]:
        far[a, b] = far[b, a] = length
    step = {pair: length for pair, length in far.items() if 0 < length < 10**9}
    for via, a, b in product(kind, repeat=3):
        far[a, b] = min(far[a, b], far[a, via] + far[via, b])
    way = [char for char in answer.upper() if char.isalpha()]
    if not way or way[0] != start or any(pair not in step for pair in pairwise(way)) or kind[way[-1]] != wanted:
        return False
    return sum(step[pair] for pair in pairwise(way)) == min(far[start, other] for other in kind if kind[other] == wanted)
