"""The seam between the session and whatever writes tokens.

An engine batches by itself: `generate` may be called many times at once (asyncio), and requests of different problems share its batches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

from thinkwell.core.capability import Capability
from thinkwell.core.noise import NoiseKey
from thinkwell.core.path import Finish
from thinkwell.core.prompt import Message
from thinkwell.core.sampling import Sampling
from thinkwell.decoding.drafts import Drafting


class LogitsHook(Protocol):
    """Changes the next-token logits of one path. One instance serves one path, so it may keep state.

    Called before every sampled token with that path's logits (V,) and its token ids so far (prompt included); returns logits (V,).
    """

    def __call__(self, logits_V: Any, tokens: Sequence[int]) -> Any: ...


def join_hooks(first: LogitsHook | None, second: LogitsHook | None) -> LogitsHook | None:
    """One hook that does the work of two, in this order."""
    if first is None or second is None:
        return first or second
    return lambda logits_V, tokens: second(first(logits_V, tokens), tokens)


@dataclass(frozen=True, slots=True)
class Request:
    """Ask for the continuation of one path.

    prefix: ids to go on from (or `text` / `messages` for servers without ids). lineage: the path's id, then its ancestors' ids, problem-qualified: whose cached
    keys and values may be reused; only a hint. stop: strings that end the segment; kept in the text when include_stop. stop_tokens end it too and are always kept.
    stop_context: the end of what was written before in the same segment; a stop string may begin in it.
    ignore_eos goes on past the end-of-text token.
    on_tokens is called with (ids, text) as they are written. draft: how to guess tokens ahead; an engine without `tree_verify` writes the same law without.
    """

    key: NoiseKey
    max_tokens: int
    prefix: tuple[int, ...] = ()
    text: str = ""
    messages: tuple[Message, ...] = ()
    lineage: tuple[str, ...] = ()
    sampling: Sampling = Sampling()
    stop: tuple[str, ...] = ()
    include_stop: bool = True
    stop_context: str = ""
    stop_tokens: tuple[int, ...] = ()
    min_tokens: int = 0
    ignore_eos: bool = False
    logprobs: bool = False
    hook: LogitsHook | None = None
    draft: Drafting | None = None
    on_tokens: Callable[[Sequence[int], str], None] | None = None
    deadline: float | None = None  # seconds this request may take; engines that cannot interrupt check it between steps


class AcceptedRun(NamedTuple):
    """Tokens that one forward of the target wrote, as it kept guesses: where they begin in the completion and how many they are, in tokens and in characters."""

    token: int
    n_tokens: int
    character: int
    n_characters: int


@dataclass(frozen=True, slots=True)
class Completion:
    """What an engine wrote for one request.

    `tokens` are the new ids that are kept, the end-of-text token among them when the model wrote it; its text is not part of `text`. `dropped` counts
    sampled tokens that were thrown away with a stop string that is not kept: they cost, but are not in the path.
    prefill_computed / prefill_reused: prefix tokens forwarded, and found in a cache. steps: forward passes this request took part in.
    runs: forwards that wrote more than one token, in order; the last one may reach into what was dropped.
    """

    text: str
    tokens: tuple[int, ...]
    finish: Finish
    n_tokens: int = -1
    dropped: int = 0
    logprobs: tuple[float, ...] | None = None
    stop_matched: str | None = None
    prefill_computed: int = 0
    prefill_reused: int = 0
    steps: int = 0
    scores: tuple[float, ...] | None = None  # recorded step scores (replay engine)
    runs: tuple[AcceptedRun, ...] = field(default=(), compare=False)  # how it was written, not what

    def __post_init__(self) -> None:
        if self.n_tokens < 0:
            object.__setattr__(self, "n_tokens", len(self.tokens))


def join_runs(pieces: Sequence[Completion]) -> tuple[int, int, tuple[AcceptedRun, ...]]:
    """Completions that follow each other as one: tokens sampled, forwards of the target that wrote them, and the runs among these."""
    runs: list[AcceptedRun] = []
    token = character = 0
    for piece in pieces:
        runs += [AcceptedRun(token + run.token, run.n_tokens, character + run.character, run.n_characters) for run in piece.runs]
        token, character = token + piece.n_tokens, character + len(piece.text)
    sampled = sum(piece.n_tokens + piece.dropped for piece in pieces)
    return sampled, sampled - sum(run.n_tokens - 1 for run in runs), tuple(runs)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A conversation made ready for an engine: ids where it has them, else text, else the messages themselves."""

    tokens: tuple[int, ...] = ()
    text: str = ""
    messages: tuple[Message, ...] = ()
    n_tokens: int = -1

    def __post_init__(self) -> None:
        if self.n_tokens < 0:
            object.__setattr__(self, "n_tokens", len(self.tokens))


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Facts that go into reports and cache keys. `fingerprint` changes when the weights or the server's model change.

    taught: the wordings (files of `thinkwell.methods.wording`) whose turns the model was trained to answer, where that is known; None: not known, as of served models.
    """

    name: str
    model: str
    fingerprint: str
    context: int | None = None
    details: dict[str, str] = field(default_factory=dict)
    taught: frozenset[str] | None = None


@runtime_checkable
class Engine(Protocol):
    """Writes tokens. All coroutines may be called concurrently."""

    info: EngineInfo
    capabilities: frozenset[Capability]

    async def render(self, messages: Sequence[Message], problem: str = "") -> Rendered:
        """The prompt of a conversation, ready to be continued by the assistant. `problem` is its id (replay looks samples up by it)."""
        ...

    async def encode(self, text: str) -> tuple[int, ...]:
        """Ids of a text put in the middle of a path (no special tokens added)."""
        ...

    async def decode(self, tokens: Sequence[int]) -> str: ...

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """Continue every request, in order. Raises `EngineError` when it cannot after its own retries."""
        ...

    async def peek(self, prefixes: Sequence[Sequence[int]], top: int = 20) -> list[dict[int, float]]:
        """Next-token log-probs (natural log, temperature 1) after each prefix, the `top` likeliest (0 = all)."""
        ...

    async def score(self, sequences: Sequence[Sequence[int]]) -> list[list[float]]:
        """Log-prob of each token given those before it; the first has 0.0. Lists as long as the sequences."""
        ...

    def release(self, lineages: Sequence[str]) -> None:
        """The paths of these (problem-qualified) ids will not be continued: their cache may go."""
        ...

    async def aclose(self) -> None: ...
