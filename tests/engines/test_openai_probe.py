"""What is found out about a server: by asking it, never from its name."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.engines.fake_server import FakeServer
from thinkwell.core.capability import Capability
from thinkwell.core.errors import ConfigError, ServerError, ServerUnreachable, UnknownName
from thinkwell.engines.openai_probe import CHAT, FULL, PREFIX, TEXT, Facts, probe


class WithoutTokenizer(FakeServer):
    """One that takes and gives ids but has no address for tokenizing."""

    async def _route(self, method: str, path: str, fields: dict[str, str], body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        if path == "/tokenize":
            return await self._json(writer, 404, {"detail": "Not Found"})
        await super()._route(method, path, fields, body, writer)


def ask(*servers: FakeServer, **more: Any) -> Facts:
    return probe([server.url for server in servers], more.pop("key", None), more.pop("model", None), more.pop("mode", "auto"), **more)


def dead() -> FakeServer:
    with FakeServer() as server:
        return server


def test_a_server_with_ids_can_do_it_all() -> None:
    with FakeServer() as server:
        found = ask(server)
    assert (found.model, found.mode, found.context, found.details["server"]) == ("toy", "completions", 512, "vllm 9.9")
    assert found.capabilities == FULL
    assert (found.ids, found.extras, found.tokenizes, found.templates) == (True, True, True, True)


def test_a_server_of_texts_goes_on_from_them_and_no_more() -> None:
    with FakeServer("text") as server:
        found = ask(server)
    assert (found.mode, found.capabilities, found.context) == ("completions", PREFIX, None)
    assert (found.ids, found.extras, found.tokenizes, found.templates) == (False, False, False, False)
    assert "text" in found.details["prefixes"]


def test_a_server_of_conversations_says_why_it_is_one() -> None:
    with FakeServer("chat") as server:
        found = ask(server)
    assert (found.mode, found.capabilities) == ("chat", CHAT)
    assert "not offered" in found.details["completions"]


def test_where_only_conversations_are_wanted_nothing_is_generated_to_find_out() -> None:
    with FakeServer() as server:
        server.probing = False
        found = ask(server, mode="chat")
    assert (found.mode, found.capabilities) == ("chat", CHAT)
    assert server.bodies == []


def test_a_tokenizer_that_stands_by_here_does_for_a_server_without_one() -> None:
    with WithoutTokenizer() as server:
        blind, told = ask(server), ask(server, hello=server.tokenizer.encode(TEXT))
    assert blind.capabilities == PREFIX | {Capability.LOGPROBS}
    assert told.capabilities == FULL
    assert (told.extras, told.tokenizes, told.templates) == (True, False, False)


def test_a_processor_for_token_biases_is_noticed_by_what_it_does() -> None:
    with FakeServer(text="a b c d") as server:
        server.biases = True
        assert ask(server).capabilities == FULL | {Capability.TOKEN_BIAS}


def test_the_fingerprint_is_the_models() -> None:
    with FakeServer() as server:
        first, again = ask(server), ask(server)
        server.models = ["other"]
        other = ask(server)
    assert first.fingerprint == again.fingerprint
    assert first.fingerprint != other.fingerprint


@pytest.mark.parametrize("fault", ["429", "500", "garbage", "disconnect"])
def test_passing_trouble_is_no_lack_of_a_capability(fault: str) -> None:
    with FakeServer() as server:
        server.probing = False
        server.faults.append(fault)
        assert ask(server).capabilities == FULL


def test_a_refusal_of_every_kind_of_completion_leaves_the_conversations() -> None:
    with FakeServer() as server:
        server.probing = False
        server.faults.extend(["400"] * 3)
        found = ask(server)
    assert found.mode == "chat"
    assert "the prompt is too long" in found.details["completions"]


def test_a_server_too_slow_to_say_what_it_can_do_is_not_taken_for_one_that_can_do_less() -> None:
    with FakeServer() as server:
        server.faults.extend(["slow"] * 3)
        server.probing = False
        with pytest.raises(ServerUnreachable, match="could not be asked what it can do"):
            ask(server, timeout=0.5)


@pytest.mark.parametrize("flavour", ["html", "wrong"])
def test_a_server_that_speaks_something_else_is_refused(flavour: str) -> None:
    with FakeServer(flavour) as server, pytest.raises(ServerUnreachable, match="speaks something else"):
        ask(server)


def test_a_server_that_is_down_is_refused_and_all_that_are_down_are_named() -> None:
    one, other = dead(), dead()
    with pytest.raises(ServerUnreachable, match=r"no server answers at http://127.0.0.1:\d+/v1.*Start it"):
        ask(one)
    with pytest.raises(ServerUnreachable) as refused:
        ask(one, other)
    assert one.url in str(refused.value)
    assert other.url in str(refused.value)


def test_one_that_is_down_is_noted_where_another_answers() -> None:
    gone = dead()
    with FakeServer() as alive:
        assert ask(gone, alive).details["put aside at first"] == gone.url


def test_every_server_must_have_the_model_of_the_first() -> None:
    with FakeServer() as first, FakeServer(model="other") as second, pytest.raises(UnknownName, match=f"model at {second.url}"):
        ask(first, second)


def test_models_modes_and_keys_that_do_not_fit_are_refused() -> None:
    with FakeServer() as server:
        with pytest.raises(UnknownName, match="did you mean 'toy'"):
            ask(server, model="tox")
        with pytest.raises(UnknownName, match="mode of the openai engine"):
            ask(server, mode="chats")
        server.models = ["toy", "other"]
        with pytest.raises(ConfigError, match="serves 2 models"):
            ask(server)
        assert ask(server, model="other").model == "other"
    with FakeServer("chat") as server, pytest.raises(ServerError, match="no usable completions endpoint"):
        ask(server, mode="completions")
    with FakeServer(key="secret") as server:
        with pytest.raises(ServerError, match="OPENAI_API_KEY"):
            ask(server)
        assert ask(server, key="secret").ids
