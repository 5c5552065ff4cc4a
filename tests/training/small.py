"""A small world for recipes: a tiny Qwen3 with the lab's tokenizer, its engine and folder, a setting, and samples made by hand."""

from __future__ import annotations

from functools import cache
from pathlib import Path as Folder
from typing import Any

from thinkwell.core.answer import Stage, Verdict, VerdictValue
from thinkwell.core.path import Finish, Origin, Path, Segment
from thinkwell.core.problem import Problem
from thinkwell.core.sampling import Sampling
from thinkwell.engines.local.engine import LocalEngine
from thinkwell.lab.models import new_policy
from thinkwell.lab.tokenizer import make
from thinkwell.tasks.presets import preset
from thinkwell.training.problems import LabProblems
from thinkwell.training.recipe import Setting
from thinkwell.training.sample import Rollouts, Sample
from thinkwell.training.stage import Writer

LAB = preset("lab")
SHORT = {"steps": 2, "prompts": 2, "group_size": 2, "max_tokens": 12, "levels": (1,), "warmup": 0}
"""Knobs of a run that takes a second."""


@cache
def tokenizer() -> Any:
    return make()


def setting(levels: tuple[int, ...] = (1, 2), seed: int = 0) -> Setting:
    return Setting(tokenizer(), LAB, LabProblems(levels, seed), seed, "lab")


def tiny_model(place: Folder) -> Folder:
    """The tiny model as a folder in Hugging Face format."""
    from thinkwell.lab.build import save_model

    save_model(new_policy(tokenizer(), 0, width=32, layers=2), tokenizer(), place)
    return place


def folder(place: Folder) -> str:
    """`tiny_model`, as `--model` wants it."""
    return str(tiny_model(place))


def engine(seed: int = 0) -> LocalEngine:
    return LocalEngine(new_policy(tokenizer(), seed, width=32, layers=2), tokenizer(), rows=16)


def writer(by: LocalEngine, max_tokens: int = 24, temperature: float = 1.0, tag: str = "0") -> Writer:
    return Writer(by, LAB, Sampling(temperature), max_tokens, 0, tag, 0)


def sample(
    text: str = "",
    *,
    group: str = "g",
    correct: bool | None = True,
    tokens: int = 0,
    ids: tuple[int, ...] = (),
    finish: Finish = Finish.EOS,
    **meta: Any,
) -> Sample:
    """A response of this text and so many tokens (or these ids), graded; correct None: the grader failed."""
    written = ids or tuple(range(tokens or 1))
    path = Path("0", (Segment("?", Origin.PROMPT, (0,)), Segment(text, Origin.MODEL, written, logprobs=(-1.0,) * len(written))), finish)
    value = VerdictValue.ERROR if correct is None else VerdictValue.CORRECT if correct else VerdictValue.WRONG
    return Sample(path, Problem("p", "?", "1"), group, verdict=Verdict(value, "1", Stage.INTEGER), meta=meta)


def rollouts(*samples: Sample) -> Rollouts:
    return Rollouts(samples)
