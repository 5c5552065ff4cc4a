"""The shared step: what is scored, and how many paths the tokens left can carry."""

import asyncio
from dataclasses import replace

import pytest

from thinkwell.core.budget import Budget
from thinkwell.core.scores import Aggregate
from thinkwell.engines.scripted import ScriptedEngine
from thinkwell.methods._steps import Candidate, affordable, judge, take_step
from thinkwell.scorers.scripted import ScriptedScorer
from thinkwell.session import Session


def session_of(problem, preset, tokens=None):
    engine = ScriptedEngine({"*": "a b c\n\n" * 3 + "\\boxed{7}"})
    return Session(problem, engine, preset=preset, budget=Budget(tokens=tokens), scorers={"prm": ScriptedScorer({"a": 0.8})})


def test_a_fork_that_did_not_grow_is_not_scored_again(problem, toy):
    async def work():
        session = session_of(problem, toy)
        (candidate,) = await take_step(session, [Candidate(path) for path in await session.open()], Aggregate.LAST)
        fork = replace(candidate, path=session.fork(candidate.path, 1)[0])
        judged = await judge(session, [candidate, fork], Aggregate.LAST)
        assert [c.score for c in judged] == [0.8, 0.8]
        assert session.usage.scorer_calls == 1

    asyncio.run(work())


@pytest.mark.parametrize(
    ("steps", "tokens", "paths"),
    [
        (0, 100, 10),  # nothing written: 10 tokens a path
        (1, 100, 12),  # 4 written in a step of 4, 96 left: two steps (8) are more than the rest (6)
        (3, 60, 5),  # 12 written, 48 left: 0.7 * 12 = 8.4 more to come
        (3, 13, 1),  # never none
    ],
)
def test_the_tokens_left_carry_so_many_paths(problem, toy, steps, tokens, paths):
    async def work():
        session = session_of(problem, toy, tokens)
        candidates = [Candidate(path) for path in await session.open()]
        for _ in range(steps):
            candidates = await take_step(session, candidates, Aggregate.LAST)
        assert affordable(session, candidates) == paths

    asyncio.run(work())
