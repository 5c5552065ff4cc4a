"""A request in flight, and how it ends: end-of-text, stop token, stop string, length, context, deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from thinkwell.core.path import Finish
from thinkwell.decoding.drafts import Drafter
from thinkwell.engines.local.cache import BLOCK, Stored
from thinkwell.engines.local.text import BROKEN, CONTEXT, Stream, Vocabulary
from thinkwell.engines.protocol import AcceptedRun, Completion, Request
from thinkwell.engines.stops import find_stop


@dataclass(slots=True, eq=False)
class Run:
    """`ids`: prefix and what was written. `limit`: the longest they may get. `ends`: ids that end the text. `watch`: ids after which it may have ended
    (None: look after every one)."""

    request: Request
    future: asyncio.Future[Any]
    ids: list[int]
    start: int
    limit: int
    ends: frozenset[int]
    watch: frozenset[int] | None
    noise: tuple[int, int, int, int]
    stream: Stream | None = None
    deadline: float | None = None
    peek: int | None = None  # give this many next-token log-probs (0: all) instead of writing
    logprobs: list[float] = field(default_factory=list)
    computed: int = 0
    steps: int = 0  # of prefill; decoding adds one a token, but for those saved
    drafter: Drafter | None = None
    ahead: tuple[int, Any] | None = None  # noise for drafts: of the positions from the first number on
    runs: list[tuple[int, int]] = field(default_factory=list)  # where a step writes several tokens as drafts of them stand, and how many

    @property
    def written(self) -> int:
        return len(self.ids) - self.start

    @property
    def special(self) -> bool:
        """Whether every step must do more than draw a token and see whether it ends a path."""
        request = self.request
        return request.logprobs or request.hook is not None or request.min_tokens > 0 or self.watch is None or self.drafter is not None


@dataclass(slots=True)
class Job:
    """A prefix to compute: its tokens but the last, how many are done, where those came from, and who waits for it."""

    tokens: tuple[int, ...]
    done: int
    stored: Stored | None
    runs: list[Run]

    @property
    def left(self) -> int:
        return len(self.tokens) - self.done


@dataclass(slots=True)
class Needs:
    """What every step must do for the sake of some of the paths. watched: ids after which a path may have ended; watched_all: any id may be one.
    sized: drafts even where the engine would find that they do not pay."""

    logprobs_wanted: bool = False
    steered: bool = False
    watched: frozenset[int] = frozenset()
    watched_all: bool = False
    drafted: bool = False
    sized: bool = False

    def add(self, runs: Iterable[Run]) -> None:
        for run in runs:
            request = run.request
            self.logprobs_wanted |= request.logprobs
            self.steered |= request.hook is not None or request.min_tokens > 0
            if run.watch is None:
                self.watched_all = True
            elif not run.watch <= self.watched:
                self.watched |= run.watch
            if run.drafter is not None and request.draft is not None:
                self.drafted = True
                self.sized |= request.draft.nodes is not None or not request.draft.rule.matches


def start_run(
    request: Request, future: asyncio.Future[Any], vocabulary: Vocabulary, eos: frozenset[int], context: int, peek: int | None = None
) -> Run:
    ends = frozenset(request.stop_tokens) | (frozenset() if request.ignore_eos else eos)
    looks = request.on_tokens is not None or request.deadline is not None
    dropped = () if request.include_stop else request.stop
    return Run(
        request=request,
        future=future,
        ids=list(request.prefix),
        start=len(request.prefix),
        limit=min(len(request.prefix) + request.max_tokens, context),
        ends=ends,
        watch=None if looks else ends | vocabulary.enders(request.stop),
        noise=request.key.words(),
        stream=Stream(vocabulary, request.prefix, dropped, request.on_tokens) if request.on_tokens else None,
        deadline=None if request.deadline is None else time.monotonic() + request.deadline,
        peek=peek,
        drafter=None if request.draft is None or peek is not None else request.draft.drafter(request.sampling, lineage_root(request)),
    )


def lineage_root(request: Request) -> str:
    """The path that this one was forked from first, or itself."""
    return request.lineage[-1] if request.lineage else request.key.path


def spare_steps(run: Run) -> int:
    """Steps within which its limit does not end it."""
    return 1 if run.peek is not None else run.limit - len(run.ids)


def resting_name(run: Run) -> tuple[str, ...]:
    """Under which a path's cache is kept when it leaves; empty: it is not. A path's next tokens may be asked for again and again."""
    request = run.request
    if request.lineage:
        return request.lineage[:1]
    return (f"peek {hash(request.prefix)}",) if run.peek is not None and run.computed > BLOCK else ()


def completion(run: Run, vocabulary: Vocabulary) -> Completion | None:
    """The result of a run if its last token ended it, else None. Streams what is certain."""
    request, ids = run.request, run.ids[run.start :]
    last = ids[-1] if ids else None
    text, finish, matched, kept = None, None, None, len(ids)
    if last is not None and run.written >= request.min_tokens:
        if last in run.ends:
            finish = Finish.STOP if last in request.stop_tokens else Finish.EOS
        elif request.stop and (run.watch is None or last in vocabulary.enders(request.stop)):
            reach = max(map(len, request.stop))
            pieces = vocabulary.pieces_of(run.ids[: run.start], ids, reach + 1)
            stopped = find_stop(
                pieces, request.stop, include=request.include_stop, context=request.stop_context, min_tokens=request.min_tokens
            )
            if stopped is not None:
                finish, matched, kept, text = Finish.STOP, stopped.matched, stopped.kept, stopped.text
    if finish is None and len(run.ids) >= run.limit:
        finish = Finish.LENGTH if run.written >= request.max_tokens else Finish.CONTEXT
    if finish is None and run.deadline is not None and time.monotonic() > run.deadline:
        finish = Finish.LENGTH
    if finish is None:
        if run.stream is not None:
            run.stream.push(ids)
        return None
    if text is None:
        shown = ids[:-1] if finish is Finish.EOS else ids
        text = vocabulary.added(run.ids[: run.start], shown, final=finish is not Finish.LENGTH)
    if run.stream is not None:
        run.stream.finish(ids[:kept], text)
    runs = accepted(run, vocabulary, len(text)) if run.runs else ()
    return Completion(
        text=text,
        tokens=tuple(ids[:kept]),
        finish=finish,
        dropped=len(ids) - kept,
        logprobs=tuple(run.logprobs[:kept]) if request.logprobs else None,
        stop_matched=matched,
        prefill_computed=run.computed,
        prefill_reused=run.start - run.computed,
        steps=run.steps + len(ids) - sum(part.n_tokens - 1 for part in runs),
        runs=runs,
    )


def accepted(run: Run, vocabulary: Vocabulary, length: int) -> tuple[AcceptedRun, ...]:
    """The steps that wrote several tokens, with their places in the text of `length` characters that is kept. The path may have ended within the last one."""
    found, token, character = [], 0, 0

    def advance(to: int) -> int:
        """Characters before token `to`; one that is not whole yet belongs to the token that ends it, so lengths are taken with a few ids before."""
        nonlocal token, character
        at = run.start + token
        context = run.ids[max(0, at - CONTEXT) : at]
        whole, base = (vocabulary.decode([*context, *ids]).rstrip(BROKEN) for ids in (run.ids[at : run.start + to], ()))
        token, character = to, min(length, max(character, character + len(whole) - len(base)))
        return character

    for start, n_tokens in run.runs:
        stop = min(start + n_tokens, run.written)
        if stop - start > 1:
            begin = advance(start)
            found.append(AcceptedRun(start, stop - start, begin, advance(stop) - begin))
    return tuple(found)
