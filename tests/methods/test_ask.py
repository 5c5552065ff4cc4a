"""Conversations of a method's own beside the problem's."""

import asyncio
from dataclasses import replace

import pytest

from tests.methods.conftest import PRESET, Ledger, session_of
from thinkwell.core.path import Finish, Origin, Role
from thinkwell.core.sampling import GREEDY
from thinkwell.engines.protocol import Rendered
from thinkwell.methods._ask import ask, put

TWO = [[{"role": "user", "content": "first"}], [{"role": "user", "content": "second"}]]
ECHO = lambda ask: f"to {ask.prompt.split('>')[1].split()[0]} {ask.path}"  # noqa: E731


def test_replies_come_back_by_conversation_in_their_order():
    async def work():
        session = session_of(ECHO)
        replies = await ask(session, TWO, 2, role=Role.CRITIC)
        assert [[path.text for path in own] for own in replies] == [["to first 0", "to first 1"], ["to second 2", "to second 3"]]
        assert {path.role for own in replies for path in own} == {Role.CRITIC}
        assert (
            session.usage.generated["critic"] == session.usage.generated_tokens == 20
        )  # to, first, a space, a digit and the end, four times
        assert session.engine.released == [f"p#0:{i}" for i in range(4)]  # what they said is all that is wanted of them

    asyncio.run(work())


def test_no_conversation_is_no_reply():
    session = session_of(ECHO)
    assert asyncio.run(ask(session, [], 3, role=Role.CRITIC)) == []
    assert session.engine.requests == []


def test_ceiling_and_sampling_are_passed_on():
    async def work():
        session = session_of({"*": "a b c d"})
        ((path,),) = await ask(session, TWO[:1], role=Role.VERIFIER, max_tokens=2, sampling=GREEDY)
        assert (path.text, path.finish) == ("a b", Finish.LENGTH)
        assert session.engine.requests[0].sampling == GREEDY

    asyncio.run(work())


def test_the_budget_is_shared_by_all_replies():
    async def work():
        session = session_of({"*": "a b c d e f"}, tokens=6)
        replies = await ask(session, TWO, role=Role.CRITIC)
        assert [path.count(Origin.MODEL) for (path,) in replies] == [3, 3]

    asyncio.run(work())


class Opening(Ledger):
    """Its chat template opens the thinking in the prompt."""

    async def render(self, messages, problem=""):
        text = (await super().render(messages, problem)).text + "<think>\n"
        return Rendered(self.tokenizer.encode(text), text, tuple(messages))


@pytest.mark.parametrize(
    ("model", "preset", "written"),
    [
        (Ledger, PRESET, "<think>\nDone.</think>\n\n"),
        (Opening, PRESET, "Done.</think>\n\n"),
        (Ledger, replace(PRESET, think_open=""), "Done.</think>\n\n"),
        (Ledger, replace(PRESET, think_open="", think_close=""), ""),  # a model that marks no thinking has nothing to close
    ],
)
def test_a_reply_at_once_finds_its_thinking_closed(model, preset, written):
    async def work():
        session = session_of({"*": "yes"}, preset=preset, kind=model)
        (path,) = await put(session, TWO[0], role=Role.SOLVER, at_once=True, finished="Done.")
        assert path.text == written

    asyncio.run(work())


def test_without_at_once_nothing_is_written_for_the_model():
    async def work():
        session = session_of({"*": "yes"})
        paths = await put(session, TWO[0], 3, role=Role.SOLVER, finished="Done.")
        assert [path.text for path in paths] == [""] * 3

    asyncio.run(work())
