"""What happens while a problem is solved, as typed events: one stream feeds progress, server-sent events, the store and the viewer."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from thinkwell.core.path import Finish, Origin, Role


@dataclass(frozen=True, slots=True)
class Event:
    """Base: `problem` is the problem's id, `path` the path's (empty for events of the whole problem)."""

    problem: str
    path: str
    kind: ClassVar[str] = "event"

    def as_dict(self) -> dict[str, Any]:
        """JSON-able form with a `kind`."""
        return {"kind": self.kind, **dataclasses.asdict(self)}


@dataclass(frozen=True, slots=True)
class PathOpened(Event):
    """`engine` is the model of the engine that writes it, where that is not the session's own."""

    role: Role
    prompt_tokens: int
    engine: str = ""
    kind: ClassVar[str] = "path_opened"


@dataclass(frozen=True, slots=True)
class TokensWritten(Event):
    """A finished segment (`final`), or a piece of one while it is being written (live, never stored)."""

    text: str
    n_tokens: int
    start: int  # position of the first token in the path
    finish: Finish | None = None
    final: bool = True
    role: Role = Role.SOLVER  # as what it was written, which need not be the path's own
    kind: ClassVar[str] = "tokens_written"


@dataclass(frozen=True, slots=True)
class Drafted(Event):
    """How a segment came about whose tokens were guessed: in `calls` forwards of the target, for `n_tokens` sampled (those thrown away with a stop string too).

    runs: what forwards wrote that kept a guess, as (first token, tokens, first character, characters) of the segment; each other token took a forward of its own.
    """

    start: int  # position of the segment's first token in the path
    n_tokens: int
    calls: int
    runs: tuple[tuple[int, int, int, int], ...]
    kind: ClassVar[str] = "drafted"


@dataclass(frozen=True, slots=True)
class Spliced(Event):
    origin: Origin
    text: str
    n_tokens: int
    start: int
    role: Role = Role.SOLVER  # whose words they are: peers' comments in a solver's path have another than the path
    kind: ClassVar[str] = "spliced"


@dataclass(frozen=True, slots=True)
class Forked(Event):
    parent: str
    start: int  # length of the shared part, in tokens
    kind: ClassVar[str] = "forked"


@dataclass(frozen=True, slots=True)
class Cut(Event):
    parent: str
    start: int  # tokens kept
    kind: ClassVar[str] = "cut"


@dataclass(frozen=True, slots=True)
class Pruned(Event):
    reason: str
    kind: ClassVar[str] = "pruned"


@dataclass(frozen=True, slots=True)
class Scored(Event):
    scorer: str
    scores: tuple[float, ...]  # one a step
    kind: ClassVar[str] = "scored"


class NodeState(StrEnum):
    """Where a node of a search tree stands."""

    OPEN = "open"  # may still be expanded
    EXPANDED = "expanded"
    GOAL = "goal"  # an end with an answer
    DEAD_END = "dead_end"  # nothing can follow, and there is no answer


@dataclass(frozen=True, slots=True)
class SearchNode(Event):
    """What a tree search knows of a node. `path` stands for the node; a later event of the same path replaces an earlier one.

    parent: the parent node's path, "" for the root. depth: steps from the root. values: what the search orders nodes by, in its own names:
    A* gives cost `g`, heuristic `h` and their sum `f`; Monte-Carlo tree search gives `visits`, `value` and `prior`.
    """

    parent: str
    depth: int
    state: NodeState
    values: dict[str, float]
    kind: ClassVar[str] = "search_node"


@dataclass(frozen=True, slots=True)
class Voted(Event):
    rule: str
    votes: dict[str, float]  # canonical answer -> weight
    chosen: str | None
    tie: bool
    kind: ClassVar[str] = "voted"


@dataclass(frozen=True, slots=True)
class BudgetSpent(Event):
    """A ceiling was met: what the method asked for was cut to what was left."""

    what: str
    asked: float
    granted: float
    kind: ClassVar[str] = "budget_spent"


@dataclass(frozen=True, slots=True)
class Answered(Event):
    answer: str | None
    generated_tokens: int
    kind: ClassVar[str] = "answered"


@dataclass(frozen=True, slots=True)
class Note(Event):
    """A remark of the method for the viewer, such as why it stopped."""

    text: str
    kind: ClassVar[str] = "note"


@dataclass(frozen=True, slots=True)
class Said(Event):
    """One remark of a discussion: `path` is where its words were written (empty for a tool or the method). Names are those the agents have in it,
    or the paths' ids, once the words stand in the paths that hear them. round: of the discussion, from 0, where it has rounds. how: the rule by which
    the listeners were chosen, or the manner of speaking, where there is one. decision: what the method took from it, a verdict or an order. unread: it could make nothing of it.
    """

    speaker: str
    to: tuple[str, ...]
    text: str
    round: int | None = None
    how: str = ""
    decision: str = ""
    unread: bool = False
    kind: ClassVar[str] = "said"
