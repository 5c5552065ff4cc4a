"""One path, read for its answer: what every other method is measured against.

    path   = open(1), extended to its end
    answer = answer of path

Chosen differently: nothing; a path cut by its ceiling or the budget is read for an answer all the same.
Cost per problem: one path. No fitting: a larger budget buys nothing.
"""

from __future__ import annotations

from typing import ClassVar, Self

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.method import METHODS, About, Outcome
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.methods._sampling import sample
from thinkwell.methods._selection import Select, select
from thinkwell.session import Session


class Config(Knobs):
    """Nothing to set."""


class Single:
    name: ClassVar[str] = "single"
    about: ClassVar[About] = About("one path, its answer", "Chain-of-thought prompting (Wei et al. 2022)", "2201.11903")
    needs: ClassVar[frozenset[Capability]] = frozenset()
    scorers: ClassVar[tuple[str, ...]] = ()
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})

    def fit(self, budget: Budget, preset: Preset) -> Self:
        return self

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        return select(session, await sample(session, 1), rule=Select.BEST)


METHODS.add(Single.name)(Single)
