"""T1's probe of inference scaling: how right are answers when the thinking is cut short, without a vote or a reward model? (Hou et al. 2025, arXiv 2501.11651)

    write n whole responses to each problem
    for every cut: keep the thinking up to there, close it, write the answer cue, and let a model say the answer
    accuracy against tokens of thinking; a policy that uses its thinking rises, one that does not is flat

Cuts are shares of each response's own thinking, or tokens: thinking that is shorter stays whole. The paper lets a second, ordinary model read the thinking; `reader` is such
an engine, the policy itself where it is None. The same responses are cut at every place, so that differences between cuts are paired.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from thinkwell.answers.grade import grade_problem
from thinkwell.core.errors import ConfigError
from thinkwell.core.noise import NoiseKey
from thinkwell.core.path import Finish
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.core.sampling import GREEDY, Sampling
from thinkwell.engines.protocol import Completion, Engine, Rendered, Request

FRACTIONS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Cut:
    """What one cut came to. at: share of the thinking, or tokens; tokens: mean tokens of thinking kept; whole: share of responses whose thinking was not shortened;
    accuracy: share of right answers, unread ones counted as not right; unread: share in which no answer was found."""

    at: float
    tokens: float
    whole: float
    accuracy: float
    unread: float
    samples: int


@dataclass(frozen=True, slots=True)
class Thought:
    """A response to be cut: its prompt and the tokens of its thinking, without the mark that closes it."""

    problem: Problem
    prompt: Rendered
    tokens: tuple[int, ...]


async def truncation_probe(
    engine: Engine,
    preset: Preset,
    problems: Sequence[Problem],
    *,
    fractions: Sequence[float] = FRACTIONS,
    budgets: Sequence[int] = (),
    n: int = 4,
    seed: int = 0,
    sampling: Sampling | None = None,
    max_tokens: int | None = None,
    answer_tokens: int = 48,
    reader: Engine | None = None,
) -> list[Cut]:
    """A `Cut` for every fraction (0 to 1), then for every budget (tokens, at least 0).

    n responses a problem; sampling and max_tokens: of the responses, the preset's where None; answers are written greedily, in answer_tokens at most.
    Raises `ConfigError` for cuts out of range, no problem, or a preset whose models do not mark their thinking.
    """
    if not preset.think_close:
        raise ConfigError(
            f"preset {preset.full_name} marks no thinking; expected one whose models do, for thinking is what is cut. Choose another preset."
        )
    if any(not 0 <= share <= 1 for share in fractions) or any(budget < 0 for budget in budgets) or not problems or n < 1:
        raise ConfigError(
            f"fractions={tuple(fractions)}, budgets={tuple(budgets)}, {len(problems)} problems, n={n}; expected shares from 0 to 1, tokens of at least 0, a problem and a sample."
        )
    drawn = sampling or Sampling(preset.temperature, preset.top_p)
    thoughts = await _think(engine, preset, problems, n, seed, drawn, max_tokens or preset.max_tokens)
    lengths = [[int(share * len(thought.tokens)) for thought in thoughts] for share in fractions]
    lengths += [[min(budget, len(thought.tokens)) for thought in thoughts] for budget in budgets]
    places = [*map(float, fractions), *map(float, budgets)]
    return [
        await _cut(engine, reader or engine, preset, thoughts, at, kept, seed, answer_tokens)
        for at, kept in zip(places, lengths, strict=True)
    ]


async def _think(
    engine: Engine, preset: Preset, problems: Sequence[Problem], n: int, seed: int, sampling: Sampling, max_tokens: int
) -> list[Thought]:
    """n responses to each problem, each up to the end of its thinking."""
    prompts = [await _opened(engine, preset, problem) for problem in problems]
    asked = [
        Request(
            NoiseKey(seed, f"probe/{problem.id}", str(place)),
            max_tokens,
            prefix=prompt.tokens,
            lineage=(f"probe/{number}/{place}", f"probe/{number}"),
            sampling=sampling,
            stop=(preset.think_close,),
            include_stop=False,
        )
        for number, (problem, prompt) in enumerate(zip(problems, prompts, strict=True))
        for place in range(n)
    ]
    written = await engine.generate(asked)
    engine.release([lineage for request in asked for lineage in request.lineage])
    return [Thought(problems[k // n], prompts[k // n], _without_end(completion)) for k, completion in enumerate(written)]


async def _opened(engine: Engine, preset: Preset, problem: Problem) -> Rendered:
    """The prompt with the thinking opened."""
    prompt = await engine.render(preset.messages(problem), problem.id)
    opened = preset.think_open.strip()
    if not opened or prompt.text.rstrip().endswith(opened):
        return prompt
    return Rendered((*prompt.tokens, *await engine.encode(preset.think_open)), prompt.text + preset.think_open)


def _without_end(completion: Completion) -> tuple[int, ...]:
    """The tokens without the one that ends the text: a response that ended inside its thinking is thinking up to there."""
    return completion.tokens[:-1] if completion.finish is Finish.EOS and completion.tokens else completion.tokens


async def _cut(
    engine: Engine,
    reader: Engine,
    preset: Preset,
    thoughts: Sequence[Thought],
    at: float,
    kept: Sequence[int],
    seed: int,
    answer_tokens: int,
) -> Cut:
    """Every thought cut at its own length and answered."""
    closing = "\n\n" + preset.think_close + preset.answer_cue
    texts = [await engine.decode(thought.tokens[:length]) for thought, length in zip(thoughts, kept, strict=True)]
    asked = []
    for number, (thought, length, text) in enumerate(zip(thoughts, kept, texts, strict=True)):
        if reader is engine:  # its own ids are the truth; another model's are made from the text
            prefix = (*thought.prompt.tokens, *thought.tokens[:length], *await engine.encode(_after(text, closing)))
        else:
            prefix = (*(await _opened(reader, preset, thought.problem)).tokens, *await reader.encode(text + _after(text, closing)))
        key = NoiseKey(seed, f"probe/{thought.problem.id}", f"{number}@{at}")
        asked.append(Request(key, answer_tokens, prefix=prefix, lineage=(f"probe/{at}/{number}",), sampling=GREEDY))
    answers = await reader.generate(asked)
    reader.release([lineage for request in asked for lineage in request.lineage])
    verdicts = [
        grade_problem(text + _after(text, closing) + answer.text, thought.problem, finished=answer.finish is Finish.EOS, thinking=True)
        for thought, text, answer in zip(thoughts, texts, answers, strict=True)
    ]
    samples = len(thoughts)
    return Cut(
        at,
        sum(kept) / samples,
        sum(length == len(thought.tokens) for thought, length in zip(thoughts, kept, strict=True)) / samples,
        sum(verdict.correct for verdict in verdicts) / samples,
        sum(verdict.extracted is None for verdict in verdicts) / samples,
        samples,
    )


def _after(text: str, closing: str) -> str:
    """What closes the thinking; a blank line that is there already is not written twice."""
    return closing.lstrip("\n") if not text or text.endswith("\n\n") else closing
