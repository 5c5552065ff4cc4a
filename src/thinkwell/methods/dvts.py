"""Diverse verifier tree search: several small greedy searches that never compete with one another (Beeching et al. 2024, search-and-learn).

    n_subtrees paths, each the root of a subtree
    until every subtree has ended, or max_steps:
        every subtree writes n_expand next steps and scores each (with `lookahead` more greedy steps, then thrown away)
        and keeps the best; it ends when the one kept has ended
    candidates = all n_expand paths of every subtree's last step;   answer = the best of them (or a vote)

Chosen differently: candidates that had not ended when their subtree did are written to their end (`finalize="complete"`; search-and-learn leaves them as they
are, which looks like missing answers); look-ahead tokens are counted; a subtree ends when its path does, not when a box appears in its text; the
widths narrow, expansion first, when the tokens left could not carry all paths to their ends.
Cost per problem: about n_subtrees * n_expand * (1 + lookahead) * typical_tokens, and a scorer call a candidate a step.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import ClassVar, Self

from pydantic import Field

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.method import METHODS, About, Outcome, refuse_starved
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.core.sampling import GREEDY
from thinkwell.core.scores import Aggregate
from thinkwell.methods._selection import Select, select
from thinkwell.methods._steps import Candidate, affordable, copy, distinct, drop, judge, over, paths_worth, take_step, width_for, write_step
from thinkwell.session import Session


class Finalize(StrEnum):
    """What becomes of candidates that had not ended when their subtree did."""

    COMPLETE = "complete"  # written to their end
    DROP = "drop"
    AS_IS = "as_is"  # search-and-learn


class Config(Knobs):
    n_subtrees: int = Field(default=4, ge=1)
    """Independent subtrees; sized to a token budget unless set."""
    n_expand: int = Field(default=4, ge=1)
    """Next steps that each subtree tries; smaller where the token budget holds fewer paths, unless set."""
    lookahead: int = Field(default=0, ge=0)
    """Greedy steps written beyond a candidate before it is scored, then thrown away."""
    finalize: Finalize = Finalize.COMPLETE
    """Candidates of the last step that had not ended: complete, drop or as_is."""
    max_steps: int = Field(default=40, ge=1)
    """Steps of a subtree at most; the last one is written to its end."""
    step_tokens: int | None = Field(default=None, ge=1)
    """End a step after this many tokens too, for models without a step delimiter."""
    agg: Aggregate = Aggregate.LAST
    """How the step scores of a path become one number: last, min, prod or mean."""
    select: Select = Select.BEST
    """How the candidates give one answer: best, weighted or majority."""


class Dvts:
    name: ClassVar[str] = "dvts"
    about: ClassVar[About] = About(
        "several independent greedy step searches, for diversity",
        "Scaling test-time compute with open models (Beeching et al. 2024)",
        "",
        "search",
    )
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.CONTINUE_PREFIX})
    scorers: ClassVar[tuple[str, ...]] = ("prm",)
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})

    def fit(self, budget: Budget, preset: Preset) -> Self:
        paths = paths_worth(budget, preset, 1 + self.config.lookahead)
        if paths is None:
            return self
        config, given = self.config, self.config.model_fields_set
        least = (config.n_subtrees if "n_subtrees" in given else 1) * (config.n_expand if "n_expand" in given else 1)
        refuse_starved(self, budget, "n_subtrees", "n_expand", paths=least)
        total = width_for(paths)
        n_expand = config.n_expand if "n_expand" in given else min(config.n_expand, max(1, total // 2), total)
        return type(self)(config.resized(n_expand=n_expand, n_subtrees=max(1, round(total / n_expand))))

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        config = self.config
        width = min(config.n_subtrees, affordable(session, (), 1 + config.lookahead))
        kept = [Candidate(path) for path in await session.open(width)]
        last: dict[int, list[Candidate]] = {}  # subtree -> candidates of its last step
        resting: set[int] = set()
        spare: list[Candidate] = []  # ended, but a live sibling was kept: read for an answer only if nothing else has one
        for number in range(1, config.max_steps + 1):
            trees = self._sprout(session, kept, resting)
            if not trees:
                break
            to_end = number == config.max_steps or session.scorer_calls_left == 0
            flat = [candidate for tree in trees.values() for candidate in tree]
            flat = await write_step(session, flat, step_tokens=config.step_tokens, to_end=to_end)
            choosing = len(flat) > len(trees)  # one candidate a subtree: nothing to look ahead for
            grown = iter(await (self._look_ahead(session, flat) if config.lookahead and choosing else judge(session, flat, config.agg)))
            for index, tree in trees.items():
                last[index] = [next(grown) for _ in tree]
                kept[index] = max(last[index], key=lambda c: c.score)
                if not over(session, kept[index].path):
                    spare += [c for c in last[index] if over(session, c.path)]
                    drop(session, last[index], [kept[index]], "a sibling scored higher")
                    last[index] = [kept[index]]
            if session.exhausted:
                break
        pool = distinct(await self._finish(session, [c for index in sorted(last) for c in last[index]]))
        if all(session.answer(c.path) is None for c in pool):
            pool = distinct([*pool, *spare])
        return select(session, [c.path for c in pool], [c.score for c in pool], config.select)

    def _sprout(self, session: Session, kept: list[Candidate], resting: set[int]) -> dict[int, list[Candidate]]:
        """The copies that each live subtree will extend. Where the tokens left cannot carry them all, subtrees expand less; where they cannot
        carry even one path each, the best-scored go on and the others rest until those have ended (taking turns would end none)."""
        alive = [index for index, c in enumerate(kept) if not over(session, c.path)]
        able = affordable(session, [kept[index] for index in alive], 1 + self.config.lookahead)
        going = sorted(sorted(alive, key=lambda index: (index in resting, -kept[index].score))[:able])
        resting |= set(alive) - set(going)
        resting -= set(going)
        each, extra = divmod(min(able, self.config.n_expand * len(going)), len(going)) if going else (0, 0)
        return {index: copy(session, kept[index], each + (rank < extra)) for rank, index in enumerate(going)}

    async def _look_ahead(self, session: Session, candidates: list[Candidate]) -> list[Candidate]:
        """The candidates, each live one with the score of a fork that went on greedily and is then given up."""
        scouts = [c if over(session, c.path) else replace(c, path=session.fork(c.path, 1)[0]) for c in candidates]
        for _ in range(self.config.lookahead):
            scouts = await write_step(session, scouts, step_tokens=self.config.step_tokens, sampling=GREEDY)
        scouts = await judge(session, scouts, self.config.agg)
        drop(session, scouts, candidates, "look-ahead")
        return [replace(c, score=s.score, marks=(*c.marks, (len(c.path), s.score))) for c, s in zip(candidates, scouts, strict=True)]

    async def _finish(self, session: Session, candidates: list[Candidate]) -> list[Candidate]:
        """The candidates of all last steps, made ready for selection by the rule of `finalize`."""
        match self.config.finalize:
            case Finalize.COMPLETE:
                return await take_step(session, candidates, self.config.agg, to_end=True)
            case Finalize.DROP:
                return [c for c in candidates if over(session, c.path)]
            case Finalize.AS_IS:
                return candidates


METHODS.add(Dvts.name)(Dvts)
