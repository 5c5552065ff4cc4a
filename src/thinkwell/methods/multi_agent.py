"""A team of agents: a CEO plans, a recruiter names experts, one solves, the others criticise side by side, an evaluator judges (MAS-TTS, Jin et al. 2025, arXiv 2504.09772).

    for each of max_turns rounds
        CEO        go on or stop; how many experts, in which direction, with how many tokens;  recruiter: a description of each expert
        solver     a whole solution; up to max_inner_turns times all critics review it in parallel: all agree, or the solver writes it anew
        executor   a tool's result, if there is a tool;  evaluator: right, accept and stop; wrong, its advice goes into the next round
    the answer of the last solution (of the last one that has an answer, if that was cut)

Chosen differently: the CEO's stop is obeyed once there is an answer (the repository never uses it: ceo_can_stop=false). Experts have an upper bound, and
the choices of tokens follow the preset's ceiling (the paper's are fractions of 32000). A reply that cannot be read is counted by role, also where a
default is taken as in the paper: the CEO goes on, a critic agrees, the evaluator says wrong. A budget keeps tokens for the next solution; whoever cannot
be heard for want of tokens is counted as skipped. The executor does stated calculations again; programs are not run. All agents may be one model, or
each role may have an engine of its own.
Cost per problem: a round is up to max_inner_turns + 1 solutions, as many reviews less one by each critic, and three short replies.
"""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, PositiveInt

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.method import METHODS, About, Outcome, Turn
from thinkwell.core.path import Role
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.methods._team import REWRITE, SEATS, AgreeBy, Executor, Team
from thinkwell.methods._turns import WordingName
from thinkwell.session import Session

ROUND = 4  # typical lengths that a round takes, for sizing
MOST_ROUNDS = 8


class Config(Knobs):
    max_turns: int = Field(default=2, ge=1)
    """Rounds of the whole team; sized to a token budget unless set."""
    max_inner_turns: int = Field(default=3, ge=0)
    """Rounds of criticism within one round of the team."""
    n_experts: int = Field(default=2, ge=1)
    """Solver and critics together, where the CEO does not say."""
    ceo: bool = True
    """Let a CEO plan each round; switched off by a token budget too small for it."""
    ceo_can_stop: bool = True
    """The CEO's stop ends the work once there is an answer (false: it is noted and not obeyed, as in the repository)."""
    max_experts: int = Field(default=4, ge=2)
    """Most experts that the CEO may ask for; it gets at least two."""
    token_choices: tuple[PositiveInt, ...] = ()
    """Tokens an expert may write in one reply, for the CEO to choose from; none: 1/16, 1/8, 1/4, 1/2 and all of the preset's ceiling."""
    recruiter: bool = True
    """Let a recruiter describe the experts (false: fixed descriptions); switched off by a token budget too small for it."""
    executor: Executor = Executor.NONE
    """What the evaluator is told beside the solution: none, or arithmetic (the calculations that it states, done again)."""
    evaluator: bool = True
    """Let an evaluator judge each round (false: a round that ends in consensus is accepted)."""
    agree_by: AgreeBy = AgreeBy.TAG
    """A critic agrees by what it declares (tag), or by its own final answer being that of the solution (answer; the tag where it gives none)."""
    max_tries: int = Field(default=3, ge=1)
    """Replies asked of an agent until one can be read; then its default is taken."""
    max_history: int = Field(default=3, ge=1)
    """Messages of others that an expert sees, the latest."""
    wording: WordingName = "auto"
    """What the agents are asked: auto (by the preset), instruct, reasoning or lab."""


class MultiAgent:
    name: ClassVar[str] = "multi_agent"
    about: ClassVar[About] = About(
        "a team: a CEO plans, experts are recruited, one solves, critics review in parallel, an evaluator judges",
        "Two Heads are Better Than One: Test-time Scaling of Multi-agent Collaborative Reasoning (Jin et al. 2025)", "2504.09772", "discussion",
    )  # fmt: skip
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.FRESH_SAMPLES})
    scorers: ClassVar[tuple[str, ...]] = ()
    seats: ClassVar[tuple[str, ...]] = SEATS
    turns: ClassVar[frozenset[Turn]] = frozenset(Turn("multi_agent", seat) for seat in SEATS)
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})
        absent = {seat for seat in (Role.CEO, Role.RECRUITER, Role.EVALUATOR) if not getattr(self.config, seat.value)}
        self.turns = frozenset(turn for turn in type(self).turns if turn.seat not in absent)  # type: ignore[misc]  # of those who take part

    def fit(self, budget: Budget, preset: Preset) -> Self:
        if budget.tokens is None:
            return self
        rounds = budget.tokens // max(1, ROUND * preset.typical_tokens)
        led = rounds > 0
        return type(self)(
            self.config.resized(
                max_turns=min(MOST_ROUNDS, max(1, rounds)), ceo=self.config.ceo and led, recruiter=self.config.recruiter and led
            )
        )

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        team = Team(self.config, problem, session)
        stop = "max_turns"
        for turn in range(self.config.max_turns):
            if turn and not team.affords(REWRITE):
                stop = "budget"
                break
            decision = await team.plan()
            if not decision.go_on:
                stop = "ceo"
                break
            await team.recruit(decision)
            await team.discuss()
            if await team.judge():
                stop = "evaluator" if self.config.evaluator else "consensus"
                break
        return team.outcome(stop)


METHODS.add(MultiAgent.name)(MultiAgent)
