"""Recorded samples as an engine: path "k" of a problem is its k-th recorded sample.

Whatever only needs whole answers (voting, best-of-n with recorded scores, pass@k) runs on what somebody else's model wrote. Nothing new can be written, so
methods that continue, splice or fork are refused. Budgets hold: a sample is handed out in pieces of the tokens granted, and cut when they are spent.
A session's repetition r starts at sample r and goes round, so the mean over repetitions uses every sample equally.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from thinkwell.core.capability import Capability
from thinkwell.core.errors import DataError, EngineError, MissingCapability, ReplayExhausted
from thinkwell.core.noise import NoiseKey, generator
from thinkwell.core.path import Finish
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Message
from thinkwell.engines.protocol import Completion, EngineInfo, Rendered, Request
from thinkwell.engines.replay_data import ReplayData, Sample, estimate_tokens, plain
from thinkwell.engines.replay_formats import load_replay

CAPABILITIES = frozenset({Capability.RESUME_OWN})


class ReplayEngine:
    """Serves the samples of a `ReplayData`. shuffle: a seed to draw the order of the samples from; None keeps the recorded order."""

    capabilities = CAPABILITIES

    def __init__(self, data: ReplayData, *, shuffle: int | None = None) -> None:
        self.data = data
        self._shuffle = shuffle
        self._names: dict[str, str] = {}
        details = {
            "token_counts": data.token_counts,
            "models": ", ".join(data.models),
            "samples": f"{data.min_samples} to {data.max_samples} a problem",
            "source": data.source,
            "step_scores": "recorded" if data.has_scores else "none",
        }
        if data.notes:
            details["notes"] = "; ".join(data.notes)
        model = data.models[0] if len(data.models) == 1 else f"pool of {len(data.models)} models"
        self.info = EngineInfo("replay", model, data.fingerprint if shuffle is None else f"{data.fingerprint}-{shuffle}", None, details)

    @classmethod
    def from_file(cls, file: str | Path | Sequence[str | Path], *, shuffle: int | None = None, **options: Any) -> ReplayEngine:
        """Read `file`; `options` are those of `load_replay`: model, benchmark, pool, duplicates, scores."""
        return cls(load_replay(file, **options), shuffle=shuffle)

    # ---- what was recorded --------------------------------------------------------------------------------------------------

    def problems(self) -> list[Problem]:
        return self.data.problems()

    def samples_of(self, problem: Problem | str) -> int:
        """How many samples of a problem there are; a method cannot open more paths than that. 0 for a problem that was not recorded."""
        name = self._name(problem.id, problem.question) if isinstance(problem, Problem) else self._names.get(problem, problem)
        return len(self.data.samples.get(name, ()))

    @property
    def min_samples(self) -> int:
        return self.data.min_samples

    def sample(self, problem: str, path: str) -> Sample:
        """The sample that a path replays. `problem` is a problem's id, with or without `#repetition`. Raises `ReplayExhausted`, `MissingCapability`."""
        name, sign, tail = problem.rpartition("#")
        name, repetition = (name, int(tail)) if sign and tail.isdigit() else (problem, 0)
        if not path.isdigit():
            raise MissingCapability("a fork or a cut of a recorded sample", [Capability.CONTINUE_PREFIX], "replay", [])
        name = self._names.get(name, name)
        group = self.data.samples.get(name, ())
        if int(path) >= len(group) or (repetition >= len(group) and repetition > 0):
            asked = f"path {int(path) + 1}" if int(path) >= len(group) else f"repetition {repetition + 1}"
            raise ReplayExhausted(
                f"{self.data.source} holds {len(group)} samples of problem {name!r}, {asked} was asked for; ask for no more than {len(group)}."
            )
        place = (repetition + int(path)) % len(group)
        if self._shuffle is not None:
            place = int(generator(NoiseKey(self._shuffle, name, "replay order")).permutation(len(group))[place])
        return group[place]

    def recorded_scores(self, problem: str, path: str, text: str) -> tuple[float, ...]:
        """The recorded judgements of those steps that `text`, the beginning of the path's sample, holds."""
        sample = self.sample(problem, path)
        return tuple(score for score, end in zip(sample.scores, sample.ends, strict=True) if end <= len(text))

    # ---- the engine ---------------------------------------------------------------------------------------------------------

    async def render(self, messages: Sequence[Message], problem: str = "") -> Rendered:
        text = _prompt(messages)
        self._name(problem, text)
        return Rendered((), text, tuple(messages), estimate_tokens(text))

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        await asyncio.sleep(0)
        return [self._piece(request) for request in requests]

    async def encode(self, text: str) -> tuple[int, ...]:
        raise MissingCapability("encode", [Capability.TOKEN_IDS], "replay", [])

    async def decode(self, tokens: Sequence[int]) -> str:
        raise MissingCapability("decode", [Capability.TOKEN_IDS], "replay", [])

    async def peek(self, prefixes: Sequence[Sequence[int]], top: int = 20) -> list[dict[int, float]]:
        raise MissingCapability("peek", [Capability.PEEK], "replay", [])

    async def score(self, sequences: Sequence[Sequence[int]]) -> list[list[float]]:
        raise MissingCapability("score", [Capability.SCORE], "replay", [])

    def release(self, lineages: Sequence[str]) -> None:
        """Nothing is held for a path."""

    async def aclose(self) -> None:
        """Nothing is open."""

    # ---- inside -------------------------------------------------------------------------------------------------------------

    def _name(self, problem: str, question: str) -> str:
        """The recorded id of a problem: its own, or that of the recorded problem whose question stands in `question`."""
        if problem in self.data.samples or problem in self._names:
            return self._names.get(problem, problem)
        asked = plain(question)
        found = (
            self.data.by_question.get(asked)
            or max(((len(q), name) for q, name in self.data.by_question.items() if q and q in asked), default=(0, ""))[1]
        )
        if not found:
            raise DataError(
                f"problem {problem!r} was not recorded in {self.data.source}, and none of its {len(self.data.samples)} questions is asked; "
                "expected one of the recorded problems. Take the problems from the file itself."
            )
        self._names[problem] = found
        return found

    def _piece(self, request: Request) -> Completion:
        """The next piece of a sample: at most `max_tokens`, ended by a stop string if one comes first."""
        if request.hook is not None:
            raise MissingCapability("a logits hook", [Capability.LOGITS], "replay", [])
        sample = self.sample(request.key.problem, request.key.path)
        prompt = _prompt(request.messages)
        so_far = request.text[len(prompt) :] if request.messages and request.text.startswith(prompt) else request.stop_context
        if not sample.text.startswith(so_far):
            raise EngineError("a recorded sample can only go on with its own text; something else was written into the path.")
        start = sample.tokens_until(len(so_far))
        granted = min(start + request.max_tokens, sample.n_tokens)
        end = sample.end_of_token(granted)
        whole = end == len(sample.text) and granted == sample.n_tokens
        finish = (Finish.CONTEXT if sample.truncated else Finish.EOS) if whole else Finish.LENGTH
        if not whole and end == 0:
            finish = Finish.BUDGET  # spent on thoughts that were counted but not recorded: nothing to go on with
        written, dropped, matched = granted - start, 0, None
        stop = _first_stop(sample, len(so_far), end, request, start)
        if stop:
            place, matched = stop
            over = place + len(matched)
            end = over if request.include_stop else max(place, len(so_far))
            written = sample.tokens_until(end) - start
            dropped = max(0, sample.tokens_until(over) - start - written)
            finish = Finish.STOP
        text = sample.text[len(so_far) : end]
        if request.on_tokens and text:
            request.on_tokens((), text)
        scores = sample.scores if finish in (Finish.EOS, Finish.CONTEXT) and sample.scores else None
        return Completion(text, (), finish, written, dropped, stop_matched=matched, steps=1, scores=scores)


def _first_stop(sample: Sample, start: int, end: int, request: Request, tokens: int) -> tuple[int, str] | None:
    """The first stop string that ends in sample.text[start:end], after `min_tokens`; it may begin in this segment's earlier text."""
    found = []
    for stop in filter(None, request.stop):
        place = sample.text.find(stop, max(0, start - len(request.stop_context), start - len(stop) + 1), end)
        while place >= 0 and (place + len(stop) <= start or sample.tokens_until(place + len(stop)) - tokens < request.min_tokens):
            place = sample.text.find(stop, place + 1, end)
        if place >= 0:
            found.append((place, -len(stop), stop))
    return (min(found)[0], min(found)[2]) if found else None


def _prompt(messages: Sequence[Message]) -> str:
    return re.sub(r"\s+$", "", "\n\n".join(message["content"] for message in messages)) + "\n\n"
