"""What training works on: a sampled response with its problem, and a batch of them as tensors.

Axes: B samples, T tokens of a path (prompt included).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from thinkwell.core.answer import Verdict, VerdictValue
from thinkwell.core.path import Finish, Origin, Path
from thinkwell.core.problem import Problem

UNJUDGED = (VerdictValue.TIMEOUT, VerdictValue.ERROR)


@dataclass(frozen=True, slots=True)
class Sample:
    """One response to train on.

    group: samples with the same name are compared with each other (the n samples of a prompt; the exits of a serial group). version: optimiser steps that the policy
    had made when it wrote the newest token. trained: whose tokens carry the loss. start: position in the path below which no token does, such as earlier windows, which
    were trained on when they were new. finished: False while the response will be continued (a window's cut). verdict: None if nobody graded it. valid: the format is
    kept. meta: facts that rewards and tables read.
    """

    path: Path
    problem: Problem
    group: str
    version: int = 0
    trained: frozenset[Origin] = frozenset({Origin.MODEL})
    start: int = 0
    finished: bool = True
    verdict: Verdict | None = None
    valid: bool = True
    meta: Mapping[str, str | int | float | bool] = field(default_factory=dict)

    @property
    def correct(self) -> bool:
        return self.verdict is not None and self.verdict.correct

    @property
    def judged(self) -> bool:
        """The grader gave a judgement; "no answer" is one, a timeout or an exception is none."""
        return self.verdict is not None and self.verdict.value not in UNJUDGED

    @property
    def length(self) -> int:
        """Tokens that the model wrote."""
        return self.path.count(Origin.MODEL)

    @property
    def cut(self) -> bool:
        """Generation ended at a limit, not by the model."""
        return self.path.finish in (Finish.LENGTH, Finish.BUDGET, Finish.CONTEXT)

    def mask(self) -> list[bool]:
        """One flag a token of the path: does it carry the policy's loss?"""
        flags = [segment.origin in self.trained for segment in self.path.segments for _ in range(segment.n_tokens)]
        return [flag and position >= self.start for position, flag in enumerate(flags)]

    def behaviour(self) -> list[float]:
        """Log-prob that each token of the path had when it was sampled; NaN where nobody sampled it (prompt, injected, tool) or the engine did not say."""
        values: list[float] = []
        for segment in self.path.segments:
            known = segment.logprobs if segment.origin is Origin.MODEL else None
            values += known if known is not None else [float("nan")] * segment.n_tokens
        return values

    def with_meta(self, **facts: str | int | float | bool) -> Sample:
        return replace(self, meta={**self.meta, **facts})


@dataclass(frozen=True)
class Rollouts:
    """A batch of samples as rewards and advantages read it; all tensors (B,)."""

    samples: tuple[Sample, ...]

    def __len__(self) -> int:
        return len(self.samples)

    @cached_property
    def group_ids(self) -> Tensor:
        """int64, the same for samples of one group, numbered in order of first appearance."""
        numbers: dict[str, int] = {}
        return torch.tensor([numbers.setdefault(sample.group, len(numbers)) for sample in self.samples], dtype=torch.int64)

    @cached_property
    def correct(self) -> Tensor:
        return torch.tensor([sample.correct for sample in self.samples], dtype=torch.bool)

    @cached_property
    def valid(self) -> Tensor:
        """The format is kept."""
        return torch.tensor([sample.valid for sample in self.samples], dtype=torch.bool)

    @cached_property
    def judged(self) -> Tensor:
        return torch.tensor([sample.judged for sample in self.samples], dtype=torch.bool)

    @cached_property
    def finished(self) -> Tensor:
        return torch.tensor([sample.finished for sample in self.samples], dtype=torch.bool)

    @cached_property
    def cut(self) -> Tensor:
        return torch.tensor([sample.cut for sample in self.samples], dtype=torch.bool)

    @cached_property
    def lengths(self) -> Tensor:
        """int64, tokens that the model wrote."""
        return torch.tensor([sample.length for sample in self.samples], dtype=torch.int64)

    def where(self, keep: Sequence[bool] | Tensor) -> Rollouts:
        """The samples with a true flag, in order."""
        return Rollouts(tuple(sample for sample, kept in zip(self.samples, keep, strict=True) if kept))


@dataclass(frozen=True)
class Rewarded:
    """Rewards of a batch. values (B,) float64, what the advantage is made from; parts: named terms (B,) for curves and tables, which need not add up."""

    values: Tensor
    parts: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A sample made ready for the loss. mask (T,) bool; advantage (T,), zero outside the mask; old_logp (T,) of the policy that it is compared with, None until somebody
    computes it; returns (T,): targets of the values, None without a critic. weight: of its loss (importance of a replayed sample)."""

    sample: Sample
    reward: float
    mask: Tensor
    advantage: Tensor
    old_logp: Tensor | None = None
    returns: Tensor | None = None
    old_values: Tensor | None = None
    weight: float = 1.0
