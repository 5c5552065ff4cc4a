"""Best-of-n: sample n paths, score each with a process reward model, answer with the best (naive) or the best-supported answer (weighted).

    paths  = n_paths independent paths to their ends;   R_i = agg(step scores of path i)
    naive       answer of argmax_i R_i                    (Cobbe et al. 2021, arXiv 2110.14168)
    weighted    argmax_a  sum over {i : a_i = a} of R_i   (Li et al. 2023, arXiv 2206.02336)

Chosen differently: a path without an answer is not scored, since it cannot win; a token budget is filled in waves, by the lengths seen.
Naive selection follows the scorer's mistakes as n grows; weighted is the safer default with a noisy scorer.
Cost per problem: n_paths * typical_tokens, and a scorer call for each path that has an answer.
"""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.method import METHODS, About, Outcome, refuse_starved
from thinkwell.core.path import Role
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.core.scores import Aggregate
from thinkwell.methods._sampling import paths_for, sample
from thinkwell.methods._selection import Select, select
from thinkwell.session import Session

SILENT = ("prm", "orm")  # scorers that judge without writing


class Config(Knobs):
    n_paths: int = Field(default=16, ge=1)
    """Paths to sample; sized to a token budget unless set."""
    weighted: bool = False
    """Add up the scores of paths with the same answer (true), or take the single best-scored path (false)."""
    agg: Aggregate = Aggregate.LAST
    """How the step scores of a path become one number: last, min, prod or mean."""
    scorer: str = "prm"
    """Name of the scorer: prm, orm, or flexive, a generative verifier whose own tokens count."""
    reserve: float = Field(default=0.0, ge=0, lt=1)
    """Share of a token budget that is left to a scorer that writes (flexive); with it n_paths are sized to the rest, and not filled up."""
    fill: bool = False
    """Sample in waves until the token budget holds no more, n_paths being a first guess; switched on when n_paths is sized to the budget."""


class BestOfN:
    name: ClassVar[str] = "best_of_n"
    about: ClassVar[About] = About(
        "the answer of the path that the reward model likes best",
        "Training Verifiers to Solve Math Word Problems (Cobbe et al. 2021)",
        "2110.14168",
    )
    needs: ClassVar[frozenset[Capability]] = frozenset()
    scorers: ClassVar[tuple[str, ...]] = ("prm",)
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})
        self.scorers = (self.config.scorer,)  # type: ignore[misc]  # this instance may ask for another than its class

    @property
    def seats(self) -> tuple[str, ...]:
        """Who writes: a scorer that judges by writing does so as the verifier."""
        return (Role.SOLVER.value,) if self.config.scorer in SILENT else (Role.SOLVER.value, Role.VERIFIER.value)

    def fit(self, budget: Budget, preset: Preset) -> Self:
        refuse_starved(self, budget, "n_paths")
        if "n_paths" in self.config.model_fields_set or (budget.tokens is None and not budget.scorer_calls):
            return self
        if budget.tokens is None:
            return type(self)(self.config.resized(n_paths=budget.scorer_calls))  # a call each; more paths would not be judged
        rest = Budget(tokens=max(1, round(budget.tokens * (1 - self.config.reserve))))
        return type(self)(self.config.resized(n_paths=paths_for(rest, preset, self.config.n_paths), fill=self.config.reserve == 0))

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        paths = await sample(session, self.config.n_paths, fill=self.config.fill)
        answered = [path for path in paths if session.answer(path) is not None]
        scores = await session.score(answered, *self.scorers) if answered else []
        value = {path.id: score.value(self.config.agg) for path, score in zip(answered, scores, strict=True)}
        ranks = [value.get(path.id, 0.0) for path in paths]
        return select(session, paths, ranks, Select.WEIGHTED if self.config.weighted else Select.BEST)


METHODS.add(BestOfN.name)(BestOfN)
