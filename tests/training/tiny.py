"""A model small enough to be trained in tests, as a folder, and samples made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from thinkwell.core.answer import AnswerKind, Stage, Verdict, VerdictValue
from thinkwell.core.path import Finish, Origin, Segment
from thinkwell.core.path import Path as TokenPath
from thinkwell.core.problem import Problem
from thinkwell.training.sample import Sample


def tiny_model(folder: Path, seed: int = 0) -> Path:
    """A Qwen3 of width 32 with the lab's tokenizer and fresh weights."""
    from thinkwell.lab.build import save_model
    from thinkwell.lab.models import new_policy
    from thinkwell.lab.tokenizer import make

    tokenizer = make()
    save_model(new_policy(tokenizer, seed, width=32, layers=2), tokenizer, folder)
    return folder


def problem(name: str = "p", reference: str | None = "4") -> Problem:
    return Problem(name, f"What is two and two, {name}?", reference, AnswerKind.INTEGER)


def sample(
    group: str = "g",
    *,
    right: bool | None = True,
    tokens: Sequence[int] = (5, 6, 7),
    prompt: Sequence[int] = (1, 2),
    finish: Finish = Finish.EOS,
    text: str = "",
    finished: bool = True,
    **more: object,
) -> Sample:
    """A sample of given tokens; right None is one that nobody graded."""
    path = TokenPath(
        "0",
        (
            Segment("ask", Origin.PROMPT, tuple(prompt)),
            Segment(text or "".join(f" {token}" for token in tokens), Origin.MODEL, tuple(tokens), logprobs=(-1.0,) * len(tokens)),
        ),
        finish,
    )
    verdict = None if right is None else Verdict(VerdictValue.CORRECT if right else VerdictValue.WRONG, "4", Stage.EXTRACT)
    return Sample(path, problem(group), group, verdict=verdict, finished=finished, **more)  # type: ignore[arg-type]
