"""Self-play of a sneaky generator and a step critic: the games, what they are worth, and the offline update of the second player (SPC, arXiv 2504.19162).

    a right step of a begun solution --generator--> a rewritten step --truth--> an attack, or not
    attack and right step --critic--> "correct" or "incorrect"
    critic +1 for a right label, else -1; generator +1 for an attack that the critic called correct, else -1

The policy of the run is the critic. The generator is a second set of weights, which the arena keeps and trains between rounds. Both start as the policy at the first game,
which is also the reference of both losses. Right and rewritten steps are judged in pairs, so that "incorrect" does not always win. A round's games are played once, by the
players as they are then; the steps of the round train on the games of all rounds.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from thinkwell.core.answer import AnswerKind, Stage, Verdict, VerdictValue
from thinkwell.core.errors import ConfigError
from thinkwell.core.path import Finish, Origin, Path, Segment
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.core.sampling import Sampling
from thinkwell.engines.local.engine import LocalEngine
from thinkwell.engines.protocol import Engine
from thinkwell.training import losses
from thinkwell.training.plain import plain_sample, sample_of
from thinkwell.training.policy import LogProbs, logprobs_of, microbatches, padded, stacked
from thinkwell.training.rewards.self_play import spc_critic, spc_generator
from thinkwell.training.sample import Rewarded, Rollouts, Row, Sample
from thinkwell.training.stage import Draw, Writer
from thinkwell.training.turns import Turn, at_once, prompt_opens, reply

MICRO_TOKENS = 8192  # padded tokens of one forward and backward
Opponent = Literal["balanced", "latest"]
Lesson = Callable[[int, int], list[tuple[list[int], list[bool]]]]
"""(step, count) -> supervised conversations as token ids and flags."""


@dataclass(frozen=True)
class Positions:
    """Begun solutions of the lab's training problems whose last step is right, without end."""

    levels: tuple[int, ...]
    seed: int = 0

    def at(self, position: int) -> Problem:
        place = self.place(position)
        return Problem(
            f"game/{position}", place.problem.question, str(place.problem.answer), AnswerKind.INTEGER, meta={"position": position}
        )

    def held_out(self, n: int) -> list[Problem]:
        """The lab's held-out problems. Nothing of a game is among them; `measure_critic` measures the critic."""
        from thinkwell.training.problems import LabProblems

        return LabProblems(self.levels, self.seed).held_out(n)

    def place(self, position: int) -> Any:
        """The `lab.sneaky.Position` behind a problem."""
        from thinkwell.lab.sneaky import position as drawn

        return drawn(random.Random(f"games/{self.seed}/{position}"), self.levels)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """games: positions of a round. opponent: who judges the generator from the second round on: the critic of the first game ("balanced": against the newest one a generator
    soon never wins) or the newest ("latest"). paired: judge the right steps too. solver_reward: an attack must be one to count."""

    games: int = 256
    opponent: Opponent = "balanced"
    paired: bool = True
    solver_reward: bool = True
    max_tokens: int = 48


@dataclass(frozen=True, kw_only=True)
class Update:
    """The offline update. eps: clip of the sequence's ratio; sft_coef: weight of the supervised samples, as many as games; kl_coef: see `losses.spc`. The generator's own:
    rate, epochs over its games, games a batch."""

    eps: float = 0.2
    sft_coef: float = 0.15
    kl_coef: float = 0.0
    rate: float = 5e-5
    epochs: int = 3
    batch: int = 64
    temperature: float = 1.0
    clip: float = 1.0

    def loss(self, logp: Tensor, ref_logp: Tensor, rewards: Tensor, mask: Tensor, **more: Any) -> tuple[Tensor, dict[str, float]]:
        return losses.spc(
            logp, ref_logp, rewards, mask, eps_low=self.eps, eps_high=self.eps, sft_coef=self.sft_coef, kl_coef=self.kl_coef, **more
        )


@dataclass
class Arena:
    """Both players and all games so far. lessons: supervised conversations of the critic and of the generator, mixed into their updates."""

    source: Positions
    rules: Rules
    update: Update
    critic_lessons: Lesson
    generator_lessons: Lesson
    pad: int = 0
    played: int = 0
    weights: dict[str, dict[str, Tensor]] = field(default_factory=dict)  # "first": both players at the start; "generator": as it is now
    critiques: list[Sample] = field(default_factory=list)
    rewrites: list[Sample] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    _body: nn.Module | None = None

    # Rounds

    async def play(self, writer: Writer, draw: Draw) -> None:
        """One round: the generator learns from the rounds before, then every position is played."""
        self.see(writer)
        fresh = not self.played
        if fresh:
            self.weights = {"first": weights_of(self.body), "generator": weights_of(self.body)}
        else:
            self._train_generator(writer.seed)
        generator = LocalEngine(self.player("generator"), self.tokenizer)
        older = None if fresh or self.rules.opponent == "latest" else LocalEngine(self.player("first"), self.tokenizer)
        number, problems = self.played + 1, draw(self.rules.games)
        rewrites = await self._rewrite(writer, problems, generator)
        critiques = await self._criticise(writer, rewrites, older)
        self.rewrites += self._paid(rewrites, critiques, number)
        self.critiques += [critique.with_meta(round=number) for critique in critiques]
        self.metrics = self._measured(number)
        self.played = number
        for engine in (generator, older):
            if engine is not None:
                await engine.aclose()

    async def _rewrite(self, writer: Writer, problems: Sequence[Problem], generator: LocalEngine) -> list[Sample]:
        """The generator's rewritten steps: `step`, `kind` and whether it is an `attack` in their meta ("" and False where nothing could be read)."""
        from thinkwell.lab.sneaky import is_attack, read_rewrite, rewriting

        opening = at_once(writer.preset, await prompt_opens(generator, writer.preset))
        places = [self.source.place(int(problem.meta["position"])) for problem in problems]
        turns = [Turn(problem, tuple(rewriting(place)), opening) for problem, place in zip(problems, places, strict=True)]
        samples = await reply(writer, turns, 1, name="rewrite", engine=generator, max_tokens=self.rules.max_tokens)
        found = []
        for sample, place in zip(samples, places, strict=True):
            read = read_rewrite(sample.path.text.removeprefix(opening))
            kind, step = read or ("", "")
            found.append(sample.with_meta(kind=kind, step=step, attack=bool(step) and is_attack(place, step)))
        return found

    async def _criticise(self, writer: Writer, rewrites: Sequence[Sample], critic: LocalEngine | None) -> list[Sample]:
        """Critiques of every attack and, paired, of the right step that it replaces: `said` (1 correct, 0 incorrect, -1 unread), `truth`, `reward` in their meta."""
        from thinkwell.lab.judged import criticism, read_label

        opening = at_once(writer.preset, await prompt_opens(critic or writer.engine, writer.preset))
        attacks = [rewrite for rewrite in rewrites if rewrite.meta["attack"]]
        turns, truths = [], []
        for rewrite in attacks:
            place = self.source.place(int(rewrite.problem.meta["position"]))
            for truth, step in ((False, str(rewrite.meta["step"])), (True, place.step)):
                if truth and not self.rules.paired:
                    continue
                turns.append(Turn(rewrite.problem, tuple(criticism("lab", place.problem.question, [*place.parts[:-1], step])), opening))
                truths.append(truth)
        samples = await reply(writer, turns, 1, name="critique", engine=critic, max_tokens=self.rules.max_tokens) if turns else []
        said = [read_label("lab", sample.path.text, writer.preset.think_close) for sample in samples]
        rewards = spc_critic(
            torch.tensor([label is True for label in said], dtype=torch.bool),
            torch.tensor(truths, dtype=torch.bool),
            torch.tensor([label is not None for label in said], dtype=torch.bool),
        )
        return [
            replace(sample, verdict=verdict_of(label, truth)).with_meta(
                said=-1 if label is None else int(label), truth=truth, reward=float(reward)
            )
            for sample, label, truth, reward in zip(samples, said, truths, rewards.tolist(), strict=True)
        ]

    def _paid(self, rewrites: Sequence[Sample], critiques: Sequence[Sample], number: int) -> list[Sample]:
        """The generator's samples with their rewards. What was no attack never reached the critic, so that without the solver's part of the reward it counts as believed."""
        believed = {critique.problem.id: critique.meta["said"] == 1 for critique in critiques if not critique.meta["truth"]}
        fooled = torch.tensor([believed.get(rewrite.problem.id, bool(rewrite.meta["step"])) for rewrite in rewrites], dtype=torch.bool)
        valid = torch.tensor([bool(rewrite.meta["attack"]) for rewrite in rewrites], dtype=torch.bool)
        rewards = spc_generator(fooled, valid, solver_reward=self.rules.solver_reward)
        return [rewrite.with_meta(reward=float(reward), round=number) for rewrite, reward in zip(rewrites, rewards.tolist(), strict=True)]

    def _measured(self, number: int) -> dict[str, float]:
        mine = [sample for sample in self.rewrites if sample.meta["round"] == number]
        judged = [sample for sample in self.critiques if sample.meta["round"] == number]
        shares = {
            "attacks": [bool(sample.meta["attack"]) for sample in mine],
            "unread_rewrites": [not sample.meta["step"] for sample in mine],
            "generator_wins": [sample.meta["said"] == 1 for sample in judged if not sample.meta["truth"]],
            "wrong_found": [sample.meta["said"] == 0 for sample in judged if not sample.meta["truth"]],
            "right_kept": [sample.meta["said"] == 1 for sample in judged if sample.meta["truth"]],
            "unread_critiques": [sample.meta["said"] == -1 for sample in judged],
        }
        return {"game/round": float(number), **{f"game/{name}": sum(flags) / len(flags) for name, flags in shares.items() if flags}}

    def _train_generator(self, seed: int) -> None:
        """The offline update of the generator on its games of all rounds."""
        player = self.player("generator")
        learn(player, self.player("first"), self.rewrites, self.generator_lessons, self.update, f"{seed}/{self.played}", self.pad)
        self.weights["generator"] = weights_of(player)

    # Weights

    def see(self, writer: Writer) -> None:
        """Takes the shape of the policy's network. Raises `ConfigError` for an engine that is not in this process."""
        if not isinstance(writer.engine, LocalEngine):
            raise ConfigError("self-play needs the weights of the policy; expected the local engine. Train with it.")
        self._body, self.tokenizer = writer.engine.module, writer.engine.tokenizer

    @property
    def body(self) -> nn.Module:
        if self._body is None:
            raise ConfigError(
                "nobody has played yet, so the arena knows no network; expected `see` or `play` before. Collect a step first."
            )
        return self._body

    def player(self, name: str) -> nn.Module:
        """A network with the weights of "first" or "generator"."""
        made = copy.deepcopy(self.body)
        made.load_state_dict(self.weights[name])
        return made.eval()

    def reference(self, ids: list[list[int]], masks: list[Tensor]) -> list[Tensor]:
        """Log-probs (T,) of rows' masked tokens under the players' first weights."""
        return logprobs_of(
            LogProbs(self.player("first")), ids, masks, tokens=MICRO_TOKENS, temperature=self.update.temperature, pad=self.pad
        )

    # Checkpoints

    def state_dict(self) -> dict[str, Any]:
        games = {"critiques": [plain_sample(s) for s in self.critiques], "rewrites": [plain_sample(s) for s in self.rewrites]}
        return {
            "played": self.played,
            "weights": {name: dict(own) for name, own in self.weights.items()},
            "metrics": dict(self.metrics),
            **games,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.played, self.weights, self.metrics = state["played"], dict(state["weights"]), dict(state["metrics"])
        self.critiques = [sample_of(one) for one in state["critiques"]]
        self.rewrites = [sample_of(one) for one in state["rewrites"]]


@dataclass(frozen=True)
class Games:
    """The rollout of one round: its games are played at its first step; every step gives `size` critiques of all rounds, drawn without repetition."""

    arena: Arena
    number: int
    size: int

    @property
    def metrics(self) -> dict[str, float]:
        return self.arena.metrics

    async def collect(self, writer: Writer, draw: Draw) -> list[Sample]:
        self.arena.see(writer)
        if self.arena.played < self.number:
            await self.arena.play(writer, draw)
        pool = self.arena.critiques
        if not pool:
            raise ConfigError(
                f"none of the {self.arena.rules.games} rewritten steps was an attack ({self.arena.metrics.get('game/unread_rewrites', 0):.0%} could not be read), so there is "
                "nothing to judge; expected some. Play more games, or let the generator learn its turn for longer (sft_steps)."
            )
        rng = random.Random(f"{writer.seed}/{writer.tag}/batch")
        return [replace(sample, group=f"{writer.tag}/{k}") for k, sample in enumerate(rng.sample(pool, min(self.size, len(pool))))]

    def state_dict(self) -> dict[str, Any]:
        return self.arena.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.arena.load_state_dict(state)


@dataclass(frozen=True)
class Taught:
    """The buffer of a round: games get the log-probs of the reference as old ones, and as many lessons join them."""

    arena: Arena

    def mix(self, rows: Sequence[Row], step: int) -> list[Row]:
        if not rows:
            return []
        reference = self.arena.reference([row.sample.path.tokens for row in rows], [row.mask for row in rows])
        taught = [lesson_row(*one, name=f"{step}/{k}") for k, one in enumerate(self.arena.critic_lessons(step, len(rows)))]
        games = [replace(row, old_logp=old) for row, old in zip(rows, reference, strict=True)]
        counts = {"games": len(games), "lessons": len(taught)}
        return [replace(row, sample=row.sample.with_meta(**counts)) for row in (*games, *taught)]

    def state_dict(self) -> dict[str, Any]:
        return {}  # the arena is kept with the rollout

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass


@dataclass(frozen=True)
class Offline:
    """`losses.spc` for the trainer: rows say which are lessons and how many of either kind the step holds."""

    update: Update
    wants_rows: bool = True

    def __call__(
        self,
        logp: Tensor,
        old_logp: Tensor,
        advantages: Tensor,
        mask: Tensor,
        *,
        rows: Sequence[Row],
        batch_sequences: float,
        **unused: Any,
    ) -> tuple[Tensor, dict[str, float]]:
        sft = torch.tensor([bool(row.sample.meta.get("lesson", False)) for row in rows], device=mask.device)
        games, lessons = (float(rows[0].sample.meta[name]) for name in ("games", "lessons"))
        share = batch_sequences / (games + lessons)  # of the step, in a mini-batch
        return self.update.loss(
            logp, old_logp, advantages, mask, sft=sft, batch_rl=games * share or None, batch_sft=lessons * share or None
        )


@dataclass(frozen=True)
class Won:
    """The rewards that the games wrote into their samples."""

    baseline: Literal["none", "mean"] = "none"

    def __call__(self, batch: Rollouts, step: int) -> Rewarded:
        won = torch.tensor([float(sample.meta["reward"]) for sample in batch.samples], dtype=torch.float64)
        return Rewarded(won - won.mean() if self.baseline == "mean" and len(won) else won, {"won": won})

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass


def learn(
    player: nn.Module, first: nn.Module, samples: Sequence[Sample], lessons: Lesson, update: Update, key: str, pad: int = 0
) -> list[float]:
    """SPC's offline update of a player, in place, on samples with their `reward` in the meta and as many lessons; gives the loss of every batch.

    Epochs over the samples in an order that is a function of the key; constant rate, AdamW.
    """
    forward, reference = LogProbs(player), LogProbs(first)
    optimiser = torch.optim.AdamW(player.parameters(), lr=update.rate, betas=(0.9, 0.95), weight_decay=0.0)
    values: list[float] = []
    for epoch in range(update.epochs):
        order = list(range(len(samples)))
        random.Random(f"{key}/{epoch}").shuffle(order)
        for number, start in enumerate(range(0, len(order), update.batch)):
            chosen = [samples[i] for i in order[start : start + update.batch]]
            taught = [lesson_row(*one, name="").sample for one in lessons(epoch * len(order) + number, len(chosen))]
            ids = [sample.path.tokens for sample in (*chosen, *taught)]
            masks = [torch.tensor(sample.mask()) for sample in (*chosen, *taught)]
            old = logprobs_of(reference, ids, masks, tokens=MICRO_TOKENS, temperature=update.temperature, pad=pad)
            rewards = [float(sample.meta.get("reward", 0.0)) for sample in (*chosen, *taught)]
            counts = {"batch_rl": float(len(chosen)), "batch_sft": float(len(taught)) or None}
            optimiser.zero_grad(set_to_none=True)
            values.append(0.0)
            for cut in microbatches([len(row) for row in ids], MICRO_TOKENS):
                ids_BT = padded([ids[i] for i in cut], pad)
                width = ids_BT.shape[1]
                mask_BT, old_BT = stacked([masks[i] for i in cut], width), stacked([old[i] for i in cut], width)
                reward_BT = torch.tensor([rewards[i] for i in cut])[:, None].expand(-1, width)
                logp_BT, _ = forward(ids_BT, mask_BT, update.temperature)
                loss, _ = update.loss(logp_BT, old_BT, reward_BT, mask_BT, sft=torch.tensor([i >= len(chosen) for i in cut]), **counts)
                loss.backward()
                values[-1] += float(loss.detach())
            nn.utils.clip_grad_norm_(player.parameters(), update.clip)
            optimiser.step()
    return values


def lesson_row(ids: Sequence[int], flags: Sequence[bool], *, name: str) -> Row:
    """A supervised conversation as a row without an advantage."""
    shown = flags.index(True)
    segments = (Segment("", Origin.PROMPT, tuple(ids[:shown])), Segment("", Origin.MODEL, tuple(ids[shown:])))
    sample = Sample(Path(name, segments, Finish.EOS), Problem("lesson", ""), group=f"lesson/{name}", meta={"lesson": True})
    mask = torch.tensor(list(flags))
    zeros = torch.zeros(len(ids))
    return Row(sample, 0.0, mask, zeros, zeros)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A critic on natural steps: shares of right steps called right and of wrong ones called wrong, their mean and harmonic mean, and of critiques that could not be read; tokens:
    mean of a critique."""

    right_kept: float
    wrong_found: float
    mean: float
    harmonic: float
    unread: float
    tokens: float
    n: int


async def measure_critic(
    engine: Engine, preset: Preset, levels: Sequence[int], n: int, *, temperature: float = 0.0, max_tokens: int = 48, seed: int = 0
) -> Judgement:
    """The critic on n steps of solutions of the test split, whose mistakes are their writers' own: none is a generator's. About half of them are wrong."""
    from thinkwell.lab.judged import natural_critique, read_label

    rng = random.Random(f"critic/{seed}")
    found: list[Any] = []
    while len(found) < n:
        made = natural_critique(rng, levels, "test")
        found += [] if made is None else [made]
    opening = at_once(preset, await prompt_opens(engine, preset))
    turns = [Turn(Problem(f"step/{k}", ""), tuple(one.messages), opening) for k, one in enumerate(found)]
    writer = Writer(engine, preset, Sampling(temperature), max_tokens, seed, "measure", 0)
    critiques = await reply(writer, turns, 1)
    said = [read_label("lab", sample.path.text, preset.think_close) for sample in critiques]
    kept = [label is True for label, one in zip(said, found, strict=True) if one.right]
    caught = [label is False for label, one in zip(said, found, strict=True) if not one.right]
    if not kept or not caught:
        raise ConfigError(f"all {n} steps are of one kind; expected right and wrong ones. Judge more of them.")
    right, wrong = sum(kept) / len(kept), sum(caught) / len(caught)
    harmonic = 2 * right * wrong / (right + wrong) if right + wrong else 0.0
    tokens = sum(sample.length for sample in critiques) / n
    return Judgement(right, wrong, (right + wrong) / 2, harmonic, sum(label is None for label in said) / n, tokens, n)


def verdict_of(label: bool | None, truth: bool) -> Verdict:
    """A critique is graded by whether its label is the truth."""
    value = VerdictValue.NO_ANSWER if label is None else VerdictValue.CORRECT if label is truth else VerdictValue.WRONG
    return Verdict(value, None if label is None else "correct" if label else "incorrect", Stage.LABEL, float(value is VerdictValue.CORRECT))


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().clone() for name, tensor in module.state_dict().items()}
