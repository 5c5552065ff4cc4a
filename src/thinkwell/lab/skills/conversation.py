"""What a skill is learnt from: a conversation, the parts of its last reply that the model writes itself, and the solution that it shows."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

from thinkwell.lab.labels import Statement, StepLabel, boxed, label
from thinkwell.lab.tokenizer import END, START, THINK, UNTHINK
from thinkwell.lab.trace import NATURAL, write
from thinkwell.lab.world import LabProblem, Ref

AT_ONCE = f"{UNTHINK}\n\n"
"""Begins a reply without thinking."""
AGAIN = replace(NATURAL, slip=0.02, reflect=0.1, recheck=0.1)
"""Who solves again has the right calculations before its eyes: fewer slips and checks."""


@dataclass(frozen=True)
class Piece:
    """A part of a trace. `learn`: the model writes it (else it was put in, and carries no loss)."""

    text: str
    learn: bool


@dataclass(frozen=True)
class Step:
    """A step of a shown solution with what is known of it; what is None is not known."""

    text: str
    right: bool | None
    solvable: bool
    exact: bool | None


@dataclass(frozen=True)
class Conversation:
    """`turns` alternate between user and assistant and end with the user; `reply` is what follows `<think>\\n`, up to the end-of-turn token.

    `steps`: those of the solution that the last user turn shows, in order.
    """

    turns: tuple[str, ...]
    reply: tuple[Piece, ...]
    steps: tuple[Step, ...] = ()

    @property
    def prompt(self) -> str:
        roles = ("user", "assistant")
        said = "".join(f"{START}{roles[i % 2]}\n{text}{END}\n" for i, text in enumerate(self.turns))
        return f"{said}{START}assistant\n{THINK}\n"

    @property
    def text(self) -> str:
        """The whole reply."""
        return "".join(piece.text for piece in self.reply)


@dataclass(frozen=True)
class Solution:
    """A solution to be judged: `text` is a whole trace, written by the world or sampled from the policy."""

    problem: LabProblem
    text: str
    steps: tuple[StepLabel, ...] = field(init=False)
    """The labels of its steps, without that of the mark that ends the thinking: one for each paragraph that is shown."""

    def __post_init__(self) -> None:
        steps = tuple(step for step in label(self.problem, self.text) if step.text.strip() not in ("", UNTHINK))
        object.__setattr__(self, "steps", steps)

    @cached_property
    def right(self) -> bool:
        return boxed(self.text) == self.problem.answer

    @cached_property
    def first_wrong(self) -> int | None:
        return next((i for i, step in enumerate(self.steps) if step.right is False), None)

    @cached_property
    def wrong_for_good(self) -> int | None:
        """The first step of the thinking from which on the answer stays out of reach; None if it can be reached to the end of it."""
        thinking = self.thinking
        first = len(thinking)
        while first and not thinking[first - 1].solvable:
            first -= 1
        return first if first < len(thinking) else None

    @cached_property
    def thinking(self) -> tuple[StepLabel, ...]:
        closed = UNTHINK in self.text
        return self.steps[:-1] if closed else self.steps

    def claim(self, index: int) -> str:
        """What step `index` should state, with the plan's own values: "5 + 3 = 8" or "8"; "" where the plan has nothing to say."""
        step = self.steps[index]
        if step.plan is not None:
            return shown(gold(self.problem, step.plan))
        closing = index == len(self.steps) - 1 and UNTHINK in self.text
        return str(self.problem.answer) if closing and step.statement else ""

    def judged(self, count: int | None = None) -> tuple[Step, ...]:
        """The first `count` steps with what is known of them."""
        return tuple(Step(s.text.strip(), s.right, s.solvable, s.statement.exact if s.statement else None) for s in self.steps[:count])


def right_step(solution: Solution) -> str | None:
    """What the step that went wrong for good should have said, in the plan's sentence; None where nothing did or the plan does not know it."""
    at, problem = solution.wrong_for_good, solution.problem
    if at is None:
        return None
    step = solution.thinking[at]
    if step.plan is not None:
        claim = problem.plan[step.plan]
        return claim.say.format(x=shown(gold(problem, step.plan)))
    if step.statement is None:
        return None
    tempting = next((d for d in problem.distractors if d.tempting and d.number == step.statement.right), None)
    return tempting.deny.format(x=problem.plan[problem.running[tempting.after]].value) if tempting else None


def at_once(turn: str, said: str, steps: tuple[Step, ...] = ()) -> Conversation:
    """One user turn and a reply without thinking."""
    return Conversation((turn,), (Piece(AT_ONCE + said, True),), steps)


def solved(turn: str, trace: str, steps: tuple[Step, ...] = ()) -> Conversation:
    """One user turn and a trace."""
    return Conversation((turn,), (Piece(trace, True),), steps)


def solve_again(solution: Solution, rng: random.Random, *, told: bool = True) -> str:
    """A trace after a look at this solution. `told`: somebody has said which step was wrong and what is right.

    Who solves again must not read better than who solves, except where told: traps up to the step that is named are read rightly, the others as ever. A solution whose answer
    is right is read on as it was.
    """
    problem, at = solution.problem, solution.wrong_for_good
    readings: dict[int, bool] = {}
    if solution.right:
        readings = dict.fromkeys(range(len(problem.plan)), False) | {-1 - d.number: False for d in problem.distractors}
    elif told and at is not None:
        plan = next((s.plan for s in reversed(solution.thinking[: at + 1]) if s.plan is not None), 0)
        readings = dict.fromkeys(range(plan + 1), False) | {-1 - d.number: False for d in problem.distractors if d.after <= plan}
    return write(problem, rng, AGAIN, readings).text


def gold(problem: LabProblem, step: int) -> Statement:
    """What the plan says in this step."""
    claim = problem.plan[step]
    left, right = (problem.plan[x.step].value if isinstance(x, Ref) else x for x in (claim.left, claim.right))
    return Statement(claim.op, left, right, claim.value)


def shown(said: Statement) -> str:
    return str(said.value) if said.op == "=" else f"{said.left} {said.op} {said.right} = {said.value}"


Make = Callable[[random.Random, Solution], Conversation | None]
"""A skill: from a problem with a solution, one conversation; None where this one has nothing to teach."""
