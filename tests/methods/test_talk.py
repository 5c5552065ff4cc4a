"""LeaP's round and block by themselves: when there is somebody to talk to, and what becomes of those who do not go on."""

import asyncio
from dataclasses import replace

import pytest

from tests.methods.conftest import PRESET, session_of
from thinkwell.core.events import Note, Pruned
from thinkwell.core.path import Origin, Role
from thinkwell.engines.scripted import Reply
from thinkwell.methods._group import Group
from thinkwell.methods._talk import Sizes, Talk
from thinkwell.methods.leap import Config
from thinkwell.methods.wording.leap import WORDINGS

LONG = replace(PRESET, max_tokens=400, typical_tokens=40)
WORDS = WORDINGS["reasoning"]
OPENED = tuple(opening.rpartition(" ")[2] for opening in WORDS.openings)


def talker(ask):
    if ask.so_far.endswith(OPENED):
        return Reply(f" I am {ask.path}. </summarize>", eos=False)
    return Reply(" a b c d e\n\n", eos=False)


async def talk_of(n, script=talker, tokens=None, size=Sizes(2, 6, 20, 10), **knobs):  # noqa: B008  a frozen value
    session = session_of(script, preset=LONG, tokens=tokens)
    group = Group(session, await session.open(n), size.answer)
    return Talk(session, group, Config(**knobs), WORDS, size, session.rng("leap"))


@pytest.mark.parametrize(
    ("n", "knobs", "rounds"), [(2, {}, [0, 1, 2]), (1, {}, []), (2, {"comm_rounds": (1,)}, [1]), (3, {"single_path": True}, [0, 1, 2])]
)
def test_a_block_is_due_where_there_are_peers_in_the_rounds_that_are_for_talk(n, knobs, rounds):
    talk = asyncio.run(talk_of(n, **knobs))
    assert [number for number in range(3) if talk.due(number)] == rounds


def test_a_round_writes_the_interval_and_ends_at_a_paragraph():
    async def work():
        talk = await talk_of(2, {"*": Reply(" a b c d e\n\n f", eos=False)}, size=Sizes(2, 4, 20, 10))
        assert await talk.write(0)
        assert [path.text for path in talk.group.paths] == [" a b c d e\n\n"] * 2  # four tokens, and two more to the paragraph's end
        assert talk.counts["rounds"] == 1

    asyncio.run(work())


def test_one_that_ends_leaves_the_talk_with_the_round_it_ended_in():
    async def work():
        talk = await talk_of(2, lambda ask: Reply("</think> \\boxed{7}") if ask.path == "1" else talker(ask))
        await talk.write(3)
        assert talk.finished == {"1": 3}
        assert talk.group.open() == [0]
        assert not await (await talk_of(1, lambda ask: Reply("</think> \\boxed{7}"), tokens=10)).write(0)  # all is kept back for the answer

    asyncio.run(work())


def test_everybody_sums_up_and_reads_the_others():
    async def work():
        talk = await talk_of(3)
        await talk.write(0)
        await talk.block(0)
        assert (talk.counts["blocks"], talk.counts["summaries"], talk.counts["comments"]) == (1, 3, 6)
        for path in talk.group.paths:
            assert all((f"I am {other}." in path.text) for other in "012")  # its own summary, and two that it was shown
            assert f"I am {path.id}." in path.own_text
        facts = talk.facts()
        assert facts["own_tokens"] == sum(
            s.n_tokens for p in talk.group.paths for s in p if s.origin is Origin.MODEL and s.role is Role.SOLVER
        )
        assert facts["summary_tokens"] == talk.session.usage.generated["summary"]

    asyncio.run(work())


def test_after_the_one_exchange_of_a_single_path_the_others_are_given_up():
    async def work():
        talk = await talk_of(3, single_path=True)
        await talk.write(0)
        await talk.block(0)
        assert [path.id for path in talk.group.paths] == ["0"]
        assert talk.counts["comments"] == 2
        assert not talk.due(1)
        assert [event.path for event in talk.session.events if isinstance(event, Pruned)] == ["1", "2"]
        before = talk.group.paths[0].count(Origin.MODEL)
        await talk.write(1)
        assert talk.group.paths[0].count(Origin.MODEL) > before + talk.size.interval  # on its own to its end

    asyncio.run(work())


def test_a_block_that_nobody_can_pay_is_left_out_with_a_note():
    async def work():
        talk = await talk_of(2, tokens=70)
        await talk.write(0)
        await talk.block(0)
        assert talk.counts["blocks"] == 0
        assert [event.text for event in talk.session.events if isinstance(event, Note)] == [
            "round 0: no block, since nobody has tokens or context to spare"
        ]

    asyncio.run(work())
