"""The session: the only door between a method and its engines.

One session serves one method on one problem. Whatever the method does (open, extend, splice, fork, cut, score, vote) goes through here, which in this one
place counts cost, enforces the budget, keys the randomness and emits events. Batching across problems is the engine's: sessions of many problems run side by side.

Budgets are hard. `extend` shares what is left equally among the paths asked for, asks the engine for no more than each share, and hands out again what finished paths
left over. Shares depend only on lengths, never on timing, so a run is the same whatever the batch. Call `extend` once with all paths rather than many times at once:
concurrent calls are safe but compete for the budget in the order they are made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from numpy.random import Generator

from thinkwell.answers.choose import Choice, choose
from thinkwell.answers.grade import answer_of
from thinkwell.core.answer import Answer
from thinkwell.core.budget import Budget, Usage, equal_shares
from thinkwell.core.capability import Capability
from thinkwell.core.errors import ConfigError, EngineError, MissingCapability, PathReused, UnknownName
from thinkwell.core.events import (
    Answered,
    BudgetSpent,
    Cut,
    Drafted,
    Event,
    Forked,
    NodeState,
    Note,
    PathOpened,
    Pruned,
    Said,
    Scored,
    SearchNode,
    Spliced,
    TokensWritten,
    Voted,
)
from thinkwell.core.method import Method, Outcome
from thinkwell.core.noise import NoiseKey, generator
from thinkwell.core.path import Finish, Origin, Path, Role, Segment
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Message, Preset
from thinkwell.core.sampling import Sampling
from thinkwell.core.scores import Scores
from thinkwell.decoding.drafts import Drafting
from thinkwell.engines.protocol import Completion, Engine, LogitsHook, Rendered, Request, join_hooks, join_runs
from thinkwell.engines.together import together
from thinkwell.scorers.protocol import Scorer, WritingScorer

MAX_OPEN_TOKENS = 1 << 30
RESUMES = frozenset({Capability.CONTINUE_PREFIX, Capability.RESUME_OWN})


@dataclass(slots=True)
class _Order:
    """One path being extended: how far it got and what it may still get."""

    path: Path
    allowance: int  # tokens the caller still allows
    pieces: list[Completion]
    hook: LogitsHook | None = None


class Session:
    """Solving one problem with one method. See the module's docstring for the rules.

    engines: other engines for paths of a role, or of a name that the method gives (`open(engine=)`); budget and cost are of all together.
    seed: of the run. sample: which repetition of the same problem (0, 1 ...). live: receives `TokensWritten(final=False)` while text is written.
    """

    def __init__(
        self,
        problem: Problem,
        engine: Engine,
        *,
        preset: Preset,
        engines: Mapping[str, Engine] | None = None,
        seed: int = 0,
        sample: int = 0,
        budget: Budget | None = None,
        scorers: Mapping[str, Scorer] | None = None,
        sampling: Sampling | None = None,
        live: Callable[[Event], None] | None = None,
    ) -> None:
        self.problem = problem
        self.engine = engine
        self.preset = preset
        self.budget = budget or Budget()
        self.sampling = sampling or Sampling(preset.temperature, preset.top_p)
        self.usage = Usage()
        self.events: list[Event] = []
        self._seed = seed
        self._stream = f"{problem.id}#{sample}"
        self._engines = dict(engines or {})
        self._engine_of: dict[str, Engine] = {}
        self._scorers = dict(scorers or {})
        self._live = live
        self._started = time.monotonic()
        self._reserved = 0
        self._opened = 0
        self._children: dict[str, int] = {}
        self._cuts: dict[str, int] = {}
        self._lineage: dict[str, tuple[str, ...]] = {}
        self._written: dict[str, int] = {}
        self._prompts: dict[str, Rendered] = {}
        self._scored: dict[tuple[str, str, int], Scores] = {}
        self._answers: dict[tuple[str, int, int, bool], Answer | None] = {}
        self._steering: Callable[[Path], LogitsHook | None] | None = None
        self._drafting: Drafting | None = None

    # ---- what is left -------------------------------------------------------------------------------------------------------

    @property
    def tokens_left(self) -> int:
        """Generated tokens that may still be sampled (a very large number without a ceiling)."""
        if self.budget.tokens is None:
            return MAX_OPEN_TOKENS
        return max(0, self.budget.tokens - self.usage.generated_tokens - self._reserved)

    @property
    def scorer_calls_left(self) -> int:
        if self.budget.scorer_calls is None:
            return MAX_OPEN_TOKENS
        return max(0, self.budget.scorer_calls - self.usage.scorer_calls)

    @property
    def seconds_left(self) -> float:
        if self.budget.seconds is None:
            return float("inf")
        return max(0.0, self.budget.seconds - (time.monotonic() - self._started))

    @property
    def exhausted(self) -> bool:
        """No token may be sampled any more."""
        return self.tokens_left == 0 or self.seconds_left == 0

    @property
    def max_paths(self) -> int | None:
        """How many paths the engine can open for this problem in all: the number of recorded samples for an engine that has `samples_of`, else None."""
        samples_of = getattr(self.engine, "samples_of", None)
        return None if samples_of is None else int(samples_of(self.problem))

    def engine_of(self, path: Path) -> Engine:
        """The engine that writes this path."""
        return self._engine_of.get(path.id, self.engine)

    @property
    def step_stop(self) -> tuple[str, ...]:
        """Stop strings that end one reasoning step."""
        return (self.preset.step_delimiter,)

    def rng(self, name: str) -> Generator:
        """A numpy generator for the method's own draws, keyed by seed, problem and `name`."""
        return generator(NoiseKey(self._seed, self._stream, f"rng:{name}"))

    def steer(self, hook_for: Callable[[Path], LogitsHook | None] | None) -> None:
        """From now on paths are written under the hook that `hook_for` makes of each (or None), asked at every `extend`; so a method can steer another that it
        runs in the same session. A hook given to `extend` itself comes after it."""
        self._steering = hook_for

    def draft(self, drafting: Drafting | None) -> None:
        """From now on paths are written with guesses that the engine verifies several at a time; the law of what they say stays the same. So a method can speed up
        another that it runs in the same session. An engine without `tree_verify` writes as always."""
        self._drafting = drafting

    # ---- writing ------------------------------------------------------------------------------------------------------------

    async def open(
        self, n: int = 1, *, messages: Sequence[Message] | None = None, role: Role = Role.SOLVER, engine: str = ""
    ) -> list[Path]:
        """Start `n` paths from the preset's prompt for this problem (or from `messages`), on the engine of that name, else of that role, else the session's."""
        if n < 1:
            raise ConfigError(f"a session cannot open {n} paths; ask for at least one.")
        writer = self._engines.get(engine, self._engines.get(role.value, self.engine))
        rendered = await writer.render(messages or self.preset.messages(self.problem), self.problem.id)
        paths = []
        for _ in range(n):
            path_id = str(self._opened)
            self._opened += 1
            segment = Segment(rendered.text, Origin.PROMPT, rendered.tokens, rendered.n_tokens, role)
            path = Path(path_id, (segment,), role=role)
            self._prompts[path_id] = rendered
            self._engine_of[path_id] = writer
            self._lineage[path_id] = (self._qualified(path_id),)
            self._written[path_id] = len(path)
            self.usage.prompt += rendered.n_tokens
            self._emit(PathOpened(self.problem.id, path_id, role, rendered.n_tokens, "" if writer is self.engine else writer.info.model))
            paths.append(path)
        return paths

    async def extend(
        self,
        paths: Sequence[Path],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        include_stop: bool = True,
        stop_tokens: Sequence[int] = (),
        sampling: Sampling | None = None,
        min_tokens: int = 0,
        logprobs: bool = False,
        hooks: Sequence[LogitsHook | None] | None = None,
    ) -> list[Path]:
        """Let the model go on writing each path until it ends, a stop string, `max_tokens` (default: the preset's ceiling for a whole path), or the budget.

        Paths that are done come back as they are. Raises `PathReused` if a path value was extended before, `MissingCapability` if the engine
        cannot continue a begun path, `EngineError` if it failed or overstepped what it was granted.
        """
        if len({path.id for path in paths}) < len(paths):
            raise PathReused("the same path was given twice to extend; fork it first.")
        orders: dict[int, _Order] = {}
        for index, path in enumerate(paths):
            if path.done:
                continue
            self._claim(path)
            self._check_continuable(path)
            allowed = max_tokens if max_tokens is not None else self.preset.max_tokens - path.count(Origin.MODEL)
            hook = join_hooks(self._steering(path) if self._steering else None, hooks[index] if hooks else None)
            orders[index] = _Order(path, max(0, min(allowed, self._room(path))), [], hook)

        active = {i: order for i, order in orders.items() if order.allowance}  # a path at its ceiling ends by LENGTH, not by the budget
        stranded: dict[int, _Order] = {}  # their engine cannot go on with what it wrote itself
        while active:
            shares = equal_shares([order.allowance for order in active.values()], self.tokens_left)
            granted = {index: share for (index, _), share in zip(active.items(), shares, strict=True) if share > 0}
            if not granted or self.seconds_left == 0:
                break
            requests = [
                self._request(active[i], share, tuple(stop), include_stop, tuple(stop_tokens), sampling, min_tokens, logprobs)
                for i, share in granted.items()
            ]
            reserved = sum(granted.values())
            self._reserved += reserved
            try:
                completions = await together(
                    [self.engine_of(active[i].path) for i in granted], requests, lambda own, part: own.generate(part)
                )
            finally:
                self._reserved -= reserved
            for (index, share), done in zip(granted.items(), completions, strict=True):
                order = active[index]
                self._count(order.path.role, done)
                if done.n_tokens + done.dropped > share:
                    raise EngineError(
                        f"engine {self.engine_of(order.path).info.name!r} wrote {done.n_tokens + done.dropped} tokens where {share} were granted; "
                        "it ignores max_tokens, so no budget can hold on it."
                    )
                order.pieces.append(done)
                order.allowance -= done.n_tokens + done.dropped
                stuck = done.n_tokens + done.dropped == 0  # asking again would never end
                if done.finish is not Finish.LENGTH or order.allowance == 0 or stuck:
                    del active[index]
            stranded |= {i: order for i, order in active.items() if not self.engine_of(order.path).capabilities & RESUMES}
            active = {i: order for i, order in active.items() if i not in stranded}
        starved = active | stranded
        return [self._finished(orders[index], index in starved) if index in orders else path for index, path in enumerate(paths)]

    async def splice(
        self, path: Path, text: str, origin: Origin = Origin.INJECTED, role: Role | None = None, ids: Sequence[int] = ()
    ) -> Path:
        """Write `text` (whose `ids` may be known) at the end of a path; the path can go on after it, even if the model had ended it."""
        self._claim(path)
        writer = self.engine_of(path)
        tokens = tuple(ids) or (await writer.encode(text) if Capability.TOKEN_IDS in writer.capabilities else ())
        segment = Segment(text, origin, tokens, role=role or path.role)
        if origin is Origin.TOOL:
            self.usage.tool += segment.n_tokens
        else:
            self.usage.injected += segment.n_tokens
        result = path.plus(segment)
        self._written[path.id] = len(result)
        self._emit(Spliced(self.problem.id, path.id, origin, text, segment.n_tokens, len(path), segment.role))
        return result

    def fork(self, path: Path, n: int) -> list[Path]:
        """`n` new paths that share everything written so far and get noise of their own."""
        children = []
        for _ in range(n):
            number = self._children.get(path.id, 0)
            self._children[path.id] = number + 1
            child = path.renamed(f"{path.id}.{number}")
            self._inherit(child, path)
            self._emit(Forked(self.problem.id, child.id, path.id, len(path)))
            children.append(child)
        return children

    async def cut(self, path: Path, length: int) -> Path:
        """A new path of the first `length` tokens (prompt included), free to go on differently."""
        segments = list(path.head(length))
        if segments and segments[-1].tokens and not segments[-1].text:
            segments[-1] = replace(segments[-1], text=await self.engine_of(path).decode(segments[-1].tokens))
        number = self._cuts.get(path.id, 0) + 1
        self._cuts[path.id] = number
        child = Path(f"{path.id}~{number}", tuple(segments), role=path.role)
        self._inherit(child, path)
        self._emit(Cut(self.problem.id, child.id, path.id, length))
        return child

    def prune(self, paths: Sequence[Path], reason: str) -> None:
        """Give paths up: their cache is freed. They must not be extended afterwards."""
        for path in paths:
            self._emit(Pruned(self.problem.id, path.id, reason))
        self._release([self._qualified(path.id) for path in paths])

    # ---- judging ------------------------------------------------------------------------------------------------------------

    async def peek(self, paths: Sequence[Path], top: int = 20) -> list[dict[int, float]]:
        """Next-token log-probs of each path, without writing anything."""
        self.usage.engine_calls += len(paths)
        return await together([self.engine_of(p) for p in paths], [p.tokens for p in paths], lambda own, part: own.peek(part, top))

    async def score(self, paths: Sequence[Path], scorer: str = "prm") -> list[Scores]:
        """Step scores of each path. A path scored before at the same length costs nothing; beyond the budget's scorer calls a path
        gets no scores (a `BudgetSpent` event says so). Raises `UnknownName` for a scorer the run does not have."""
        if scorer not in self._scorers:
            raise UnknownName("scorer", scorer, self._scorers)
        fresh = [path for path in paths if (scorer, path.id, len(path)) not in self._scored]
        granted = fresh[: self.scorer_calls_left]
        if len(granted) < len(fresh):
            self._emit(BudgetSpent(self.problem.id, "", "scorer_calls", len(fresh), len(granted)))
        if granted:
            self.usage.scorer_calls += len(granted)
            for path, scores in zip(granted, await self._judge(self._scorers[scorer], granted), strict=True):
                self._scored[scorer, path.id, len(path)] = scores
                self.usage.scored_tokens += scores.scored_tokens
                self._emit(Scored(self.problem.id, path.id, scorer, scores.steps))
        return [self._scored.get((scorer, path.id, len(path)), Scores(())) for path in paths]

    async def _judge(self, scorer: Scorer, paths: Sequence[Path]) -> list[Scores]:
        return await (scorer.score_in(self, paths) if isinstance(scorer, WritingScorer) else scorer.score(self._stream, paths))

    def answer(self, path: Path) -> Answer | None:
        """The answer a path carries, or None. It is never read from what others say in the path (see `Path.own_text`)."""
        key = (path.id, len(path), len(path.segments), path.complete)
        if key not in self._answers:
            opened = bool(self.preset.think_open) and path.prompt.rstrip().endswith(self.preset.think_open.strip())
            self._answers[key] = answer_of(path.own_text, self.problem, thinking=opened, finished=path.complete)
        return self._answers[key]

    def vote(self, paths: Sequence[Path], weights: Sequence[float] | None = None, *, rule: str = "majority", tie: str = "first") -> Choice:
        """Choose among the answers of `paths`; paths without an answer never vote. See `thinkwell.answers.choose` for the rules."""
        answers = [self.answer(path) for path in paths]
        lengths = [path.count(Origin.MODEL) for path in paths]
        choice = choose(answers, weights=weights, lengths=lengths, rule=rule, tie=tie, rng=self.rng("ties") if tie == "random" else None)
        self._emit(Voted(self.problem.id, "", rule, dict(choice.votes), choice.answer.text if choice.answer else None, choice.tie))
        return choice

    def say(
        self, path: Path | None, speaker: str, to: Sequence[str], text: str, *,
        round: int | None = None, how: str = "", decision: str = "", unread: bool = False,
    ) -> None:  # fmt: skip
        """Say who says what to whom in a discussion, for whoever draws it. See `Said`."""
        self._emit(Said(self.problem.id, path.id if path else "", speaker, tuple(to), text, round, how, decision, unread))

    def note(self, text: str, path: Path | None = None) -> None:
        """Leave a remark for whoever reads the run."""
        self._emit(Note(self.problem.id, path.id if path else "", text))

    def record_node(self, path: Path, parent: str, depth: int, state: NodeState, values: Mapping[str, float]) -> None:
        """Say where `path` stands in a search tree, for whoever draws it. See `SearchNode`."""
        self._emit(SearchNode(self.problem.id, path.id, parent, depth, state, dict(values)))

    # ---- the run ------------------------------------------------------------------------------------------------------------

    async def run(self, method: Method) -> Outcome:
        """Solve the problem with `method`, then free the caches and close the books."""
        try:
            outcome = await method.solve(self.problem, self)
        finally:
            lineages = [self._qualified(path_id) for path_id in self._lineage]
            self._release(lineages)
            self.usage.seconds = time.monotonic() - self._started
        self._emit(
            Answered(
                self.problem.id,
                outcome.chosen.id if outcome.chosen else "",
                outcome.answer.text if outcome.answer else None,
                self.usage.generated_tokens,
            )
        )
        return outcome

    # ---- inside -------------------------------------------------------------------------------------------------------------

    def _emit(self, event: Event) -> None:
        self.events.append(event)
        if self._live:
            self._live(event)

    def _qualified(self, path_id: str) -> str:
        return f"{self._stream}:{path_id}"

    def _inherit(self, child: Path, parent: Path) -> None:
        self._lineage[child.id] = (self._qualified(child.id), *self._lineage[parent.id])
        self._written[child.id] = len(child)
        self._prompts[child.id] = self._prompts[parent.id]
        self._engine_of[child.id] = self._engine_of[parent.id]

    def _release(self, lineages: Sequence[str]) -> None:
        for engine in {id(engine): engine for engine in (self.engine, *self._engines.values())}.values():
            engine.release(lineages)
        for scorer in self._scorers.values():
            scorer.release(lineages)

    def _claim(self, path: Path) -> None:
        """One path id writes each position once: otherwise the keyed noise would repeat itself unseen."""
        if path.id not in self._written:
            raise PathReused(f"path {path.id!r} was not opened by this session.")
        if self._written[path.id] != len(path):
            raise PathReused(
                f"path {path.id!r} was written on before: it has {self._written[path.id]} tokens, this value has {len(path)}. Fork it first."
            )

    def _check_continuable(self, path: Path) -> None:
        begun = any(segment.origin is not Origin.PROMPT for segment in path.segments)
        if begun and Capability.CONTINUE_PREFIX not in self.engine_of(path).capabilities:
            raise MissingCapability("session.extend", [Capability.CONTINUE_PREFIX], self.engine_of(path).info.name, [])

    def _room(self, path: Path) -> int:
        context = self.engine_of(path).info.context
        return MAX_OPEN_TOKENS if context is None else max(0, context - len(path))

    def _request(
        self, order: _Order, share: int, stop: tuple[str, ...], include_stop: bool, stop_tokens: tuple[int, ...],
        sampling: Sampling | None, min_tokens: int, logprobs: bool,
    ) -> Request:  # fmt: skip
        path = order.path
        written = sum(piece.n_tokens for piece in order.pieces)
        prompt = self._prompts[path.id]
        prefix = tuple(chain(path.tokens, *(piece.tokens for piece in order.pieces)))
        text = prompt.text + path.text + "".join(piece.text for piece in order.pieces)
        on_tokens = None
        if self._live is not None:
            live, start, path_id = self._live, len(path) + written, path.id

            def on_tokens(tokens: Sequence[int], piece: str) -> None:
                nonlocal start
                live(TokensWritten(self.problem.id, path_id, piece, len(tokens), start, None, final=False, role=path.role))
                start += len(tokens)

        return Request(
            key=NoiseKey(self._seed, self._stream, path.id),
            max_tokens=share,
            prefix=prefix,
            text=text,
            messages=prompt.messages,
            lineage=self._lineage[path.id],
            sampling=sampling or self.sampling,
            stop=stop,
            include_stop=include_stop,
            stop_context="".join(piece.text for piece in order.pieces),
            stop_tokens=stop_tokens,
            min_tokens=max(0, min_tokens - written),
            logprobs=logprobs,
            hook=order.hook,
            draft=self._drafting,
            on_tokens=on_tokens,
            deadline=None if self.budget.seconds is None else self.seconds_left,
        )

    def _count(self, role: Role, done: Completion) -> None:
        self.usage.generated[role.value] += done.n_tokens + done.dropped
        self.usage.prefill_computed += done.prefill_computed
        self.usage.prefill_reused += done.prefill_reused
        self.usage.engine_steps += done.steps
        self.usage.engine_calls += 1

    def _finished(self, order: _Order, starved: bool) -> Path:
        """The path with what was written for it. `starved`: the budget ended before the caller's allowance did."""
        path, pieces = order.path, order.pieces
        finish = pieces[-1].finish if pieces else Finish.LENGTH
        if starved or (not pieces and self.exhausted):
            finish = Finish.BUDGET
            self._emit(BudgetSpent(self.problem.id, path.id, "seconds" if self.seconds_left == 0 else "tokens", order.allowance, 0))
        elif finish is Finish.LENGTH and self._room(path) <= sum(piece.n_tokens for piece in pieces):
            finish = Finish.CONTEXT
        logprobs: tuple[float, ...] | None = None
        if pieces and all(piece.logprobs is not None for piece in pieces):
            logprobs = tuple(value for piece in pieces for value in piece.logprobs or ())
        segment = Segment(
            "".join(piece.text for piece in pieces),
            Origin.MODEL,
            tuple(chain.from_iterable(piece.tokens for piece in pieces)),
            sum(piece.n_tokens for piece in pieces),
            path.role,
            logprobs,
        )
        result = path.plus(segment, finish=finish)
        self._written[path.id] = len(result)
        self._emit(TokensWritten(self.problem.id, path.id, segment.text, segment.n_tokens, len(path), finish, role=path.role))
        if self._drafting is not None and Capability.TREE_VERIFY in self.engine_of(path).capabilities:
            self._emit(Drafted(self.problem.id, path.id, len(path), *join_runs(pieces)))
        return result
