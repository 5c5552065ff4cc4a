"""SPC: a step critic trained by self-play against a sneaky generator that rewrites right steps into wrong ones.

Chen et al. 2025, arXiv 2504.19162. Stage 1: supervised learning of both players. Then rounds: the generator rewrites right steps, the critic judges what came of it beside the
right steps themselves, +1 to the winner and -1 to the loser, and both are updated offline with `losses.spc` (one ratio a sequence, to the first weights, clipped at 0.2, and
as many supervised samples with weight 0.15). From the second round on the generator plays the first critic ("balanced"). The model of the run is the critic; the generator's
weights are kept in the checkpoints. See `thinkwell.training.games`.

Chosen differently: whether a rewritten step is an attack is computed from the lab's exact truth, where the paper lets a solver try (at least 75 % from the right step, 0 % from the
wrong one). Partial solutions come from solvers of three habits. The critic of a later round goes on from the earlier one, with its ratio to the first weights, where the paper
begins again from the first. Both players learn the lab's short wording, whatever the model. The kinds of mistake are the lab's four: the paper's five could not be read.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from thinkwell.core.errors import ConfigError
from thinkwell.core.prompt import Preset
from thinkwell.engines.protocol import Engine
from thinkwell.training import advantages
from thinkwell.training.games import Arena, Games, Offline, Opponent, Positions, Rules, Taught, Update, Won, measure_critic
from thinkwell.training.recipe import RECIPES, Recipe, Setting, TrainKnobs
from thinkwell.training.stage import Optimiser, Rl, Sft, Stage, of
from thinkwell.training.traces import Lesson, Lessons, Make, solving
from thinkwell.training.turns import at_once


class Config(TrainKnobs):
    rounds: int = Field(2, ge=1)
    """Rounds of games; `steps` are shared among them."""
    games: int = Field(256, ge=1)
    """Positions that are played in a round."""
    prompts: int = Field(8, ge=1)
    """With group_size: critiques a step, prompts times group_size of them; the paper's batch is 64."""
    turn_tokens: int = Field(48, ge=8)
    """Longest critique and longest rewriting, in tokens; `max_tokens` is not used."""
    rate: float = Field(5e-5, gt=0)
    """Learning rate of both players; the paper's is 2e-6."""
    opponent: Opponent = "balanced"
    """Who judges the generator from the second round on: the first critic ("balanced") or the present one ("latest": ablation)."""
    paired: bool = True
    """The critic sees the right steps beside the rewritten ones; without them it learns to call everything wrong (ablation)."""
    solver_reward: bool = True
    """The generator is paid for real attacks only; without it also for what the critic would not see as wrong (ablation)."""
    baseline: Literal["none", "mean"] = "none"
    """Taken from the critic's rewards: nothing (as released), or the mean of the batch."""
    eps: float = Field(0.2, ge=0)
    """The sequence's ratio is clipped outside 1 - eps and 1 + eps."""
    sft_coef: float = Field(0.15, ge=0)
    """Weight of the supervised samples beside the games."""
    kl_coef: float = Field(0.0, ge=0)
    """Weight of the KL to the first weights in the reward; 0 in the released code."""
    generator_epochs: int = Field(3, ge=1)
    """Times that the generator learns from its games between rounds."""
    sft_steps: int = Field(150, ge=0)
    """Steps of the supervised stage. Without it the generator has to know its turn already."""
    sft_rows: int = Field(32, ge=1)
    """Conversations a supervised step, half of either player."""
    sft_solving: float = Field(0.0, ge=0, lt=1)
    """Share of ordinary solutions among them, for a model that shall go on solving too; the paper's critic does not."""
    sft_rate: float = Field(5e-4, gt=0)
    """Peak rate of the supervised stage, falling as a cosine."""

    @model_validator(mode="after")
    def _a_step_a_round(self) -> Config:
        if self.steps < self.rounds:
            raise ConfigError(
                f"steps={self.steps} is fewer than rounds={self.rounds}; expected a step a round at least. Raise steps or lower rounds."
            )
        return self


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    arena = built(knobs, setting)
    shares = [knobs.steps // knobs.rounds + (number < knobs.steps % knobs.rounds) for number in range(knobs.rounds)]
    rounds = [
        Rl(
            rollout=Games(arena, number, knobs.prompts * knobs.group_size),
            reward=Won(knobs.baseline),
            advantage=of(advantages.reinforce),
            loss=Offline(arena.update),
            buffer=Taught(arena),
            steps=steps,
            prompts=knobs.prompts,
            problems=arena.source,
            optimiser=knobs.optimiser,
            passes=knobs.passes,
            minibatches=knobs.minibatches,
            name=f"round {number}",
        )
        for number, steps in enumerate(shares, 1)
    ]
    return [both_players(knobs, setting), *rounds] if knobs.sft_steps else rounds


def built(knobs: Config, setting: Setting) -> Arena:
    update = Update(
        eps=knobs.eps,
        sft_coef=knobs.sft_coef,
        kl_coef=knobs.kl_coef,
        rate=knobs.rate,
        epochs=knobs.generator_epochs,
        batch=knobs.prompts * knobs.group_size,
        temperature=knobs.temperature,
        clip=knobs.clip,
    )
    rules = Rules(
        games=knobs.games, opponent=knobs.opponent, paired=knobs.paired, solver_reward=knobs.solver_reward, max_tokens=knobs.turn_tokens
    )
    makes: dict[str, Make] = {"critic": criticising(knobs, setting), "generator": sneaking(knobs, setting)}

    def taught(player: str) -> Any:
        return lambda step, count: Lessons(setting.tokenizer, setting.preset, makes[player], setting.seed, f"spc/{player}/mixed", count)(
            step
        )

    pad = next(int(i) for i in (setting.tokenizer.pad_token_id, setting.tokenizer.eos_token_id, 0) if i is not None)
    return Arena(Positions(knobs.levels, setting.seed), rules, update, taught("critic"), taught("generator"), pad)


def both_players(knobs: Config, setting: Setting) -> Sft:
    """Critiques and rewritings, as many of either; ordinary solutions if asked for."""
    critic, generator = criticising(knobs, setting), sneaking(knobs, setting)

    def make(rng: random.Random) -> Lesson | None:
        from thinkwell.lab.trace import NATURAL

        if rng.random() < knobs.sft_solving:
            return solving(setting.preset, knobs.levels, NATURAL, right_only=False)(rng)
        return rng.choice((critic, generator))(rng)

    rows = Lessons(setting.tokenizer, setting.preset, make, setting.seed, "spc/sft", knobs.sft_rows)
    warmup = min(10, knobs.sft_steps // 4)
    return Sft(rows=rows, steps=knobs.sft_steps, optimiser=Optimiser(rate=knobs.sft_rate, warmup=warmup, decay="cosine"))


def criticising(knobs: Config, setting: Setting) -> Make:
    """Critiques of natural steps, half of them of wrong ones, in the words of the lab's skill."""
    opening = at_once(setting.preset)

    def make(rng: random.Random) -> Lesson | None:
        from thinkwell.lab.judged import natural_critique

        made = natural_critique(rng, knobs.levels)
        return None if made is None else Lesson(tuple(made.messages), made.reply, opening)

    return make


def sneaking(knobs: Config, setting: Setting) -> Make:
    """Right steps rewritten into attacks, the kind of mistake first."""
    opening = at_once(setting.preset)

    def make(rng: random.Random) -> Lesson | None:
        from thinkwell.lab.sneaky import position, rewriting, sneak

        place = position(rng, knobs.levels)
        found = sneak(rng, place)
        return None if found is None else Lesson(tuple(rewriting(place)), f"Step: wrong {found[0]}. {found[1]}", opening)

    return make


async def tested(engine: Engine, preset: Preset, knobs: Config, n: int) -> dict[str, float]:
    """n steps of the test split, judged greedily. accuracy: mean of right steps kept and wrong ones found; harmonic: the paper's score."""
    found = await measure_critic(engine, preset, knobs.levels, n, max_tokens=knobs.turn_tokens)
    shares = {"accuracy": found.mean, "harmonic": found.harmonic, "right_kept": found.right_kept, "wrong_found": found.wrong_found}
    return shares | {"tokens": found.tokens}


RECIPES.add("spc")(
    Recipe(
        "spc",
        "Self-Play Critic, arXiv 2504.19162",
        "a step critic learns from games against a sneaky generator",
        Config,
        stages,
        start="skills",
        needs_answers=False,
        group=False,
        tested=tested,
    )
)
