"""Replies with words put in front of them: those are in the path, injected, and carry no loss."""

from __future__ import annotations

import asyncio

import pytest

from tests.training.small import LAB, engine, writer
from thinkwell.core.errors import ConfigError
from thinkwell.core.path import Origin
from thinkwell.core.problem import Problem
from thinkwell.tasks.presets import preset
from thinkwell.training.turns import Opened, Turn, at_once, prompt_opens, reply

PROBLEMS = [Problem("a", "Ann has 5 apples."), Problem("b", "Ben has 3 pears.")]


def test_the_opening_is_injected_and_carries_no_loss() -> None:
    by = engine()

    async def run() -> None:
        samples = await Opened("[Easy]", 3, 2).collect(writer(by), lambda n: PROBLEMS[:n])
        put = await by.encode("[Easy]")
        assert [sample.problem.id for sample in samples] == ["a"] * 3 + ["b"] * 3
        assert len({sample.group for sample in samples}) == 2
        for sample in samples:
            prompt, opening, own = sample.path.segments
            assert (prompt.origin, opening.origin, own.origin) == (Origin.PROMPT, Origin.INJECTED, Origin.MODEL)
            assert opening.tokens == put
            assert sample.path.text.startswith("[Easy]")
            assert sum(sample.mask()) == own.n_tokens == sample.length
            assert own.logprobs is not None
        await by.aclose()

    asyncio.run(run())


def test_replies_depend_on_the_tag_and_the_name_of_the_call_alone() -> None:
    by = engine()

    async def run() -> None:
        turn = Turn(PROBLEMS[0], tuple(LAB.messages(PROBLEMS[0])))
        first = await reply(writer(by), [turn], 2, name="x")
        again = await reply(writer(by), [turn], 2, name="x")
        other = await reply(writer(by), [turn], 2, name="y")
        later = await reply(writer(by, tag="1"), [turn], 2, name="x")
        texts = [[sample.path.tokens for sample in samples] for samples in (first, again, other, later)]
        assert texts[0] == texts[1]
        assert texts[0] != texts[2]
        assert texts[0] != texts[3]
        await by.aclose()

    asyncio.run(run())


def test_another_engine_can_answer() -> None:
    own, other = engine(0), engine(1)

    async def run() -> None:
        turn = Turn(PROBLEMS[0], tuple(LAB.messages(PROBLEMS[0])))
        mine = await reply(writer(own), [turn], 1)
        theirs = await reply(writer(own), [turn], 1, engine=other)
        direct = await reply(writer(other), [turn], 1)
        assert theirs[0].path.tokens == direct[0].path.tokens != mine[0].path.tokens
        await own.aclose()
        await other.aclose()

    asyncio.run(run())


def test_the_thinking_is_closed_once_whoever_opened_it() -> None:
    by = engine()
    assert asyncio.run(prompt_opens(by, LAB))
    assert at_once(LAB, True) == "</think>\n\n"
    assert at_once(LAB, False, "Done.\n") == "<think>\nDone.\n</think>\n\n"
    assert at_once(preset("boxed")) == ""


def test_an_empty_rollout_is_refused() -> None:
    with pytest.raises(ConfigError, match="empty"):
        Opened("", 0, 1)
