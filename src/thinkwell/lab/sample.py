"""Samples of a lab model, as the build and the model card need them, through the local engine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from thinkwell.core.noise import NoiseKey
from thinkwell.core.path import Finish
from thinkwell.core.sampling import Sampling

from .tokenizer import prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

    from thinkwell.engines.protocol import Completion


@dataclass(frozen=True)
class Sample:
    """One reply: its token ids (with the end-of-turn token when it got there) and its text without that."""

    problem: int
    """Index of the problem in the list that was sampled."""
    ids: tuple[int, ...]
    text: str
    finished: bool


def sample(
    model: Qwen3ForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    questions: Sequence[str],
    n: int,
    *,
    temperature: float = 0.8,
    max_tokens: int = 700,
    seed: int = 0,
    rows: int = 128,
) -> list[Sample]:
    """`n` replies to each question, in order of the questions; a pure function of its arguments (float32 rounding aside)."""
    from thinkwell.engines.local.engine import LocalEngine
    from thinkwell.engines.protocol import Request

    engine = LocalEngine(model.eval(), tokenizer, rows=rows)
    prompts = tokenizer([prompt(q) for q in questions], add_special_tokens=False)["input_ids"]
    requests = [
        Request(
            NoiseKey(seed, f"{i}", f"{j}"),
            max_tokens,
            prefix=tuple(prompts[i]),
            lineage=(f"{i}/{j}", f"{i}"),
            sampling=Sampling(temperature),
        )
        for i in range(len(questions))
        for j in range(n)
    ]

    async def run() -> list[Completion]:
        completions = await engine.generate(requests)
        await engine.aclose()
        return completions

    completions = asyncio.run(run())
    return [Sample(k // n, tuple(c.tokens), c.text, c.finish is Finish.EOS) for k, c in enumerate(completions)]
