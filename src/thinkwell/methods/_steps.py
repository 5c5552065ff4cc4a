"""One reasoning step of many paths: the shared loop body of beam search, DVTS and particle filtering.

A step is the text up to and including the preset's `step_delimiter`. Once the thinking is closed (`think_close` in what was written), the
solution is taken to its end within the same step, so that an answer is never split. After every step the scorer judges the whole path.

A path that cannot go on (`over`) keeps its score and is never extended, copied or scored again. The same finished path may stand in a population
several times; it is one path, so it is one vote (`distinct`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from thinkwell.core.budget import Budget
from thinkwell.core.path import Origin, Path
from thinkwell.core.prompt import Preset
from thinkwell.core.sampling import Sampling
from thinkwell.core.scores import Aggregate

if TYPE_CHECKING:
    from thinkwell.session import Session

SHORTEST_REST = 0.5  # of a typical length: what a path is taken to need at least, however long it is already
STEPS = 10  # of a typical path, for sizing by scorer calls: the lab's paths have about so many
LATER_REST = 0.7  # of what it has written: the longer a path is already, the longer it will go on


@dataclass(frozen=True, slots=True)
class Candidate:
    """A path under search with its score so far; `marks` are (length in tokens, score) after each of its steps."""

    path: Path
    score: float = 0.5
    marks: tuple[tuple[int, float], ...] = ()


def over(session: Session, path: Path) -> bool:
    """Nothing more will be written: ended, out of budget or context, or as long as the preset lets a path be."""
    return path.done or path.count(Origin.MODEL) >= session.preset.max_tokens


def live(session: Session, candidates: Sequence[Candidate]) -> list[Candidate]:
    return [c for c in candidates if not over(session, c.path)]


def closed(session: Session, path: Path) -> bool:
    """The model has closed its thinking. A preset without thinking marks has nothing to close."""
    mark = session.preset.think_close
    return bool(mark) and mark in path.text


async def take_step(
    session: Session, candidates: Sequence[Candidate], agg: Aggregate, *, step_tokens: int | None = None, to_end: bool = False
) -> list[Candidate]:
    """Every candidate one step further and scored, in the same order."""
    return await judge(session, await write_step(session, candidates, step_tokens=step_tokens, to_end=to_end), agg)


async def write_step(
    session: Session,
    candidates: Sequence[Candidate],
    *,
    step_tokens: int | None = None,
    to_end: bool = False,
    sampling: Sampling | None = None,
    logprobs: bool = False,
) -> list[Candidate]:
    """Every candidate one step further (with `to_end`, to its end), in the same order, with its old score.

    step_tokens: a step also ends after this many tokens. logprobs: keep those of the sampled tokens. Two barriers at most: the step, then the
    solutions of paths that closed their thinking in it.
    """
    paths = {i: c.path for i, c in enumerate(candidates) if not over(session, c.path)}
    stop = () if to_end else tuple(mark for mark in session.step_stop if mark)
    await _extend(session, paths, stop, None if to_end else step_tokens, sampling, logprobs)
    solving = {i: path for i, path in paths.items() if not to_end and closed(session, path) and not over(session, path)}
    await _extend(session, solving, (), None, sampling, logprobs)
    paths |= solving
    return [replace(c, path=paths.get(i, c.path)) for i, c in enumerate(candidates)]


async def judge(session: Session, candidates: Sequence[Candidate], agg: Aggregate, scorer: str = "prm") -> list[Candidate]:
    """The candidates with the scores of their paths as they are now. One that grew no longer since it was judged costs nothing (a fork
    too); one that the scorer budget leaves out keeps its old score."""
    grown = [i for i, c in enumerate(candidates) if c.path.count(Origin.MODEL) and (not c.marks or c.marks[-1][0] != len(c.path))]
    result = list(candidates)
    for i, scores in zip(grown, await session.score([candidates[i].path for i in grown], scorer) if grown else (), strict=True):
        c = candidates[i]
        score = scores.value(agg) if scores.steps else c.score
        result[i] = Candidate(c.path, score, (*c.marks, (len(c.path), score)))
    return result


async def _extend(
    session: Session, paths: dict[int, Path], stop: tuple[str, ...], max_tokens: int | None, sampling: Sampling | None, logprobs: bool
) -> None:
    """Extend all in one call (it is the barrier that keeps budget shares deterministic) and put the results in place."""
    if paths:
        extended = await session.extend(list(paths.values()), stop=stop, max_tokens=max_tokens, sampling=sampling, logprobs=logprobs)
        paths.update(zip(list(paths), extended, strict=True))


def paths_worth(budget: Budget, preset: Preset, cost: float = 1.0) -> float | None:
    """How many paths of typical length a search that judges every step can pay for: by the budget's tokens (`cost` typical lengths a path), where it sets none by its
    scorer calls (one a step); None where it sets neither, or forbids judging."""
    if budget.tokens is not None:
        return budget.tokens / (cost * max(1, preset.typical_tokens))
    return budget.scorer_calls / STEPS if budget.scorer_calls else None


def width_for(paths: float) -> int:
    """The number of paths that a search which can pay for `paths` keeps side by side, at least one."""
    return max(1, int(paths))


def affordable(session: Session, candidates: Sequence[Candidate], cost: float = 1.0) -> int:
    """How many live paths the tokens left can carry to their end, at least one.

    A search that keeps its full width to the last token ends with many unfinished paths and no answer; narrowing to this number leaves room to
    answer. A path is taken to need the rest of a typical length; past that, a share of what it has written (hard problems are longer). One step of all paths may
    cost no more than half of what is left: the width then halves step by step instead of falling off the edge.
    `cost` multiplies both (look-ahead, later iterations).
    """
    written = sum(c.path.count(Origin.MODEL) for c in candidates)
    length = written / max(1, len(candidates))
    typical = session.preset.typical_tokens
    rest = max(typical - length, typical * SHORTEST_REST, length * LATER_REST, 1.0)
    step = written / max(1, sum(len(c.marks) for c in candidates))
    return max(1, int(session.tokens_left / (max(rest, 2 * step) * cost)))


def replicate(session: Session, survivors: Sequence[Candidate], width: int) -> list[Candidate]:
    """The survivors copied cyclically to `width` live candidates (fewer than there are survivors: the first ones).

    The first copy is the survivor itself, the others are forks with noise of their own.
    """
    if not survivors:
        return []
    each, extra = divmod(width, len(survivors))
    copies = []
    for rank, survivor in enumerate(survivors):
        copies += copy(session, survivor, each + (rank < extra))
    return copies


def copy(session: Session, candidate: Candidate, n: int) -> list[Candidate]:
    """`n` candidates from one: a live path is itself and n-1 forks; a path that is over is the same path n times."""
    if n < 1:
        return []
    if over(session, candidate.path):
        return [candidate] * n
    return [candidate, *(replace(candidate, path=fork) for fork in session.fork(candidate.path, n - 1))]


def ranked(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Best score first; equal scores keep their order."""
    return sorted(candidates, key=lambda c: -c.score)


def drop(session: Session, candidates: Sequence[Candidate], kept: Sequence[Candidate], reason: str) -> None:
    """Prune the candidates that are not among `kept`, each path once."""
    stay = {c.path.id for c in kept}
    gone = {c.path.id: c.path for c in candidates if c.path.id not in stay}
    if gone:
        session.prune(list(gone.values()), reason)


def distinct(candidates: Sequence[Candidate]) -> list[Candidate]:
    """One candidate for every different text, the best-scored of them: copies and word-for-word repeats must not vote twice."""
    best: dict[str, Candidate] = {}
    for c in candidates:
        if c.path.text not in best or c.score > best[c.path.text].score:
            best[c.path.text] = c
    return list(best.values())
