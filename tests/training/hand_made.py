"""Samples, batches and rows made by hand, for tests of what selects and orders them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from thinkwell.core.answer import AnswerKind, Stage, Verdict, VerdictValue
from thinkwell.core.path import Finish, Origin, Path, Segment
from thinkwell.core.problem import Problem
from thinkwell.training.sample import Rewarded, Rollouts, Row, Sample

PROMPT = 3
"""Tokens of every prompt."""


def sample(
    group: str = "0",
    right: bool = True,
    length: int = 4,
    *,
    value: VerdictValue | None = None,
    finish: Finish = Finish.EOS,
    version: int = 0,
    text: str | None = None,
    problem: str | None = None,
) -> Sample:
    """A judged sample of `length` tokens written by the model, after a prompt of three."""
    verdict = value or (VerdictValue.CORRECT if right else VerdictValue.WRONG)
    written = tuple(range(10, 10 + length))
    path = Path(
        f"{group}.{length}",
        (
            Segment("ask", Origin.PROMPT, (1, 2, 3)),
            Segment(text or "x" * length, Origin.MODEL, written, logprobs=tuple(-0.1 * (i + 1) for i in range(length))),
        ),
        finish,
    )
    asked = Problem(problem or f"p/{group}", f"question {problem or group}", "7", AnswerKind.INTEGER, meta={"level": 3})
    return Sample(path, asked, group, version=version, verdict=Verdict(verdict, "7", Stage.INTEGER, float(right)), meta={"note": "hand"})


def rewarded(values: Sequence[float]) -> Rewarded:
    return Rewarded(torch.tensor(values, dtype=torch.float64))


def batch(*samples: Sample) -> Rollouts:
    return Rollouts(samples)


def row(advantage: float, *, group: str = "0", right: bool = True, version: int = 0, length: int = 4, known: bool = True) -> Row:
    """A row with one advantage at every token that the model wrote. known: its old log-probs are there."""
    made = sample(group, right, length, version=version)
    mask = torch.tensor(made.mask())
    logp = torch.full((PROMPT + length,), -0.25) * mask
    return Row(made, float(right), mask, torch.where(mask, torch.tensor(advantage), torch.tensor(0.0)), old_logp=logp if known else None)
