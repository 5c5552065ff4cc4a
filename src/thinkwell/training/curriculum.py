"""Sources of problems made of sources: a mixture with weights, phases that follow each other, a task's own tag on every problem.

All are pure functions of a position, as every source is, so that a run goes on exactly from the position that its checkpoint keeps.

    Mixture    source i at position p if c_i <= frac(p * phi + offset) < c_i+1,  c = cumulative weights,  phi = the golden ratio's fraction
    Phased     the first phase whose end is above p

The golden ratio's sequence fills [0, 1) evenly: after n problems a source's share is off by about log(n) / n, where independent draws would be off by 1 / sqrt(n); so every
step sees nearly the weights asked for. Each source is asked for its own positions 0, 1, 2 ... in turn: none of its problems is left out and none comes early.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from thinkwell.core.errors import ConfigError
from thinkwell.core.noise import NoiseKey
from thinkwell.core.problem import Problem
from thinkwell.training._conventions import expect, finite
from thinkwell.training.problems import LabProblems, Problems

GOLDEN = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio: multiplication by it modulo 2^64 is exact where floats would drift
CHUNK = 1 << 20


@dataclass(frozen=True)
class Part:
    """A source and how much of the mixture it is, relative to the others."""

    source: Problems
    weight: float = 1.0


@dataclass(frozen=True)
class Mixture:
    """Several sources by weight. Problems are named `part/id`, and `meta["part"]` says where one is from, so that rewards and tables can tell them apart.

    Raises `ConfigError` for no part, a weight that is negative or not finite, or weights that are all 0.
    """

    parts: Mapping[str, Part]
    seed: int = 0

    def __post_init__(self) -> None:
        for name, part in self.parts.items():
            finite(f"weight of {name}", part.weight)
        total = sum(part.weight for part in self.parts.values())
        expect("weights", {name: part.weight for name, part in self.parts.items()}, total > 0, "at least one above 0")

    @property
    def shares(self) -> dict[str, float]:
        total = sum(part.weight for part in self.parts.values())
        return {name: part.weight / total for name, part in self.parts.items()}

    def at(self, position: int) -> Problem:
        name = list(self.parts)[int(self._chosen(position, position + 1)[0])]
        return named(name, self.parts[name].source.at(self.before(position)[name]))

    def before(self, position: int) -> dict[str, int]:
        """How many of the first `position` problems are from each part."""
        counts = np.zeros(len(self.parts), dtype=np.int64)
        for start in range(0, position, CHUNK):
            counts += np.bincount(self._chosen(start, min(position, start + CHUNK)), minlength=len(self.parts))
        return dict(zip(self.parts, counts.tolist(), strict=True))

    def held_out(self, n: int) -> list[Problem]:
        """Problems of every part by the same weights, a part at a time."""
        wanted = self.before(n)
        return [named(name, problem) for name, part in self.parts.items() for problem in part.source.held_out(wanted[name])]

    def _chosen(self, start: int, end: int) -> NDArray[np.int64]:
        """The part's number at each position."""
        with np.errstate(over="ignore"):
            points = np.arange(start, end, dtype=np.uint64) * np.uint64(GOLDEN) + self._offset
        return np.minimum(np.searchsorted(self._bounds, points, side="right"), self._last).astype(np.int64)

    @cached_property
    def _last(self) -> int:
        """The last part with a weight: what rounding leaves over at the end of the range is its."""
        return max(place for place, share in enumerate(self.shares.values()) if share > 0)

    @cached_property
    def _bounds(self) -> NDArray[np.uint64]:
        """Where each part ends, in units of 2^-64."""
        ends = np.cumsum(list(self.shares.values()))
        return np.array([min((1 << 64) - 1, round(float(end) * 2**64)) for end in ends], dtype=np.uint64)

    @cached_property
    def _offset(self) -> np.uint64:
        k0, k1, _, _ = NoiseKey(self.seed, "mixture", "/".join(self.parts)).words()
        return np.uint64(k0 | k1 << 32)


@dataclass(frozen=True)
class Phase:
    """A source for so many positions."""

    source: Problems
    length: int


@dataclass(frozen=True)
class Phased:
    """Phases one after the other; the last one never ends. `steps` makes them from steps. A source is asked for the run's position, not the phase's, so that one which comes
    back in a later phase goes on where it would be instead of repeating its problems. Raises `ConfigError` for no phase or an empty one."""

    phases: Sequence[Phase]

    def __post_init__(self) -> None:
        expect(
            "phases",
            [phase.length for phase in self.phases],
            bool(self.phases) and all(p.length >= 1 for p in self.phases),
            "one at least, each of 1 or more",
        )

    @classmethod
    def steps(cls, phases: Sequence[tuple[int, Problems]], prompts: int) -> Phased:
        """Phases in steps of `prompts` problems. A step that is refilled draws more, so that phases end earlier by steps then: stages of their own end on time."""
        return cls([Phase(source, steps * prompts) for steps, source in phases])

    def phase(self, position: int) -> int:
        """The number of the phase at a position."""
        end = 0
        for number, phase in enumerate(self.phases):
            end += phase.length
            if position < end:
                return number
        return len(self.phases) - 1

    def at(self, position: int) -> Problem:
        return self.phases[self.phase(position)].source.at(position)

    def held_out(self, n: int) -> list[Problem]:
        """Those of the last phase, where the run is to arrive: an evaluation must not change its problems under way."""
        return self.phases[-1].source.held_out(n)


DIFFICULTY = {"easy": (1, 2, 3), "medium": (4, 5, 6), "hard": (7, 8)}
"""Levels of the lab's problems by three names, as Enigmata's generators have them."""


def by_difficulty(ratio: Sequence[float] = (1, 1, 1), seed: int = 0) -> Mixture:
    """The lab's problems, easy : medium : hard in a ratio; 1:1:1 is Enigmata's balanced mix. Raises `ConfigError` unless there are three numbers."""
    if len(ratio) != len(DIFFICULTY):
        raise ConfigError(f"the ratio {tuple(ratio)} has {len(ratio)} numbers; expected three, easy : medium : hard. Give three.")
    return Mixture(
        {name: Part(LabProblems(levels, seed), weight) for (name, levels), weight in zip(DIFFICULTY.items(), ratio, strict=True)}, seed
    )


def named(part: str, problem: Problem) -> Problem:
    """The problem under a name that no other part's problem has."""
    return replace(problem, id=f"{part}/{problem.id}", meta={**problem.meta, "part": part})
