"""Prior Prompt Engineering: the same algorithm, data and reward, and another instruction before every question of the training.

Taveekitworachai et al. (arXiv 2505.14157). Five styles, each with a tag of its own that the response opens and closes before the answer: think (reasoning), plan, code,
knowledge, examples (null-example: there are none); "base" trains without an instruction and pays for the answer alone. Reward 0.5 for the right answer + 0.5 for the format: both
tags once, in order, nothing outside. GRPO; its constants are guesses, as is the wording of the prompts, which was not published where we could read it.
The instruction stands in the prompts that are trained on. The evaluation of a run and `thinkwell compare` ask without it. Code is never executed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from thinkwell.core.prompt import Preset
from thinkwell.training import advantages, behaviour, losses, rewards
from thinkwell.training.recipe import RECIPES, Recipe, Setting, TrainKnobs
from thinkwell.training.rewards.applied import AnswerAndFormat, Correct
from thinkwell.training.rollouts.group import Group
from thinkwell.training.sample import Rollouts, Sample
from thinkwell.training.stage import Draw, Kl, Rl, Rollout, Stage, Writer, of

Style = Literal["reasoning", "planning", "code", "knowledge", "null-example", "base"]


class Config(TrainKnobs):
    style: Style = "reasoning"
    """What the prior prompt asks for."""
    answer_weight: float = Field(0.5, ge=0)
    """Of a right answer."""
    format_weight: float = Field(0.5, ge=0)
    """Of a kept format."""
    filled: bool = False
    """A tag with nothing in it breaks the format; off as in the paper, where a weak model may earn the format without the behaviour."""
    kl_coef: float = Field(1e-3, ge=0)
    """Weight of the KL loss (k3) to the starting weights."""
    eps_low: float = Field(0.2, ge=0)
    """The ratio is clipped below 1 - eps_low."""
    eps_high: float = Field(0.2, ge=0)
    """The ratio is clipped above 1 + eps_high."""


@dataclass(frozen=True)
class Prior:
    """A prior prompt: the tag that its style writes in, and the instruction before the question."""

    tag: str
    instruction: str


@dataclass(frozen=True)
class Prompted:
    """Another rollout, asked with a prior prompt before every question."""

    rollout: Rollout
    instruction: str

    async def collect(self, writer: Writer, draw: Draw) -> list[Sample]:
        return await self.rollout.collect(replace(writer, preset=with_prior(writer.preset, self.instruction)), draw)

    def state_dict(self) -> dict[str, Any]:
        return self.rollout.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.rollout.load_state_dict(state)


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    group = Group(knobs.group_size, knobs.prompts)
    prior = prior_of(knobs.style, setting.preset)
    shown = {"behaviour": partial(marked, style=knobs.style)} if prior else {}
    return [
        Rl(
            rollout=Prompted(group, prior.instruction) if prior else group,
            reward=AnswerAndFormat(knobs.answer_weight, knobs.format_weight, shown) if prior else Correct(),
            advantage=of(advantages.grpo),
            loss=partial(losses.ppo_clip, eps_low=knobs.eps_low, eps_high=knobs.eps_high, aggregation="seq-mean-token-mean"),
            kl=Kl(coef=knobs.kl_coef) if knobs.kl_coef else None,
            valid=partial(kept, tag=prior.tag, filled=knobs.filled) if prior else None,
            steps=knobs.steps,
            prompts=knobs.prompts,
            optimiser=knobs.optimiser,
            passes=knobs.passes,
            minibatches=knobs.minibatches,
        )
    ]


def with_prior(preset: Preset, instruction: str) -> Preset:
    """The preset with an instruction before the question."""
    return replace(preset, name=f"{preset.name}-prior", template=f"{instruction}\n\n{preset.template}")


def kept(sample: Sample, *, tag: str, filled: bool = False) -> bool:
    """The style's tag and <answer>, each once and in order, nothing outside. A prompt that ends in the opening mark has written it."""
    opened = sample.path.prompt.rstrip().endswith(f"<{tag}>")
    return bool(rewards.tag_format([sample.path.own_text], tags=(tag, "answer"), filled=filled, opened=opened)[0])


def marked(batch: Rollouts, *, style: str) -> Tensor:
    """(B,) how often the style's own behaviour is marked."""
    return torch.tensor([behaviour.counts(sample.path.own_text, [style])[style] for sample in batch.samples])


def prior_of(style: str, preset: Preset) -> Prior | None:
    """The prior prompt of a style: in the words that the lab's starting point has learnt where the lab's model is asked. None for "base"."""
    if style == "base":
        return None
    if preset.kind == "lab":
        from thinkwell.lab.starts.prior_prompts import PRIOR_PROMPTS

        learnt = PRIOR_PROMPTS[style]
        return Prior(learnt.tag, learnt.instruction)
    return PRIORS[style]


_END = " Then give the final result in <answer> tags, with the value in \\boxed{}."
PRIORS: dict[str, Prior] = {
    "reasoning": Prior("think", "Reason step by step inside <think> tags." + _END),
    "planning": Prior("plan", "Write a plan inside <plan> tags and carry it out there." + _END),
    "code": Prior("code", "Work the problem out as a program inside <code> tags." + _END),
    "knowledge": Prior("knowledge", "Recall the facts, definitions and formulas that are needed inside <knowledge> tags." + _END),
    "null-example": Prior("examples", "Look at the relevant examples and list them inside <examples> tags." + _END),
}

RECIPES.add("ppe")(
    Recipe("ppe", "Prior prompt engineering, arXiv 2505.14157", "one of five prior prompts, or none", Config, stages, start="prior-prompts")
)
