"""Monte-Carlo tree search over reasoning steps with the values of a process reward model, as in OpenR (Wang et al. 2024, arXiv 2410.09671), or classical UCT.

    up to n_iterations times, while the budget lasts:
        from the root, go to the child of largest Q + U until the path ends; a node without children first gets `width` next steps, each scored
        back up the value of the end: every node on the way counts a visit, its Q is the mean (an unvisited node's Q is its own score)
    answer = a vote of the ends reached, weighted by their scores

    selection=puct   U = P * c * sqrt(N) / (1 + n),   c = c_init + log((N + c_base + 1) / c_base)      N, n: visits of the node and of its child
    selection=uct    U = c_uct * sqrt(ln N / n);      an unvisited child comes first
    value=prm        go down to an end and take its score: no rollout
    value=rollout    go down to a node never visited, write it to an end in one go, take that end's score (the classical simulation)

P is the step's prior among its siblings. OpenR takes it from the model; here softmax of the mean log-prob of the step's tokens (`prior="model"`) or 1 / width
(`prior="uniform"`, the default, which needs no log-probs). Chosen differently from OpenR: an end that is reached again votes once; an end without an answer is worth
0; repeated steps are dropped before they are scored; a subtree all of whose ends were reached is left alone, as going there again would write nothing.
Cost per problem: typical_tokens * width for the first end, less for the others, which share their beginnings; a scorer call a new step.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Self

from pydantic import Field

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.events import NodeState
from thinkwell.core.method import METHODS, About, Outcome
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.core.scores import Aggregate
from thinkwell.methods._selection import Select, select
from thinkwell.methods._steps import Candidate, distinct, over, paths_worth
from thinkwell.methods._tree import branching_for, children_for, complete, grow, is_goal
from thinkwell.session import Session


class Selection(StrEnum):
    """How the bonus for rarely visited children is worked out."""

    PUCT = "puct"
    UCT = "uct"


class Value(StrEnum):
    """Where the value that is backed up comes from."""

    PRM = "prm"
    ROLLOUT = "rollout"


class Prior(StrEnum):
    """How likely a step is held to be before it is tried."""

    UNIFORM = "uniform"
    MODEL = "model"


class Config(Knobs):
    width: int = Field(default=4, ge=1)
    """Next steps sampled from each expanded node; sized to a token budget unless set."""
    n_iterations: int = Field(default=16, ge=1)
    """Ways down from the root at most; a token budget or an exhausted tree may end the search before."""
    selection: Selection = Selection.PUCT
    """puct (prior times root of the parent's visits, as in AlphaZero and OpenR) or uct (logarithm of the parent's visits)."""
    value: Value = Value.PRM
    """prm: down to an end, whose score is backed up; rollout: a new node is written to an end in one go and that end's score backed up."""
    prior: Prior = Prior.UNIFORM
    """P under puct: uniform, or model (softmax over siblings of the mean log-prob; needs an engine with log-probs)."""
    c_init: float = Field(default=1.25, ge=0)
    """Exploration constant of puct."""
    c_base: float = Field(default=19652.0, gt=0)
    """Visits over which the constant of puct grows."""
    c_uct: float = Field(default=math.sqrt(2), ge=0)
    """Exploration constant of uct."""
    max_steps: int = Field(default=50, ge=1)
    """Steps of a path at most; the last one is written to its end."""
    step_tokens: int | None = Field(default=None, ge=1)
    """End a step after this many tokens too, for models without a step delimiter."""
    agg: Aggregate = Aggregate.LAST
    """How the step scores of a path become one number: last, min, prod or mean."""
    select: Select = Select.WEIGHTED
    """How the ends give one answer: best, weighted or majority."""


@dataclass(slots=True, eq=False)
class Node:
    """A node of the tree. `closed`: nothing new can come from it."""

    candidate: Candidate
    parent: Node | None = None
    prior: float = 1.0
    children: list[Node] = field(default_factory=list)
    visits: int = 0
    total: float = 0.0
    closed: bool = False

    @property
    def value(self) -> float:
        """Q: the mean of what was backed up, the node's own score before that."""
        return self.total / self.visits if self.visits else self.candidate.score

    @property
    def depth(self) -> int:
        return 0 if self.parent is None else self.parent.depth + 1


class Mcts:
    name: ClassVar[str] = "mcts"
    about: ClassVar[About] = About(
        "tree search that balances a step's value against how rarely it was tried",
        "OpenR: An Open Source Framework for Advanced Reasoning with Large Language Models (Wang et al. 2024)", "2410.09671", "search",
    )  # fmt: skip
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.CONTINUE_PREFIX})
    scorers: ClassVar[tuple[str, ...]] = ("prm",)
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})
        if self.config.prior is Prior.MODEL:
            self.needs = type(self).needs | {Capability.LOGPROBS}  # type: ignore[misc]  # this instance asks for more than its class

    def fit(self, budget: Budget, preset: Preset) -> Self:
        paths = paths_worth(budget, preset)
        if paths is None:
            return self
        ways = max(self.config.n_iterations, int(4 * paths))  # the budget is to end the search
        return type(self)(self.config.resized(width=branching_for(paths, self.config.width), n_iterations=ways))

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        config = self.config
        (prompt,) = await session.open(1)
        root = Node(Candidate(prompt))
        show(session, root)
        ends: list[Candidate] = []
        iterations, answered, leaf = 0, False, root
        while iterations < config.n_iterations and not root.closed:
            leaf, end = await self._descend(session, root, answered)
            if end is None:
                break
            goal = is_goal(session, end.path)
            iterations, answered = iterations + 1, answered or goal
            ends.append(end)
            back_up(leaf, end.score if goal else 0.0)
            for node in line_of(leaf):
                show(session, node)
        pool = distinct(ends) or [leaf.candidate]
        facts = {"iterations": iterations, "tree_exhausted": root.closed, "nodes": size(root), "depth": depth_of(root)}
        return select(session, [c.path for c in pool], [c.score for c in pool], config.select, facts)

    async def _descend(self, session: Session, root: Node, answered: bool) -> tuple[Node, Candidate | None]:
        """One way down: the node it came to and the end whose score that node backs up; no end where the budget is spent."""
        config, node = self.config, root
        rollout = config.value is Value.ROLLOUT
        while not over(session, node.candidate.path):
            if not node.children:
                n = 0 if session.exhausted else children_for(session, node.candidate, config.width, reserve=rollout or not answered)
                if n < min(2, config.width):  # branching is too dear by now: a search without an answer goes straight to an end
                    node.closed = True
                    return node, None if session.exhausted or answered else await complete(session, node.candidate, config.agg)
                await self._expand(session, node, n)
            if not node.children:  # nothing can follow
                break
            node = max((child for child in node.children if not child.closed), key=lambda child: self._urge(node, child))
            if rollout and not node.visits and not over(session, node.candidate.path):
                return node, None if session.exhausted else await complete(session, node.candidate, config.agg)
        node.closed = True
        return node, node.candidate

    async def _expand(self, session: Session, node: Node, n: int) -> None:
        config = self.config
        modelled = config.prior is Prior.MODEL
        last = [node.depth + 1 >= config.max_steps]
        (children,) = await grow(session, [node.candidate], [n], config.agg, last=last, step_tokens=config.step_tokens, logprobs=modelled)
        priors = (
            softmax([step_logprob(node.candidate, child) for child in children])
            if modelled
            else [1 / max(1, len(children))] * len(children)
        )
        node.children = [Node(child, node, prior) for child, prior in zip(children, priors, strict=True)]
        for child in node.children:
            show(session, child)

    def _urge(self, parent: Node, child: Node) -> tuple[float, float]:
        """What a way down maximises; among equals the child of larger value, then the older."""
        config = self.config
        if config.selection is Selection.UCT:
            bonus = uct(parent.visits, child.visits, config.c_uct)
        else:
            bonus = puct(parent.visits, child.visits, child.prior, config.c_init, config.c_base)
        return child.value + bonus, child.value


def puct(parent_visits: int, child_visits: int, prior: float, c_init: float, c_base: float) -> float:
    """P * c * sqrt(N) / (1 + n)."""
    c = c_init + math.log((parent_visits + c_base + 1) / c_base)
    return prior * c * math.sqrt(parent_visits) / (1 + child_visits)


def uct(parent_visits: int, child_visits: int, c: float) -> float:
    """c * sqrt(ln N / n); infinite for a child never visited."""
    return c * math.sqrt(math.log(max(1, parent_visits)) / child_visits) if child_visits else math.inf


def line_of(node: Node | None) -> Iterator[Node]:
    """The node, its parent, and so on to the root."""
    while node is not None:
        yield node
        node = node.parent


def back_up(leaf: Node, value: float) -> None:
    """Count the visit from the leaf to the root, and close every node whose children are all closed."""
    for node in line_of(leaf):
        node.visits += 1
        node.total += value
        node.closed = node.closed or (bool(node.children) and all(child.closed for child in node.children))


def step_logprob(parent: Candidate, child: Candidate) -> float:
    """Mean log-prob of the tokens that the child wrote beyond its parent."""
    known = len(parent.path.logprobs())
    values = child.path.logprobs()[known:]
    return math.fsum(values) / len(values) if values else 0.0


def softmax(values: list[float]) -> list[float]:
    raw = [math.exp(value - max(values)) for value in values]
    return [value / math.fsum(raw) for value in raw]


def size(node: Node) -> int:
    return 1 + sum(size(child) for child in node.children)


def depth_of(node: Node) -> int:
    """Steps to the deepest node below."""
    return max((1 + depth_of(child) for child in node.children), default=0)


def show(session: Session, node: Node) -> None:
    """Put the node as it is now into the events, so that the tree can be drawn."""
    if over(session, node.candidate.path):
        state = NodeState.GOAL if is_goal(session, node.candidate.path) else NodeState.DEAD_END
    else:
        state = NodeState.EXPANDED if node.children else NodeState.OPEN
    values = {"visits": float(node.visits), "value": node.value, "prior": node.prior}
    session.record_node(node.candidate.path, node.parent.candidate.path.id if node.parent else "", node.depth, state, values)


METHODS.add(Mcts.name)(Mcts)
