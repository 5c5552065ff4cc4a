"""What a claim is: the effect a paper reports, the arms that show it, and the threshold that decides.

A file of this package holds the claims of one paper. Setting and thresholds are chosen from the paper's logic and written down before anything is run; they
are not changed when a claim does not hold. Beside each gain stands the control that the papers often skip: a plain vote at the same number of tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from thinkwell.core.registry import Registry
from thinkwell.runs.record import Record
from thinkwell.runs.statistics import Estimate

Verdict = Literal["holds", "does not hold", "undecided"]
Quantity = Callable[[Record], float | None]
"""What is read off one result; None where this one says nothing (a fact that it does not have)."""


def accuracy(record: Record) -> float:
    """1 where the final answer is right, else 0."""
    return float(record.correct)


def tokens(record: Record) -> float:
    """Generated tokens."""
    return float(record.usage["generated_tokens"])


def scorer_calls(record: Record) -> float:
    """Paths put to the reward model."""
    return float(record.usage["scorer_calls"])


def fact(name: str) -> Quantity:
    """A number that the method reports about itself."""

    def read(record: Record) -> float | None:
        value = record.facts.get(name)
        return None if value is None else float(value)

    read.__name__ = name
    return read


@dataclass(frozen=True, slots=True)
class Effect:
    """One claim: `quantity` of arm `left`, less that of arm `right` on the same problems where there is one, is above `above`.

    relative: the difference is divided by the mean of `right`. control: not the paper's own claim but the comparison that it lacks. paper_effect: the paper's numbers, in words.
    """

    claim: str
    paper_effect: str
    left: str
    right: str | None = None
    quantity: Quantity = accuracy
    above: float = 0.0
    relative: bool = False
    control: bool = False

    def verdict(self, measured: Estimate) -> Verdict:
        """holds: the whole 95 % interval is above the threshold; does not hold: the whole interval is at or below it; else undecided.

        Where no problem tells the arms apart, resampling them cannot tell how sure that is: undecided.
        """
        if measured.low == measured.high == 0.0:
            return "undecided"
        if measured.low > self.above:
            return "holds"
        return "does not hold" if measured.high <= self.above else "undecided"


@dataclass(frozen=True, slots=True)
class Paper:
    """The claims of one paper and the setting they are measured in. problems: how many of the lab's, for `--budget fast` and `full`. reason: why this setting."""

    name: str
    title: str
    arxiv: str
    reason: str
    effects: tuple[Effect, ...]
    tokens: int | None = 1024
    """Ceiling of every arm, generated tokens a problem; None: none (then the arms' own knobs decide)."""
    problems: dict[str, int] = field(default_factory=lambda: {"fast": 80, "full": 400})
    engine: str = "lab"
    summary: str = ""
    """What the method does, in six words."""

    @property
    def arms(self) -> tuple[str, ...]:
        """Every method that a claim names, in order of first mention."""
        named = [arm for effect in self.effects for arm in (effect.left, effect.right) if arm is not None]
        return tuple(dict.fromkeys(named))


CLAIMS: Registry[Paper] = Registry("claim", "thinkwell.claims", "thinkwell.claims")
