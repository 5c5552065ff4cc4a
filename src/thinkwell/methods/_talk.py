"""What LeaP's paths do in a round: write, sum up what they have, and read what their peers have found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from numpy.random import Generator

from thinkwell.core.path import Finish, Origin, Path, Role
from thinkwell.methods._endings import ended, reopened, without_last_paragraph
from thinkwell.methods._group import Group
from thinkwell.methods._peers import route, sanitise
from thinkwell.methods._steps import closed
from thinkwell.methods.wording.leap import Wording, closing, comments, frame_length, read_summary

if TYPE_CHECKING:
    from thinkwell.methods.leap import Config
    from thinkwell.session import Session

PARAGRAPH = 2  # a paragraph may take half an interval more
COUNTED = ("rounds", "blocks", "summaries", "summaries_cut", "summaries_empty", "comments", "comments_left_out", "comment_tokens", "forced")


@dataclass(frozen=True, slots=True)
class Sizes:
    """The numbers of one run; all but the first in tokens."""

    n_paths: int
    interval: int
    summary: int
    answer: int


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
