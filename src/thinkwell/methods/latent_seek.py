"""LatentSeek: policy gradient at test time on the hidden states of one answer's beginning (Li et al. 2025, arXiv 2505.13308).

    x, z = greedy answer and the final hidden states of its first N = min(rho * length, max_update_tokens) tokens; r = reward(x) in [-1, 0]
    while r <= reward_threshold, at most max_steps times:
        z += optimiser step on r * sum_t log softmax(W z_t)[x_t]      nothing but the head W is touched
        x = argmax of W z, then go on writing greedily;  r = reward(x)
    answer = that of the last x

The self reward asks the same model for four verdicts on its answer (wording/latent_seek.py) and is minus the share of weight that failed. `reward="oracle"` knows the
reference (0 if right, else -1): an upper bound, never a result. `reward="constant"` is always -1: movement without information.

The arms that the paper lacks have the same calls a step, one answer and its checks: `search="resample"` draws a new answer until the checks pass; `search="tokens"` puts the
second-best token at one more random place of the same N. `search="noise"` adds Gaussian noise to z (the paper's unguided arm).

Chosen differently: the verifier is greedy (a noisy reward stops by luck), its verdict is read from its reply alone, and one that cannot be read counts as failed and is
reported; a step that changes no token costs nothing, since greedy writing would repeat itself; end of text is never decoded into the prefix; the last x that has an
answer is given. As r <= 0, every step moves away from the present tokens; a threshold of -0.2 lets one failed check of weight 1 of 6 pass.
Cost per problem: (1 + steps that changed something) * (an answer and four checks), and one forward over the beginning of the first answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.errors import ConfigError
from thinkwell.core.method import METHODS, About, Outcome, Turn
from thinkwell.core.path import Origin, Path
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.core.sampling import GREEDY
from thinkwell.methods._endings import ends_by_token
from thinkwell.methods._self_reward import Judgement, Reward, judged
from thinkwell.methods._turns import WordingName
from thinkwell.session import Session

if TYPE_CHECKING:
    from thinkwell.decoding.latent_seek import Latents

DECODE_TEMPERATURE = 0.7
WHITE_BOX = frozenset({Capability.CONTINUE_PREFIX, Capability.TOKEN_IDS, Capability.HIDDEN})


class Search(StrEnum):
    """How the next answer is found."""

    LATENT = "latent"
    NOISE = "noise"
    TOKENS = "tokens"
    RESAMPLE = "resample"


class Optimizer(StrEnum):
    """Adam (the code; its first step ignores the reward's size) or SGD (the formula)."""

    ADAM = "adam"
    SGD = "sgd"


class Decode(StrEnum):
    """How latents become tokens."""

    GREEDY = "greedy"
    SAMPLE = "sample"


class Return(StrEnum):
    """Which of the answers is given."""

    LAST = "last"
    BEST = "best"


class Config(Knobs):
    rho: float = Field(default=0.2, gt=0, le=1)
    """Share of the first answer's tokens whose states are optimised. The paper: 0.05 to 0.3; its code's default is 0.1."""
    max_update_tokens: int = Field(default=300, ge=1)
    """States optimised at most."""
    start_fraction: float = Field(default=0.0, ge=0, lt=1)
    """Where they begin, as a share of the first answer; the paper's ablation: 0.4."""
    lr: float = Field(default=0.03, gt=0)
    """Learning rate. The paper: 0.03 to 0.05, for one model and prompt 10."""
    optimizer: Optimizer = Optimizer.ADAM
    """adam or sgd."""
    max_steps: int = Field(default=10, ge=0)
    """Steps at most."""
    reward_threshold: float = Field(default=-0.2, ge=-1, le=0)
    """A reward above this ends the search."""
    reward: Reward = Reward.SELF
    """self (four checks by the model), oracle (knows the reference: an upper bound only) or constant (-1)."""
    format_check: bool = False
    """An answer that cannot be read takes 2/6 off the self reward too, as the paper does for some models."""
    check_tokens: int | None = Field(default=None, ge=1)
    """Ceiling of one check in tokens; None: the preset's for a whole path."""
    decode: Decode = Decode.GREEDY
    """greedy, or sample (temperature 0.7; a bit worse in the paper)."""
    return_policy: Return = Return.LAST
    """last (as the code does) or best (the first of the highest reward)."""
    search: Search = Search.LATENT
    """latent; the controls: noise, tokens (second-best ones), resample (whole new answers, which any engine can write)."""
    noise_variance: float = Field(default=0.5, gt=0)
    """Of the Gaussian noise of search noise. The paper: 0.5 to 1."""
    wording: WordingName = "auto"
    """Texts of the checks: instruct, reasoning, lab; auto: by the preset."""


@dataclass(slots=True)
class Trial:
    """The answers so far, oldest first, with their rewards, and what it took."""

    paths: list[Path] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)  # tokens that each step changed
    unreadable: int = 0

    def took(self, path: Path, judgement: Judgement) -> None:
        self.paths.append(path)
        self.rewards.append(judgement.reward)
        self.unreadable += judgement.unreadable


class LatentSeek:
    name: ClassVar[str] = "latent_seek"
    about: ClassVar[About] = About(
        "optimise the hidden states of an answer's beginning until the model itself approves of the answer",
        "Seek in the Dark: Reasoning via Test-Time Instance-Level Policy Gradient in Latent Space (Li et al. 2025)", "2505.13308", "decoding",
    )  # fmt: skip
    needs: ClassVar[frozenset[Capability]] = WHITE_BOX
    scorers: ClassVar[tuple[str, ...]] = ()
    turns: ClassVar[frozenset[Turn]] = frozenset({Turn("latent_seek")})
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})
        if self.config.reward is not Reward.SELF:
            self.turns = frozenset()  # type: ignore[misc]  # nobody is asked
        if self.config.search is Search.RESAMPLE:
            self.needs = frozenset()  # type: ignore[misc]  # whole new answers need no white box

    def fit(self, budget: Budget, preset: Preset) -> Self:
        return self  # the search stops when the budget is spent, and the first answer is there by then

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        (first,) = await session.extend(await session.open(1), sampling=GREEDY)
        return await self.refine(problem, session, first)

    async def refine(self, problem: Problem, session: Session, path: Path) -> Outcome:
        """The search from an answer that is there already."""
        config, first = self.config, path
        if config.reward is Reward.ORACLE and problem.reference is None:
            raise ConfigError(f"reward=oracle needs a reference answer, which problem {problem.id!r} has not; use reward=self.")
        trial = Trial()
        trial.took(first, await judged(session, problem, first, config))
        start, n = span(first, config)
        latents: Latents | None = None
        while trial.rewards[-1] <= config.reward_threshold and len(trial.changed) < config.max_steps and not session.exhausted:
            if config.search is Search.RESAMPLE:
                (path,) = await session.extend(await session.open(1))
                trial.changed.append(path.count(Origin.MODEL))
            elif n == 0:
                break
            else:
                latents = latents or await latents_of(session, first, start, n, config)
                trial.changed.append(self._move(session, latents, trial))
                if not trial.changed[-1]:
                    continue
                path = await rewrite(session, first, start, latents.tokens)
            trial.took(path, await judged(session, problem, path, config))
        return self._outcome(session, trial, n)

    def _move(self, session: Session, latents: Latents, trial: Trial) -> int:
        """One step of the search; how many of the prefix's tokens it changed."""
        config, step = self.config, len(trial.changed)
        seed = int(session.rng(f"latents {step}").integers(1 << 62))
        match config.search:
            case Search.TOKENS:
                place = int(session.rng("places").permutation(len(latents.tokens))[step % len(latents.tokens)])
                old, latents.tokens[place] = latents.tokens[place], latents.second_best()[place]
                return int(old != latents.tokens[place])
            case Search.NOISE:
                latents.shake(config.noise_variance, seed)
            case _:
                latents.ascend(trial.rewards[-1])
        return latents.decode(DECODE_TEMPERATURE if config.decode is Decode.SAMPLE else 0.0, seed)

    def _outcome(self, session: Session, trial: Trial, n: int) -> Outcome:
        config, paths, rewards = self.config, tuple(trial.paths), tuple(trial.rewards)
        answered = [i for i, path in enumerate(paths) if session.answer(path) is not None]
        facts = {
            "search": config.search.value,
            "reward": config.reward.value,
            "passed": rewards[-1] > config.reward_threshold,
            "steps": len(trial.changed),
            "calls": len(paths),
            "rewards": list(rewards),
            "latents": n,
            "changed": list(trial.changed),
            "unreadable": trial.unreadable,
        }
        if not answered:
            return Outcome(None, paths, None, rewards, facts)
        given = paths[answered[-1] if config.return_policy is Return.LAST else max(answered, key=lambda i: rewards[i])]
        return Outcome(session.answer(given), paths, given, rewards, facts)


def span(first: Path, config: Config) -> tuple[int, int]:
    """Position of the first optimised token in the path, and how many there are."""
    written = len(first) - first.count(Origin.PROMPT)
    start = math.floor(config.start_fraction * written)
    return len(first) - written + start, min(math.floor(config.rho * written), config.max_update_tokens, written - start)


async def latents_of(session: Session, first: Path, start: int, n: int, config: Config) -> Latents:
    """The states behind tokens [start, start + n) of the path: that of the token before each."""
    from thinkwell.decoding.latent_seek import Head, Latents

    engine: Any = session.engine_of(first)  # one with hidden states: `needs` says so
    ids = first.tokens
    session.usage.prefill_computed += start + n - 1
    (states,) = await engine.hidden([ids[: start + n - 1]])
    end_of_text = ids[-1:] if await ends_by_token(session, first) else []
    return Latents(
        states[-1][start - 1 :],
        Head(*engine.head),
        ids[start : start + n],
        lr=config.lr,
        optimizer=config.optimizer.value,
        banned=end_of_text,
    )


async def rewrite(session: Session, first: Path, start: int, tokens: list[int]) -> Path:
    """The first answer with these tokens from `start` on, and what greedy writing makes of it."""
    path = await session.cut(first, start)
    path = await session.splice(path, await session.engine_of(path).decode(tokens), ids=tokens)
    room = session.preset.max_tokens - (len(path) - path.count(Origin.PROMPT))
    (path,) = await session.extend([path], max_tokens=max(0, room), sampling=GREEDY)
    return path


METHODS.add(LatentSeek.name)(LatentSeek)
