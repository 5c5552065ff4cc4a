"""Beam search over reasoning steps, guided by a process reward model, as in search-and-learn (Snell et al. 2024, arXiv 2408.03314).

    live = n_beams paths
    until n_beams beams have ended, or max_steps:
        every live beam writes one step; a beam that ends leaves the search with its score
        of the others, drop repeats and keep the n_keep = n_beams / n_expand best
        copy the kept ones cyclically to n_beams
    answer = that of the best-scored ended beam (or a vote of them)

Names: n_beams live beams, n_expand copies of each kept beam, n_keep kept beams. "Beam width" means n_expand in search-and-learn and n_keep in its_hub, so it is not
used. `variant="its_hub"` starts with n_expand beams and leaves ended beams in the competition for the n_keep places, until all places hold ended ones.

Chosen differently from search-and-learn: the search stops once n_beams beams have ended (it uses no more of them either); repeats are dropped by default (as
in its recipes); ended beams are not copied to fill up n, so nothing votes twice; the step that reaches max_steps is written to its end; the width narrows
when the tokens left could not carry all beams to their ends.
Cost per problem: about n_beams * typical_tokens (siblings that are pruned count), and a scorer call a beam a step.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Self

from pydantic import Field

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.method import METHODS, About, Outcome, refuse_starved
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.core.scores import Aggregate
from thinkwell.methods._selection import Select, select
from thinkwell.methods._steps import (
    Candidate,
    affordable,
    copy,
    distinct,
    drop,
    live,
    over,
    paths_worth,
    ranked,
    replicate,
    take_step,
    width_for,
)
from thinkwell.session import Session


class Variant(StrEnum):
    """Whose rules for ended beams."""

    SAL = "sal"
    ITS_HUB = "its_hub"


class Config(Knobs):
    n_beams: int = Field(default=16, ge=1)
    """Live beams at each step; sized to a token budget unless set."""
    n_expand: int = Field(default=4, ge=1)
    """Copies of each kept beam; n_beams / n_expand beams are kept after a step. More than n_beams counts as n_beams."""
    max_steps: int = Field(default=40, ge=1)
    """Steps of a beam at most; the last one is written to its end."""
    step_tokens: int | None = Field(default=None, ge=1)
    """End a step after this many tokens too, for models without a step delimiter."""
    agg: Aggregate = Aggregate.LAST
    """How the step scores of a beam become one number: last, min, prod or mean."""
    drop_duplicates: bool = True
    """Keep one of the live beams that read the same."""
    variant: Variant = Variant.SAL
    """sal: an ended beam leaves the search; its_hub: it goes on competing for its place."""
    select: Select = Select.BEST
    """How ended beams give one answer: best, weighted or majority."""


class BeamSearch:
    name: ClassVar[str] = "beam_search"
    about: ClassVar[About] = About(
        "step by step, keep the partial paths that the reward model likes best",
        "Scaling LLM Test-Time Compute Optimally (Snell et al. 2024)", "2408.03314", "search",
    )  # fmt: skip
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.CONTINUE_PREFIX})
    scorers: ClassVar[tuple[str, ...]] = ("prm",)
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})

    def fit(self, budget: Budget, preset: Preset) -> Self:
        refuse_starved(self, budget, "n_beams")
        paths = paths_worth(budget, preset)
        if paths is None:
            return self
        return type(self)(self.config.resized(n_beams=width_for(paths)))

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        config = self.config
        n_expand = min(config.n_expand, config.n_beams)
        n_keep = config.n_beams // n_expand
        sal = config.variant is Variant.SAL
        width = min(config.n_beams if sal else n_expand, affordable(session, ()))
        beams = [Candidate(path) for path in await session.open(width)]
        ended: list[Candidate] = []
        for number in range(1, config.max_steps + 1):
            to_end = number == config.max_steps or session.scorer_calls_left == 0
            beams = await take_step(session, beams, config.agg, step_tokens=config.step_tokens, to_end=to_end)
            if sal:
                ended += [beam for beam in beams if over(session, beam.path)]
                beams = live(session, beams)
            if session.exhausted or not live(session, beams) or len(ended) >= config.n_beams:
                break
            kept = ranked(distinct(beams) if config.drop_duplicates else beams)[:n_keep]
            width = min(config.n_beams, affordable(session, live(session, kept)))
            copies = replicate(session, kept, width) if sal else compete(session, kept, n_expand, width)
            drop(session, beams, copies, "not among the best")
            beams = copies
        if sal and ended:
            drop(session, beams, (), "enough beams have ended")
        pool = distinct(ended if sal and ended else beams)
        return select(session, [beam.path for beam in pool], [beam.score for beam in pool], config.select)


def compete(session: Session, kept: list[Candidate], n_expand: int, width: int) -> list[Candidate]:
    """its_hub: every kept live beam is copied n_expand times (fewer where `width` live beams are all the budget carries); ended ones stay as they are."""
    alive = live(session, kept)
    each, extra = divmod(min(width, n_expand * len(alive)), len(alive)) if alive else (0, 0)
    order = {beam.path.id: rank for rank, beam in enumerate(alive)}
    result = []
    for beam in kept:
        rank = order.get(beam.path.id)
        result += [beam] if rank is None else copy(session, beam, each + (rank < extra))
    return result


METHODS.add(BeamSearch.name)(BeamSearch)
