"""Paths that a ceiling cut inside their thinking get to say their answer."""

import asyncio
from dataclasses import replace

import pytest

from tests.methods.conftest import PRESET, session_of
from thinkwell.core.capability import Capability
from thinkwell.core.path import Finish, Origin
from thinkwell.methods._conclude import conclude, room_to_think

TALKER = lambda ask: "7}" if ask.so_far.endswith("{") else "<think>\na b c d e f g h"  # noqa: E731
BLIND = frozenset({Capability.RESUME_OWN, Capability.FRESH_SAMPLES})


def concluded(script, most, *, tokens=None, preset=PRESET, **engine):
    async def work():
        session = session_of(script, tokens=tokens, preset=preset, **engine)
        paths = await session.extend(await session.open(2), max_tokens=most)
        return paths, await conclude(session, paths), session

    return asyncio.run(work())


def test_thinking_that_was_cut_is_closed_and_asked_for_its_answer():
    before, after, session = concluded(TALKER, 5)
    assert [path.finish for path in before] == [Finish.LENGTH] * 2
    assert [path.text for path in after] == [before[0].text + "\n</think>\n\nFinal answer: \\boxed{7}"] * 2
    assert [session.answer(path).canonical for path in after] == ["7", "7"]


def test_a_line_that_is_over_gets_no_second_end():
    _, (path, _), _ = concluded(lambda ask: "7}" if ask.so_far.endswith("{") else "<think>\na\n b", 4)
    assert path.text.startswith("<think>\na\n</think>")


def test_an_answer_takes_at_most_a_quarter_of_a_typical_path():
    _, after, _ = concluded(lambda ask: "<think>\n" + " on" * 40, 5, preset=replace(PRESET, typical_tokens=12))
    assert [path.count(Origin.MODEL) for path in after] == [5 + 3] * 2


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("<think>\na</think> \\boxed{7}", 5),  # cut in the answer, not in the thinking
        ("<think>\na", 50),  # ended by the model
        ("a b c d e f g", 5),  # it does not think
    ],
)
def test_others_stay_as_they_are(text, most):
    before, after, _ = concluded({"*": text}, most)
    assert after == before


def test_a_preset_or_an_engine_that_cannot_close_leaves_all_as_it_is():
    before, after, _ = concluded(TALKER, 5, preset=replace(PRESET, think_open="", think_close=""))
    assert after == before
    before, after, _ = concluded(TALKER, 5, capabilities=BLIND)
    assert after == before


def test_nothing_is_asked_of_a_budget_that_is_spent():
    before, after, session = concluded(TALKER, 5, tokens=10)
    assert after == before
    assert session.usage.injected == 0


@pytest.mark.parametrize(
    ("left", "n", "room"),
    [
        (100, 2, 48),  # 50 each, less 10 // 4 for the answer
        (8, 2, 2),  # 4 each: half of a share at least
        (1, 2, 1),
        (0, 2, 1),  # never less than one token
        (100, 0, 100),
    ],
)
def test_tokens_for_the_answers_are_kept_back_from_the_thinking(left, n, room):
    async def work():
        session = session_of(TALKER)
        return room_to_think(session, await session.open(n) if n else [], left)

    assert asyncio.run(work()) == room


def test_nothing_is_kept_back_where_nothing_can_be_asked():
    async def work():
        session = session_of(TALKER, capabilities=BLIND)
        return room_to_think(session, await session.open(2), 100)

    assert asyncio.run(work()) == 50
