"""Budget forcing: make one path think as long as wanted, no longer and no shorter (s1, Muennighoff et al. 2025, arXiv 2501.19393).

    thinking: the path writes until it closes its thinking or has written max_thinking_tokens
        closed it, and suppressed fewer than n_ignore times: take the mark away, write "Wait" instead, go on thinking
        ran out of tokens: write a newline if needed, the mark and the answer cue
    answer: the path writes until its end

`mode="reject"` and `mode="tell"` are the paper's controls: draw whole new paths until one closes its thinking within max_thinking_tokens; or say the limit in the prompt
and leave the model alone.

Chosen differently: tokens for the answer are kept back from every ceiling (budget, context, preset), so that forcing always leaves room to answer; the sampling is the
run's (the paper's is greedy); the last, permitted end mark stays the model's own. With ignore_text="" the path is forked before it goes on: the mark was
sampled at this very position, and the same noise would sample it again.
Cost per problem: up to max_thinking_tokens and an answer; each suppressed mark costs one token more than it leaves.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import ClassVar, Self

from pydantic import Field

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.method import METHODS, About, Outcome
from thinkwell.core.path import Finish, Origin, Path
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Message, Preset
from thinkwell.methods._endings import closing_cue, reopened
from thinkwell.methods._selection import select
from thinkwell.methods._steps import closed
from thinkwell.session import Session

ANSWER_SHARE = 4  # tokens kept back for the answer: a quarter of a typical path ...
ANSWER_MOST = 2  # ... and at most half of what is left
MOST_IGNORED = 6  # the paper's largest n_ignore; beyond it models loop


class Mode(StrEnum):
    """Forcing, or one of the controls it is compared with."""

    FORCE = "force"
    REJECT = "reject"
    TELL = "tell"


class Config(Knobs):
    max_thinking_tokens: int | None = Field(default=None, ge=0)
    """Ceiling of the thinking in tokens; None: what budget, context and preset leave after the answer's share."""
    n_ignore: int = Field(default=1, ge=0)
    """How often the end of thinking is suppressed; sized to a token budget (at most 6) unless set. 0: the ceiling alone."""
    ignore_text: str = "Wait"
    """Written in place of the suppressed mark. The paper compares "Wait", "Hmm", "Alternatively" and "" (nothing)."""
    answer_tokens: int | None = Field(default=None, ge=1)
    """Tokens kept back for the answer; None: a quarter of the preset's typical length."""
    mode: Mode = Mode.FORCE
    """force; reject (draw again until the thinking is short enough); tell (put the limit into the prompt)."""
    max_tries: int = Field(default=8, ge=1)
    """Paths that mode reject draws at most."""


class BudgetForcing:
    name: ClassVar[str] = "budget_forcing"
    about: ClassVar[About] = About(
        'one path, made to think longer with "Wait" or cut short and asked to answer',
        "s1: Simple test-time scaling (Muennighoff et al. 2025)", "2501.19393", "decoding",
    )  # fmt: skip
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.CONTINUE_PREFIX})
    scorers: ClassVar[tuple[str, ...]] = ()
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})

    def fit(self, budget: Budget, preset: Preset) -> Self:
        if budget.tokens is None:
            return self
        # The paper's axis: one more "Wait" for one more answer's worth of tokens.
        extra = round(min(budget.tokens, preset.max_tokens) / max(1, preset.typical_tokens)) - 1
        return type(self)(self.config.resized(n_ignore=min(max(0, extra), MOST_IGNORED)))

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        match self.config.mode:
            case Mode.FORCE:
                return await self._force(session)
            case Mode.REJECT:
                return await self._reject(session)
            case Mode.TELL:
                return await self._tell(problem, session)

    async def _force(self, session: Session) -> Outcome:
        config = self.config
        (path,) = await session.open(1)
        kept_back, ignored = self._answer_share(session, path), 0
        while (left := self._left(session, path, kept_back)) > 0:
            keep_mark = ignored >= config.n_ignore
            path = await think(session, path, left, keep_mark, at_least=1 if ignored else 0)
            if path.finish is not Finish.STOP or keep_mark:
                break
            ignored += 1
            path = await session.splice(path, config.ignore_text) if config.ignore_text else session.fork(path, 1)[0]
        forced = not closed(session, path) and not (path.complete and session.answer(path) is not None)
        if forced:
            path = await self._close(session, path)
        if not path.done:
            (path,) = await session.extend([path])
        return select(session, [path], facts={"ignored": ignored, "forced": forced})

    async def _reject(self, session: Session) -> Outcome:
        """Whole new paths until one closes its thinking in time; no answer if none of max_tries does."""
        paths: list[Path] = []
        for _ in range(self.config.max_tries):
            (path,) = await session.open(1)
            most = self._left(session, path, self._answer_share(session, path))
            path = await think(session, path, most, keep_mark=True) if most > 0 else path
            fits = closed(session, path) or path.complete
            if fits and not path.done:
                (path,) = await session.extend([path])
            paths.append(path)
            if fits or session.exhausted:
                break
            session.prune([path], "thinking too long")
        return select(session, paths, facts={"tries": len(paths)})

    async def _tell(self, problem: Problem, session: Session) -> Outcome:
        """One path whose prompt says the limit."""
        limit = self.config.max_thinking_tokens
        told = min(session.tokens_left, session.preset.max_tokens) if limit is None else limit
        paths = await session.extend(await session.open(1, messages=with_limit(session.preset.messages(problem), told)))
        return select(session, paths, facts={"told": told})

    def _left(self, session: Session, path: Path, kept_back: int) -> int:
        """Tokens of thinking that may still be written."""
        left = self._room(session, path) - kept_back
        wanted = self.config.max_thinking_tokens
        return left if wanted is None else min(left, wanted - path.count(Origin.MODEL))

    def _answer_share(self, session: Session, path: Path) -> int:
        """Tokens kept back for the answer."""
        answer = self.config.answer_tokens or session.preset.typical_tokens // ANSWER_SHARE
        return min(answer, math.ceil(self._room(session, path) / ANSWER_MOST))

    def _room(self, session: Session, path: Path) -> int:
        """Tokens that budget, preset and context leave."""
        preset, context = session.preset, session.engine.info.context
        room = min(session.tokens_left, preset.max_tokens - path.count(Origin.MODEL))
        if context is not None:
            # What will be spliced in takes room too: every "Wait", the mark and the cue, counted as a token a character.
            spliced = self.config.n_ignore * len(self.config.ignore_text) + len(preset.think_close) + len(preset.answer_cue) + 1
            room = min(room, context - len(path) - spliced)
        return max(0, room)

    async def _close(self, session: Session, path: Path) -> Path:
        """End the thinking for the model and ask for the answer."""
        path = await reopened(session, path)  # it may have ended the whole text while thinking
        return await session.splice(path, closing_cue(session.preset, path.text))


async def think(session: Session, path: Path, most: int, keep_mark: bool, at_least: int = 0) -> Path:
    """The path with at most `most` more tokens of thinking; it ends by STOP if the model closed its thinking. A mark that is not kept is not in the path."""
    marks = (session.preset.think_close,) if session.preset.think_close else ()
    if not marks:
        session.note("the preset marks no thinking, so no end of it can be suppressed", path)
    (path,) = await session.extend([path], max_tokens=most, stop=marks, include_stop=keep_mark, min_tokens=at_least)
    return path


def with_limit(messages: list[Message], limit: int) -> list[Message]:
    """The conversation with the limit added to its last turn."""
    *before, last = messages
    return [*before, {**last, "content": last["content"] + LIMIT.format(tokens=limit)}]


LIMIT = "\n\nThink for up to {tokens} tokens."

METHODS.add(BudgetForcing.name)(BudgetForcing)
