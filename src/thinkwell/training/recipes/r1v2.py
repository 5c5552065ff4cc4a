"""R1V2: preference training on pairs that a reward model ranks, then GRPO on a hybrid reward with the selective sample buffer.

Skywork R1V2, Wang et al. 2025, arXiv 2504.16656. Text only: the paper's vision encoder is left out, and where it trains an adapter between two frozen models all weights learn
here, or low-rank adapters with `lora_rank`.

    1. MPO, `rounds` times: the policy writes, the reward model scores, best and worst at least `min_gap` apart make a pair
           L = .8 DPO + .2 BCO with a running shift + 1.0 likelihood of the chosen                    (eq. 2-5; weights: MPO's own, R1V2 prints none)
    2. GRPO   r = rule + reward model + format, (eq. 7); after MPO most groups are all right, so
           rows without a gradient are replaced by earlier ones, drawn by |A|                           (SSB, sec. 3.3)

Chosen differently, for the paper does not say: group size, clip .2, KL 1e-3 (its text has a KL term, its formula none), sizes of the buffer (VL-Rethinker's half a batch), the
unit of the gap. The reward model is the lab's process reward model at the end of the last step, in [0, 1], so that it does not swamp the rule. With a real-valued reward no
advantage is exactly zero: the buffer counts a row as effective where its group has right and wrong answers.
Cost: rounds x pair_prompts x group_size responses and `mpo_steps` updates, then that of GRPO; the reward model reads every response once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from thinkwell.core.errors import ConfigError
from thinkwell.training import advantages, losses
from thinkwell.training.buffers import SelectiveBuffer
from thinkwell.training.pairs import Pairs
from thinkwell.training.recipe import RECIPES, Recipe, Setting, TrainKnobs
from thinkwell.training.rewards import hybrid
from thinkwell.training.rewards.formats import closes_thinking
from thinkwell.training.rollouts.group import Group
from thinkwell.training.sample import Rewarded, Rollouts, Sample
from thinkwell.training.stage import Kl, Optimiser, Preference, Rl, Stage, of

Judge = Callable[[Sequence[Sample]], Tensor]
"""A reward model: a score in [0, 1] for each response."""


class Config(TrainKnobs):
    minibatches: int = Field(2, ge=1)
    """Optimiser steps in a pass; with one, only replayed rows have a ratio other than 1."""
    reward_model: Literal["prm", "none"] = "prm"
    """The lab's process reward model, which needs a model with the lab's vocabulary, or none: then rule and format rank pairs and make the reward."""
    mpo_steps: int = Field(24, ge=0)
    """Updates of preference training; 0: none, the paper's GRPO alone."""
    rounds: int = Field(2, ge=1)
    """Times that pairs are made anew."""
    pair_prompts: int = Field(64, ge=1)
    """Problems a round."""
    pairs: int = Field(16, ge=1)
    """Pairs an update."""
    min_gap: float = Field(0.5, ge=0)
    """Least difference of the reward model's scores in a pair, scores being in [0, 1]. The paper tries 7, 10 and 15 of an unknown unit: low learns fast and then
    over-optimises, high is slow and steady."""
    mpo_rate: float = Field(5e-5, gt=0)
    """Learning rate of preference training; MPO's own is 5e-6, of a large model."""
    w_pref: float = Field(0.8, ge=0)
    """Weight of DPO."""
    w_quality: float = Field(0.2, ge=0)
    """Weight of BCO."""
    w_gen: float = Field(1.0, ge=0)
    """Weight of the likelihood of the chosen response."""
    beta: float = Field(0.1, gt=0)
    """Scale of implicit rewards."""
    model_weight: float = Field(1.0, ge=0)
    """Weight of the reward model in the reward of GRPO; rule and format have 1."""
    buffer_share: float = Field(0.5, ge=0, le=1)
    """Largest part of a step's rows that are replayed; 0: no buffer."""
    buffer_rows: int | None = Field(None, ge=1)
    """Rows that the buffer keeps; none: half a step's."""
    alpha: float = Field(1.0, ge=0)
    """Rows are drawn by |advantage| to this power; 0: evenly."""
    max_age: int = Field(4, ge=1)
    """Steps until a row is too old to be replayed."""
    kl_coef: float = Field(1e-3, ge=0)
    """Weight of the KL loss (k3) to the weights at the start of GRPO; 0: none."""


@dataclass(frozen=True)
class Hybrid:
    """rule + model_weight * reward model + format; without a judge rule + format. alone: the reward model's score by itself, as pairs are ranked where there is one."""

    judge: Judge | None
    model_weight: float = 1.0
    alone: bool = False

    def __call__(self, batch: Rollouts, step: int) -> Rewarded:
        rule, form = batch.correct.double(), batch.valid.double()
        score = None if self.judge is None else self.judge(batch.samples).double()
        if self.alone and score is not None:
            return Rewarded(score, {"rule": rule, "model": score, "format": form})
        total = hybrid(rule, score, form, model_weight=self.model_weight)
        return Rewarded(total, {"rule": rule, "format": form} | ({} if score is None else {"model": score}))

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass


@dataclass(frozen=True)
class LabJudge:
    """The lab's process reward model as a reward model: its probability that the response is sound, read where its last step ends (0 if it ends none).

    Raises `ConfigError` for a model with another vocabulary.
    """

    tokenizer: Any

    def __call__(self, samples: Sequence[Sample]) -> Tensor:
        from thinkwell.lab.prm import score, step_end_ids

        ends = step_end_ids(self.tokenizer)
        values = score(self.model, self.tokenizer, [sample.path.tokens for sample in samples]) if samples else []
        found = []
        for sample, value in zip(samples, values, strict=True):
            written = [
                place for place, (token, own) in enumerate(zip(sample.path.tokens, sample.mask(), strict=True)) if own and token in ends
            ]
            found.append(float(value[written[-1]]) if written else 0.0)
        return torch.tensor(found, dtype=torch.float64)

    @cached_property
    def model(self) -> Any:
        from transformers import Qwen3ForTokenClassification

        from thinkwell.lab import artifacts

        model = Qwen3ForTokenClassification.from_pretrained(artifacts.path("prm"))
        if len(self.tokenizer) != model.config.vocab_size:
            raise ConfigError(
                f"the model's vocabulary has {len(self.tokenizer)} tokens, that of the lab's reward model {model.config.vocab_size}; expected the same one. "
                "Train a model of the lab, or set reward_model=none."
            )
        return model


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    judge = LabJudge(setting.tokenizer) if knobs.reward_model == "prm" else None
    valid = closes_thinking(setting.preset)
    found: list[Stage] = []
    if knobs.mpo_steps:
        maker = Pairs(
            Hybrid(judge, alone=True),
            prompts=knobs.pair_prompts,
            samples=knobs.group_size,
            min_gap=knobs.min_gap,
            valid=valid,
            seed=setting.seed,
        )
        weights = {"w_pref": knobs.w_pref, "w_quality": knobs.w_quality, "w_gen": knobs.w_gen, "beta": knobs.beta}
        found.append(
            Preference(
                make=maker,
                steps=knobs.mpo_steps,
                rounds=min(knobs.rounds, knobs.mpo_steps),
                batch=knobs.pairs,
                loss=weights,
                optimiser=Optimiser(rate=knobs.mpo_rate, warmup=min(knobs.warmup, knobs.mpo_steps), clip=knobs.clip),
                name="mpo",
            )
        )
    buffer = SelectiveBuffer(
        knobs.buffer_rows or max(1, knobs.prompts * knobs.group_size // 2),
        share=knobs.buffer_share,
        alpha=knobs.alpha,
        max_age=knobs.max_age,
        signal="verdict",
        seed=setting.seed,
    )
    found.append(
        Rl(
            rollout=Group(knobs.group_size, knobs.prompts),
            reward=Hybrid(judge, knobs.model_weight),
            advantage=of(advantages.grpo),
            loss=partial(losses.ppo_clip, eps_low=0.2, eps_high=0.2, aggregation="seq-mean-token-mean"),
            buffer=buffer if knobs.buffer_share else None,
            kl=Kl(coef=knobs.kl_coef) if knobs.kl_coef else None,
            valid=valid,
            steps=knobs.steps,
            prompts=knobs.prompts,
            optimiser=knobs.optimiser,
            passes=knobs.passes,
            minibatches=knobs.minibatches,
            name="grpo",
        )
    )
    return found


RECIPES.add("r1v2")(
    Recipe("r1v2", "Skywork R1V2, arXiv 2504.16656", "MPO on pairs that a reward model ranks, then GRPO that replays what still teaches", Config, stages)
)  # fmt: skip
