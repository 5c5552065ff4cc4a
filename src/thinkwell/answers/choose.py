"""Choose one answer among many: majority and its weighted relatives. Pure; answers that are None never vote.

majority             n_a
weighted             sum of the weights of the paths with answer a (best-of-n weighted; confidence-weighted self-consistency)
shortest_majority    n_a / log(mean length of the paths with answer a)   (Zeng et al. 2025, arXiv 2502.12215)
best                 the answer of the path with the largest weight (naive best-of-n)

Ties: "first" takes the answer that was given first, "random" draws with the generator passed in. For metrics, `tied_score` averages over the tied
answers instead: free of order, and unbiased.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from thinkwell.core.answer import Answer

Rule = Literal["majority", "weighted", "shortest_majority", "best"]
RULES: tuple[Rule, ...] = ("majority", "weighted", "shortest_majority", "best")
_SAME = 1e-9  # relative difference below which two sums of weights are a tie


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen.

    answer: the chosen answer as its first voter wrote it, None if nobody had one. index: position of that voter in the input. votes: canonical answer ->
    strength, in order of first appearance. tie: more than one answer was strongest; `tied` holds their canonical forms (at least the chosen one).
    """

    answer: Answer | None
    index: int | None = None
    votes: Mapping[str, float] = field(default_factory=dict)
    tie: bool = False
    tied: tuple[str, ...] = ()

    @property
    def canonical(self) -> str | None:
        return self.answer.canonical if self.answer else None


def choose(
    answers: Sequence[Answer | None],
    *,
    weights: Sequence[float] | None = None,
    lengths: Sequence[int] | None = None,
    rule: str = "majority",
    tie: str = "first",
    rng: np.random.Generator | None = None,
    equal: Callable[[str, str], bool] | None = None,
) -> Choice:
    """Choose by `rule` (see the module's docstring).

    weights: one a path, for "weighted" and "best"; lengths: tokens of each path, for "shortest_majority". equal: merges groups whose texts it finds equal
    (for example `compare.equivalent`). Raises ValueError for an unknown rule or tie, missing weights, lengths or generator, or weights that are not finite.
    """
    if rule not in RULES:
        raise ValueError(f"unknown voting rule {rule!r}; known: {', '.join(RULES)}.")
    if tie not in ("first", "random"):
        raise ValueError(f"unknown tie rule {tie!r}; known: first, random.")
    groups = _groups(answers, equal)
    strengths = _strengths(groups, rule, weights, lengths, len(answers))
    if not strengths:
        return Choice(None)
    strongest = max(strengths.values())
    tied = tuple(name for name, value in strengths.items() if value >= strongest - _SAME * max(1.0, abs(strongest)))
    if tie == "random" and len(tied) > 1:
        if rng is None:
            raise ValueError("ties drawn at random need a generator; pass rng.")
        chosen = tied[int(rng.integers(len(tied)))]
    else:
        chosen = tied[0]
    index = _spokesman(groups[chosen], rule, weights)
    return Choice(answers[index], index, strengths, len(tied) > 1, tied)


def majority(
    answers: Sequence[Answer | None],
    *,
    tie: str = "first",
    rng: np.random.Generator | None = None,
    equal: Callable[[str, str], bool] | None = None,
) -> Choice:
    """The most frequent answer."""
    return choose(answers, rule="majority", tie=tie, rng=rng, equal=equal)


def weighted(
    answers: Sequence[Answer | None], weights: Sequence[float], *, tie: str = "first", rng: np.random.Generator | None = None
) -> Choice:
    """The answer with the largest sum of weights."""
    return choose(answers, weights=weights, rule="weighted", tie=tie, rng=rng)


def shortest_majority(
    answers: Sequence[Answer | None], lengths: Sequence[int], *, tie: str = "first", rng: np.random.Generator | None = None
) -> Choice:
    """The answer with the largest n_a / log(mean length)."""
    return choose(answers, lengths=lengths, rule="shortest_majority", tie=tie, rng=rng)


def confidences(mean_logprobs: Sequence[float], temperature: float = 1.0) -> list[float]:
    """Weights for confidence-weighted voting: softmax over the paths of mean log-prob / temperature. Sums to 1."""
    if temperature <= 0:
        raise ValueError(f"temperature {temperature} must be above 0.")
    if not mean_logprobs:
        return []
    top = max(mean_logprobs)
    raw = [math.exp((value - top) / temperature) for value in mean_logprobs]
    total = sum(raw)
    return [value / total for value in raw]


def tied_score(choice: Choice, scores: Mapping[str, float]) -> float:
    """Mean of `scores` (by canonical answer) over the tied answers; 0 when there is no answer. The measure for maj@k."""
    return sum(scores.get(name, 0.0) for name in choice.tied) / len(choice.tied) if choice.tied else 0.0


def _groups(answers: Sequence[Answer | None], equal: Callable[[str, str], bool] | None) -> dict[str, list[int]]:
    """Canonical answer -> positions of its voters, in order of first appearance. Merged groups keep the first one's name."""
    groups: dict[str, list[int]] = {}
    for position, answer in enumerate(answers):
        if answer is not None:
            groups.setdefault(answer.canonical, []).append(position)
    if equal is None:
        return groups
    merged: dict[str, list[int]] = {}
    for name, members in groups.items():
        text = _text(answers, members)
        home = next((other for other, theirs in merged.items() if equal(_text(answers, theirs), text)), name)
        merged.setdefault(home, []).extend(members)
    return {name: sorted(members) for name, members in merged.items()}


def _text(answers: Sequence[Answer | None], members: Sequence[int]) -> str:
    answer = answers[members[0]]
    assert answer is not None
    return answer.text


def _strengths(
    groups: Mapping[str, Sequence[int]], rule: str, weights: Sequence[float] | None, lengths: Sequence[int] | None, n: int
) -> dict[str, float]:
    if rule == "majority":
        return {name: float(len(members)) for name, members in groups.items()}
    if rule == "shortest_majority":
        if lengths is None or len(lengths) != n:
            raise ValueError(f"shortest_majority needs one length for each of {n} answers.")
        return {
            name: len(members) / math.log(max(2.0, sum(lengths[i] for i in members) / len(members))) for name, members in groups.items()
        }
    if weights is None or len(weights) != n:
        raise ValueError(f"the rule {rule!r} needs one weight for each of {n} answers.")
    if not all(math.isfinite(weights[i]) for members in groups.values() for i in members):
        raise ValueError("weights must be finite numbers.")
    combine: Callable[[Sequence[float]], float] = math.fsum if rule == "weighted" else max
    return {name: float(combine([weights[i] for i in members])) for name, members in groups.items()}


def _spokesman(members: Sequence[int], rule: str, weights: Sequence[float] | None) -> int:
    """The path whose wording is shown: the best one under "best", else the first."""
    if rule != "best" or weights is None:
        return members[0]
    return max(members, key=lambda i: (weights[i], -i))
