"""Enigmata: reasoning learnt from puzzles with exact verifiers, in a mixture of tasks and in stages.

Enigmata, Chen et al. 2025, arXiv 2505.19914 (training settings from its project page; the paper's text was not at hand).

    1. RFT         supervised learning on right solutions, half maths, half puzzles                             `sft_steps`, `taught`
    2. RL          VC-PPO (the critic learns first; lam 1 for its targets, .95 for the policy), reward 1 or -1     `estimator`
       multi-stage    maths alone for 200 of 425 steps, then maths and puzzles                                   `strategy`
       mix            maths and puzzles from the start
    easy : medium : hard = 1 : 1 : 1                                                                           `difficulty`

What is not there: Enigmata's 36 tasks and ARC-AGI. The puzzles here are three small ones that the lab's vocabulary can express (`_enigmata_puzzles.py`), the maths are the run's
problems. The supervised solutions are written by solvers, where the paper samples a model and keeps what is right. Each stage begins with a fresh critic, which learns alone
for `critic_warmup` steps. `reward/NAME` in the rows is the mean reward of each task, `reward/easy` ... of each difficulty.
Cost: `sft_steps` updates on 32 solutions, then that of PPO, or of GRPO with `estimator=grpo`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from pydantic import Field, field_validator

from thinkwell.core.errors import ConfigError
from thinkwell.core.problem import Problem
from thinkwell.training import advantages, losses
from thinkwell.training.curriculum import Mixture, Part
from thinkwell.training.recipe import RECIPES, Recipe, Setting
from thinkwell.training.recipes._enigmata_puzzles import DIFFICULTIES, PUZZLES, Puzzles, drawn
from thinkwell.training.recipes.ppo import CriticKnobs, critic, gae_targets
from thinkwell.training.recipes.vapo import decoupled
from thinkwell.training.rewards.applied import Correct
from thinkwell.training.rollouts.group import Group
from thinkwell.training.sample import Rewarded, Rollouts
from thinkwell.training.stage import Optimiser, Rl, Sft, Stage, of
from thinkwell.training.traces import Lesson, Lessons, solving

MATHS = "maths"
FIRST = 200 / 425
"""Share of the steps that the paper's first stage takes."""


class Config(CriticKnobs):
    right: Literal["1/0", "1/-1"] = "1/-1"
    """What a right and a wrong answer are worth."""
    strategy: Literal["multi-stage", "mix"] = "multi-stage"
    """Maths alone first, then maths and puzzles; or both from the start."""
    first_share: float = Field(FIRST, gt=0, lt=1)
    """Part of the steps that the first of two stages takes; the paper's 200 of 425."""
    puzzles: tuple[str, ...] = tuple(PUZZLES)
    """Puzzles in the mixture: sequence, rank, undo."""
    puzzle_share: float = Field(0.5, gt=0, lt=1)
    """Part of the problems that are puzzles, where there are any; they share it evenly."""
    difficulty: tuple[float, ...] = (1.0, 1.0, 1.0)
    """Easy : medium : hard of the puzzles; the paper prefers the balanced mix."""
    sft_steps: int = Field(60, ge=0)
    """Supervised updates before reinforcement; 0: none, and what the model cannot do at all it then does not learn."""
    sft_rate: float = Field(1e-3, gt=0)
    """Learning rate of these."""
    taught: tuple[str, ...] = tuple(PUZZLES)
    """Puzzles that the supervised part covers; leave some out to see what coverage is worth (the paper's SFT_Part)."""
    estimator: Literal["vc-ppo", "grpo"] = "vc-ppo"
    """How samples are compared: by a critic, as in the paper, or with their group."""
    lam_policy: float = Field(0.95, ge=0, le=1)
    """VC-PPO's lambda of the policy's advantages; over the lab's 120 tokens .95 hides the reward from the beginning until the critic has passed it on."""
    lam_value: float = Field(1.0, ge=0, le=1)
    """VC-PPO's lambda of the critic's targets."""

    @field_validator("puzzles", "taught", "difficulty", mode="before")
    @classmethod
    def _list(cls, value: object) -> object:
        """A list as written on a command line: "sequence,rank", "1,1,2"."""
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("puzzles", "taught")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if name not in PUZZLES]
        if unknown or len(set(value)) < len(value):
            raise ValueError(f"puzzles are {', '.join(PUZZLES)}, each once")
        return value


@dataclass(frozen=True)
class ByTask:
    """The verdict's reward, with the mean of every task and difficulty beside it."""

    reward: Correct
    tasks: tuple[str, ...]

    def __call__(self, batch: Rollouts, step: int) -> Rewarded:
        values = self.reward(batch, step).values
        parts = {}
        for key, names in (("part", self.tasks), ("difficulty", DIFFICULTIES)):
            for name in names:
                inside = torch.tensor([sample.problem.meta.get(key) == name for sample in batch.samples], dtype=torch.bool)
                if bool(inside.any()):
                    parts[name] = torch.where(inside, values, torch.nan)
        return Rewarded(values, parts)

    def state_dict(self) -> dict[str, Any]:
        return self.reward.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.reward.load_state_dict(state)


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    if knobs.estimator == "grpo" and knobs.group_size < 2:
        raise ConfigError(
            "group_size=1 with estimator=grpo: a group of one teaches nothing; expected at least 2. Raise it, or compare by a critic (vc-ppo)."
        )
    maths, mixed = Mixture({MATHS: Part(setting.problems)}, setting.seed), mixture(knobs, setting)
    first = round(knobs.first_share * knobs.steps)
    plan = (
        [("maths", maths, first), ("mixed", mixed, knobs.steps - first)]
        if knobs.strategy == "multi-stage"
        else [("mixed", mixed, knobs.steps)]
    )
    supervised = [rft(knobs, setting)] if knobs.sft_steps else []
    return [*supervised, *(reinforced(knobs, name, source, steps) for name, source, steps in plan if steps)]


def mixture(knobs: Config, setting: Setting) -> Mixture:
    """Maths and the puzzles by weight."""
    share = knobs.puzzle_share / len(knobs.puzzles) if knobs.puzzles else 0.0
    puzzles = {name: Part(Puzzles(name, knobs.difficulty, setting.seed), share) for name in knobs.puzzles}
    return Mixture({MATHS: Part(setting.problems, 1.0 - share * len(knobs.puzzles)), **puzzles}, setting.seed)


def rft(knobs: Config, setting: Setting) -> Sft:
    """Right solutions, a half of maths and a half of the puzzles that are taught."""
    from thinkwell.lab.trace import NATURAL

    solve = solving(setting.preset, knobs.levels, NATURAL, right_only=True)

    def make(rng: random.Random) -> Lesson | None:
        if not knobs.taught or rng.random() < 0.5:
            return solve(rng)
        _, puzzle = drawn(rng.choice(knobs.taught), rng, knobs.difficulty)
        return Lesson(tuple(setting.preset.messages(Problem("taught", puzzle.question))), puzzle.reply)

    lessons = Lessons(setting.tokenizer, setting.preset, make, setting.seed, "enigmata")
    warmup = min(knobs.warmup, knobs.sft_steps)
    return Sft(rows=lessons, steps=knobs.sft_steps, optimiser=Optimiser(rate=knobs.sft_rate, warmup=warmup, clip=knobs.clip), name="rft")


def reinforced(knobs: Config, name: str, source: Mixture, steps: int) -> Rl:
    own = knobs.model_copy(update={"steps": steps})
    ppo = knobs.estimator == "vc-ppo"
    how = {"gamma": knobs.gamma, "lam_policy": knobs.lam_policy, "lam_value": knobs.lam_value, "whiten": knobs.whiten}
    return Rl(
        rollout=Group(knobs.group_size, knobs.prompts),
        reward=ByTask(Correct(preset="klear" if knobs.right == "1/-1" else "paper"), (MATHS, *knobs.puzzles)),
        advantage=decoupled(**how) if ppo else of(advantages.grpo),
        loss=partial(losses.ppo_clip, eps_low=0.2, eps_high=0.2, aggregation="token-mean"),
        critic=critic(own, gae_targets(True, gamma=knobs.gamma, lam=knobs.lam_value)) if ppo else None,
        steps=steps,
        prompts=knobs.prompts,
        problems=source,
        optimiser=knobs.optimiser,
        passes=knobs.passes,
        minibatches=knobs.minibatches,
        name=name,
    )


RECIPES.add("enigmata")(
    Recipe("enigmata", "Enigmata, arXiv 2505.19914", "maths and puzzles with exact verifiers, in a mixture and in stages", Config, stages, group=False)
)  # fmt: skip
