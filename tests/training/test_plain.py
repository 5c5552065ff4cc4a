"""Rows as plain values: what comes back equals what went in, through a file that loads without running code."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
import torch

from tests.training.hand_made import row, sample
from thinkwell.core.answer import AnswerKind, VerdictValue
from thinkwell.core.path import Finish, Origin, Role, Segment
from thinkwell.core.problem import Problem
from thinkwell.training.plain import plain_row, plain_sample, row_of, sample_of
from thinkwell.training.sample import Sample


def through_a_file(value: object) -> object:
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def rich() -> Sample:
    plain = sample("g", finish=Finish.CONTEXT, value=VerdictValue.TIMEOUT)
    path = replace(
        plain.path.plus(Segment("Wait", Origin.INJECTED, (5,), role=Role.CRITIC), Segment("", Origin.TOOL, n_tokens=4)), role=Role.VERIFIER
    )
    problem = Problem("c", "which?", "A", AnswerKind.CHOICE, ("one", "two"), ("uno",), {"level": 2, "hard": True})
    return replace(
        plain, path=path, problem=problem, trained=frozenset({Origin.MODEL, Origin.INJECTED}), start=2, finished=False, valid=False
    )


@pytest.mark.parametrize("made", [sample(), rich(), replace(sample(), verdict=None)], ids=["plain", "rich", "unjudged"])
def test_a_sample_comes_back_as_it_was(made: Sample) -> None:
    back = sample_of(through_a_file(plain_sample(made)))  # type: ignore[arg-type]
    assert back == made
    assert back.path.segments[1].logprobs == made.path.segments[1].logprobs
    assert type(back.path.finish) is type(made.path.finish)
    assert type(back.problem.kind) is AnswerKind


def test_a_row_comes_back_with_its_tensors() -> None:
    made = replace(row(-0.75, right=False), returns=torch.arange(7.0), weight=0.5)
    back = row_of(through_a_file(plain_row(made)))  # type: ignore[arg-type]
    assert back.sample == made.sample
    assert (back.reward, back.weight, back.old_values) == (0.0, 0.5, None)
    for name in ("mask", "advantage", "old_logp", "returns"):
        assert torch.equal(getattr(back, name), getattr(made, name))
