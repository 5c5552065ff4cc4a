"""LeaP-T: supervised learning on traces that sum up what they have and use their peers' comments, so that a small model can learn from peers (method `leap`).

Luo et al. 2025, arXiv 2505.07787. Kept are traces that end in the right answer with every summary below 256 tokens; the control is made the same way without peers
(`data=plain`). The paper: about 1,000 problems, 5 to 8 epochs, batch 16, AdamW with a cosine, warm-up 5 %, weight decay 1e-4. Received comments and frames carry no loss (the
paper does not say).

Chosen differently: the traces are written by the lab's oracle, which knows which step is wrong (`thinkwell.lab.skills.leap`), where the paper samples a model of 32 billion
parameters that is asked to sum up; each is new, so there are steps in place of epochs. As in the lab's own skill a share of them is sought in which a mistake is put right: left to
itself, agreeing is all that is learnt.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import Field

from thinkwell.training.recipe import RECIPES, Recipe, Setting, TrainKnobs
from thinkwell.training.sft import Drawn, Row, row_of_pieces
from thinkwell.training.stage import Optimiser, Sft, Stage
from thinkwell.training.traces import asked, drawn


class Config(TrainKnobs):
    data: Literal["leap", "plain"] = "leap"
    """Traces with summaries and comments, or the control: plain traces of such problems, filtered by the answer alike."""
    levels: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8)
    """Levels of the lab's problems."""
    blocks: int = Field(2, ge=1)
    """Most times that a trace stops to sum up."""
    put_right: float = Field(0.4, ge=0, le=1)
    """Share of traces that are sought for a mistake that is put right after a comment."""
    summary_tokens: int = Field(256, ge=1)
    """Traces with a summary of so many tokens or more are left out; the paper's."""
    sft_steps: int = Field(200, ge=1)
    """Steps of supervised learning: all there is to this recipe (`steps` is not used)."""
    sft_rows: int = Field(32, ge=1)
    """Traces a step; the paper has 16."""
    sft_rate: float = Field(1e-3, gt=0)
    """Peak rate, falling as a cosine after a warm-up of 5 %; the paper: 1e-5 for 1.5 to 14 billion parameters."""


Draw = Callable[[random.Random], Row | None]
"""A row, None where what was drawn is filtered out."""


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    draw = talked(knobs, setting) if knobs.data == "leap" else plain(knobs.levels, setting)
    optimiser = Optimiser(rate=knobs.sft_rate, warmup=round(0.05 * knobs.sft_steps), decay="cosine", weight_decay=1e-4, clip=knobs.clip)
    return [Sft(rows=Drawn(draw, knobs.sft_rows, f"leap-t/{knobs.data}/{setting.seed}"), steps=knobs.sft_steps, optimiser=optimiser)]


def talked(knobs: Config, setting: Setting) -> Draw:
    """Traces with blocks, filtered as in the paper."""
    from thinkwell.lab.skills.leap import TRIES, WRONG, keep, write_talk

    def count(text: str) -> int:
        return len(setting.tokenizer.encode(text, add_special_tokens=False))

    def draw(rng: random.Random) -> Row | None:
        problem, sought = drawn(rng, knobs.levels), rng.random() < knobs.put_right
        for _ in range(TRIES if sought else 1):
            trace = write_talk(problem, rng, blocks=rng.randint(1, knobs.blocks))
            kept = bool(trace.summaries) and keep(trace, problem, count, knobs.summary_tokens)
            if kept and (not sought or any(piece.text.startswith(WRONG) for piece in trace.pieces)):
                return row_of_pieces(
                    setting.tokenizer, asked(setting.preset, problem), [(piece.text, piece.learn) for piece in trace.pieces]
                )
        return None

    return draw


def plain(levels: Sequence[int], setting: Setting) -> Draw:
    """Ordinary traces that end in the right answer."""
    from thinkwell.lab.trace import write

    def draw(rng: random.Random) -> Row | None:
        problem = drawn(rng, levels)
        trace = write(problem, rng)
        right = trace.answer == problem.answer
        return row_of_pieces(setting.tokenizer, asked(setting.preset, problem), [(trace.text, True)]) if right else None

    return draw


RECIPES.add("leap-t")(
    Recipe(
        "leap-t",
        "LeaP-T, arXiv 2505.07787",
        "learns to sum up and to use peers' comments",
        Config,
        stages,
        needs_answers=False,
        group=False,
    )
)
