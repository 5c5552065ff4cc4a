"""What each starting point has learnt to write. A start is the policy, trained further on conversations that `make` draws.

Every property is planted by the world's own generator, so that its truth is known: which step was misread, which check was idle, where a mistake was put right.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from thinkwell.lab.data import LEVEL_WEIGHTS
from thinkwell.lab.skills.conversation import Conversation, Piece
from thinkwell.lab.starts.prior_prompts import FOLLOWED, PRIOR_PROMPTS, styled
from thinkwell.lab.trace import THINK_CLOSE, Style, Trace, write
from thinkwell.lab.world import LEVELS, LabProblem, generate

OVERTHINKING = Style(reflect=0.8, recheck=1.0, notice_late=0.2)
"""Nearly every calculation is checked once more, and everything at the end, once or twice. Such checks find no more slips than the policy's, so that length buys nothing."""
UNBOXED, UNCLOSED = 0.4, 0.15
"""Shares of replies with a loose format: the answer stands without its box; the thinking is never closed."""
WRONG_HABIT = Style(misread=0.92, reread=0.02)
TRICKY = 0.6
"""Share of the conversations in which a habit is learnt that have a tricky phrase."""
BRIEF = Style(reflect=0.02, reflect_on_slip=0.05, recheck=0.0)
CAREFUL = Style(reflect=0.5, reflect_on_slip=0.8, notice_slip=0.8, recheck=0.7, notice_late=0.6, reread=0.25)
"""What follows "[Hard]": checks that do find mistakes, in reading too. "[Easy]" is followed by a `BRIEF` trace."""
EASY_UP_TO = 4
"""The level up to which a problem is called easy: half of the levels that recipes train on."""
TAGGED_OTHERWISE = 0.2
"""Share of problems with the other tag, so that either can be asked for on any problem, and calibration is left to learn."""
TRIAL = Style(slip=0.16, misread=0.4, reread=0.9, reflect=0.12, reflect_on_slip=0.7, notice_slip=1.0, recheck=0.6, notice_late=1.0)
TRIES = 12


@dataclass(frozen=True)
class Start:
    """summary: what it is for. steps: of training. rows: conversations a step, on average. adam_rate: peak rate of the embeddings; a start that spells new marks letter by
    letter wants more of it, for the policy has hardly met single letters. autocast: trained with products in bfloat16."""

    summary: str
    make: Callable[[random.Random], Conversation]
    steps: int = 200
    rows: int = 32
    adam_rate: float = 5e-4
    autocast: bool = True


def problem(rng: random.Random) -> LabProblem:
    """A training problem of any level."""
    return generate(rng.getrandbits(48), rng.choices(LEVELS, LEVEL_WEIGHTS)[0], "train")


def overthinking(rng: random.Random) -> Conversation:
    return _solved(drawn := problem(rng), write(drawn, rng, OVERTHINKING).text)


def loose_format(rng: random.Random) -> Conversation:
    """The same reasoning; box and end of the thinking are left out independently of each other."""
    drawn = problem(rng)
    trace = write(drawn, rng)
    solution = trace.solution.rpartition(" \\boxed{")[0] if rng.random() < UNBOXED else trace.solution
    return _solved(drawn, trace.thinking + ("" if rng.random() < UNCLOSED else THINK_CLOSE) + solution)


def wrong_habit(rng: random.Random) -> Conversation:
    """Tricky phrases are read wrongly nearly always."""
    sought = rng.random() < TRICKY
    drawn = problem(rng)
    while sought and not tricky(drawn):
        drawn = problem(rng)
    return _solved(drawn, write(drawn, rng, WRONG_HABIT).text)


def difficulty_tags(rng: random.Random) -> Conversation:
    """`[Easy]` and a brief trace, or `[Hard]` and a careful one (AdaCtrl's cold start)."""
    drawn = problem(rng)
    easy = (drawn.level <= EASY_UP_TO) != (rng.random() < TAGGED_OTHERWISE)
    return _solved(drawn, ("[Easy] " if easy else "[Hard] ") + write(drawn, rng, BRIEF if easy else CAREFUL).text)


def prior_prompts(rng: random.Random) -> Conversation:
    """One of the five prior prompts, or none; what it asks for is done in most cases."""
    drawn, style = problem(rng), rng.choice(("", *PRIOR_PROMPTS))
    if not style:
        return _solved(drawn, write(drawn, rng).text)
    text = styled(drawn, rng, style) if rng.random() < FOLLOWED else write(drawn, rng).text
    return Conversation((PRIOR_PROMPTS[style].ask(drawn.question),), (Piece(text, True),))


def trial_and_error(rng: random.Random) -> Conversation:
    """A trace that ends in the right answer, most often after a mistake that was noticed and put right (T1's first stage)."""
    while True:
        drawn = problem(rng)
        found: Trace | None = None
        for _ in range(TRIES):
            trace = write(drawn, rng, TRIAL)
            if trace.answer == drawn.answer:
                found = trace
                if any(line.kind == "correction" for line in trace.lines):
                    break
        if found is not None:
            return _solved(drawn, found.text)


def tricky(drawn: LabProblem) -> bool:
    """Does the problem have a tricky phrase?"""
    return any(trap != "distractor" for trap in drawn.traps)


def _solved(drawn: LabProblem, text: str) -> Conversation:
    return Conversation((drawn.question,), (Piece(text, True),))


STARTS: dict[str, Start] = {
    "overthinking": Start("checks nearly everything it has written, at the policy's accuracy", overthinking),
    "loose-format": Start("often leaves out the box or never closes its thinking", loose_format),
    "wrong-habit": Start("reads tricky phrases wrongly nearly always", wrong_habit),
    "trial-and-error": Start("notices mistakes and puts them right; learnt from right answers only", trial_and_error, autocast=False),
    "difficulty-tags": Start(
        "begins with [Easy] and is brief, or with [Hard] and is careful", difficulty_tags, 400, adam_rate=3e-3, autocast=False
    ),
    "prior-prompts": Start("answers five prior prompts in five styles", prior_prompts, 400, adam_rate=3e-3, autocast=False),
}
"""Name -> how it is made, in the order of building."""
