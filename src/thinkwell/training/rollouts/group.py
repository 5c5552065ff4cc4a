"""The group rollout: n samples of each prompt, each written to its end. GRPO's, and everybody's who compares samples of one prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from thinkwell.core.errors import ConfigError
from thinkwell.core.path import Origin, Path, Segment
from thinkwell.core.problem import Problem
from thinkwell.engines.protocol import Completion, Rendered, Request
from thinkwell.training.sample import Sample
from thinkwell.training.stage import Draw, Writer


@dataclass(frozen=True)
class Group:
    """prompts problems a step, size samples of each."""

    size: int = 8
    prompts: int = 16

    def __post_init__(self) -> None:
        if self.size < 1 or self.prompts < 1:
            raise ConfigError(f"a rollout of {self.prompts} prompts with {self.size} samples each is empty; expected at least 1 of both.")

    async def collect(self, writer: Writer, draw: Draw) -> list[Sample]:
        problems = draw(self.prompts)
        return await write(writer, problems, self.size)

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass


async def write(writer: Writer, problems: Sequence[Problem], size: int) -> list[Sample]:
    """`size` samples of each problem, problem by problem. Two problems with one text stay two groups."""
    prompts = [await writer.engine.render(writer.preset.messages(problem), problem.id) for problem in problems]
    wanted = [(number, place) for number in range(len(problems)) for place in range(size)]
    requests = [request(writer, problems[number], prompts[number], f"{number}.{place}") for number, place in wanted]
    completions = await writer.engine.generate(requests)
    writer.engine.release([lineage for asked in requests for lineage in asked.lineage])
    return [
        Sample(
            path_of(f"{number}.{place}", prompts[number], completion),
            problems[number],
            group=f"{writer.tag}/{number}",
            version=writer.version,
        )
        for (number, place), completion in zip(wanted, completions, strict=True)
    ]


def request(writer: Writer, problem: Problem, prompt: Rendered, name: str) -> Request:
    """Ask for a whole response. The prompt's own lineage is shared by the group, so that it is computed once."""
    return Request(
        writer.key(problem, name),
        writer.max_tokens,
        prefix=prompt.tokens,
        lineage=(f"{writer.tag}/{name}", f"{writer.tag}/{name.split('.')[0]}"),
        sampling=writer.sampling,
        logprobs=True,
    )


def path_of(name: str, prompt: Rendered, completion: Completion) -> Path:
    """The path of a prompt and what was written after it."""
    return Path(
        name,
        (
            Segment(prompt.text, Origin.PROMPT, prompt.tokens, prompt.n_tokens),
            Segment(completion.text, Origin.MODEL, completion.tokens, completion.n_tokens, logprobs=completion.logprobs),
        ),
        completion.finish,
    )
