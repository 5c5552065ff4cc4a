"""Format-length: a reward without ground truth. A box that can be read, and a response of a middle length; nobody looks at the answer.

Xin et al. (arXiv 2505.19439). R = 1 if the box is well formed, + a term that is 1 at `peak` of the cap and -1 at the cap; without the format min(0, that term). GRPO with a
small KL loss, one optimiser step a batch. It raises accuracy only as far as the model could already solve the problem and lost points by its format: the arms "format" and
"length", and a start that cannot solve anything, are the controls. Left out: the paper's temperature of 0.6; SymPy, for a grammar check of brackets and operands.
The best response by this reward is any boxed number in a text of the right length: look at accuracy on held-out problems, not at the reward.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

from pydantic import Field

from thinkwell.training import advantages, losses
from thinkwell.training.recipe import RECIPES, Recipe, Setting, TrainKnobs
from thinkwell.training.rewards.applied import OnFormat
from thinkwell.training.rewards.formats import boxed_expression
from thinkwell.training.rollouts.group import Group
from thinkwell.training.stage import Kl, Rl, Stage, of


class Config(TrainKnobs):
    arm: Literal["format-length", "format", "length"] = "format-length"
    """What is paid: both terms, the format alone (the paper's Format-Only), or the length alone, of any response."""
    length_cap: int = Field(0, ge=0)
    """Tokens at which the length term is -1; 0: max_tokens, as in the paper."""
    peak: float = Field(0.5, gt=0, lt=1)
    """Best length, as a share of the cap; it should be 1.2 to 2 times the natural length."""
    shape: Literal["quadratic", "polyline"] = "quadratic"
    """Of the length term."""
    format_weight: float = Field(1.0, ge=0)
    """What a well-formed box is worth; the paper's 1, the published code's 0.5."""
    kl_coef: float = Field(1e-3, ge=0)
    """Weight of the KL loss (k3) to the starting weights."""
    eps_low: float = Field(0.2, ge=0)
    """The ratio is clipped below 1 - eps_low; with one optimiser step a batch nothing is."""
    eps_high: float = Field(0.2, ge=0)
    """The ratio is clipped above 1 + eps_high."""


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    shape = {
        "max_length": knobs.length_cap or knobs.max_tokens,
        "peak": knobs.peak,
        "shape": knobs.shape,
        "format_weight": knobs.format_weight,
    }
    return [
        Rl(
            rollout=Group(knobs.group_size, knobs.prompts),
            reward=OnFormat(shape, knobs.arm),
            advantage=of(advantages.grpo, preset="verl"),
            loss=partial(losses.ppo_clip, eps_low=knobs.eps_low, eps_high=knobs.eps_high, aggregation="token-mean"),
            kl=Kl(coef=knobs.kl_coef) if knobs.kl_coef else None,
            valid=boxed_expression,
            steps=knobs.steps,
            prompts=knobs.prompts,
            optimiser=knobs.optimiser,
            passes=knobs.passes,
            minibatches=knobs.minibatches,
        )
    ]


RECIPES.add("format-length")(
    Recipe(
        "format-length",
        "Surrogate signals, arXiv 2505.19439",
        "format and length in place of the answer",
        Config,
        stages,
        start="loose-format",
        needs_answers=False,
    )
)
