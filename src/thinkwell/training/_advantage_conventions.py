"""What papers and frameworks do differently in advantage estimators: one frozen class a family, and the values of every preset.

Values for TRL, verl and OpenRLHF are those of their sources; the estimators' docstrings say which numbers of the papers are guesses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from thinkwell.core.errors import ConfigError
from thinkwell.training._conventions import finite, one_of

Scale = Literal["group", "batch", "none"]
Std = Literal["population", "sample"]
Singles = Literal["zero", "raw"]
Whiten = Literal["off", "mean", "population", "sample"]
EpsAt = Literal["variance", "floor", "std"]
Gaps = Literal["skip", "reset", "step"]
Bootstrap = Literal["hold", "critic", "zero"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupNorm:
    """How the rewards of a group become advantages: what divides them, which std, what is added to it, what a group of one gives."""

    scale: Scale
    std: Std
    eps: float
    singles: Singles

    def __post_init__(self) -> None:
        one_of("scale", self.scale, ("group", "batch", "none"))
        one_of("std", self.std, ("population", "sample"))
        finite("eps", self.eps, 0.0)
        one_of("singles", self.singles, ("zero", "raw"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Centring:
    """What a group of one gives, where the group's other members are the baseline."""

    singles: Singles

    def __post_init__(self) -> None:
        one_of("singles", self.singles, ("zero", "raw"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Whitening:
    """How advantages are normalised over all tokens of the batch: off, mean shift alone, or with which std; what eps is and where it acts."""

    whiten: Whiten
    eps: float
    eps_at: EpsAt

    def __post_init__(self) -> None:
        one_of("whiten", self.whiten, ("off", "mean", "population", "sample"))
        finite("eps", self.eps, 0.0)
        one_of("eps_at", self.eps_at, ("variance", "floor", "std"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """Return to go: discount a token, and what a gap (tokens outside the mask between tokens inside) does to it."""

    gamma: float
    gaps: Gaps

    def __post_init__(self) -> None:
        finite("gamma", self.gamma, 0.0, 1.0)
        one_of("gaps", self.gaps, ("skip", "reset"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Residuals:
    """GAE: discount and lambda a token, and whether the tokens of a gap are skipped or are steps with values of their own."""

    gamma: float
    lam: float
    gaps: Gaps

    def __post_init__(self) -> None:
        finite("gamma", self.gamma, 0.0, 1.0)
        finite("lam", self.lam, 0.0, 1.0)
        one_of("gaps", self.gaps, ("skip", "step"))


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowEnd:
    """EGAE: what stands for the value after the last token of a response that is not finished."""

    bootstrap: Bootstrap

    def __post_init__(self) -> None:
        one_of("bootstrap", self.bootstrap, ("hold", "critic", "zero"))


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveLambda:
    """VAPO: alpha of the policy's lambda = 1 - 1 / (alpha length), and the lambda of the critic's targets."""

    alpha: float
    lam_value: float

    def __post_init__(self) -> None:
        finite("alpha", self.alpha, 0.0)
        if self.alpha == 0:
            raise ConfigError(
                "alpha=0 gives no lambda; expected a number above 0 (1 / alpha is the length at which lambda is 0). Choose one."
            )
        finite("lam_value", self.lam_value, 0.0, 1.0)


GROUP_NORM = {
    "paper": GroupNorm(scale="group", std="population", eps=0.0, singles="zero"),
    "trl": GroupNorm(scale="group", std="sample", eps=1e-4, singles="zero"),
    "verl": GroupNorm(scale="group", std="sample", eps=1e-6, singles="raw"),
}
CENTRING = {"paper": Centring(singles="zero"), "trl": Centring(singles="zero"), "verl": Centring(singles="raw")}
DISCOUNT = {name: Discount(gamma=1.0, gaps="skip") for name in ("paper", "trl", "verl")}

_SAMPLE = Whitening(whiten="sample", eps=1e-8, eps_at="variance")
_AUTHORS = Whitening(whiten="population", eps=1e-8, eps_at="floor")
PLUS_PLUS_DISCOUNT = {
    "paper": Discount(gamma=1.0, gaps="skip"),
    "trl": Discount(gamma=1.0, gaps="skip"),
    "verl": Discount(gamma=1.0, gaps="reset"),
    "openrlhf": Discount(gamma=1.0, gaps="skip"),
}
PLUS_PLUS_WHITENING = {"paper": _SAMPLE, "trl": _SAMPLE, "verl": _SAMPLE, "openrlhf": _AUTHORS}
PLUS_PLUS_CENTRING = {**CENTRING, "openrlhf": Centring(singles="zero")}

RESIDUALS = {
    "paper": Residuals(gamma=1.0, lam=0.95, gaps="skip"),
    "trl": Residuals(gamma=1.0, lam=0.95, gaps="step"),
    "verl": Residuals(gamma=1.0, lam=1.0, gaps="skip"),
}
GAE_WHITENING = {"paper": replace(_SAMPLE, whiten="off"), "trl": _SAMPLE, "verl": _SAMPLE}
WINDOW_END = {"paper": WindowEnd(bootstrap="hold"), "trl": WindowEnd(bootstrap="zero"), "verl": WindowEnd(bootstrap="zero")}
ADAPTIVE_LAMBDA = {name: AdaptiveLambda(alpha=0.05, lam_value=1.0) for name in ("paper", "trl", "verl")}
