"""Rules that decide which drafted tokens stand, such that the output has exactly the target model's law (speculative sampling).

At one node of a draft tree the target gives the law p of the next token, and children x_1 .. x_m were drafted from q. With P_1 = p, "norm" dividing by the sum
and (.)+ = max(0, .):

    chain             one child x ~ q; it stands with probability min(1, p(x)/q(x)), else emit from norm((p - q)+)   (Leviathan et al. 2023, 2211.17192)
    with_replacement  x_i ~ q, independent; x_i stands with min(1, P_i(x_i)/q(x_i)), else P_i+1 = norm((P_i - q)+)    (SpecInfer, 2305.09781)
    rejection         x_i ~ q_i without replacement: q_1 = q, q_i+1 = norm(q_i with x_i set to 0); as above with q_i (RSD, 2402.14160; Sequoia, 2402.12374)
    match             children chosen in any way that does not look at what is drawn now: draw x ~ p; the child that equals x stands
    gumbel_coupled    match with x = argmax(log p + g) and children = the largest of log q + g, g keyed by the token's position in the path

What makes them lossless: children are put to the test in the order in which they were drawn; q is the law they were drawn from, given everything before;
noise is fresh at every position (for `gumbel_coupled`: it is the noise of plain decoding, so the output is that of plain decoding, token for token);
size and shape of the tree are fixed before the noise is drawn (`match` and `gumbel_coupled` do not need that).

The functions work on any numbers that divide: fractions give the exact law of the output, which the tests enumerate. All randomness is one
primitive, `choose(weights) -> index with probability weight / sum`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

Choose = Callable[[Sequence[Any]], int]


class Rule(StrEnum):
    """How drafted tokens are put to the test."""

    CHAIN = "chain"
    WITH_REPLACEMENT = "with_replacement"
    REJECTION = "rejection"
    MATCH = "match"
    GUMBEL_COUPLED = "gumbel_coupled"

    @property
    def matches(self) -> bool:
        """Whether the target draws its token by itself, as in plain decoding, and the draft is only compared with it."""
        return self in (Rule.MATCH, Rule.GUMBEL_COUPLED)


def draw_children(rule: Rule, q: Mapping[int, Any], count: int, choose: Choose) -> list[int]:
    """`count` children of a node from the law q (id -> weight, need not sum to 1), in the order in which they were drawn; fewer when q has fewer ids.

    `match` takes the likeliest, without noise. For `gumbel_coupled` use `gumbel_children`.
    """
    weights = {token: weight for token, weight in q.items() if weight > 0}
    if rule is Rule.MATCH:
        return sorted(weights, key=lambda token: -weights[token])[:count]
    children: list[int] = []
    for _ in range(min(count, 1) if rule is Rule.CHAIN else count):
        if not weights:
            break
        ids = list(weights)
        children.append(ids[choose(list(weights.values()))])
        if rule is Rule.REJECTION:
            del weights[children[-1]]
    return children


def gumbel_children(log_q: Sequence[float], noise: Sequence[float], count: int) -> list[int]:
    """Indices of the `count` largest log q + g, largest first. With fresh standard Gumbel noise that is sampling from q without replacement, in its
    order of drawing (Gumbel-Top-k, Kool et al. 2019, 1903.06059)."""
    scores = [value + gumbel for value, gumbel in zip(log_q, noise, strict=True)]
    return sorted(range(len(scores)), key=lambda i: -scores[i])[:count]


def accept(rule: Rule, p: Sequence[Any], q: Mapping[int, Any], children: Sequence[int], choose: Choose) -> tuple[int | None, int]:
    """Puts the children of one node to the test, in the order given: (index of the one that stands or None, the token).

    p: the target's law, one weight a token id. q: the law that the children were drawn from (`match` does not look at it).
    """
    if rule.matches:
        token = choose(p)
        return (children.index(token) if token in children else None), token
    # P_i(x) = left[x] / total and q_i(x) = law[x] / mass: unnormalised, so that a rejection touches the ids of q only.
    left, total = list(p), sum(p)
    law, mass = dict(q), sum(q.values())
    for index, token in enumerate(children):
        drawn = law[token] * total  # stands with probability min(1, left mass / drawn)
        if choose(_odds(left[token] * mass, drawn)) == 0:
            return index, token
        gone = 0 * total
        for other, weight in law.items():
            taken = min(left[other], weight * total / mass)
            left[other] -= taken
            gone += taken
        total -= gone
        if rule is Rule.REJECTION:
            mass -= law.pop(token)
        if total <= 0 or not any(weight > 0 for weight in left):  # p = q up to rounding: nothing is left to correct
            left = list(p)
            break
        if mass <= 0:
            break
    return None, choose(left)


def _odds(yes: Any, of: Any) -> tuple[Any, Any]:
    """Weights of standing and falling when the probability is min(1, yes / of)."""
    return (yes, of - yes) if yes < of else (of, 0 * of)
