"""S-GRPO: instead of several paths of a prompt, several exits from one path; the earliest that suffices is worth most, so the model learns to stop thinking there.

Dai et al. 2025, arXiv 2505.07686 (no code was released; formulas from two readers' notes, knobs from two re-implementations).

    group      m exits at random places of one thought and the path itself, last; see `rollouts/serial.py`
    reward     decay^-(N - 1) if right, N the right ones so far, from the earliest on; else 0                `exit_decay` 2; 1: all right exits get 1; inf: only the first
    advantage  r_i - mean of the group, no standard deviation
    loss       PPO's clip, mean over all tokens, no KL, no reference

Chosen differently: 16 prompts (the paper 128), each with one path and 8 exits, on problems of three and four steps. The loss is divided by all tokens. Divided by each
member's length, as the paper prints it (`aggregation=seq-mean-token-mean`), it pushes down the beginning that all members share wherever most exits are wrong, and
the lab's policy falls apart. eps .2 is inferred. Answers are capped at 32 tokens, for the lab's are 12 to 17; the paper's cap is not known, a re-implementation has 256.
Groups without a gradient are left out, to save time (`drop_equal`). `train_on` is "all", after the paper's formula: the inducer was never sampled, and to train on it is
what teaches the model to stop by itself. In the lab the inducer is the end of the thought alone; other models get the paper's sentence, and may learn to say it.

The numbers of a step: `tokens` and `accuracy` are those of all members; `full_tokens` and `full_accuracy` those of the whole paths, which is what the paper's claim is about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import torch
from pydantic import Field

from thinkwell.core.errors import ConfigError
from thinkwell.training import advantages, losses
from thinkwell.training.filters import Signal
from thinkwell.training.recipe import RECIPES, Recipe, Setting, TrainKnobs
from thinkwell.training.rewards import decaying_exit
from thinkwell.training.rollouts.serial import ExitLaw, Serial, TrainOn, check_inducer, exit_metrics, inducer_of
from thinkwell.training.sample import Rewarded, Rollouts
from thinkwell.training.stage import Rl, Stage, of


class Config(TrainKnobs):
    steps: int = Field(50, ge=1)
    """Optimisation rounds; `--steps`."""
    prompts: int = Field(16, ge=1)
    """Problems a step; the paper's 128, of which the lab's fifty steps see as many problems as its six."""
    levels: tuple[int, ...] = (3, 4)
    """Levels of the lab's problems; on harder ones hardly an exit is right."""
    rate: float = Field(2e-4, gt=0)
    """Peak learning rate of the policy. At 4e-4 the lab's policy got shorter for thirty steps and then fell apart."""
    decay: Literal["constant", "cosine"] = "cosine"
    """Of the rate after its peak."""
    group_size: int = Field(1, ge=1)
    """Whole paths of each problem; every path is a group of its own with its exits."""
    exits: int = Field(8, ge=1)
    """Early exits from a path; fewer where its thought has not as many tokens."""
    exit_law: ExitLaw = "uniform_random"
    """Where: drawn evenly from the thought's tokens without repetition (the paper), or equally spaced (even)."""
    span_start: float = Field(0.0, ge=0, lt=1)
    """Exits lie behind this fraction of the thought; .1 in a re-implementation."""
    span_end: float = Field(1.0, gt=0, le=1)
    """Exits lie before this fraction of the thought; .9 in a re-implementation."""
    exit_decay: float = Field(2.0, ge=1)
    """What a right exit is worth less for every right one before it; 1: nothing less; inf: only the first counts."""
    inducer: str | None = None
    """What is written at an exit, the end-of-thinking mark included; none: the preset's."""
    answer_tokens: int = Field(32, ge=1)
    """The most an exit may answer with."""
    train_on: TrainOn = "all"
    """Tokens that carry the loss: all of a member, from the cut on (exit_only), or its answer alone (answer_only)."""
    drop_equal: bool = True
    """Leave out groups whose rewards are all equal (no right member, or a right path without exits): they have no gradient and cost half of a step's time."""
    aggregation: Literal["seq-mean-token-mean", "token-mean"] = "token-mean"
    """Who divides by what: by each member's length (the paper's formula), or by all tokens. The first pushes the beginning that all members share, that of short ones
    most; with the second the advantages of what all share add up to zero."""
    eps_low: float = Field(0.2, ge=0)
    """The ratio is clipped below 1 - eps_low."""
    eps_high: float = Field(0.2, ge=0)
    """The ratio is clipped above 1 + eps_high."""


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    if knobs.span_start >= knobs.span_end:
        raise ConfigError(
            f"span_start={knobs.span_start} is not before span_end={knobs.span_end}; expected a part of the thought. Lower it."
        )
    check_inducer(inducer_of(setting.preset) if knobs.inducer is None else knobs.inducer, setting.preset)
    return [
        Rl(
            rollout=Serial(
                prompts=knobs.prompts,
                paths=knobs.group_size,
                exits=knobs.exits,
                law=knobs.exit_law,
                span=(knobs.span_start, knobs.span_end),
                inducer=knobs.inducer,
                answer_tokens=knobs.answer_tokens,
                train_on=knobs.train_on,
            ),
            reward=DecayingExit(knobs.exit_decay),
            advantage=of(advantages.s_grpo),
            loss=partial(losses.ppo_clip, eps_low=knobs.eps_low, eps_high=knobs.eps_high, aggregation=knobs.aggregation),
            filters=(Signal("reward", refill=False),) if knobs.drop_equal else (),
            steps=knobs.steps,
            prompts=knobs.prompts,
            optimiser=knobs.optimiser,
            passes=knobs.passes,
            minibatches=knobs.minibatches,
        )
    ]


@dataclass
class DecayingExit:
    """`rewards.decaying_exit` on serial groups. metrics: of the newest batch, see `exit_metrics`, and `full_tokens`."""

    decay: float = 2.0
    metrics: dict[str, float] = field(init=False, default_factory=dict)

    def __call__(self, batch: Rollouts, step: int) -> Rewarded:
        """Raises `ConfigError` for samples that are no serial groups."""
        if any("exit" not in sample.meta for sample in batch.samples):
            raise ConfigError("the reward of S-GRPO got samples that are no exits; expected those of the serial rollout. Use `Serial`.")
        full = torch.tensor([bool(sample.meta["full"]) for sample in batch.samples], dtype=torch.bool)
        kept = torch.tensor([int(sample.meta["kept"]) for sample in batch.samples], dtype=torch.int64)
        right = batch.correct & ~(full & batch.cut)  # a thought without an end is wrong, whatever stands in it
        self.metrics = exit_metrics(batch.samples)
        if bool(full.any()):
            self.metrics["full_tokens"] = float(batch.lengths[full].double().mean())
        return Rewarded(decaying_exit(right.double(), kept, batch.group_ids, decay=self.decay, full=full))

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass


RECIPES.add("s-grpo")(
    Recipe("s-grpo", "S-GRPO, arXiv 2505.07686", "exits from one thought; the earliest right one is worth most", Config, stages, start="overthinking", group=False, thinks=True)
)  # fmt: skip
