"""FlexiVe: a generative verifier learns by reinforcement to name the first wrong paragraph of a solution, at once, and to be short where nothing is wrong.

Zhong et al. 2025, arXiv 2505.11966 (the released grpo_train.py). GRPO on labelled solutions; the thinking is closed in front of every reply, so that only the fast way of
verifying is trained (the slow way gains by transfer). Reward: 1 for the exact index, 0.5 for any index where some paragraph is wrong, else 0; less a penalty of the length that
depends on the truth: see `rewards.flexive`.

Chosen differently: solutions are written by the lab's world, half of them with a wrong step, or come from a file (`solutions`), where the paper has BIG-Bench-Mistake. The
lengths of the penalty are the paper's divided by ten, as its replies of up to 1024 tokens are "Step 3 is wrong: 5 + 3 = 8." in the lab. All weights are trained
unless `lora_rank` is given (the paper: 16). Whether the paper kept TRL's KL term of its day is not known: `kl_coef` is 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from pydantic import Field

from thinkwell.core.prompt import Preset
from thinkwell.engines.protocol import Engine
from thinkwell.training import advantages, losses
from thinkwell.training.recipe import RECIPES, Recipe, Setting, TrainKnobs
from thinkwell.training.rewards.flexive import UNPARSED, flexive
from thinkwell.training.sample import Rewarded, Rollouts
from thinkwell.training.stage import Kl, Optimiser, Rl, Stage, of
from thinkwell.training.verification import Solutions, Verify, measure_verifier, read_solutions


class Config(TrainKnobs):
    reads = ("solutions",)

    prompts: int = Field(4, ge=1)
    """Solutions a step; the paper's batch holds as many."""
    group_size: int = Field(14, ge=2)
    """Verifications of each solution; the paper's 14."""
    max_tokens: int = Field(48, ge=8)
    """Longest verification, in tokens; the paper has 1024."""
    temperature: float = Field(0.6, gt=0)
    """Of the rollouts; the paper's."""
    passes: int = Field(4, ge=1)
    """Times that a step's samples are trained on (the paper's num_iterations)."""
    rate: float = Field(5e-5, gt=0)
    """Peak learning rate; the paper's, for its adapters."""
    solutions: str = ""
    """File of labelled solutions, one JSON object a line ("question", "steps", "error"); empty: written by the lab."""
    wrong_share: float = Field(0.5, ge=0, le=1)
    """Share of the lab's solutions that have a wrong step."""
    near: float = Field(0.5, ge=0, le=1)
    """Reward of a wrong index where some paragraph is wrong."""
    length_weight: float = Field(1.0, ge=0)
    """Weight of the penalty of the length; 0 leaves the location only."""
    right_free: float = Field(6.0, ge=0)
    """Tokens that are free where nothing is wrong: the lab's "All correct." with its end. The paper has 50."""
    right_span: float = Field(10.0, gt=0)
    """Tokens beyond them after which the penalty is 1; the paper has 100."""
    wrong_low: float = Field(5.0, gt=0)
    """Fewest tokens without a penalty where something is wrong; the paper has 50."""
    wrong_high: float = Field(51.0, gt=0)
    """Most tokens without a penalty there; the paper has 512."""
    eps: float = Field(0.2, ge=0)
    """The ratio is clipped outside 1 - eps and 1 + eps."""
    kl_coef: float = Field(0.0, ge=0)
    """Weight of the KL loss (k3) to the starting weights."""


@dataclass(frozen=True)
class Located:
    """FlexiVe's reward as a `Reward`, from what `verification.Verify` wrote into the samples. Parts: location, length, and shares: exact, unread, flagged (some paragraph
    is named)."""

    knobs: Config

    def __call__(self, batch: Rollouts, step: int) -> Rewarded:
        k, lengths = self.knobs, batch.lengths.to(torch.float64)
        predicted, target = (torch.tensor([int(sample.meta[name]) for sample in batch.samples]) for name in ("predicted", "target"))
        values = flexive(
            predicted,
            target,
            lengths,
            near=k.near,
            length_weight=k.length_weight,
            right_free=k.right_free,
            right_span=k.right_span,
            wrong_low=k.wrong_low,
            wrong_high=k.wrong_high,
        )
        location = flexive(predicted, target, lengths, length_weight=0.0, near=k.near)
        shares = {"exact": predicted == target, "unread": predicted == UNPARSED, "flagged": predicted >= 0}
        return Rewarded(
            values, {"location": location, "length": values - location, **{name: flags.to(torch.float64) for name, flags in shares.items()}}
        )

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    kind = setting.preset.kind
    return [
        Rl(
            rollout=Verify(kind, knobs.group_size, knobs.prompts),
            reward=Located(knobs),
            advantage=of(advantages.grpo, preset="trl"),
            loss=partial(losses.ppo_clip, eps_low=knobs.eps, eps_high=knobs.eps, aggregation="seq-mean-token-mean"),
            kl=Kl(coef=knobs.kl_coef) if knobs.kl_coef else None,
            steps=knobs.steps,
            prompts=knobs.prompts,
            optimiser=Optimiser(rate=knobs.rate, warmup=knobs.warmup, decay=knobs.decay, weight_decay=0.01, clip=knobs.clip),
            passes=knobs.passes,
            minibatches=knobs.minibatches,
            problems=read_solutions(Path(knobs.solutions), kind, setting.seed)
            if knobs.solutions
            else Solutions(knobs.levels, kind, setting.seed, knobs.wrong_share),
        )
    ]


async def tested(engine: Engine, preset: Preset, knobs: Config, n: int) -> dict[str, float]:
    """n fast verifications of the test split. accuracy: exact ones, mean of both kinds of solution; f1: their harmonic mean (ProcessBench's)."""
    source = Solutions(knobs.levels, preset.kind, test=True)
    found = await measure_verifier(
        engine, preset, [source.at(place) for place in range(n)], temperature=knobs.temperature, max_tokens=knobs.max_tokens
    )
    return {"accuracy": (found.right + found.wrong) / 2, "tokens": found.tokens, "f1": found.f1, "right": found.right, "wrong": found.wrong}


RECIPES.add("flexive")(
    Recipe(
        "flexive",
        "Solve-Detect-Verify, arXiv 2505.11966",
        "a verifier learns to name the first wrong paragraph at once",
        Config,
        stages,
        start="skills",
        needs_answers=False,
        tested=tested,
    )
)
