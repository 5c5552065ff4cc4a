"""SFT: supervised learning on conversations of your own, read from a JSONL file.

No paper's recipe, and the first stage of many: the mean cross-entropy of the assistant's tokens, a cosine after a short warm-up. `thinkwell.training.sft` says what a line of the
file looks like and which tokens are learnt.

Evaluations are of the task, as for any recipe: whether the conversations make the model solve better is measured on problems that it does not learn from.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from thinkwell.core.errors import ConfigError
from thinkwell.training.recipe import RECIPES, Recipe, Setting, TrainKnobs
from thinkwell.training.sft import Shuffled, read_rows
from thinkwell.training.stage import Optimiser, Sft, Stage


class Config(TrainKnobs):
    reads = ("file",)

    file: str = ""
    """The conversations, a JSONL file: `messages`, or `prompt` and `response`, a line. A run does not go on with a file that has changed."""
    epochs: float = Field(3.0, gt=0)
    """Times that every row is seen; not used with `sft_steps`."""
    sft_steps: int = Field(0, ge=0)
    """Steps of supervised learning instead of `epochs`; 0: by epochs. (`steps` is of reinforcement and not used.)"""
    sft_rows: int = Field(16, ge=1)
    """Rows a step."""
    sft_rate: float = Field(1e-4, gt=0)
    """Peak rate, falling as a cosine after a warm-up of 5 %; 1e-5 is usual for billions of parameters."""
    weight_decay: float = Field(0.0, ge=0)
    """Of the optimiser (AdamW)."""


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    if not knobs.file:
        raise ConfigError("sft has no conversations; expected a JSONL file. Say which: --set file=FILE.jsonl")
    rows = read_rows(Path(knobs.file), setting.tokenizer)
    steps = knobs.sft_steps or max(1, round(knobs.epochs * len(rows) / knobs.sft_rows))
    optimiser = Optimiser(rate=knobs.sft_rate, warmup=round(0.05 * steps), decay="cosine", weight_decay=knobs.weight_decay, clip=knobs.clip)
    return [Sft(rows=Shuffled(rows, knobs.sft_rows, setting.seed), steps=steps, optimiser=optimiser)]


RECIPES.add("sft")(
    Recipe("sft", "supervised fine-tuning", "learns conversations of a file", Config, stages, needs_answers=False, group=False)
)
