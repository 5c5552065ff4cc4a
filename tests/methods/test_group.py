"""Paths in lock-step within one budget: who may write, how much, and the tokens kept back for the answers of those that never end."""

import asyncio
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.methods.conftest import PRESET, session_of
from thinkwell.core.path import Finish, Origin
from thinkwell.engines.scripted import Reply
from thinkwell.methods._endings import closing_cue
from thinkwell.methods._group import Group

LONG = "<think>\n" + " on" * 40
ANSWERS = lambda ask: "7}" if ask.so_far.endswith("{") else LONG  # noqa: E731


async def group_of(n, script=ANSWERS, answer=3, **more):
    session = session_of(script, **more)
    return Group(session, await session.open(n), answer)


def test_a_path_may_write_up_to_the_ceiling_less_its_answer():
    async def work():
        group = await group_of(1)
        assert group.room(group.paths[0]) == 60 - 3
        assert await group.extend([0], 10)
        assert group.room(group.paths[0]) == 60 - 10 - 3

    asyncio.run(work())


def test_a_context_bounds_it_too_with_the_words_of_the_cue():
    async def work():
        group = await group_of(1, context=100)
        prompt = len(group.paths[0])
        assert group.context(group.paths[0]) == 100 - prompt - 3 - len(closing_cue(PRESET)) - 1
        assert group.room(group.paths[0]) == group.context(group.paths[0])

    asyncio.run(work())


def test_only_paths_that_think_and_have_room_are_open():
    script = {"*": [Reply(LONG, eos=False), "<think>\na</think> 7", "so \\boxed{7}", "<think>\na"]}

    async def work():
        group = await group_of(4, script)
        assert group.open() == [0, 1, 2, 3]
        await group.extend([0, 1, 2, 3], 20)
        assert group.open() == [0]  # closed; ended with an answer; ended inside its thinking, so done until it is reopened
        await group.extend([0], 100)
        assert group.paths[0].count(Origin.MODEL) == 57
        assert group.open() == []

    asyncio.run(work())


def test_all_write_the_same_and_no_more_than_leaves_every_answer_its_tokens():
    async def work():
        group = await group_of(3, tokens=40)
        assert await group.extend([0, 1], 100)  # (40 - 3 * 3) // 2
        assert [path.count(Origin.MODEL) for path in group.paths] == [15, 15, 0]
        assert not await group.extend([0, 1, 2], 100)  # ten are left, nine of them kept back: none for three
        assert not await group.extend([], 100)
        assert not await group.extend([0], 0)

    asyncio.run(work())


def test_forced_answers_come_out_of_what_was_kept_back():
    async def work():
        group = await group_of(2, tokens=26)
        await group.extend([0, 1], 100)
        assert group.session.tokens_left == 6
        assert await group.close() == 2
        assert [group.session.answer(path).canonical for path in group.paths] == ["7", "7"]
        assert group.session.tokens_left == 0

    asyncio.run(work())


def test_only_paths_that_still_think_are_closed_and_an_ended_text_is_opened_again():
    def script(ask):
        return "7}" if ask.so_far.endswith("{") else Reply("<think>\na") if ask.path.startswith("0") else Reply("<think>\na</think> 3")

    async def work():
        group = await group_of(2, script)
        await group.extend([0, 1], 20)
        assert [path.finish for path in group.paths] == [Finish.EOS, Finish.EOS]
        assert await group.close() == 1
        assert group.paths[0].text == "<think>\na\n</think>\n\nFinal answer: \\boxed{7}"
        assert group.paths[1].text == "<think>\na</think> 3"

    asyncio.run(work())


def test_nothing_is_forced_without_tokens():
    async def work():
        group = await group_of(1, tokens=5)
        group.paths = await group.session.extend(group.paths)
        assert await group.close() == 0
        assert group.session.usage.injected == 0

    asyncio.run(work())


def test_what_is_left_must_pay_the_extra_and_the_rest_of_the_survivors():
    async def work():
        group = await group_of(2, tokens=40)
        await group.extend([0, 1], 4)  # 32 left; a typical path has 10: 6 more each
        assert group.affords([0, 1], 10, 2)
        assert not group.affords([0, 1], 11, 2)
        assert group.affords([0, 1], 11, 1)
        assert not group.affords([], 0, 0)
        await group.extend([0, 1], 10)  # 12 left; longer than typical: half of one at least
        assert group.affords([0, 1], 1, 2)
        assert not group.affords([0, 1], 2, 2)
        group.answer = 8  # the rest must hold the forced answer
        assert not group.affords([0], 5, 1)

    asyncio.run(work())


@settings(deadline=None, max_examples=40)
@given(n=st.integers(1, 4), tokens=st.integers(1, 120), answer=st.integers(1, 8), most=st.integers(1, 30), rounds=st.integers(0, 4))
def test_whoever_still_thinks_at_the_end_gets_its_answers_tokens(n, tokens, answer, most, rounds):
    async def work():
        group = await group_of(n, tokens=tokens, answer=answer, preset=replace(PRESET, max_tokens=200))
        for _ in range(rounds):
            if not await group.extend(group.open(), most):
                break
        left = group.session.tokens_left
        assert left >= min(tokens, n * answer)
        assert await group.close() == n
        for path in group.paths:
            assert path.text.endswith("{7}") or answer < 2 or left < n * answer

    asyncio.run(work())
