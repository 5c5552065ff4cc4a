"""A reasoning path: tokens with an origin.

A path is a list of segments; each segment knows who wrote it. Paths are values: extending, splicing or cutting gives a new
path and leaves the old one as it was. The same type is a beam, a particle, a search node, an RL rollout (loss mask = origin
`model`) and a row of the trace viewer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain


class Origin(StrEnum):
    """Who wrote a segment."""

    PROMPT = "prompt"
    MODEL = "model"  # sampled: counts against the budget, carries the RL loss
    INJECTED = "injected"  # written by the method: "Wait", peers' comments, an early-exit cue
    TOOL = "tool"  # an observation


class Role(StrEnum):
    """What the writer of a segment was acting as; the cost sheet is split by it."""

    SOLVER = "solver"
    VERIFIER = "verifier"
    CRITIC = "critic"
    SUMMARY = "summary"
    CEO = "ceo"  # leads a team of agents
    RECRUITER = "recruiter"  # names its experts
    EVALUATOR = "evaluator"  # judges what it agreed on
    AGGREGATOR = "aggregator"  # brings the answers of others together


class Finish(StrEnum):
    """Why generation of a segment ended."""

    EOS = "eos"
    STOP = "stop"  # a stop string or stop token of the request
    LENGTH = "length"  # the request's own max_tokens
    BUDGET = "budget"  # the session's budget cut it
    CONTEXT = "context"  # the model's context window is full


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of tokens with one origin.

    `tokens` are vocabulary ids and the truth; `text` is their decoding. An engine without token ids (chat-only servers) gives
    `tokens=()` and states the count in `n_tokens`. `logprobs` (natural log, model distribution at temperature 1) has one value a token, or None.
    """

    text: str
    origin: Origin
    tokens: tuple[int, ...] = ()
    n_tokens: int = -1
    role: Role = Role.SOLVER
    logprobs: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.n_tokens < 0:
            object.__setattr__(self, "n_tokens", len(self.tokens))
        if self.tokens and self.n_tokens != len(self.tokens):
            raise ValueError(f"a segment of {len(self.tokens)} token ids cannot count {self.n_tokens} tokens")
        if self.logprobs is not None and len(self.logprobs) != self.n_tokens:
            raise ValueError(f"{len(self.logprobs)} log-probs for {self.n_tokens} tokens")


@dataclass(frozen=True, slots=True)
class Path:
    """A reasoning path.

    `id` names the path within its problem: "0", "1" ... for opened paths, "0.2" for the third fork of "0", "0~1" for the first cut of
    "0". Noise is keyed by it, so one id writes each position at most once. `finish` is None while the path can go on.
    """

    id: str
    segments: tuple[Segment, ...] = ()
    finish: Finish | None = None
    role: Role = Role.SOLVER

    def __len__(self) -> int:
        """Number of tokens, prompt included."""
        return sum(segment.n_tokens for segment in self.segments)

    def __iter__(self) -> Iterator[Segment]:
        return iter(self.segments)

    @property
    def tokens(self) -> list[int]:
        """All token ids, prompt included."""
        return list(chain.from_iterable(segment.tokens for segment in self.segments))

    @property
    def text(self) -> str:
        """The text after the prompt: what was sampled, injected and observed."""
        return "".join(segment.text for segment in self.segments if segment.origin is not Origin.PROMPT)

    @property
    def own_text(self) -> str:
        """`text` without what others say in it: injected segments of another role than the path's (peers' comments, a critic's report)."""
        return "".join(
            segment.text
            for segment in self.segments
            if segment.origin is not Origin.PROMPT and not (segment.origin is Origin.INJECTED and segment.role is not self.role)
        )

    @property
    def prompt(self) -> str:
        return "".join(segment.text for segment in self.segments if segment.origin is Origin.PROMPT)

    @property
    def done(self) -> bool:
        """Nothing more can be written: the model ended the path, the budget is spent or the context window full."""
        return self.finish in (Finish.EOS, Finish.BUDGET, Finish.CONTEXT)

    @property
    def complete(self) -> bool:
        """The model ended the path itself."""
        return self.finish is Finish.EOS

    def count(self, origin: Origin) -> int:
        """Number of tokens of one origin."""
        return sum(segment.n_tokens for segment in self.segments if segment.origin is origin)

    def loss_mask(self) -> list[bool]:
        """One flag a token: True where the model wrote it."""
        return [segment.origin is Origin.MODEL for segment in self.segments for _ in range(segment.n_tokens)]

    def logprobs(self) -> list[float]:
        """Log-probs of the sampled tokens, in order (empty if the engine gave none)."""
        return [value for segment in self.segments if segment.origin is Origin.MODEL for value in segment.logprobs or ()]

    def spans(self) -> list[tuple[Origin, int, int]]:
        """(origin, start, end) in token positions, in order."""
        result, start = [], 0
        for segment in self.segments:
            result.append((segment.origin, start, start + segment.n_tokens))
            start += segment.n_tokens
        return result

    def plus(self, *segments: Segment, finish: Finish | None = None) -> Path:
        """This path with segments added; `finish` replaces the old reason. Empty segments are dropped."""
        return replace(self, segments=self.segments + tuple(s for s in segments if s.n_tokens or s.text), finish=finish)

    def renamed(self, id: str) -> Path:
        return replace(self, id=id)

    def head(self, length: int) -> tuple[Segment, ...]:
        """Segments of the first `length` tokens, cut at token boundaries. The text of a cut segment is dropped to "" when ids
        cannot be decoded here: `Session.cut` decodes it."""
        if not 0 <= length <= len(self):
            raise ValueError(f"cannot cut a path of {len(self)} tokens at {length}")
        kept: list[Segment] = []
        left = length
        for segment in self.segments:
            if left <= 0:
                break
            if segment.n_tokens <= left:
                kept.append(segment)
                left -= segment.n_tokens
                continue
            if not segment.tokens:
                raise ValueError("a segment without token ids (chat-only server) cannot be cut")
            logprobs = segment.logprobs[:left] if segment.logprobs is not None else None
            kept.append(replace(segment, tokens=segment.tokens[:left], n_tokens=left, text="", logprobs=logprobs))
            left = 0
        return tuple(kept)


def common_prefix(left: Sequence[int], right: Sequence[int]) -> int:
    """Length of the longest common prefix of two id sequences."""
    limit = min(len(left), len(right))
    for position in range(limit):
        if left[position] != right[position]:
            return position
    return limit
