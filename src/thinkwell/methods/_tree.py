"""Growing a tree of reasoning steps: what A* and Monte-Carlo tree search share.

A node is a path. Its children are forks of it, each written one step further; the node's own path is never extended again, so the id of a path names one
node for good. A *goal* is a path that is over and carries an answer; one that is over without an answer is a dead end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from thinkwell.core.path import Origin, Path
from thinkwell.core.scores import Aggregate
from thinkwell.methods._steps import LATER_REST, SHORTEST_REST, Candidate, drop, judge, over, take_step, write_step

if TYPE_CHECKING:
    from thinkwell.session import Session

SLACK = 2.0  # a step is taken to cost this many times the mean step so far: the last one of a path, with the solution, is long
FIRST_STEP = 0.1  # of a typical path: the length of a step before any was seen
LONG = 1.5  # typical lengths that a path may well have: what is laid aside for the way to an end must do for a hard problem too
DESCENTS = 3  # full-width ways down that a fitted search should be able to pay for: going back needs tokens too


def is_goal(session: Session, path: Path) -> bool:
    return over(session, path) and session.answer(path) is not None


def branching_for(paths: float, most: int) -> int:
    """Children a node so that a budget worth so many paths of typical length pays for `DESCENTS` ways down; from 1 to `most`."""
    return min(most, max(1, round(paths / DESCENTS)))


async def grow(
    session: Session,
    parents: Sequence[Candidate],
    counts: Sequence[int],
    agg: Aggregate,
    *,
    last: Sequence[bool],
    step_tokens: int | None = None,
    logprobs: bool = False,
) -> list[list[Candidate]]:
    """The children of each parent: `counts[i]` forks one step further (to their ends where `last[i]`), those that are new and scored.

    Two barriers at most, whatever the number of parents; one call of the scorer.
    """
    forks = [[replace(p, path=path) for path in session.fork(p.path, n)] for p, n in zip(parents, counts, strict=True)]
    for to_end in sorted(set(last)):
        group = [i for i, flag in enumerate(last) if flag is to_end]
        flat = [child for i in group for child in forks[i]]
        written = iter(await write_step(session, flat, step_tokens=step_tokens, to_end=to_end, logprobs=logprobs))
        for i in group:
            forks[i] = [next(written) for _ in forks[i]]
    forks = [fresh(session, parent, children) for parent, children in zip(parents, forks, strict=True)]
    judged = iter(await judge(session, [child for children in forks for child in children], agg))
    return [[next(judged) for _ in children] for children in forks]


def fresh(session: Session, parent: Candidate, children: Sequence[Candidate]) -> list[Candidate]:
    """Without those that repeat a sibling or wrote nothing (an end with an answer is something): they would cost scorer calls and crowd the tree."""
    kept: dict[tuple[str, bool], Candidate] = {}
    for child in children:
        if child.path.text != parent.path.text or is_goal(session, child.path):
            kept.setdefault((child.path.text, over(session, child.path)), child)
    drop(session, children, list(kept.values()), "nothing new")
    return list(kept.values())


async def complete(session: Session, candidate: Candidate, agg: Aggregate) -> Candidate:
    """A fork of the candidate, written to its end in one go and scored."""
    (fork,) = session.fork(candidate.path, 1)
    (done,) = await take_step(session, [replace(candidate, path=fork)], agg, to_end=True)
    return done


def rest_of(session: Session, candidate: Candidate) -> float:
    """Tokens to lay aside for a path to its end: a cautious guess, since a single path will use them."""
    written, typical = candidate.path.count(Origin.MODEL), session.preset.typical_tokens
    return max(LONG * typical - written, typical * SHORTEST_REST, written * LATER_REST, 1.0)


def children_for(session: Session, candidate: Candidate, most: int, *, reserve: bool) -> int:
    """How many children, up to `most`, the tokens and scorer calls left allow this node; with `reserve`, after laying aside what one
    path needs to its end, so that a search that has no answer yet can still get one. Below two the search had better go straight to an end."""
    steps = len(candidate.marks)
    step = candidate.path.count(Origin.MODEL) / steps if steps else session.preset.typical_tokens * FIRST_STEP
    room = session.tokens_left - (rest_of(session, candidate) if reserve else 0)
    return max(0, min(most, session.scorer_calls_left, int(room / max(1.0, SLACK * step)) + reserve))
