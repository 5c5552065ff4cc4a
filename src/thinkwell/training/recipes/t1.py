"""T1: supervised learning on chains with trial and error, then reinforcement that keeps exploring: many samples, a temperature above 1, an entropy bonus, a moving anchor.

Hou et al. 2025, arXiv 2501.11651 (no training code was released; formulas from two readers' notes). Reward 1 for a right answer, else 0; -1 in its place for a response that
hits the limit, repeats itself or is garbled. Leave-one-out advantages (RLOO) with -kl_coef (k_i - mean_j k_j) added, k_i the log-ratio of the whole response to an anchor
that follows the policy (exponential moving average). One optimiser step a batch. `thinkwell.training.probe` measures accuracy where thoughts are cut.

Chosen differently: 8 prompts with 32 samples (the paper: 32 with 64), which is what two cores do in seconds; the number of samples is `group_size`. The chains with errors
and corrections are written by the lab's world, where the paper merges and rewrites attempts and critiques of several models. Not printed in the notes, so knobs: the rate of
the anchor, the weight of the entropy, and how tokens are averaged. The loss divides logits by the temperature of sampling, so that the ratio is 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from pydantic import Field

from thinkwell.core.path import Origin
from thinkwell.training import advantages, losses
from thinkwell.training._loss_conventions import Aggregation
from thinkwell.training.recipe import RECIPES, Recipe, Setting, TrainKnobs
from thinkwell.training.rewards.correctness import correctness
from thinkwell.training.rewards.t1 import garbled, repetitive, t1
from thinkwell.training.rollouts.group import Group
from thinkwell.training.sample import Rewarded, Rollouts
from thinkwell.training.stage import Kl, Optimiser, Rl, Sft, Stage, of
from thinkwell.training.traces import Lessons, solving


class Config(TrainKnobs):
    prompts: int = Field(8, ge=1)
    """Problems a step; the paper has 32."""
    group_size: int = Field(32, ge=2)
    """Samples of each problem (K); the paper compares 4, 16 and 64 and trains with 64."""
    temperature: float = Field(1.2, gt=0)
    """Of the rollouts; the paper's best between 0.9 and 1.3."""
    penalty: float | None = -1.0
    """Reward of a degenerate response; None: responses are worth what their answers are (ablation)."""
    repeat_tokens: int = Field(8, ge=1)
    """A response repeats itself if more than `repeat_share` of the runs of so many tokens at its end (512 tokens) occurred before."""
    repeat_share: float = Field(0.5, ge=0, lt=1)
    """See `repeat_tokens`; a guess, for the paper's rule was not found."""
    anchor: Literal["none", "frozen", "ema"] = "ema"
    """What the KL is measured to: nothing, the weights at the start, or their moving average."""
    anchor_decay: float = Field(0.99, ge=0, lt=1)
    """Share of itself that the moving anchor keeps a step; a guess. At 0.99 it is about 100 steps behind: nearly frozen in a run of 40."""
    kl_coef: float = Field(2e-4, ge=0)
    """Weight of the centred KL."""
    entropy_coef: float = Field(5e-4, ge=0)
    """Weight of the mean entropy of tokens, taken from the loss; a guess."""
    aggregation: Aggregation = "token-mean"
    """How losses of tokens are averaged; not in the notes. RLOO's own is seq-mean-token-sum."""
    sft_steps: int = Field(60, ge=0)
    """Steps of the supervised stage; 0 leaves it out."""
    sft_rows: int = Field(32, ge=1)
    """Chains a supervised step."""
    sft_rate: float = Field(5e-4, gt=0)
    """Peak rate of the supervised stage, falling as a cosine. The paper: 1e-5 for 9 to 32 billion parameters."""


@dataclass(frozen=True)
class Degenerate:
    """1 for right, 0 for wrong, the penalty for a response that was cut, repeats itself or is garbled. Parts: `correct`, and 1 where each detector fired."""

    penalty: float | None = -1.0
    n: int = 8
    share: float = 0.5

    def __call__(self, batch: Rollouts, step: int) -> Rewarded:
        plain = correctness(batch.correct.to(torch.float64), None, batch.judged)
        written = [[token for part in sample.path if part.origin is Origin.MODEL for token in part.tokens] for sample in batch.samples]
        repeats = repetitive(written, n=self.n, share=self.share, min_tokens=max(64, self.n))
        strange = garbled([sample.path.text for sample in batch.samples])
        off = batch.cut | repeats | strange
        values = plain if self.penalty is None else t1(plain, off, penalty=self.penalty)
        found = {"correct": batch.correct, "cut": batch.cut, "repetitive": repeats, "garbled": strange}
        return Rewarded(values, {name: flags.to(torch.float64) for name, flags in found.items()})

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    anchored = Kl(coef=knobs.kl_coef, place="centred", to="ema" if knobs.anchor == "ema" else "start", ema=knobs.anchor_decay)
    reinforcement = Rl(
        rollout=Group(knobs.group_size, knobs.prompts),
        reward=Degenerate(knobs.penalty, knobs.repeat_tokens, knobs.repeat_share),
        advantage=of(advantages.rloo),
        loss=partial(losses.ppo_clip, eps_low=math.inf, eps_high=math.inf, aggregation=knobs.aggregation),
        steps=knobs.steps,
        prompts=knobs.prompts,
        kl=anchored if knobs.anchor != "none" and knobs.kl_coef else None,
        entropy=knobs.entropy_coef,
        optimiser=knobs.optimiser,
        passes=knobs.passes,
        minibatches=knobs.minibatches,
    )
    return [trial_and_error(knobs, setting), reinforcement] if knobs.sft_steps else [reinforcement]


def trial_and_error(knobs: Config, setting: Setting) -> Sft:
    """Chains that make every kind of mistake, notice nearly each one, and end in the right answer; a chain that does not is left out."""
    from thinkwell.lab.starts.traces import TRIAL

    make = solving(setting.preset, knobs.levels, TRIAL, right_only=True)
    rows = Lessons(setting.tokenizer, setting.preset, make, setting.seed, "t1/sft", knobs.sft_rows)
    warmup = min(10, knobs.sft_steps // 4)
    return Sft(rows=rows, steps=knobs.sft_steps, optimiser=Optimiser(rate=knobs.sft_rate, warmup=warmup, decay="cosine"))


RECIPES.add("t1")(
    Recipe(
        "t1",
        "T1, arXiv 2501.11651",
        "chains with trial and error, then many samples a problem, kept exploring",
        Config,
        stages,
        thinks=True,
    )
)
