"""What a method is: knobs, needs, and `solve`.

A method is pure logic. It reaches engines, scorers, budgets and randomness only through the session.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, Self

from thinkwell.core.answer import Answer
from thinkwell.core.budget import SHORTEST_ANSWER, Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.errors import BudgetError, MissingCapability
from thinkwell.core.path import Path, Role
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.core.registry import Registry

if TYPE_CHECKING:
    from thinkwell.session import Session


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a method found.

    `answer` is its one final answer (None: it found none). `paths` are the candidates it chose from, finished or not; `chosen` is the
    path that carries the answer, if one does. `scores` belong to `paths` where the method ranked them.
    """

    answer: Answer | None
    paths: tuple[Path, ...]
    chosen: Path | None = None
    scores: tuple[float, ...] | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class About:
    """Where a method comes from, for tables and docs. `family` is e.g. "baseline", "search", "discussion", "decoding"."""

    summary: str
    paper: str
    arxiv: str = ""
    family: str = "baseline"


class Turn(NamedTuple):
    """Turns that a method puts to a model beside the problem: the wording whose texts they follow (a file of `thinkwell.methods.wording`), and whose turns they are (a seat).

    A model that follows instructions answers them as they stand; a small one must have been taught them (`EngineInfo.taught`).
    """

    wording: str
    seat: str = Role.SOLVER.value


class Method(Protocol):
    """One way of solving a problem. The class carries the facts, an instance carries the knobs."""

    name: ClassVar[str]
    about: ClassVar[About]
    needs: ClassVar[frozenset[Capability]]
    scorers: ClassVar[tuple[str, ...]]  # names of the scorers it calls, e.g. ("prm",)
    Config: ClassVar[type[Knobs]]
    config: Any

    def __init__(self, config: Any = None) -> None: ...

    def fit(self, budget: Budget, preset: Preset) -> Self:
        """The same method with its knobs sized to a budget (see `Knobs.resized`); knobs that the user set stay as they are.

        Raises `BudgetError` where those cannot work in it (see `refuse_starved`).
        """
        ...

    async def solve(self, problem: Problem, session: Session) -> Outcome: ...


METHODS: Registry[type[Method]] = Registry("method", "thinkwell.methods", "thinkwell.methods")


def require(
    method: type[Method] | Method, engine: str, capabilities: frozenset[Capability], others: Sequence[tuple[str, frozenset[Capability]]]
) -> None:
    """Refuse a method that an engine cannot run. Raises `MissingCapability`, naming the engines that could."""
    missing = method.needs - capabilities
    if missing:
        raise MissingCapability(method.name, missing, engine, [name for name, have in others if method.needs <= have])


def refuse_starved(method: Method, budget: Budget, *knobs: str, paths: int | None = None) -> None:
    """Refuse a number of paths side by side that the user set by hand and that leaves each of them less than the shortest answer.

    knobs: those that say the number; paths: what they come to (the value of the only knob, if not given). Raises `BudgetError`.
    """
    given = [knob for knob in knobs if knob in method.config.model_fields_set]
    n = getattr(method.config, knobs[0]) if paths is None else paths
    if budget.tokens is None or not given or n == 1 or n * SHORTEST_ANSWER <= budget.tokens:
        return
    said = ", ".join(f"{knob}={getattr(method.config, knob)}" for knob in given)
    raise BudgetError(
        f"{method.name}: {said} makes {n} paths, and a budget of tokens={budget.tokens} leaves each less than the {SHORTEST_ANSWER} tokens of the shortest answer; "
        f"give tokens={n * SHORTEST_ANSWER} or more, lower {' or '.join(given)}, or leave it out to have it sized."
    )


def seats_of(method: type[Method] | Method) -> frozenset[str]:
    """Whom a method lets write: roles, or names that it gives (`Session.open(engine=)`), by its `seats`; each can have an engine of its own. Without any it is the solver alone."""
    return frozenset(getattr(method, "seats", (Role.SOLVER.value,)))


def turns_of(method: type[Method] | Method) -> frozenset[Turn]:
    """The turns of its own that a method puts to a model, by its `turns`; none where it has no such attribute. An instance may have fewer than its class."""
    return frozenset(getattr(method, "turns", ()))


class Vocabulary(Protocol):
    """What a method may ask about an engine's tokens before anything runs; engines with `token_ids` are one."""

    async def encode(self, text: str) -> tuple[int, ...]: ...

    async def decode(self, tokens: Sequence[int]) -> str: ...


async def examine(method: Method, vocabulary: Vocabulary, preset: Preset) -> None:
    """Let a method that has an `examine(vocabulary, preset)` of its own refuse, by a `ConfigError`, what its knobs ask of this vocabulary."""
    own = getattr(method, "examine", None)
    if own is not None:
        await own(vocabulary, preset)
