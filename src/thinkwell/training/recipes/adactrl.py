"""AdaCtrl: the model says how hard a problem is before it answers, `[Easy]` or `[Hard]`, and answers briefly or at length; the tag is also the user's knob.

Huang et al. 2025, arXiv 2505.18822. Stage 1: supervised learning on tagged responses, short ones for easy problems and long ones for hard. Stage 2: GRPO with
r = +-1 for the answer + alpha * (is the tag that of the group's own pass rate?) + beta * (cosine of the length under `[Easy]`) + DAPO's soft overlong penalty; groups of equal
accuracy are left out and others sampled in their place; clip 0.2 and 0.28, mean over tokens, no KL.

A budget at inference: nothing before the answer (the model chooses), or the tag written in front of it, which any server can do that continues an assistant's turn;
`thinkwell.training.budget_tags` says what to write and measures what it does.

Chosen differently: what is easy in the cold start is said by the lab's levels (at or below `easy_level`), where the paper takes the annotation of its data (the cut-off was not
found); the lab writes both kinds of response, and `--model lab` is a start that writes the tags already: forty supervised steps did not teach them. The tag is followed by a space,
which is the answer's and not the tag's. The penalty's last stretch is a sixth of the limit, as 4096 is of 24576.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from pydantic import Field, model_validator

from thinkwell.core.errors import ConfigError
from thinkwell.training import advantages, losses
from thinkwell.training.budget_tags import opening
from thinkwell.training.filters import Signal
from thinkwell.training.recipe import RECIPES, Recipe, Setting, TrainKnobs
from thinkwell.training.rewards.adactrl import Gate, HardMode, Tag, adactrl, calibration, group_tags, tags_of
from thinkwell.training.rewards.overlong import overlong
from thinkwell.training.rollouts.group import Group
from thinkwell.training.sample import Rewarded, Rollouts
from thinkwell.training.stage import Optimiser, Rl, Sft, Stage, of
from thinkwell.training.traces import Lesson, Lessons, Make, asked, drawn


class Config(TrainKnobs):
    levels: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8)
    """Levels of the lab's problems: easy and hard ones."""
    group_size: int = Field(16, ge=2)
    """Samples of each problem; the paper's 16."""
    prompts: int = Field(8, ge=1)
    """Problems a step; the paper has 256."""
    alpha: float = Field(0.5, ge=0)
    """Weight of the tag's calibration."""
    beta: float = Field(0.5, ge=0)
    """Weight of brevity."""
    easy_threshold: float = Field(0.625, ge=0, le=1)
    """Pass rate of a group above which its problem is easy."""
    length_gate: Gate = "generated_tag"
    """Brevity is paid under a tag Easy ("generated_tag"), or only where that tag is right ("matching_tag")."""
    require_correct: bool = True
    """Brevity is paid for right responses only, as in the released code; readers of the paper do not mention it."""
    hard_mode: HardMode = "none"
    """lengthen: length is paid under a tag Hard (a reward manager of the released code that nothing uses)."""
    overlong_factor: float = Field(1.0, ge=0)
    """Weight of the penalty of the last sixth of max_tokens."""
    eps_low: float = Field(0.2, ge=0)
    """The ratio is clipped below 1 - eps_low."""
    eps_high: float = Field(0.28, ge=0)
    """The ratio is clipped above 1 + eps_high."""
    dynamic_sampling: bool = True
    """Leave out groups whose answers are all right or all wrong and sample others in their place. The easiest problems so never press on the length."""
    easy_level: int = Field(4, ge=1, le=10)
    """Cold start: problems up to this level are tagged Easy and answered briefly."""
    tagged_otherwise: float = Field(0.2, ge=0, le=1)
    """Cold start: share of responses with the other tag and its kind of answer, so that either can be asked for on any problem, and calibration is left to learn."""
    sft_steps: int = Field(100, ge=0)
    """Steps of the cold start; 0 leaves it out, and then no response has a tag unless the starting model writes one."""
    sft_rows: int = Field(32, ge=1)
    """Responses a supervised step, half of them easy."""
    sft_rate: float = Field(5e-4, gt=0)
    """Peak rate of the cold start, falling as a cosine."""

    @model_validator(mode="after")
    def _both_kinds(self) -> Config:
        kinds = {level <= self.easy_level for level in self.levels}
        if self.sft_steps and len(kinds) != 2:
            raise ConfigError(
                f"levels={self.levels} are all {'easy' if True in kinds else 'hard'} with easy_level={self.easy_level}; the cold start needs both kinds. Change one of them."
            )
        return self


@dataclass(frozen=True)
class Tagged:
    """AdaCtrl's reward as a `Reward`. Parts: outcome, calibration, brevity, overlong as they enter the sum; tag/easy, tag/none: shares of the tags."""

    knobs: Config

    def __call__(self, batch: Rollouts, step: int) -> Rewarded:
        k = self.knobs
        correct, lengths, ids = batch.correct, batch.lengths.to(torch.float64), batch.group_ids
        tags = tags_of([sample.path.text for sample in batch.samples])
        values = adactrl(
            correct,
            lengths,
            ids,
            tags,
            alpha=k.alpha,
            beta=k.beta,
            easy_threshold=k.easy_threshold,
            gate=k.length_gate,
            require_correct=k.require_correct,
            hard_mode=k.hard_mode,
        )
        late = overlong(
            torch.zeros_like(lengths), lengths, max_length=k.max_tokens, cache=max(1, k.max_tokens // 6), factor=k.overlong_factor
        )
        outcome = torch.where(correct, 1.0, -1.0).to(torch.float64)
        rated = k.alpha * calibration(tags, group_tags(correct, ids, k.easy_threshold)).to(torch.float64)
        parts = {
            "outcome": outcome,
            "calibration": rated,
            "brevity": values - outcome - rated,
            "overlong": late,
            "tag/easy": (tags == Tag.EASY).to(torch.float64),
            "tag/none": (tags == Tag.NONE).to(torch.float64),
        }
        return Rewarded(values + late, parts)

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    reinforcement = Rl(
        rollout=Group(knobs.group_size, knobs.prompts),
        reward=Tagged(knobs),
        advantage=of(advantages.grpo, preset="verl"),
        loss=partial(losses.ppo_clip, eps_low=knobs.eps_low, eps_high=knobs.eps_high, aggregation="token-mean"),
        steps=knobs.steps,
        prompts=knobs.prompts,
        filters=(Signal("accuracy"),) if knobs.dynamic_sampling else (),
        optimiser=knobs.optimiser,
        passes=knobs.passes,
        minibatches=knobs.minibatches,
    )
    return [cold_start(knobs, setting), reinforcement] if knobs.sft_steps else [reinforcement]


def cold_start(knobs: Config, setting: Setting) -> Sft:
    """Tagged responses, as many of either tag, right answers only."""
    rows = Lessons(setting.tokenizer, setting.preset, tagged(knobs, setting), setting.seed, "adactrl/sft", knobs.sft_rows)
    warmup = min(10, knobs.sft_steps // 4)
    return Sft(rows=rows, steps=knobs.sft_steps, optimiser=Optimiser(rate=knobs.sft_rate, warmup=warmup, decay="cosine"))


def tagged(knobs: Config, setting: Setting) -> Make:
    """`[Easy]` and a brief trace, or `[Hard]` and a careful one that checks much, as the lab's starting point for this recipe has them."""
    from thinkwell.lab.starts.traces import BRIEF, CAREFUL
    from thinkwell.lab.trace import write

    easy = [level for level in knobs.levels if level <= knobs.easy_level]
    hard = [level for level in knobs.levels if level > knobs.easy_level]

    def make(rng: random.Random) -> Lesson | None:
        mode = rng.choice(("easy", "hard"))
        otherwise = rng.random() < knobs.tagged_otherwise
        problem = drawn(rng, easy if (mode == "easy") != otherwise else hard)
        trace = write(problem, rng, BRIEF if mode == "easy" else CAREFUL)
        if trace.answer != problem.answer:
            return None
        return Lesson(asked(setting.preset, problem), f"{opening(mode)} {trace.text}")

    return make


RECIPES.add("adactrl")(
    Recipe(
        "adactrl",
        "AdaCtrl, arXiv 2505.18822",
        "the model says how hard a problem is and answers as briefly; the tag is a knob",
        Config,
        stages,
        start="difficulty-tags",
        thinks=True,
    )
)
