"""What a response does, told by marker words: checking, giving up a way, other ways, sub-goals; and the five styles of prior prompts.

RLSP (2502.06773) counts behaviours to say that a model searches; Prior Prompt Engineering (2505.14157) asks which style a trained model writes in. Both papers ask a
large model to judge; here a count is the number of matches of a pattern, linear in the text, the same on every machine. It is a proxy: a model may use a marker without
doing what it says, and do it without saying so. `classify` names the style by the nearest centroid of counts, which says whether styles can be told apart at all.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from thinkwell.core.errors import DataError


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE | re.MULTILINE)


VERIFICATION = "verification"
BACKTRACKING = "backtracking"
ALTERNATIVE = "alternative"
EXPLORATION = (VERIFICATION, BACKTRACKING, ALTERNATIVE)
"""RLSP's: self-check, retry, alternative route."""
FUNDAMENTAL = (VERIFICATION, BACKTRACKING, "subgoals", "backward_chaining")
"""The four cognitive behaviours that the judge of prior prompts counts."""
STYLES = ("reasoning", "planning", "code", "knowledge", "null-example")
"""The five that prior prompts elicit."""

MARKERS: dict[str, re.Pattern[str]] = {
    VERIFICATION: _any(
        r"\b(?:let me|let's|let us|i will|i'll|to) (?:just )?(?:check|verify|confirm|double[- ]check)\b",
        r"\bis (?:that|this|it) (?:right|correct)\?",
        r"\bbut wait, (?!that is wrong)",
        r"\bcount again\b",
    ),
    BACKTRACKING: _any(
        r"\bthat(?: is|'s) (?:wrong|not right|incorrect)\b",
        r"\bi made (?:a mistake|an error)\b",
        r"\bone step is wrong\b",
        r"\b(?:start over|try again|go back|scratch that)\b",
        r"\b(?:does not|doesn't) work\b",
    ),
    ALTERNATIVE: _any(r"\balternatively\b", r"\b(?:another|a different|an alternative) (?:way|approach|method|route|idea)\b"),
    "subgoals": _any(
        r"\b(?:first|next|then|now),? (?:i|we) (?:need|must|have) to\b",
        r"\bbreak (?:it|this|that|the problem) (?:down|into)\b",
        r"\bsub-?(?:goal|problem|task)s?\b",
    ),
    "backward_chaining": _any(
        r"\b(?:work|working|reason|reasoning) backwards?\b", r"\b(?:start|starting) from the (?:end|answer|goal|target|result)\b"
    ),
    "reasoning": _any(r"\b(?:because|since|therefore|hence|thus|it follows)\b"),
    "planning": _any(r"\bplan\b", r"\bstep [0-9]+\b", r"^[ \t]*[0-9]+[.)] "),
    "code": _any(r"\bdef [a-z_]\w*\(", r"\breturn\b", r"\bprint\(", r"^[ \t]*[a-z_]\w* = ", r"```", r"\bfor \w+ in\b"),
    "knowledge": _any(r"\brecall\b", r"\bwe know\b", r"\bby definition\b", r"\bformula\b", r"\btheorem\b", r"\bfact\b", r"\brule:"),
    "null-example": _any(r"\bexamples?\b", r"\bfor instance\b", r"\be\.g\.", r"\bsimilar (?:problem|question)s?\b"),
}
"""One pattern a behaviour; its matches do not overlap."""


def counts(text: str, behaviours: Iterable[str] = MARKERS) -> dict[str, int]:
    """How often each behaviour is marked in a text. Raises `DataError` for a behaviour that has no markers."""
    found = {}
    for name in behaviours:
        if name not in MARKERS:
            raise DataError(f"there are no markers of {name!r}; expected one of {', '.join(MARKERS)}. Choose one of them.")
        found[name] = sum(1 for _ in MARKERS[name].finditer(text))
    return found


def rates(texts: Sequence[str], behaviours: Iterable[str] = MARKERS) -> dict[str, float]:
    """Mean count of each behaviour a text. Raises `DataError` without a text."""
    if not texts:
        raise DataError("there is no text to count behaviours in; expected at least one. Sample some first.")
    names = list(behaviours)
    rows = [counts(text, names) for text in texts]
    return {name: sum(row[name] for row in rows) / len(rows) for name in names}


@dataclass(frozen=True)
class Centroids:
    """Mean counts of each style and, for each behaviour, the deviation over all texts, by which distances are measured (0: the behaviour tells nothing apart)."""

    means: Mapping[str, Mapping[str, float]]
    spread: Mapping[str, float]

    def classify(self, text: str) -> str:
        """The style whose centroid is nearest; of equally near ones the first."""
        found = counts(text, self.spread)
        return min(self.means, key=lambda style: self._distance(found, self.means[style]))

    def _distance(self, found: Mapping[str, int], mean: Mapping[str, float]) -> float:
        return sum(((found[name] - mean[name]) / wide) ** 2 for name, wide in self.spread.items() if wide > 0)


def centroids(texts: Mapping[str, Sequence[str]], behaviours: Iterable[str] = MARKERS) -> Centroids:
    """The centroids of styles, from texts of each. Raises `DataError` for fewer than two styles or a style without a text."""
    if len(texts) < 2:
        raise DataError(f"{len(texts)} style is given; expected at least two to tell apart. Give texts of each.")
    names = list(behaviours)
    means = {style: rates(own, names) for style, own in texts.items()}
    rows = [counts(text, names) for own in texts.values() for text in own]
    spread = {}
    for name in names:
        middle = sum(row[name] for row in rows) / len(rows)
        spread[name] = math.sqrt(sum((row[name] - middle) ** 2 for row in rows) / len(rows))
    return Centroids(means, spread)
