"""The slots of the windowed rollout: responses in flight, the problems that wait for a slot, and how many decode steps a pool of slots spends on its tokens.

Which response a slot writes is fixed beforehand: in a pool of N slots, slot i takes the responses i, N + i, 2N + i ... of the sequence that has `size` responses of each
problem in turn. So it does not depend on who is done first, and a run is the same whatever the engine's batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from thinkwell.core.answer import AnswerKind
from thinkwell.core.problem import Problem

Refill = Literal["update", "window"]


@dataclass(slots=True)
class Waiting:
    """A problem that was drawn. tag, number: of the call that drew it, and its place there; they name its noise and its group. left: responses not yet begun."""

    problem: Problem
    tag: str
    number: int
    left: int


@dataclass(slots=True)
class Response:
    """A response in flight: its prompt, and what was written so far under whichever weights."""

    problem: Problem
    tag: str
    name: str
    prompt: tuple[int, ...]
    prompt_text: str
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    text: str = ""

    @property
    def group(self) -> str:
        return f"{self.tag}/{self.name.split('.')[0]}"


def plain(value: Waiting | Response) -> dict[str, Any]:
    """The value as JSON has it."""
    facts = asdict(value)
    problem = facts["problem"]
    facts["problem"] = {**problem, "kind": problem["kind"].value, "meta": dict(problem["meta"])}
    return facts


def waiting_of(facts: Mapping[str, Any]) -> Waiting:
    return Waiting(**{**facts, "problem": _problem(facts["problem"])})


def response_of(facts: Mapping[str, Any]) -> Response:
    lists = {"prompt": tuple(facts["prompt"]), "tokens": list(facts["tokens"]), "logprobs": list(facts["logprobs"])}
    return Response(**{**facts, **lists, "problem": _problem(facts["problem"])})


def _problem(facts: Mapping[str, Any]) -> Problem:
    return Problem(**{**facts, "kind": AnswerKind(facts["kind"]), "options": tuple(facts["options"]), "aliases": tuple(facts["aliases"])})


@dataclass(frozen=True, slots=True)
class Occupancy:
    """tokens that slots wrote; steps: decode steps that the pool was at work, in each of which every slot could have written one."""

    tokens: int = 0
    steps: int = 0

    def plus(self, written: Sequence[int]) -> Occupancy:
        """After a call in which slot i wrote written[i] tokens; the call lasts as long as its busiest slot."""
        return Occupancy(self.tokens + sum(written), self.steps + max(written, default=0))

    def utilisation(self, slots: int) -> float:
        """tokens / (slots * steps), 0 to 1; 0 before the first step."""
        return self.tokens / (slots * self.steps) if self.steps else 0.0


def simulate(lengths: Sequence[int], slots: int, window: int | None, refill: Refill = "update") -> Occupancy:
    """The occupancy of a pool whose responses have these lengths, in tokens, while every slot has a response left to begin.

    window None: a call lasts until all are done, as in PPO. The last calls of a run, in which slots run dry, are left out: a pool in training never ends.
    """
    turns, left = [0] * slots, [0] * slots
    occupancy = Occupancy()

    def following(slot: int) -> int | None:
        index = turns[slot] * slots + slot
        turns[slot] += 1
        return lengths[index] if index < len(lengths) else None

    while True:
        written = [0] * slots
        for slot in range(slots):
            while window is None or written[slot] < window:
                if not left[slot]:
                    fresh = following(slot)
                    if fresh is None:
                        return occupancy
                    left[slot] = fresh
                took = left[slot] if window is None else min(left[slot], window - written[slot])
                left[slot] -= took
                written[slot] += took
                if not left[slot] and (window is None or refill == "update"):
                    break
        occupancy = occupancy.plus(written)
