"""What tests of rollouts share: a source that counts, the lab's policy on the local engine, and a scripted engine whose responses have the lengths that are asked for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from thinkwell.core.problem import Problem
from thinkwell.core.sampling import Sampling
from thinkwell.engines.local.engine import LocalEngine
from thinkwell.engines.protocol import Engine
from thinkwell.engines.scripted import Ask, Reply, ScriptedEngine
from thinkwell.lab import artifacts
from thinkwell.tasks.presets import preset
from thinkwell.training.problems import LabProblems
from thinkwell.training.sample import Sample
from thinkwell.training.stage import Draw, Rollout, Writer


class Source:
    """Problems in order; `position` is what a checkpoint keeps."""

    def __init__(self, at: Callable[[int], Problem] | None = None, position: int = 0) -> None:
        self.at, self.position = at or LabProblems(levels=(2, 3)).at, position

    def __call__(self, count: int) -> list[Problem]:
        self.position += count
        return [self.at(place) for place in range(self.position - count, self.position)]


@cache
def loaded() -> Any:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = artifacts.path("policy")
    return AutoModelForCausalLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)


def policy(rows: int = 64) -> LocalEngine:
    model, tokenizer = loaded()
    return LocalEngine(model, tokenizer, rows=rows)


def writer(engine: Engine, tag: str = "1", *, max_tokens: int = 160, name: str = "lab", seed: int = 5) -> Writer:
    return Writer(engine, preset(name), Sampling(1.0), max_tokens, seed, tag, int(tag.partition("+")[0]))


def collect(rollout: Rollout, engine: Engine, draw: Draw, tag: str = "1", **more: Any) -> list[Sample]:
    return asyncio.run(rollout.collect(writer(engine, tag, **more), draw))


def numbered(place: int) -> Problem:
    return Problem(f"p{place}", f"question {place}", str(place))


def of_lengths(length: Callable[[str, str], int]) -> ScriptedEngine:
    """Writes `length(problem, path)` tokens in all, the end-of-text token among them, however the response is asked for."""

    def script(ask: Ask) -> Reply:
        problem = ask.problem.rpartition("/")[2]
        written = len(re.search(r"(?: a)*$", ask.prompt)[0]) // 2  # type: ignore[index]
        return Reply(" a" * (length(problem, ask.path) - 1 - written))

    engine = ScriptedEngine(script)
    return engine
