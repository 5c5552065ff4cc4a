"""What a recipe is: a name, its knobs, and the stages they make.

Every file of `recipes/` has the same shape: what the paper does and what is chosen differently in the docstring; `class Config(TrainKnobs)` with the recipe's own
knobs; `stages(knobs, setting)`; registration as the last lines. A variant of GRPO is GRPO with a line changed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from thinkwell.core.config import Knobs
from thinkwell.core.prompt import Preset
from thinkwell.core.registry import Registry
from thinkwell.engines.protocol import Engine
from thinkwell.training.problems import Problems
from thinkwell.training.stage import Optimiser, Stage


class TrainKnobs(Knobs):
    """Knobs that every recipe has."""

    steps: int = Field(40, ge=1)
    """Optimisation rounds of the reinforcement stages together; `--steps`."""
    reads: ClassVar[tuple[str, ...]] = ()
    """Knobs that name a file to learn from."""

    prompts: int = Field(16, ge=1)
    """Problems a step."""
    group_size: int = Field(8, ge=1)
    """Samples of each problem."""
    max_tokens: int = Field(512, ge=8)
    """Longest response, in tokens."""
    temperature: float = Field(1.0, gt=0)
    """Of the rollouts; the loss divides logits by it too."""
    rate: float = Field(1e-4, gt=0)
    """Peak learning rate of the policy (AdamW). Published runs on models of billions of parameters use 1e-6; the lab's model wants more."""
    warmup: int = Field(5, ge=0)
    """Steps until the peak rate."""
    decay: Literal["constant", "cosine"] = "constant"
    """Of the rate after its peak."""
    clip: float = Field(1.0, gt=0)
    """Largest gradient norm."""
    passes: int = Field(1, ge=1)
    """Times that a step's samples are trained on."""
    minibatches: int = Field(1, ge=1)
    """Optimiser steps in a pass."""
    levels: tuple[int, ...] = (3, 4, 5, 6)
    """Levels of the lab's problems, 1 to 10; not used with `--task`."""
    difficulty: tuple[float, ...] = (1.0, 1.0, 1.0)
    """Shares of easy, medium and hard items where `--task` names a puzzle or game, written 1,1,1."""
    micro_tokens: int = Field(8192, ge=64)
    """Padded tokens of one forward and backward."""
    lora_rank: int = Field(0, ge=0)
    """0: all weights are trained; otherwise low-rank adapters of that rank (peft)."""
    precision: Literal["float32", "bf16"] = "float32"
    """Of the training forward; weights and optimiser stay in float32."""

    @field_validator("levels", mode="before")
    @classmethod
    def _read(cls, value: object) -> object:
        """One number, or "4,5" as written on a command line, is a list too."""
        if isinstance(value, int):
            return (value,)
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("difficulty", mode="before")
    @classmethod
    def _shares(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @property
    def optimiser(self) -> Optimiser:
        return Optimiser(rate=self.rate, warmup=self.warmup, decay=self.decay, clip=self.clip)


@dataclass(frozen=True)
class Setting:
    """What a run gives to its recipe: the tokenizer and preset of the model, the source of problems, the seed, the name of the starting model ("lab", a folder...)."""

    tokenizer: Any
    preset: Preset
    problems: Problems
    seed: int
    model: str


Tested = Callable[[Engine, Preset, Any, int], Awaitable[Mapping[str, float]]]
"""What a held-out evaluation measures of a model that does not solve: (engine, preset, knobs, n) -> `accuracy` and `tokens` over n cases of the test split, and more by name."""


@dataclass(frozen=True)
class Recipe:
    """start: the lab's starting point that `--model lab` stands for ("policy", or one of `thinkwell.lab.starts`). needs_answers: its reward compares with reference answers.
    group: it compares samples of one prompt, so that group_size must be at least 2. thinks: it works on marked thoughts, so that the tokenizer must know the mark.
    tested: what an evaluation measures where the model learns something else than to solve."""

    name: str
    paper: str
    summary: str
    Config: type[TrainKnobs]
    stages: Callable[[Any, Setting], Sequence[Stage]]
    start: str = "policy"
    needs_answers: bool = True
    group: bool = True
    thinks: bool = False
    tested: Tested | None = None


RECIPES: Registry[Recipe] = Registry("recipe", "thinkwell.training.recipes", "thinkwell.recipes")
