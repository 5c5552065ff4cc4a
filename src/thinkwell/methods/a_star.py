"""A*-decoding: best-first search over reasoning steps, ordered by what a path has cost and what it still promises (Chatziveroglou 2025, arXiv 2505.13672).

    frontier = {prompt};   h(s) = 1 - r(s), r the reward model's score of the path;   f = g + h
    until the state of smallest f is an end with an answer (a goal), or the budget is spent:
        take the state of smallest f off the frontier (ties: smaller h, then deeper, then older)
        write `branching` next steps from it, drop empty and repeated ones, score each once, put them on the frontier
    answer = that of the goal

Edge costs, from state s to s' (the paper's method section was not available; two readings of it and two ablations):
    consistent   max(0, h(s) - h(s'))     the least cost for which h is consistent; f then adds up the *rises* of h and never falls along a path
    rise         max(0, h(s') - h(s))     only a falling score costs; the first step is free
    zero         0                        greedy best-first search, f = h
    uniform      step_cost                a price on length

Chosen differently or where the paper is silent: a reward model whose scores fall with depth is corrected for it (`calibrate`), or shallow states would always come
first and no end be reached; the frontier is global (`scope="children"` is the local reading: down among the newest children, back only from a dead end); sums are
exact fractions, so that ties are ties; an end without an answer is a dead end; if no goal was reached, the tokens kept back write the best state to its end;
`expand_batch` states are expanded at once for speed (1 is true A*).
Cost per problem: from typical_tokens * branching (straight down) to the whole budget; a scorer call a new step. One expansion after the other: slow where steps are slow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import partial
from itertools import takewhile
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
from thinkwell.methods._edge_costs import Calibrate, EdgeCost, Yardstick
from thinkwell.methods._selection import Select, select
from thinkwell.methods._steps import Candidate, over, paths_worth
from thinkwell.methods._tree import branching_for, children_for, complete, grow, is_goal
from thinkwell.session import Session


class Scope(StrEnum):
    """Among which states the next one is taken."""

    FRONTIER = "frontier"
    CHILDREN = "children"


class Exhausted(StrEnum):
    """What to do when the budget ends the search before a goal came first."""

    BEST_GOAL = "best_goal"
    COMPLETE_BEST = "complete_best"


class Config(Knobs):
    branching: int = Field(default=4, ge=1)
    """Next steps sampled from each expanded state; sized to a token budget unless set."""
    edge_cost: EdgeCost = EdgeCost.CONSISTENT
    """What a step costs: consistent (gains of the score), rise (losses of it), zero (greedy best-first) or uniform (step_cost)."""
    step_cost: float = Field(default=0.05, ge=0)
    """Cost of every step under edge_cost=uniform."""
    h0: float = Field(default=1.0, ge=0, le=1)
    """Heuristic of the bare prompt, which no scorer judges."""
    calibrate: Calibrate = Calibrate.DRIFT
    """drift: h less what it rises in every step even to the best child (median so far, 0 if scores do not fall with depth); none: h = 1 - r as it is."""
    scope: Scope = Scope.FRONTIER
    """frontier: the best state of all; children: the best of the newest children, older ones only after a dead end."""
    expand_batch: int = Field(default=1, ge=1)
    """States expanded at the same time; 1 is true A*."""
    frontier_max: int | None = Field(default=None, ge=1)
    """Unfinished states kept on the frontier at most; the worst are given up."""
    max_expansions: int = Field(default=200, ge=1)
    """Expansions at most: the budget in states, which also ends a search that no other budget bounds."""
    max_steps: int = Field(default=40, ge=1)
    """Steps of a path at most; the last one is written to its end."""
    step_tokens: int | None = Field(default=512, ge=1)
    """End a step after this many tokens too."""
    agg: Aggregate = Aggregate.LAST
    """How the step scores of a path become one number: last, min, prod or mean."""
    n_goals: int = Field(default=1, ge=1)
    """Goals to reach before the search stops; several of them vote."""
    select: Select = Select.WEIGHTED
    """How several goals give one answer: best, weighted or majority."""
    on_exhausted: Exhausted = Exhausted.BEST_GOAL
    """Budget spent: best_goal (goals still on the frontier answer; without any, the best state is written to its end) or complete_best
    (tokens are always kept to do so)."""


@dataclass(frozen=True, slots=True)
class State:
    """A path on the frontier. `trail` holds 1 - r of it and its ancestors, prompt first; `number` counts states in the order they were made, `wave`
    the expansions before it."""

    candidate: Candidate
    number: int
    trail: tuple[Fraction, ...]
    wave: int = 0
    parent: str = ""
    goal: bool = False

    @property
    def depth(self) -> int:
        return len(self.trail) - 1


class AStar:
    name: ClassVar[str] = "a_star"
    about: ClassVar[About] = About(
        "best-first search over steps, by cost so far plus what the reward model promises",
        "A*-Decoding: Token-Efficient Inference Scaling (Chatziveroglou 2025)", "2505.13672", "search",
    )  # fmt: skip
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.CONTINUE_PREFIX})
    scorers: ClassVar[tuple[str, ...]] = ("prm",)
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})

    def fit(self, budget: Budget, preset: Preset) -> Self:
        paths = paths_worth(budget, preset)
        if paths is None:
            return self
        return type(self)(self.config.resized(branching=branching_for(paths, self.config.branching)))

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        config, count = self.config, Counter[str]()
        (prompt,) = await session.open(1)
        start = State(Candidate(prompt), 0, (Fraction(config.h0),))
        yard = Yardstick(config.edge_cost, config.step_cost, config.calibrate)
        order = partial(order_of, yard, config.scope)
        show(session, yard, start, NodeState.OPEN)
        frontier, goals, made = [start], list[State](), 1
        while frontier and len(goals) < config.n_goals:
            frontier.sort(key=order)
            if frontier[0].goal:
                goals.append(frontier.pop(0))
                continue
            parents, counts = self._afford(session, frontier, count["expanded"])
            if not parents:
                break
            frontier = [state for state in frontier if state not in parents]
            last = [state.depth + 1 >= config.max_steps for state in parents]
            tree = await grow(session, [s.candidate for s in parents], counts, config.agg, last=last, step_tokens=config.step_tokens)
            count.update(expanded=len(parents), sampled_steps=sum(counts))
            for parent, children in zip(parents, tree, strict=True):
                show(session, yard, parent, NodeState.EXPANDED)
                states = [follow(session, parent, child, made + i, count["expanded"]) for i, child in enumerate(children)]
                made += len(states)
                yard.saw(parent.trail, [state.trail for state in states])
                for state in states:
                    dead = not state.goal and over(session, state.candidate.path)
                    show(session, yard, state, NodeState.GOAL if state.goal else NodeState.DEAD_END if dead else NodeState.OPEN)
                    count.update(dead_ends=dead, goals=state.goal)
                    frontier += [] if dead else [state]
            frontier = trim(session, sorted(frontier, key=order), config.frontier_max)
        return await self._conclude(session, goals, sorted(frontier, key=order), start, yard, count)

    def _afford(self, session: Session, frontier: Sequence[State], expanded: int) -> tuple[list[State], list[int]]:
        """The states to expand now and the children of each; none where the budget is better spent on going to an end."""
        config = self.config
        if session.exhausted:
            return [], []
        reserve = config.on_exhausted is Exhausted.COMPLETE_BEST or not any(state.goal for state in frontier)
        batch = list(takewhile(lambda state: not state.goal, frontier))[: min(config.expand_batch, config.max_expansions - expanded)]
        left = children_for(session, frontier[0].candidate, config.branching * len(batch), reserve=reserve)
        if left < min(2, config.branching):
            return [], []
        batch = batch[: -(-left // config.branching)]
        return batch, [min(config.branching, left - rank * config.branching) for rank in range(len(batch))]

    async def _conclude(
        self, session: Session, goals: list[State], frontier: list[State], start: State, yard: Yardstick, count: Counter[str]
    ) -> Outcome:
        """The answer of the goals reached; if the search ended early, of those seen, or of the best state written to its end."""
        config = self.config
        popped, seen = len(goals), [state for state in frontier if state.goal]
        goals = (goals + seen)[: config.n_goals]
        tried: list[Candidate] = []
        if popped < config.n_goals and (not goals or config.on_exhausted is Exhausted.COMPLETE_BEST):
            for state in [s for s in frontier if not s.goal][: config.branching] or [start]:
                if session.exhausted:
                    break
                tried.append(await complete(session, state.candidate, config.agg))
                count.update(completed=1)
                if is_goal(session, tried[-1].path):
                    break
        pool = [goal.candidate for goal in goals] + tried
        pool = pool or [state.candidate for state in frontier[:1]] or [start.candidate]
        facts = {
            **count,
            "popped": popped,
            "frontier": len(frontier),
            "drift": float(yard.drift),
            "goal_values": [values_of(yard, goal) for goal in goals],
        }
        return select(session, [c.path for c in pool], [c.score for c in pool], config.select, facts)


def order_of(yard: Yardstick, scope: Scope, state: State) -> tuple[object, ...]:
    """The sort key: smallest f, then smallest h, then deepest, then oldest; among the newest children first where `scope` says so."""
    g, h = yard.measure(state.trail)
    return (-state.wave if scope is Scope.CHILDREN else 0, g + h, h, -state.depth, state.number)


def values_of(yard: Yardstick, state: State) -> dict[str, float]:
    g, h = yard.measure(state.trail)
    return {"g": float(g), "h": float(h), "f": float(g + h)}


def follow(session: Session, parent: State, child: Candidate, number: int, wave: int) -> State:
    """The state that `child`, one step after `parent`, is. Exact: a float is a fraction."""
    trail = (*parent.trail, 1 - Fraction(child.score))
    return State(child, number, trail, wave, parent.candidate.path.id, is_goal(session, child.path))


def trim(session: Session, frontier: list[State], most: int | None) -> list[State]:
    """The frontier (sorted) with no more than `most` unfinished states; goals stay, they cost nothing."""
    gone = [state for state in frontier if not state.goal][most:] if most is not None else []
    if gone:
        session.prune([state.candidate.path for state in gone], "the frontier is full")
    return [state for state in frontier if state not in gone]


def show(session: Session, yard: Yardstick, state: State, how: NodeState) -> None:
    """Put the state into the events, so that the search tree can be drawn."""
    session.record_node(state.candidate.path, state.parent, state.depth, how, values_of(yard, state))


METHODS.add(AStar.name)(AStar)
