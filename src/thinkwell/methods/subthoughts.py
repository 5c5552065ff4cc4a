"""Subthoughts: cut one reasoning trace where it turns, finish it anew from every cut, take the most frequent answer (Hammoud et al. 2025, arXiv 2504.20708).

    trace = one greedy path; T = its thinking
    s_1 .. s_n = T cut before every marker ("Wait", "Alternatively", "So" ...); joined again they are T
    for i in 1..n (or evenly spaced ones): go on thinking from s_1 + ... + s_i to an answer A_i
    answer = mode of A_1 .. A_n, the earliest of equals;   H = - sum_a p(a) log2 p(a)

The entropy H is a confidence signal: low where the answers agree. `cuts="random"` is the control that the paper lacks: as many prefixes, cut at random tokens.

Chosen differently: a prefix ends at the token boundary at or before its marker, so that the ids before the cut stay what the model wrote and their cache is used
again (`cut="text"` tokenises the prefix anew; so does `cut="auto"` on an engine without ids). Answers are read by rule, not by a second model. A prefix without an
answer does not vote and is counted. With greedy completions the last prefix, the whole thinking, is not run again: it would repeat the trace. A token budget takes as many
evenly spaced prefixes as are likely to end within it.
Cost per problem: the trace, and for every prefix about what was left of the trace: (n + 1) / 2 times typical_tokens in all.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, ClassVar, Self

from numpy.random import Generator
from pydantic import Field

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.method import METHODS, About, Outcome
from thinkwell.core.path import Finish, Origin, Path
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.core.sampling import GREEDY, Sampling
from thinkwell.methods._cuts import cut_at, token_ends
from thinkwell.methods._selection import Select, select
from thinkwell.session import Session

LONGER = 1.15  # a completion is taken to be this much longer than what it replaces


class Completion(StrEnum):
    """How prefixes are finished."""

    SAMPLE = "sample"
    GREEDY = "greedy"


class Cuts(StrEnum):
    """Where the trace is cut."""

    MARKERS = "markers"
    RANDOM = "random"


class Boundary(StrEnum):
    """What a prefix is made of."""

    AUTO = "auto"
    TOKEN = "token"
    TEXT = "text"


class Config(Knobs):
    max_prefixes: int | None = Field(default=None, ge=1)
    """Prefixes to finish at most, evenly spaced, the whole thinking among them; None: every one (under a token budget as many as are likely to end)."""
    completion: Completion = Completion.SAMPLE
    """sample (the paper's better arm) or greedy. The trace is greedy in both."""
    temperature: float = Field(default=1.0, gt=0)
    """Of sampled completions."""
    top_p: float = Field(default=0.95, gt=0, le=1)
    """Of sampled completions."""
    max_new_tokens: int | None = Field(default=None, ge=1)
    """Tokens of one completion at most (the paper: 8192); None: what the preset leaves a path that began with the prefix."""
    markers: tuple[Annotated[str, Field(min_length=1)], ...] | None = Field(default=None, min_length=1)
    """Words that begin a subthought, with capitals as they are; None: the paper's 32."""
    sentence_starts: bool = False
    """Count a marker only at the start of a sentence or line."""
    cuts: Cuts = Cuts.MARKERS
    """markers, or as many random places (the control)."""
    cut: Boundary = Boundary.AUTO
    """token: keep the trace's ids up to the cut; text: tokenise the prefix anew; auto: token where the engine has ids."""


class Subthoughts:
    name: ClassVar[str] = "subthoughts"
    about: ClassVar[About] = About(
        "one trace finished anew from each of its turns; the most frequent answer",
        "Beyond the Last Answer: Your Reasoning Trace Uncovers More than You Think (Hammoud et al. 2025)", "2504.20708", "search",
    )  # fmt: skip
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.CONTINUE_PREFIX})
    scorers: ClassVar[tuple[str, ...]] = ()
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})
        if self.config.cut is Boundary.TOKEN:
            self.needs = type(self).needs | {Capability.TOKEN_IDS}  # type: ignore[misc]  # this instance asks for more than its class

    def fit(self, budget: Budget, preset: Preset) -> Self:
        return self  # how many prefixes fit is known when the trace is

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        (trace,) = await session.extend(await session.open(1), sampling=GREEDY)
        # From the whole thinking a greedy model would write the trace again.
        return await self._finish(session, trace, known=self.config.completion is Completion.GREEDY and trace.complete)

    async def refine(self, problem: Problem, session: Session, path: Path) -> Outcome:
        """The same with a path that another method wrote as the trace."""
        return await self._finish(session, path, known=False)

    async def _finish(self, session: Session, trace: Path, known: bool) -> Outcome:
        config = self.config
        greedy = config.completion is Completion.GREEDY
        start, stop = thinking_span(trace.text, session.preset)
        thoughts = segment(trace.text[start:stop], config.markers or MARKERS, config.sentence_starts)
        places = [start + sum(map(len, thoughts[: i + 1])) for i in range(len(thoughts))]
        if config.cuts is Cuts.RANDOM:
            places = scattered(start, stop, len(places), session.rng("cuts"))
        by_token = config.cut is Boundary.TOKEN or (
            config.cut is Boundary.AUTO and Capability.TOKEN_IDS in session.engine_of(trace).capabilities
        )
        places = chosen(session, trace, places, config.max_prefixes, known)
        prefixes = await (by_ids if by_token else by_text)(session, trace, places)
        sampling = GREEDY if greedy else Sampling(config.temperature, config.top_p)
        finished = await session.extend(prefixes, max_tokens=config.max_new_tokens, sampling=sampling) if prefixes else []
        if known or not any(session.answer(path) for path in finished):
            finished = [*finished, trace]
        answers = [answer.canonical if (answer := session.answer(path)) else None for path in finished]
        last = session.answer(trace)
        outcome = select(session, finished, rule=Select.MAJORITY)
        facts = {
            "subthoughts": len(thoughts),
            "prefixes": len(prefixes) + known,
            "answers": answers,
            "no_answer": answers.count(None),
            "cut_off": sum(path.finish is not Finish.EOS for path in finished),
            "last": last.canonical if last else None,
            "mode": outcome.answer.canonical if outcome.answer else None,
            "entropy": entropy(answers),
            "cut": (Boundary.TOKEN if by_token else Boundary.TEXT).value,
        }
        return replace(outcome, facts=outcome.facts | facts)


def thinking_span(text: str, preset: Preset) -> tuple[int, int]:
    """First and last character of the last thinking block; all of it where none is closed, the whole text where the preset marks no thinking."""
    if not preset.think_close:
        return 0, len(text)
    mark = preset.think_open.strip()
    opened = text.rfind(mark) if mark else -1
    start = opened + len(mark) if opened >= 0 else 0
    stop = text.find(preset.think_close, start)
    return start, len(text) if stop < 0 else stop


def segment(text: str, markers: Sequence[str], sentence_starts: bool = False) -> list[str]:
    """The subthoughts of a text: a marker (longest first, whole words, capitals as they are) opens one and stays in it. Joined they are the text;
    nothing but space before the first marker is no subthought of its own."""
    words = "|".join(re.escape(marker).replace("'", "['\u2019]") for marker in sorted(markers, key=len, reverse=True))
    starts = [found.start() for found in re.finditer(rf"(?<!\w)(?:{words})(?!\w)", text)]
    if sentence_starts:
        starts = [at for at in starts if SENTENCE_END.search(text[max(0, at - NEAR) : at]) or not text[:at].strip()]
    if starts and not text[: starts[0]].strip():
        starts = starts[1:]
    bounds = [0, *starts, len(text)]
    return [text[a:b] for a, b in pairwise(bounds)]


def scattered(start: int, stop: int, n: int, rng: Generator) -> list[int]:
    """`n` different random places of a text, in order, `stop` among them (fewer where it has not as many)."""
    inside = max(0, stop - start - 1)
    drawn = rng.choice(inside, size=min(n - 1, inside), replace=False) if inside else ()
    return [*sorted(start + 1 + int(place) for place in drawn), stop]


def spaced(places: Sequence[int], n: int) -> list[int]:
    """`n` of the places, evenly spaced, the last among them."""
    return [places[math.ceil(k * len(places) / n) - 1] for k in range(1, n + 1)]


def chosen(session: Session, trace: Path, places: Sequence[int], most: int | None, known: bool) -> list[int]:
    """The places to go on from: evenly spaced, at most `most`, as many as the tokens left are likely to finish; without the last if its answer is `known`."""
    written, length = trace.count(Origin.MODEL), max(1, len(trace.text))
    for n in range(min(most or len(places), len(places)), 0, -1):
        picked = spaced(places, n)[: n - known]
        if sum(max(1.0, LONGER * written * (1 - place / length)) for place in picked) <= session.tokens_left:
            return picked
    return []


async def by_ids(session: Session, trace: Path, places: Sequence[int]) -> list[Path]:
    """The trace cut at these characters, or at the token boundary before; places within one token are one."""
    ends = await token_ends(session, trace)
    prompt = len(trace) - len(ends)
    return [await session.cut(trace, prompt + count) for count in dict.fromkeys(cut_at(ends, place) for place in places)]


async def by_text(session: Session, trace: Path, places: Sequence[int]) -> list[Path]:
    """New paths that begin with the trace's text up to these characters."""
    opened = await session.open(len(places)) if places else []
    return [await session.splice(path, trace.text[:place]) if place else path for path, place in zip(opened, places, strict=True)]


def entropy(answers: Sequence[str | None]) -> float:
    """Bits, of the frequencies of the answers there are."""
    counts = Counter(answer for answer in answers if answer is not None)
    total = counts.total()
    return abs(math.fsum(n / total * math.log2(total / n) for n in counts.values()))


MARKERS = (
    "Wait", "Alternatively", "Another angle", "Another approach", "But wait", "Hold on", "Hmm", "Maybe", "Looking back", "Okay", "Let me",
    "First", "Then", "Alright", "Compute", "Correct", "Good", "Got it", "I don't see any errors", "I think", "Let me double-check", "Let's see",
    "Now", "Remember", "Seems solid", "Similarly", "So", "Starting", "That's correct", "That seems right", "Therefore", "Thus",
)  # fmt: skip
NEAR = 16  # characters before a marker that are searched for the end of a sentence
SENTENCE_END = re.compile(r"(?:[.!?:;][\"')\]}]*\s+|\n\s*)\Z")

METHODS.add(Subthoughts.name)(Subthoughts)
