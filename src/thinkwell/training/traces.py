"""Supervised data that the lab's world writes: conversations as token ids with a flag a token, a pure function of (seed, step).

Recipes with a cold start say what one conversation is; the rest (prompt as the model's chat template puts it, end of turn, which tokens carry the loss) is here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from thinkwell.core.errors import ConfigError, ModelError
from thinkwell.core.prompt import Message, Preset

if TYPE_CHECKING:
    from thinkwell.lab.trace import Style
    from thinkwell.lab.world import LabProblem

TRIES = 1000  # conversations that a maker may refuse in a row


@dataclass(frozen=True)
class Lesson:
    """One conversation. messages: up to the assistant's turn; reply: what the model learns to write, after `given`, which is put in and carries no loss."""

    messages: tuple[Message, ...]
    reply: str
    given: str = ""


Make = Callable[[random.Random], Lesson | None]
"""A lesson drawn with this randomness, None where what was drawn has nothing to teach: then the next one is drawn."""


@dataclass(frozen=True)
class Lessons:
    """`rows` of an `Sft` stage. name and seed: of the stream of randomness; count: conversations a step."""

    tokenizer: Any
    preset: Preset
    make: Make
    seed: int
    name: str
    count: int = 32

    def __call__(self, step: int) -> list[tuple[list[int], list[bool]]]:
        rng = random.Random(f"{self.name}/{self.seed}/{step}")
        return [encode(self.tokenizer, self.preset, self._draw(rng)) for _ in range(self.count)]

    def _draw(self, rng: random.Random) -> Lesson:
        for _ in range(TRIES):
            made = self.make(rng)
            if made is not None:
                return made
        raise ConfigError(
            f"{self.name}: {TRIES} draws in a row gave nothing to learn from; expected one at least. Choose other levels or a milder filter."
        )


def encode(tokenizer: Any, preset: Preset, lesson: Lesson) -> tuple[list[int], list[bool]]:
    """Token ids of a whole conversation, and a flag a token: does the model learn to write it? Prompt, what is given and reply are encoded one by one, as rollouts do.

    Raises `ModelError` for a tokenizer without a chat template or an end-of-text token.
    """
    if not getattr(tokenizer, "chat_template", None) or not tokenizer.eos_token:
        raise ModelError(
            "the tokenizer has no chat template or no end-of-text token; expected those of a chat model. Give such a tokenizer."
        )
    prompt = tokenizer.apply_chat_template(list(lesson.messages), add_generation_prompt=True, tokenize=False)
    opened = preset.think_open.strip()
    if opened and not prompt.rstrip().endswith(opened) and not lesson.given:
        prompt += preset.think_open
    parts = [tokenizer.encode(text, add_special_tokens=False) if text else [] for text in (prompt, lesson.given, lesson.reply)]
    reply = [*parts[2], tokenizer.eos_token_id]
    shown = len(parts[0]) + len(parts[1])
    return [*parts[0], *parts[1], *reply], [False] * shown + [True] * len(reply)


def solving(preset: Preset, levels: Sequence[int], style: Style, *, right_only: bool, prefix: str = "") -> Make:
    """Lessons that solve a training problem of the lab in a style of writing. right_only: a trace whose answer is wrong is no lesson. prefix: what the reply starts with."""

    def make(rng: random.Random) -> Lesson | None:
        from thinkwell.lab.trace import write

        problem = drawn(rng, levels)
        trace = write(problem, rng, style)
        if right_only and trace.answer != problem.answer:
            return None
        return Lesson(asked(preset, problem), prefix + trace.text)

    return make


def drawn(rng: random.Random, levels: Sequence[int]) -> LabProblem:
    """A training problem of the lab's world, of one of these levels; never one of the test split."""
    from thinkwell.lab.world import generate

    return generate(rng.getrandbits(48), rng.choice(list(levels)), "train")


def asked(preset: Preset, problem: LabProblem) -> tuple[Message, ...]:
    """How the preset puts a problem of the lab."""
    from thinkwell.core.problem import Problem

    return tuple(preset.messages(Problem(problem.id, problem.question)))
