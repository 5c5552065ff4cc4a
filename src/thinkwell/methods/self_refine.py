"""Self-refine: one model writes a solution, judges it, and writes a better one, until it finds nothing wrong (Madaan et al. 2023, arXiv 2303.17651).

    solution = the answer to the question
    repeat max_attempts times:
        feedback = the model's judgement of the solution, ending in a verdict; "correct": stop
        solution = a better solution, written from question, earlier solutions and their feedback
    answer = that of the last solution

Chosen differently: feedback and refinement are two turns, as in the paper (its code for GSM8K gets both from one reply). The verdict is a line of its own, not a phrase
anywhere in the feedback; feedback without a verdict is counted, and the solution refined all the same. A refinement without an answer (cut, or lost) never replaces a solution
that has one. Under a token budget no round is begun that could not be finished at the lengths seen so far.
Cost per problem: one solution, and for each round one feedback and one solution; all in sequence. There is no outside signal: the model judges itself.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar, Self

from pydantic import Field

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.method import METHODS, About, Outcome, Turn
from thinkwell.core.path import Path, Role
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Message, Preset
from thinkwell.core.sampling import GREEDY, Sampling
from thinkwell.methods._turns import Decoding, WordingName, answering, end_of_thinking, mean_length, query_of, wording_of
from thinkwell.methods.wording.self_refine import WORDINGS, Feedback, Judgement, Wording
from thinkwell.session import Session

SAMPLED = Sampling(temperature=0.7)  # of feedback and refinements, in the original code


class History(StrEnum):
    """Which earlier attempts a refinement sees."""

    AUTO = "auto"
    ALL = "all"
    LAST = "last"


class Config(Knobs):
    max_attempts: int = Field(default=4, ge=0)
    """Rounds of feedback and refinement at most; made fewer to fit a token budget unless set. 0: the first solution."""
    history: History = History.AUTO
    """Attempts that a refinement sees with their feedback: all (as in the paper), last, or auto (all; the last alone for the lab's model, which learned it so)."""
    decoding: Decoding = Decoding.PAPER
    """paper (first solution greedy, feedback and refinements at temperature 0.7) or run."""
    max_tokens: int | None = Field(default=None, ge=1)
    """Ceiling of one reply; None: the preset's."""
    wording: WordingName = "auto"
    """Words of feedback and refinement turns: auto (by the preset's kind of model), instruct, reasoning or lab."""


class SelfRefine:
    name: ClassVar[str] = "self_refine"
    about: ClassVar[About] = About(
        "one solution, judged and rewritten by its own model until it finds nothing wrong",
        "Self-Refine: Iterative Refinement with Self-Feedback (Madaan et al. 2023)", "2303.17651", "refinement",
    )  # fmt: skip
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.FRESH_SAMPLES})
    scorers: ClassVar[tuple[str, ...]] = ()
    turns: ClassVar[frozenset[Turn]] = frozenset({Turn("self_refine")})
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})
        if self.config.max_attempts == 0:
            self.turns = frozenset()  # type: ignore[misc]  # the first solution is all

    def fit(self, budget: Budget, preset: Preset) -> Self:
        if budget.tokens is None:
            return self
        typical = max(1, preset.typical_tokens)
        rounds = max(0, budget.tokens - typical) // (2 * typical)
        return type(self)(self.config.resized(max_attempts=min(rounds, self.config.max_attempts)))

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        words = WORDINGS[wording_of(session, self.config.wording)]
        paper = self.config.decoding is Decoding.PAPER
        first = await self._reply(session, session.preset.messages(problem), Role.SOLVER, GREEDY if paper else None)
        solutions, critiques = [first], list[Path]()
        attempts: list[tuple[str, Feedback]] = []
        stopped = "attempts"
        show(session, words, first, 0)
        for number in range(self.config.max_attempts):
            solution = words.shown_solution(solutions[-1].text, end_of_thinking(session, solutions[-1]))
            if not affordable(session, solutions, critiques):
                stopped = "budget"
                break
            critique = await self._reply(session, words.ask_feedback(query_of(problem), solution), Role.CRITIC, SAMPLED if paper else None)
            feedback = words.read_feedback(critique.text, end_of_thinking(session, critique))
            critiques.append(critique)
            attempts.append((solution, feedback))
            unread = feedback.judgement is Judgement.UNREADABLE
            verdict = "" if unread else feedback.judgement.value
            session.say(critique, "critic", ("solver",), feedback.text, round=number, decision=verdict, unread=unread)
            if feedback.judgement is Judgement.CORRECT:
                stopped = "correct"
                break
            if session.exhausted:
                stopped = "budget"
                break
            messages = refinement(session, problem, words, attempts if self._sees_all(words) else attempts[-1:])
            solutions.append(await self._reply(session, messages, Role.SOLVER, SAMPLED if paper else None))
            show(session, words, solutions[-1], number + 1)
        return settle(session, solutions, {"stopped": stopped, **counts(attempts)})

    def _sees_all(self, words: Wording) -> bool:
        return words.all_attempts if self.config.history is History.AUTO else self.config.history is History.ALL

    async def _reply(self, session: Session, messages: list[Message], role: Role, sampling: Sampling | None) -> Path:
        paths = await session.open(messages=messages, role=role)
        ceiling = self.config.max_tokens
        (path,) = await session.extend(paths, max_tokens=ceiling and min(ceiling, session.preset.max_tokens), sampling=sampling)
        return path


def show(session: Session, words: Wording, path: Path, number: int) -> None:
    """Put a solution into the events as the critic reads it."""
    text = words.shown_solution(path.text, end_of_thinking(session, path))
    session.say(path, "solver", ("critic",), text, round=number, decision=answering(session, path))


def refinement(session: Session, problem: Problem, words: Wording, attempts: list[tuple[str, Feedback]]) -> list[Message]:
    """The preset's own conversation (so the answer comes in the task's form), its last turn followed by the attempts."""
    *before, asked = session.preset.messages(problem)
    return [*before, *words.ask_refined(asked["content"], attempts)]


def affordable(session: Session, solutions: list[Path], critiques: list[Path]) -> bool:
    """Do the tokens left hold one more round, at the lengths seen so far?"""
    solution = mean_length(solutions, session.preset.typical_tokens)
    return not session.exhausted and session.tokens_left >= solution + mean_length(critiques, solution)


def counts(attempts: list[tuple[str, Feedback]]) -> dict[str, Any]:
    """What the feedback said."""
    judgements = [feedback.judgement for _, feedback in attempts]
    return {
        "rounds": len(attempts),
        "judgements": [judgement.value for judgement in judgements],
        "unreadable_feedback": judgements.count(Judgement.UNREADABLE),
        "feedback": [feedback.text for _, feedback in attempts],
    }


def settle(session: Session, solutions: list[Path], facts: dict[str, Any]) -> Outcome:
    """The last solution that has an answer."""
    answers = [session.answer(path) for path in solutions]
    last = max((i for i, answer in enumerate(answers) if answer is not None), default=None)
    found = {**facts, "solutions": [answer.canonical if answer else None for answer in answers], "taken": last}
    if last is None:
        return Outcome(None, tuple(solutions), facts=found)
    return Outcome(answers[last], tuple(solutions), solutions[last], facts=found)


METHODS.add(SelfRefine.name)(SelfRefine)
