"""The seams of training. A recipe is data: stages, each with one of what is declared here.

    problems --draw--> rollout --samples--> grade --> reward --> filter --> advantage --> buffer --> loss --> optimiser

Each arrow is a value from `sample.py`; each part below is a small object or a plain function that knows nothing of the others. `loop.py` is the whole in one
sitting, `trainer.py` runs any stage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from torch import Tensor

from thinkwell.core.noise import NoiseKey
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.core.sampling import Sampling
from thinkwell.engines.protocol import Engine
from thinkwell.training.sample import Rewarded, Rollouts, Row, Sample

Draw = Callable[[int], list[Problem]]
"""The next n problems; who draws, moves the position in the data that a checkpoint keeps."""


@dataclass(frozen=True)
class Writer:
    """Who writes the rollouts of a step: an engine with the present weights, and how it is asked.

    seed and tag key the noise: `tag` differs between any two calls of a run ("12" for step 12, "12+1" for its first refill), so that the same step of the same run always
    writes the same tokens. version: optimiser steps made so far. max_tokens: of one response.
    """

    engine: Engine
    preset: Preset
    sampling: Sampling
    max_tokens: int
    seed: int
    tag: str
    version: int

    def key(self, problem: Problem, path: str) -> NoiseKey:
        return NoiseKey(self.seed, f"{self.tag}/{problem.id}", path)


class Rollout(Protocol):
    """Writes samples. What it keeps between calls (a pool of slots) is in its state."""

    async def collect(self, writer: Writer, draw: Draw) -> list[Sample]:
        """Samples with their paths and groups, not yet graded."""
        ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


class Reward(Protocol):
    """What samples are worth. What it keeps between steps (moving targets) is in its state."""

    def __call__(self, batch: Rollouts, step: int) -> Rewarded:
        """Raises whatever it raises: the run stops and shows the sample, or counts it, as the user chose."""
        ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


@runtime_checkable
class Prepares(Protocol):
    """A reward that wants to sample before a step (LASER-D's monitoring set)."""

    async def prepare(self, step: int, probe: Probe) -> None: ...


class Probe(Protocol):
    """Graded samples of the present policy on problems of somebody's choice: n a problem."""

    async def __call__(self, problems: Sequence[Problem], n: int) -> Rollouts: ...


class Filter(Protocol):
    """Which samples go on, (B,) bool. refill: the step asks for more until it has as many groups as it wanted (DAPO's dynamic sampling)."""

    @property
    def refill(self) -> bool: ...

    def __call__(self, batch: Rollouts, rewards: Rewarded) -> Tensor: ...


class Buffer(Protocol):
    """Replays earlier rows (SSB, R1V2). `mix` gets the step's own rows and gives those to train on."""

    def mix(self, rows: Sequence[Row], step: int) -> list[Row]: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True)
class View:
    """What an advantage may look at. rewards (B,) float, or (B, T) with the KL in the rewards of tokens; mask (B, T) bool; group_ids (B,); finished, cut (B,) bool.
    With a critic: values (B, T) before each token, and bootstrap_values (B,) after the last."""

    batch: Rollouts
    rewards: Tensor
    mask: Tensor
    group_ids: Tensor
    finished: Tensor
    cut: Tensor
    values: Tensor | None = None
    bootstrap_values: Tensor | None = None


Advantage = Callable[[View], Tensor]
"""(B, T), zero outside the mask."""
Targets = Callable[[View], Tensor]
"""What the critic regresses to, (B, T)."""
PolicyLoss = Callable[..., tuple[Tensor, dict[str, float]]]
"""`policy_loss(logp, old_logp, advantages, mask, *, weights, batch_tokens, batch_sequences, max_length, **knobs)` of `thinkwell.training.losses`."""


def of(function: Callable[..., Tensor], **knobs: Any) -> Advantage:
    """An advantage function of `thinkwell.training.advantages` that needs no values, with its knobs."""

    def advantage(view: View) -> Tensor:
        return function(view.rewards, view.mask, view.group_ids, **knobs)

    advantage.__name__ = getattr(function, "__name__", "advantage")
    return advantage


@dataclass(frozen=True, kw_only=True)
class Optimiser:
    """AdamW. rate: peak, per step; warmup: steps to it; then constant or a cosine to 10 %. clip: largest gradient norm."""

    rate: float = 1e-4
    warmup: int = 0
    decay: Literal["constant", "cosine"] = "constant"
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.95)
    clip: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Kl:
    """KL to a reference. to: the weights at the stage's start ("start"), an exponential moving average of the policy ("ema": keeps `ema` of itself a step) or that average
    put back to the policy every `reset_every` steps. place: added to the loss, its sum (k1) taken from the sample's reward, taken from the reward of every token (then the
    View's rewards are (B, T)), or T1's centred penalty added to the advantage."""

    coef: float = 1e-3
    estimator: str = "k3"
    place: Literal["loss", "reward", "token_reward", "centred"] = "loss"
    to: Literal["start", "ema"] = "start"
    ema: float = 0.99
    reset_every: int = 0


@dataclass(frozen=True, kw_only=True)
class Critic:
    """A value model: the policy's body with a scalar head. targets: what it regresses to; on: which samples' tokens it learns from; clip: of the value loss (0: none).
    warmup: steps in which the critic alone learns, on a frozen policy."""

    targets: Targets
    on: Literal["all", "finished"] = "all"
    optimiser: Optimiser = Optimiser(rate=5e-4)
    warmup: int = 0
    clip: float = 0.0
    passes: int = 1


@dataclass(frozen=True, kw_only=True)
class Rl:
    """A stage of reinforcement learning. prompts: problems a step; passes over a step's rows, each in `minibatches` optimiser steps."""

    rollout: Rollout
    reward: Reward
    advantage: Advantage
    loss: PolicyLoss
    steps: int
    prompts: int = 16
    filters: tuple[Filter, ...] = ()
    buffer: Buffer | None = None
    kl: Kl | None = None
    critic: Critic | None = None
    entropy: float = 0.0
    positive_nll: float = 0.0
    importance_cap: float | None = None  # truncated importance sampling between engine and trainer
    optimiser: Optimiser = Optimiser()
    passes: int = 1
    minibatches: int = 1
    refills: int = 4  # at most so many more collections a step
    max_tokens: int | None = None  # of a response; None: the recipe's
    problems: Any = None  # a source of problems of this stage's own (`problems.py`); None: the recipe's
    valid: Callable[[Sample], bool] | None = None  # is the format kept?
    name: str = "rl"


@dataclass(frozen=True, kw_only=True)
class Sft:
    """A stage of supervised learning. rows: step -> token ids and a flag a token that carries the loss, a pure function of (seed, step)."""

    rows: Callable[[int], Sequence[tuple[Sequence[int], Sequence[bool]]]]
    steps: int
    optimiser: Optimiser = Optimiser(rate=1e-3)
    name: str = "sft"


@dataclass(frozen=True, kw_only=True)
class Preference:
    """A stage of preference training (MPO). make: the pairs, `pairs.Pairs`, made by the present policy at the start of each of `rounds`, which share the steps evenly.
    batch: pairs a step. loss: knobs of `losses.mpo`; its reference is the policy of the stage's start."""

    make: Any
    steps: int
    rounds: int = 1
    batch: int = 16
    loss: Mapping[str, Any] = field(default_factory=dict)
    optimiser: Optimiser = Optimiser(rate=1e-4)
    name: str = "preference"


Stage = Rl | Sft | Preference
