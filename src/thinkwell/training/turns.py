"""Replies to turns of a recipe's own: any conversation, with words put in front of the reply that the model did not write and that carry no loss.

A verifier is asked with its thinking closed, a step critic too; a budget tag is put in front of an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from thinkwell.core.errors import ConfigError
from thinkwell.core.path import Origin, Path, Segment
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Message, Preset
from thinkwell.core.sampling import Sampling
from thinkwell.engines.protocol import Engine, Request
from thinkwell.training.sample import Sample
from thinkwell.training.stage import Draw, Writer


@dataclass(frozen=True, slots=True)
class Turn:
    """One conversation about a problem. opening: what the reply begins with. group: None: a group of its own number."""

    problem: Problem
    messages: tuple[Message, ...]
    opening: str = ""
    group: str | None = None


async def reply(
    writer: Writer,
    turns: Sequence[Turn],
    size: int,
    *,
    name: str = "",
    engine: Engine | None = None,
    sampling: Sampling | None = None,
    max_tokens: int | None = None,
    stop: tuple[str, ...] = (),
) -> list[Sample]:
    """`size` replies to each turn, turn by turn. name: tells calls within a step apart (it keys the noise). engine: another one than the writer's, say an earlier policy.

    stop: strings that end a reply; they stay in it, as they carry the loss.
    """
    asked: list[Request] = []
    begun: list[tuple[Segment, ...]] = []
    by = engine or writer.engine
    for number, turn in enumerate(turns):
        prompt = await by.render(turn.messages, turn.problem.id)
        put = await by.encode(turn.opening) if turn.opening else ()
        segments = (Segment(prompt.text, Origin.PROMPT, prompt.tokens, prompt.n_tokens),)
        begun.append((*segments, Segment(turn.opening, Origin.INJECTED, put)) if put else segments)
        for place in range(size):
            path = f"{name}{number}.{place}"
            asked.append(
                Request(
                    writer.key(turn.problem, path),
                    max_tokens or writer.max_tokens,
                    prefix=(*prompt.tokens, *put),
                    lineage=(f"{writer.tag}/{path}", f"{writer.tag}/{name}{number}"),
                    sampling=sampling or writer.sampling,
                    stop=stop,
                    logprobs=True,
                )
            )
    written = await by.generate(asked)
    by.release([lineage for request in asked for lineage in request.lineage])
    samples = []
    for k, completion in enumerate(written):
        number, place = divmod(k, size)
        own = Segment(completion.text, Origin.MODEL, completion.tokens, completion.n_tokens, logprobs=completion.logprobs)
        path_of = Path(f"{name}{number}.{place}", (*begun[number], own), completion.finish)
        group = turns[number].group or f"{name}{number}"
        samples.append(Sample(path_of, turns[number].problem, group=f"{writer.tag}/{group}", version=writer.version))
    return samples


def at_once(preset: Preset, prompt_opens: bool = True, finished: str = "") -> str:
    """The opening that closes the thinking before the model begins; "" for a model that does not mark it. prompt_opens: the chat template has opened it already."""
    if not preset.think_close:
        return ""
    return ("" if prompt_opens else preset.think_open) + finished + preset.think_close + "\n\n"


async def prompt_opens(engine: Engine, preset: Preset) -> bool:
    """Does the chat template open the thinking?"""
    prompt = await engine.render([{"role": "user", "content": "?"}])
    mark = preset.think_open.strip()
    return bool(mark) and prompt.text.rstrip().endswith(mark)


@dataclass(frozen=True)
class Opened:
    """The group rollout with words in front of every response, such as a budget tag: `size` samples of each of `prompts` problems."""

    opening: str
    size: int = 8
    prompts: int = 16

    def __post_init__(self) -> None:
        if self.size < 1 or self.prompts < 1:
            raise ConfigError(f"a rollout of {self.prompts} prompts with {self.size} samples each is empty; expected at least 1 of both.")

    async def collect(self, writer: Writer, draw: Draw) -> list[Sample]:
        turns = [Turn(problem, tuple(writer.preset.messages(problem)), self.opening) for problem in draw(self.prompts)]
        return await reply(writer, turns, self.size)

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass
