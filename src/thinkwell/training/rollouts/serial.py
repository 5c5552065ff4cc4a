"""The serial rollout of S-GRPO (Dai et al. 2025, arXiv 2505.07686): one whole path of a prompt, and early exits from its thought.

    path     prompt T_1 ... T_n </think> answer                                   written to its end
    exit k   prompt T_1 ... T_P(k) | inducer | answer of the model, a few tokens    P(1) < ... < P(m), drawn in the thought
    group    the exits in order, the whole path last

Cuts are made between tokens, on the ids that the model wrote, never after the end of the thought; a path that was cut by its limit is all thought, and its exits
may be right though it is wrong. The kept part keeps the log-probs it was sampled with; the inducer's tokens have none, for nobody sampled them.

Which tokens carry the loss (`train_on`) the paper does not say outright: its sum runs over the whole output. "all": the whole member, inducer too.
"exit_only": what follows the cut; of the whole path the end of its thought and the answer. "answer_only": the answer alone.
Cost: one path and m short answers a group; the prefix is computed once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from thinkwell.core.errors import ConfigError
from thinkwell.core.noise import generator
from thinkwell.core.path import Finish, Origin, Path, Segment
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.engines.protocol import Completion, Engine, Rendered, Request
from thinkwell.training.rollouts.group import path_of, request
from thinkwell.training.sample import Sample
from thinkwell.training.stage import Draw, Writer

ExitLaw = Literal["uniform_random", "even"]
TrainOn = Literal["all", "exit_only", "answer_only"]
TRAINED: dict[TrainOn, frozenset[Origin]] = {
    "all": frozenset({Origin.MODEL, Origin.INJECTED}),
    "exit_only": frozenset({Origin.MODEL, Origin.INJECTED}),
    "answer_only": frozenset({Origin.MODEL}),
}


@dataclass(frozen=True)
class Thought:
    """Where the thinking lies in the tokens of a response: [begin, end). closed: the model ended it. answer: first token after the mark that did, = end if it is open."""

    begin: int
    end: int
    closed: bool
    answer: int


@dataclass(frozen=True, kw_only=True)
class Serial:
    """prompts problems a step, `paths` whole paths of each, up to `exits` early exits from each path.

    law: exits at positions drawn evenly without repetition ("uniform_random", the paper's) or equally spaced ("even"). span: part of the thought in which they may lie, as
    fractions of it; (0, 1) is all of it. inducer: what is written at a cut, the mark that ends the thought included; None: the preset's (`inducer_of`). answer_tokens: the most an
    exit may answer with.
    """

    prompts: int = 16
    paths: int = 1
    exits: int = 8
    law: ExitLaw = "uniform_random"
    span: tuple[float, float] = (0.0, 1.0)
    inducer: str | None = None
    answer_tokens: int = 256
    train_on: TrainOn = "all"

    def __post_init__(self) -> None:
        for name, value in (("prompts", self.prompts), ("paths", self.paths), ("exits", self.exits), ("answer_tokens", self.answer_tokens)):
            if value < 1:
                raise ConfigError(f"serial rollout: {name}={value} is out of range; expected at least 1. Choose more.")
        if self.law not in ("uniform_random", "even") or self.train_on not in TRAINED:
            raise ConfigError(
                f"serial rollout: law={self.law!r}, train_on={self.train_on!r}; expected 'uniform_random' or 'even', and one of {', '.join(TRAINED)}."
            )
        if not 0 <= self.span[0] < self.span[1] <= 1:
            raise ConfigError(
                f"serial rollout: span={self.span} is no part of a thought; expected two fractions, 0 <= first < second <= 1."
            )

    async def collect(self, writer: Writer, draw: Draw) -> list[Sample]:
        """Group by group: exits from the earliest to the latest, then the whole path. Raises `ConfigError` for a preset whose thinking has no end mark."""
        problems = draw(self.prompts)
        inducer = inducer_of(writer.preset) if self.inducer is None else self.inducer
        check_inducer(inducer, writer.preset)
        prompts = [await writer.engine.render(writer.preset.messages(problem), problem.id) for problem in problems]
        groups = await asyncio.gather(
            *(
                self._group(writer, problems[number], prompts[number], f"{number}.{place}", inducer)
                for number in range(len(problems))
                for place in range(self.paths)
            )
        )
        writer.engine.release([f"{writer.tag}/{number}" for number in range(len(problems))])
        return [sample for group in groups for sample in group]

    async def _group(self, writer: Writer, problem: Problem, prompt: Rendered, name: str, inducer: str) -> list[Sample]:
        engine, asked = writer.engine, request(writer, problem, prompt, name)
        (whole,) = await engine.generate([asked])
        thought = await find_thought(engine, whole, writer.preset)
        rng = generator(writer.key(problem, f"{name}/exits"))
        cuts = exit_positions(thought, self.exits, self.law, self.span, rng)
        members = [await _cut(engine, prompt, whole, cut, f"{name}~{k}", inducer) for k, cut in enumerate(cuts, 1)]
        orders = [_order(writer, problem, member, asked.lineage, self.answer_tokens) for member in members]
        answers = await engine.generate(orders)
        engine.release([asked.lineage[0], *(order.lineage[0] for order in orders)])

        def sample(path: Path, number: int, kept: int, starts: Mapping[TrainOn, int]) -> Sample:
            facts = {"exit": number, "kept": kept - thought.begin, "thinking": thought.end - thought.begin, "full": not number}
            return Sample(
                path,
                problem,
                group=f"{writer.tag}/{name}",
                version=writer.version,
                trained=TRAINED[self.train_on],
                start=starts[self.train_on],
                meta=facts,
            )

        exits = []
        for number, (cut, member, answer) in enumerate(zip(cuts, members, answers, strict=True), 1):
            said = Segment(answer.text, Origin.MODEL, answer.tokens, answer.n_tokens, logprobs=answer.logprobs)
            starts: Mapping[TrainOn, int] = {"all": 0, "exit_only": prompt.n_tokens + cut, "answer_only": len(member)}
            exits.append(sample(member.plus(said, finish=answer.finish), number, cut, starts))
        own: Mapping[TrainOn, int] = {"all": 0, "exit_only": prompt.n_tokens + thought.end, "answer_only": prompt.n_tokens + thought.answer}
        return [*exits, sample(path_of(name, prompt, whole), 0, thought.end, own)]

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass


def inducer_of(preset: Preset) -> str:
    """What is written at a cut: the paper's sentence that time is up, then the end of the thought. The lab's model knows few words: the end of its thought alone."""
    hurry = "\n" if preset.kind == "lab" else "\n\nTime is limited, stop thinking and start answering."
    return f"{hurry}\n{preset.think_close}\n\n"


def check_inducer(inducer: str, preset: Preset) -> None:
    """Raises `ConfigError` for a preset that marks no thinking, and for an inducer that leaves the thought open."""
    if not preset.think_close:
        raise ConfigError(
            f"the preset {preset.full_name} marks no thinking, so a thought cannot be cut; expected a preset with an end mark such as </think>. "
            "Choose a model that thinks before it answers, or a recipe that needs no exits (grpo)."
        )
    if preset.think_close not in inducer:
        raise ConfigError(f"the inducer {inducer!r} does not end the thought; expected {preset.think_close!r} in it. Add the mark.")


async def find_thought(engine: Engine, whole: Completion, preset: Preset) -> Thought:
    """The thinking span of a response, in tokens. A mark that spans tokens is found too; a token that holds the end of the thought and its mark belongs to the mark."""
    ids = whole.tokens
    text = await engine.decode(ids)

    async def tokens_within(characters: int) -> int:
        return await _last(lambda count: _length(engine, ids[:count]), len(ids), characters)

    opening = preset.think_open.strip()
    begin = 0
    if opening and text.lstrip().startswith(opening):  # the prompt of some models leaves the opening to them
        begin = await tokens_within(text.index(opening) + len(opening))
    place = text.find(preset.think_close)
    if place < 0:
        end = len(ids) - (whole.finish is Finish.EOS)
        return Thought(min(begin, end), end, False, end)
    end = await tokens_within(place)
    after = await tokens_within(place + len(preset.think_close) - 1) + 1
    return Thought(min(begin, end), end, True, after)


async def _length(engine: Engine, ids: Sequence[int]) -> int:
    return len(await engine.decode(ids))


async def _last(measure: Callable[[int], Any], most: int, limit: int) -> int:
    """The largest count in 0 .. most whose measure, which rises, is at most `limit`."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if await measure(middle) <= limit:
            low = middle
        else:
            high = middle - 1
    return low


def exit_positions(thought: Thought, exits: int, law: ExitLaw, span: tuple[float, float], rng: np.random.Generator) -> list[int]:
    """Where to cut: how many tokens of the response are kept, rising, all within the thought; fewer than `exits` where it is too short for as many.

    At least one token of the thought is kept, and all of it may be: then the inducer takes the place of the model's own end.
    """
    size = thought.end - thought.begin
    first, last = max(1, round(size * span[0])), round(size * span[1])
    if last < first:
        return []
    if law == "even":
        kept = sorted({min(last, max(first, round(first + (last - first) * k / (exits + 1)))) for k in range(1, exits + 1)})
    else:
        kept = sorted(rng.choice(last - first + 1, size=min(exits, last - first + 1), replace=False).tolist())
        kept = [first + place for place in kept]
    return [thought.begin + count for count in kept]


async def _cut(engine: Engine, prompt: Rendered, whole: Completion, cut: int, name: str, inducer: str) -> Path:
    """The prompt, the first `cut` tokens of the response as they were sampled, and the inducer. A newline is not written twice."""
    kept = whole.tokens[:cut]
    text = await engine.decode(kept)
    words = inducer.lstrip("\n") if text.endswith("\n") else inducer
    ids = await engine.encode(words)
    logprobs = None if whole.logprobs is None else whole.logprobs[:cut]
    return Path(
        name,
        (
            Segment(prompt.text, Origin.PROMPT, prompt.tokens, prompt.n_tokens),
            Segment(text, Origin.MODEL, kept, logprobs=logprobs),
            Segment(words, Origin.INJECTED, ids),
        ),
    )


def _order(writer: Writer, problem: Problem, path: Path, ancestors: tuple[str, ...], most: int) -> Request:
    return Request(
        writer.key(problem, path.id),
        most,
        prefix=tuple(path.tokens),
        lineage=(f"{writer.tag}/{path.id}", *ancestors),
        sampling=writer.sampling,
        logprobs=True,
    )


def exit_metrics(samples: Sequence[Sample]) -> dict[str, float]:
    """`exit_k_accuracy`: share of the k-th exits that are right (k from 1); `full_accuracy`: of the whole paths; `avg_correct_exit_position`: where right exits lie, as
    a fraction of their thought. A number is left out where there is nothing to count."""
    found: dict[str, list[float]] = {}
    for sample in samples:
        number = int(sample.meta["exit"])
        found.setdefault(f"exit_{number}_accuracy" if number else "full_accuracy", []).append(float(sample.correct))
        if number and sample.correct:
            found.setdefault("avg_correct_exit_position", []).append(float(sample.meta["kept"]) / float(sample.meta["thinking"]))
    return {name: sum(values) / len(values) for name, values in sorted(found.items())}
