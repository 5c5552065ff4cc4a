"""LeaP: paths that think side by side and now and then read what their peers have found (Luo et al. 2025, arXiv 2505.07787).

    n_paths paths; max_rounds times:
        every open path writes interval_tokens; one that closes its thinking is written to its end and leaves the group
        block (not after the last round): every open path is made to sum up what it has (a trigger, then at most summary_tokens of its own);
            a router chooses peer_top_k peers for it, and their summaries are put into its thinking as comments, with a sentence that leads back
    paths still open are closed and asked for their answer
    answer = that of most paths                                        (the mean over the paths is the paper's Pass@1)

`single_path` is the variant with one exchange: after the first block only one path goes on. `explain=False` is LeaP-T: a plain prompt for models trained on such traces.

Chosen differently: an unfinished paragraph is written to its end before the trigger instead of thrown away (`boundary="cut"` is the repository's way, within the
round's own text); a hybrid router shows no peer twice; one path alone holds no blocks; a block waits until the tokens left would still carry all open paths on;
tokens for the forced answer are kept back; a path that ends its text inside its thinking without an answer is taken on (as in the repository).
Comments are quoted so that nothing in them can end their frame, and no answer is read from them: they are injected segments with the role `summary`.
Cost per problem: n_paths * (typical_tokens + a summary of each a round); comments cost prefix, no generated tokens.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Self

from numpy.random import Generator
from pydantic import Field

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.errors import BudgetError
from thinkwell.core.method import METHODS, About, Outcome
from thinkwell.core.path import Finish, Origin, Path, Role
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.methods._endings import ended, reopened, without_last_paragraph
from thinkwell.methods._group import Group
from thinkwell.methods._peers import Router, Similarity, route, sanitise
from thinkwell.methods._selection import Select, select
from thinkwell.methods._steps import closed
from thinkwell.methods.wording.leap import WORDINGS, Wording, closing, comments, frame_length, read_summary
from thinkwell.session import Session

MOST = 256  # the paper's ceiling of a summary, and of a forced answer
PARAGRAPH = 2  # a paragraph may take half an interval more
COUNTED = ("rounds", "blocks", "summaries", "summaries_cut", "summaries_empty", "comments", "comments_left_out", "comment_tokens", "forced")


class Config(Knobs):
    n_paths: int = Field(default=16, ge=1)
    """Paths side by side (the paper: 32, GPQA 8); sized to a token budget unless set."""
    interval_tokens: int | None = Field(default=None, ge=1)
    """Tokens a path writes between two blocks (the paper's T); none: half a typical path, less where the budget could not pay two rounds."""
    max_rounds: int = Field(default=4, ge=1)
    """Rounds of writing; a path still open after them is asked for its answer."""
    peer_top_k: int = Field(default=4, ge=1)
    """Peers whose summaries a path is shown; fewer where fewer are left."""
    router: Router = Router.DISPERSED
    """dispersed (least similar summaries), clustered (most similar), hybrid (half of each), random, or all (no limit of peer_top_k)."""
    similarity: Similarity = Similarity.LEVENSHTEIN
    """levenshtein (the paper's formula) or indel (what its repository computes)."""
    summary_tokens: int | None = Field(default=None, ge=1)
    """Ceiling of a summary; none: half a typical path, at least 16 and at most 256."""
    comm_rounds: tuple[int, ...] | None = None
    """Rounds (from 0) after which a block is held; none: every one but the last."""
    single_path: bool = False
    """After the first block only the first open path goes on; the others had only their summaries to give."""
    share_finished: bool = False
    """Paths that have finished leave their solution among the summaries that a router chooses from."""
    explain: bool = True
    """Tell the model about summaries and comments, in the prompt and in its own voice; false for one trained for them (the lab's wording never does)."""
    boundary: Literal["finish", "cut"] = "finish"
    """finish the paragraph that a round ends in (within half of interval_tokens more), or cut it off."""
    answer_tokens: int | None = Field(default=None, ge=1)
    """Tokens kept back for the answer of a path that is closed; none: a quarter of a typical path, at most 256."""
    wording: Literal["auto", "instruct", "reasoning", "lab"] = "auto"
    """Whose texts: auto (by the preset), instruct, reasoning or lab."""


class LeaP:
    name: ClassVar[str] = "leap"
    about: ClassVar[About] = About(
        "paths that now and then sum up what they have and read their peers' summaries",
        "Learning from Peers in Reasoning Models (Luo et al. 2025)", "2505.07787", "discussion",
    )  # fmt: skip
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.CONTINUE_PREFIX})
    scorers: ClassVar[tuple[str, ...]] = ()
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})
        if self.config.boundary == "cut":
            self.needs = type(self).needs | {Capability.TOKEN_IDS}  # type: ignore[misc]  # a place in a text is a place among its tokens

    def fit(self, budget: Budget, preset: Preset) -> Self:
        if budget.tokens is None:
            return self
        size, typical = sizes(self.config, preset, None), max(1, preset.typical_tokens)
        whole = max(typical, size.interval) + size.summary // 2  # paths that end early write no summary, few reach its ceiling
        n_paths = budget.tokens // max(whole, size.interval + size.answer)
        if self.config.single_path:
            n_paths = (budget.tokens - typical) // (size.interval + size.summary)
        fitted = type(self)(self.config.resized(n_paths=max(1, n_paths)))
        sizes(fitted.config, preset, budget.tokens)
        return fitted

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        config, preset = self.config, session.preset
        size = sizes(config, preset, session.budget.tokens)
        wording = WORDINGS[preset.kind if config.wording == "auto" else config.wording]
        group = Group(session, await begin(session, problem, size.n_paths, wording, config.explain), size.answer)
        talk = Talk(session, group, config, wording, size, session.rng("leap"))
        for number in range(config.max_rounds):
            if not await talk.write(number):
                break
            if number + 1 < config.max_rounds and talk.due(number):
                await talk.block(number)
        talk.counts["forced"] = await group.close()
        return select(session, group.paths, rule=Select.MAJORITY, facts=talk.facts())


@dataclass(frozen=True, slots=True)
class Sizes:
    """The numbers of one run; all but the first in tokens."""

    n_paths: int
    interval: int
    summary: int
    answer: int


def sizes(config: Config, preset: Preset, tokens: int | None) -> Sizes:
    """The knobs with what was left open filled in.

    Raises `BudgetError` where those set by hand leave a budget of `tokens` too small for one round and the answers kept back from it.
    """
    typical, n_paths = max(1, preset.typical_tokens), config.n_paths
    longest = max(1, typical // 2)
    interval = config.interval_tokens or (longest if tokens is None else max(1, min(longest, tokens // (2 * n_paths))))
    answer = config.answer_tokens or min(MOST, max(1, typical // 4))
    by_hand = config.interval_tokens is not None or ("n_paths" in config.model_fields_set and n_paths > 1)
    if tokens is not None and by_hand and n_paths * (interval + answer) > tokens:
        least = n_paths * (answer + (config.interval_tokens or min(longest, max(1, answer - 1))))  # an open interval shrinks to so much
        raise BudgetError(
            f"leap: one round of {n_paths} paths with {interval} tokens each and {answer} kept back for each answer takes {n_paths * (interval + answer)} tokens, "
            f"and the budget has {tokens}; give tokens={least} or more, or lower n_paths, interval_tokens or answer_tokens."
        )
    return Sizes(n_paths, interval, config.summary_tokens or min(MOST, max(16, typical // 2)), answer)


async def begin(session: Session, problem: Problem, n: int, wording: Wording, explain: bool) -> list[Path]:
    """Open the paths, for an untrained model with the explanation in the prompt and the acknowledgement at the start of its thinking."""
    if not explain or not wording.explain:
        return await session.open(n)
    *before, last = session.preset.messages(problem)
    paths = await session.open(n, messages=[*before, {**last, "content": last["content"] + wording.explain}])
    think = session.preset.think_open
    if think and not paths[0].prompt.rstrip().endswith(think.strip()):
        paths = [await session.splice(path, think) for path in paths]
    return [await session.splice(path, wording.prefill, role=Role.SUMMARY) for path in paths]


@dataclass(slots=True)
class Talk:
    """The paths writing and talking, with what is counted on the way."""

    session: Session
    group: Group
    config: Config
    wording: Wording
    size: Sizes
    rng: Generator
    over: bool = False  # single_path: the one exchange has been held
    finished: dict[str, int] = field(default_factory=dict)  # path -> round
    counts: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(COUNTED, 0)))

    async def write(self, number: int) -> bool:
        """One round of thinking for every open path; false if none may write."""
        group, paths, preset = self.group, self.group.paths, self.session.preset
        going, delimiter = group.open(), preset.step_delimiter
        begun = (
            "" if self.config.explain else self.wording.summary_open
        )  # a trained model may begin a summary by itself: that ends its round
        stop = tuple(mark for mark in (preset.think_close, begun) if mark)
        starts = {i: len(paths[i].text) for i in going}
        if not await group.extend(going, preset.max_tokens if self.over else self.size.interval, stop):
            return False
        self.counts["rounds"] += 1
        if self.config.boundary == "finish" and delimiter:
            amid = [i for i in going if paths[i].finish is Finish.LENGTH and not paths[i].text.endswith(delimiter)]
            await group.extend(amid, max(1, self.size.interval // PARAGRAPH), (delimiter, *stop))
        await group.extend([i for i in going if closed(self.session, paths[i])], preset.max_tokens)
        for i in going:
            if ended(self.session, paths[i]):
                self.finished[paths[i].id] = number
            elif paths[i].complete:
                paths[i] = await reopened(self.session, paths[i])
            elif self.config.boundary == "cut" and not paths[i].done:
                paths[i] = await without_last_paragraph(self.session, paths[i], starts[i])
        return True

    def due(self, number: int) -> bool:
        """Is there anybody to talk to, and are they to talk now?"""
        return not self.over and len(self.group.paths) > 1 and (self.config.comm_rounds is None or number in self.config.comm_rounds)

    async def block(self, number: int) -> None:
        """A summary of every open path, and comments for each; with single_path for the first alone, and the others are given up."""
        session, paths = self.session, self.group.paths
        need = self.size.summary + frame_length(self.wording)  # of context, even without a comment
        members = [i for i in self.group.open() if self.group.room(paths[i]) > self.size.summary and self.group.context(paths[i]) > need]
        readers = members[:1] if self.config.single_path else members
        if not self.group.affords(members, self.size.summary, len(readers)):
            session.note(f"round {number}: no block, since nobody has tokens or context to spare")
            return
        self.counts["blocks"] += 1
        said = await self._sum_up(members)
        if self.config.share_finished:
            said |= {i: text for i, path in enumerate(paths) if path.id in self.finished and (text := self._solution(path))}
        heard: dict[int, list[str]] = {i: [] for i in said}
        for reader in readers:
            peers = [i for i in said if i != reader]
            others = [said[i] for i in peers]
            picks = route(self.config.router, said.get(reader, ""), others, self.config.peer_top_k, self.config.similarity, self.rng)
            await self._deliver(reader, [peers[pick] for pick in picks], said, heard)
        for i, text in said.items():
            session.say(paths[i], paths[i].id, heard[i], text, round=number, how=self.config.router.value)
        if self.config.single_path:
            session.prune([paths[i] for i in members[1:]], "only gave its summary")
            paths[:] = [path for i, path in enumerate(paths) if i not in members[1:]]
            self.over = True

    def facts(self) -> dict[str, Any]:
        """What happened. own_tokens: the candidates' reasoning without summaries; summary_tokens: all that were paid for; comment_tokens: received, not paid."""
        own = sum(s.n_tokens for path in self.group.paths for s in path if s.origin is Origin.MODEL and s.role is not Role.SUMMARY)
        paid = self.session.usage.generated[Role.SUMMARY.value]
        return {**self.counts, "own_tokens": own, "summary_tokens": paid, "finished_in_round": dict(self.finished)}

    async def _sum_up(self, members: list[int]) -> dict[int, str]:
        """Make every member write a summary. The ones that say something, safe to quote, by place."""
        session, wording, paths = self.session, self.wording, self.group.paths
        openings: dict[int, str] = {}
        for i in members:
            recap, openings[i] = (texts[int(self.rng.integers(len(texts)))] for texts in (wording.recaps, wording.openings))
            if paths[i].own_text.endswith(wording.summary_open):
                openings[i] = wording.summary_open  # the model's own
                continue
            gap = "" if paths[i].text.endswith("\n\n") else "\n\n"
            paths[i] = await session.splice(paths[i], gap + recap + openings[i], role=Role.SUMMARY)
        # Written in the role of a summary, so that path and cost sheet tell these tokens from the path's own reasoning.
        before = [replace(paths[i], role=Role.SUMMARY) for i in members]
        stop = tuple(mark for mark in (wording.summary_close, session.preset.think_close) if mark)
        written = await session.extend(before, max_tokens=self.size.summary, stop=stop, include_stop=False)
        said: dict[int, str] = {}
        for i, old, new in zip(members, before, written, strict=True):
            reply, stopped = new.text[len(old.text) :], new.finish is Finish.STOP
            summary = read_summary(openings[i], reply, stopped, wording)
            path = replace(await reopened(session, new), role=Role.SOLVER)
            paths[i] = await session.splice(path, closing(reply, stopped, wording), role=Role.SUMMARY)
            text = "" if summary.blank else sanitise(summary.text, wording.marks)
            said |= {i: text} if text else {}
            self.counts.update(summaries=1, summaries_cut=int(not summary.ended), summaries_empty=int(not text))
        return said

    async def _deliver(self, reader: int, chosen: list[int], said: dict[int, str], heard: dict[int, list[str]]) -> None:
        """Put the chosen summaries into the reader's thinking, as many as its context holds (a token a character, to be safe)."""
        path, room = self.group.paths[reader], self.group.context(self.group.paths[reader])
        while len(text := comments([said[i] for i in chosen], self.wording)) > room and chosen:
            chosen = chosen[:-1]
            self.counts["comments_left_out"] += 1
        self.group.paths[reader] = await self.session.splice(path, text, role=Role.SUMMARY)
        self.counts.update(comments=len(chosen), comment_tokens=len(self.group.paths[reader]) - len(path))
        for i in chosen:
            heard[i].append(path.id)

    def _solution(self, path: Path) -> str:
        mark = self.session.preset.think_close
        return sanitise(path.own_text.rpartition(mark)[2] if mark else path.own_text, self.wording.marks)


METHODS.add(LeaP.name)(LeaP)
