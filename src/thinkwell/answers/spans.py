"""Short text answers: exact match and token F1 as SQuAD defines them (Rajpurkar et al. 2016), the best over the aliases."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(text: str) -> str:
    """Lower case, no punctuation, no articles, single spaces."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact(text: str, golds: Iterable[str]) -> bool:
    """True if `text` equals one of `golds` after normalisation."""
    wanted = normalise(text)
    return any(wanted == normalise(gold) for gold in golds)


def f1(text: str, golds: Iterable[str]) -> float:
    """Token F1 in [0, 1] against the nearest of `golds`."""
    return max((_f1(normalise(text).split(), normalise(gold).split()) for gold in golds), default=0.0)


def _f1(left: list[str], right: list[str]) -> float:
    if not left or not right:
        return float(left == right)
    common = sum((Counter(left) & Counter(right)).values())
    return 2 * common / (len(left) + len(right)) if common else 0.0
