"""A fake engine for tests and documentation: it writes what a script says, one toy token at a time.

Everything a real engine must honour is honoured (token ceilings, stop strings across tokens, minimum lengths, streaming, forks and cuts), and what a real
engine may do wrong can be asked for: failures, delays, more tokens than granted. The toy tokenizer cuts text into words, digits and marks (or
single characters); decoding gives the text back exactly.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from thinkwell.core.capability import Capability
from thinkwell.core.errors import ConfigError, EngineError, MissingCapability
from thinkwell.core.path import Finish, common_prefix
from thinkwell.core.prompt import Message
from thinkwell.decoding.token_bias import TokenBias
from thinkwell.engines.protocol import Completion, EngineInfo, Rendered, Request
from thinkwell.engines.stops import find_stop

EOS = 0
CAPABILITIES = frozenset(
    {
        Capability.CONTINUE_PREFIX,
        Capability.RESUME_OWN,
        Capability.TOKEN_IDS,
        Capability.LOGPROBS,
        Capability.PEEK,
        Capability.SCORE,
        Capability.TOKEN_BIAS,
        Capability.FRESH_SAMPLES,
    }
)
LOGPROB = -0.5  # of every token unless the script says otherwise


@dataclass(frozen=True, slots=True)
class Ask:
    """What a script sees. `so_far` is the path's text after the prompt; `attempt` counts repetitions of the very same request from 0."""

    problem: str
    path: str
    prompt: str
    so_far: str
    attempt: int
    request: Request


@dataclass(frozen=True, slots=True)
class Reply:
    """What to write, and how to misbehave.

    eos: end with the end-of-text token, else go on with `filler` for ever. logprobs: one value a token (shorter: the last repeats).
    fail: raised instead of writing. delay: turns of the event loop to wait. overrun: tokens written beyond the ceiling.
    """

    text: str = ""
    eos: bool = True
    logprobs: tuple[float, ...] = ()
    fail: BaseException | None = None
    delay: int = 0
    overrun: int = 0


Line = str | Reply
Script = Callable[[Ask], Line] | Mapping[tuple[str, str] | str | re.Pattern[str], Line | Sequence[Line]]


class ToyTokenizer:
    """Exact round trip. Character ids are code points; word ids are hashes above them, the same in every process."""

    WORDS = re.compile(r"\n\n|</?think>| ?\\boxed\{| ?[A-Za-z_]+|.", re.DOTALL)
    BASE = 0x110001
    _pieces: ClassVar[dict[int, str]] = {}

    def __init__(self, level: str = "word") -> None:
        if level not in ("word", "char"):
            raise ConfigError(f"the toy tokenizer has no level {level!r}; use 'word' or 'char'.")
        self.level = level

    def encode(self, text: str) -> tuple[int, ...]:
        return tuple(self._id(piece) for piece in (self.WORDS.findall(text) if self.level == "word" else text))

    def piece(self, token: int) -> str:
        if token == EOS:
            return ""
        if token < self.BASE:
            return chr(token - 1)
        if token not in self._pieces:
            raise EngineError(f"token id {token} was never encoded by the toy tokenizer.")
        return self._pieces[token]

    def decode(self, tokens: Iterable[int]) -> str:
        return "".join(self.piece(token) for token in tokens)

    def _id(self, piece: str) -> int:
        if len(piece) == 1:
            return ord(piece) + 1
        token = self.BASE + int.from_bytes(hashlib.blake2b(piece.encode(), digest_size=4).digest(), "little") % (1 << 30)
        if self._pieces.setdefault(token, piece) != piece:
            raise EngineError(f"the toy tokenizer has one id for {piece!r} and {self._pieces[token]!r}; change one of the words.")
        return token


class ToyLogits:
    """Logits over all ids: 0 for the script's token, `-lead` for every other. Reads and writes like an array, by an id or a list of them."""

    def __init__(self, token: int, lead: float) -> None:
        self.values, self.rest = {token: 0.0}, -lead

    def copy(self) -> ToyLogits:
        twin = ToyLogits(0, -self.rest)
        twin.values = dict(self.values)
        return twin

    def __getitem__(self, ids: int | Sequence[int]) -> float | NDArray[np.float64]:
        if isinstance(ids, int):
            return self.values.get(ids, self.rest)
        return np.array([self.values.get(token, self.rest) for token in ids])

    def __setitem__(self, ids: int | Sequence[int], values: float | NDArray[np.float64]) -> None:
        ids = [ids] if isinstance(ids, int) else ids
        self.values.update(zip(ids, np.broadcast_to(values, len(ids)).tolist(), strict=True))

    def argmax(self) -> int:
        """The likeliest id; of equals the script's, then the one written first."""
        return max(self.values, key=self.values.__getitem__)


@dataclass(slots=True)
class _Written:
    """One answered request: where in its entry of the script each of its tokens stands."""

    entry: str
    ids: tuple[int, ...]  # prefix and what was written
    start: int  # length of the prefix
    offset: int  # tokens of the entry used up before


@dataclass(slots=True)
class ScriptedEngine:
    """Writes what `script` says.

    A callable gets an `Ask` and returns what to write *next*. A mapping holds the *whole* text of a path, and the engine finds the place to go on
    at, also after a splice, a fork or a cut. Keys, tried in this order: (problem id, path id), the same for the path's ancestors, path id alone, problem id
    alone, then patterns (compiled, or strings with `re.search`) against the prompt; "*" is the last resort. A list as value: its item `k` belongs to path "k".
    Problem ids may be given with or without the session's `#sample`. lead: logits by which the script's token leads all others; a hook that
    overturns it gets the likeliest token written in its place.
    """

    script: Script
    name: str = "scripted"
    level: str = "word"
    capabilities: frozenset[Capability] = CAPABILITIES
    context: int | None = None
    filler: str = " and"
    lead: float = 20.0
    peeks: Callable[[Sequence[int]], dict[int, float]] | None = None
    info: EngineInfo = field(init=False)
    requests: list[Request] = field(init=False, default_factory=list)
    released: list[str] = field(init=False, default_factory=list)
    closed: bool = field(init=False, default=False)
    live: int = field(init=False, default=0)
    most_live: int = field(init=False, default=0)
    tokenizer: ToyTokenizer = field(init=False)
    _written: dict[str, list[_Written]] = field(init=False, default_factory=dict)
    _attempts: dict[tuple[str, str, str], int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.tokenizer = ToyTokenizer(self.level)
        self.info = EngineInfo(self.name, "scripted", "scripted-1", self.context)

    async def render(self, messages: Sequence[Message], problem: str = "") -> Rendered:
        text = prompt_text(messages)
        tokens = self.tokenizer.encode(text)
        if Capability.TOKEN_IDS not in self.capabilities:
            return Rendered((), text, tuple(messages), len(tokens))
        return Rendered(tokens, text, tuple(messages))

    async def encode(self, text: str) -> tuple[int, ...]:
        return self.tokenizer.encode(text)

    async def decode(self, tokens: Sequence[int]) -> str:
        return self.tokenizer.decode(tokens)

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        return list(await asyncio.gather(*(self._answer(request) for request in requests)))

    async def peek(self, prefixes: Sequence[Sequence[int]], top: int = 20) -> list[dict[int, float]]:
        """The `peeks` function's answers; without one, the end-of-text token for sure."""
        self._require(Capability.PEEK, "peek")
        full = [self.peeks(prefix) if self.peeks else {EOS: 0.0} for prefix in prefixes]
        return [dict(sorted(row.items(), key=lambda item: (-item[1], item[0]))[: top or None]) for row in full]

    async def score(self, sequences: Sequence[Sequence[int]]) -> list[list[float]]:
        self._require(Capability.SCORE, "score")
        return [[0.0 if i == 0 else LOGPROB for i in range(len(sequence))] for sequence in sequences]

    def release(self, lineages: Sequence[str]) -> None:
        self.released += lineages

    async def aclose(self) -> None:
        self.closed = True

    # ---- inside -------------------------------------------------------------------------------------------------------------

    async def _answer(self, request: Request) -> Completion:
        self.requests.append(request)
        if request.hook is not None and not (isinstance(request.hook, TokenBias) and Capability.TOKEN_BIAS in self.capabilities):
            self._require(Capability.LOGITS, "a logits hook")
        self.live += 1
        self.most_live = max(self.most_live, self.live)
        try:
            return await self._write(request)
        finally:
            self.live -= 1

    async def _write(self, request: Request) -> Completion:
        ids = request.prefix or self.tokenizer.encode(request.text)
        text = self.tokenizer.decode(ids)
        prompt = prompt_text(request.messages) if request.messages else ""
        prompt = prompt if text.startswith(prompt) else ""
        same = (request.key.problem, request.key.path, text)
        attempt = self._attempts[same] = self._attempts.get(same, -1) + 1
        ask = Ask(_plain(request.key.problem), request.key.path, prompt or text, text[len(prompt) :] if prompt else "", attempt, request)
        entry, line, offset = self._line(ask, ids)
        reply = line if isinstance(line, Reply) else Reply(line)
        for _ in range(reply.delay):
            await asyncio.sleep(0)
        if reply.fail is not None:
            raise reply.fail
        script = (*self.tokenizer.encode(reply.text), *((EOS,) if reply.eos else ()))[offset:]
        if not script and reply.eos:
            script = (EOS,)  # used up, and asked to go on once more
        done = self._cut(request, reply, script, ids)
        self._written.setdefault(request.key.problem, []).append(_Written(entry, (*ids, *done.tokens), len(ids), offset))
        if request.on_tokens:
            for token in done.tokens:
                request.on_tokens((token,), self.tokenizer.piece(token))
        if Capability.TOKEN_IDS not in self.capabilities:
            return Completion(
                done.text, (), done.finish, len(done.tokens), done.dropped, None, done.stop_matched, done.prefill_computed, 0, done.steps
            )
        return done

    def _cut(self, request: Request, reply: Reply, script: tuple[int, ...], ids: Sequence[int]) -> Completion:
        """What is left of the script's tokens after end of text, stop tokens, stop strings and the ceiling."""
        filler = self.tokenizer.encode(self.filler)
        tokens: list[int] = []
        finish = Finish.LENGTH
        ceiling = request.max_tokens + reply.overrun
        place = 0
        while len(tokens) < ceiling:
            may_end = reply.eos and not request.ignore_eos and len(tokens) >= request.min_tokens
            token = script[place] if place < len(script) else EOS if may_end else filler[(place - len(script)) % len(filler)]
            place += 1
            if token == EOS and (request.ignore_eos or len(tokens) < request.min_tokens):
                continue
            if request.hook is not None:
                token = request.hook(ToyLogits(token, self.lead), [*ids, *tokens]).argmax()
            tokens.append(token)
            if token == EOS:
                finish = Finish.EOS
                break
            if token in request.stop_tokens and len(tokens) >= request.min_tokens:
                finish = Finish.STOP
                break
        pieces = [self.tokenizer.piece(token) for token in tokens]
        written, matched = len(tokens), None
        stopped = find_stop(pieces, request.stop, include=request.include_stop, context=request.stop_context, min_tokens=request.min_tokens)
        if stopped:
            tokens, written, finish, matched = tokens[: stopped.kept], stopped.written, Finish.STOP, stopped.matched
        values = (*reply.logprobs, *([reply.logprobs[-1] if reply.logprobs else LOGPROB] * len(tokens)))[: len(tokens)]
        logprobs = values if request.logprobs and Capability.LOGPROBS in self.capabilities else None
        text = self.tokenizer.decode(tokens)
        return Completion(
            text, tuple(tokens), finish, len(tokens), written - len(tokens), logprobs, matched, prefill_computed=len(ids), steps=written
        )

    def _line(self, ask: Ask, ids: Sequence[int]) -> tuple[str, Line, int]:
        """The script's entry for a request, and how many of its tokens the path has used up."""
        if callable(self.script):
            return "", self.script(ask), 0
        entry, line = self._find(self.script, ask)
        offset, longest = 0, -1
        for record in self._written.get(ask.request.key.problem, ()):
            shared = common_prefix(record.ids, ids)
            if record.entry == entry and shared >= record.start and shared > longest:
                longest, offset = shared, record.offset + shared - record.start
        return entry, line, offset

    @staticmethod
    def _find(script: Mapping[tuple[str, str] | str | re.Pattern[str], Line | Sequence[Line]], ask: Ask) -> tuple[str, Line]:
        problem = ask.request.key.problem
        line_of_descent = [ask.path, *(name.rpartition(":")[2] for name in ask.request.lineage[1:])]
        keys: list[tuple[str, str] | str] = [(p, path) for path in line_of_descent for p in (problem, ask.problem)]
        keys += [*line_of_descent, problem, ask.problem]
        found: object = next((key for key in keys if key in script), None)
        if found is None:
            for key in script:
                pattern = re.compile(key) if isinstance(key, str) and key != "*" else key
                if isinstance(pattern, re.Pattern) and pattern.search(ask.prompt):
                    found = key
                    break
            else:
                found = "*" if "*" in script else None
        if found is None:
            raise ConfigError(f"the script has no line for problem {ask.problem!r}, path {ask.path!r}; add one, or '*'.")
        value = script[found]  # type: ignore[index]
        if isinstance(value, str | Reply):
            return repr(found), value
        top = re.match(r"\d+", ask.path)
        index = int(top.group()) if top else 0
        if index >= len(value):
            raise ConfigError(f"the script has {len(value)} lines for {found!r}, path {ask.path!r} needs line {index}; add it.")
        return f"{found!r}[{index}]", value[index]

    def _require(self, capability: Capability, what: str) -> None:
        if capability not in self.capabilities:
            raise MissingCapability(what, [capability], self.name, [])


def prompt_text(messages: Iterable[Message]) -> str:
    """The scripted engine's chat template."""
    return "".join(f"<{message['role']}>{message['content']}\n" for message in messages) + "<assistant>"


def uniform(tokens: Iterable[int]) -> dict[int, float]:
    """A `peeks` result: the given ids equally likely."""
    ids = list(tokens)
    return {token: -math.log(len(ids)) for token in ids}


def _plain(problem: str) -> str:
    return problem.rpartition("#")[0] or problem
