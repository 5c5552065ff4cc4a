import asyncio
import threading
import time

import pytest

from tests.engines.fake_server import FakeServer
from thinkwell.core.capability import Capability
from thinkwell.core.errors import ConfigError, MissingCapability, ServerError, ServerUnreachable
from thinkwell.core.noise import NoiseKey
from thinkwell.core.path import Finish
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.core.sampling import GREEDY, Sampling
from thinkwell.decoding.token_bias import Bias, TokenBias
from thinkwell.engines.openai import OpenAIEngine
from thinkwell.engines.openai_http import base, retry_after
from thinkwell.engines.openai_probe import FULL
from thinkwell.engines.openai_wire import seed_of
from thinkwell.engines.protocol import Completion, Engine, Request
from thinkwell.engines.scripted import EOS
from thinkwell.session import Session

QUICK = {"backoff": 0.001, "patience": 0.2, "timeout": 300.0}


def connect(server, **more) -> OpenAIEngine:
    servers = server if isinstance(server, list) else [server]
    for item in servers:
        item.probing = True
    engine = OpenAIEngine.connect([item.url for item in servers], **{**QUICK, **more})
    for item in servers:
        item.probing, item.answers, item.most_live = False, 0, 0
    return engine


def request(path="0", text="ask", **more) -> Request:
    ids = more.pop("prefix", (5, 6, 7))
    return Request(NoiseKey(0, "p#0", path), more.pop("max_tokens", 50), ids, text, ({"role": "user", "content": "ask"},), **more)


def run(engine, *requests) -> list[Completion]:
    async def go():
        try:
            return await engine.generate(requests)
        finally:
            await engine.aclose()

    return asyncio.run(go())


def one(engine, **more) -> Completion:
    return run(engine, request(**more))[0]


# ---- connecting -------------------------------------------------------------------------------------------------------------


def test_the_engine_has_the_capabilities_that_were_found():
    with FakeServer() as server:
        engine = connect(server)
    assert isinstance(engine, Engine)
    assert engine.capabilities == FULL
    assert (engine.info.name, engine.info.model, engine.info.context) == ("openai", "toy", 512)
    assert engine.info.details["server"] == "vllm 9.9"


def test_keys_settings_and_addresses_that_do_not_fit_are_refused(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ServerUnreachable, match="is not the address of a server"):
        OpenAIEngine.connect("localhost:8000")
    with FakeServer() as server, pytest.raises(ConfigError, match="concurrency=0"):
        connect(server, concurrency=0)
    with FakeServer(key="secret") as server:
        with pytest.raises(ServerError, match="OPENAI_API_KEY"):
            connect(server)
        monkeypatch.setenv("OPENAI_API_KEY", "secret")
        assert one(connect(server)).finish is Finish.EOS


@pytest.mark.parametrize("url", ["http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/"])
def test_an_address_may_be_written_with_or_without_its_version(url):
    assert base(url) == "http://h:1/v1"


# ---- writing ----------------------------------------------------------------------------------------------------------------


def test_ids_go_in_and_come_out_and_the_end_mark_is_a_token_but_no_text():
    with FakeServer() as server:
        done = one(connect(server), logprobs=True)
        (body,) = server.bodies
    assert (done.text, done.finish, done.tokens[-1]) == ("one two\n\nthree four", Finish.EOS, EOS)
    assert done.n_tokens == len(done.tokens) == 6
    assert done.logprobs == (-0.25,) * 6
    assert (done.prefill_computed, done.prefill_reused) == (2, 1)
    assert body["prompt"] == [5, 6, 7]
    assert body["skip_special_tokens"] is False


def test_the_models_own_sampling_defaults_are_switched_off():
    with FakeServer() as server:
        run(connect(server), request(sampling=Sampling(0.8)), request(sampling=GREEDY))
        sampled, greedy = sorted(server.bodies, key=lambda body: -body["temperature"])
    assert (sampled["top_p"], sampled["top_k"], sampled["min_p"], sampled["repetition_penalty"]) == (1.0, 0, 0.0, 1.0)
    assert sampled["temperature"] == 0.8
    assert greedy["temperature"] == 0
    assert "seed" not in greedy


def test_seeds_come_from_the_paths_key_and_place():
    seeds = {
        seed_of(request(path="0")),
        seed_of(request(path="1")),
        seed_of(request(path="0", prefix=(5, 6))),
        seed_of(request(path="0.0")),
    }
    assert len(seeds) == 4
    assert seed_of(request(path="0")) == seed_of(request(path="0"))
    assert all(0 <= seed < 1 << 32 for seed in seeds)


def test_seeds_can_be_left_out_for_servers_that_cannot_bear_them():
    with FakeServer() as server:
        run(connect(server), request())
        run(connect(server, seeds=False), request())
        assert ["seed" in body for body in server.bodies] == [True, False]


def test_stop_strings_are_kept_or_dropped_as_the_local_engine_does():
    with FakeServer(text="one.\n\nthree") as server:
        engine = connect(server)
        kept, dropped = run(engine, request(stop=(".\n",)), request(stop=(".\n",), include_stop=False))
    assert (kept.text, kept.finish, kept.stop_matched, kept.n_tokens, kept.dropped) == ("one.\n\n", Finish.STOP, ".\n", 3, 0)
    assert (dropped.text, dropped.finish, dropped.n_tokens, dropped.dropped) == ("one", Finish.STOP, 1, 2)


def test_a_stop_string_that_began_in_the_text_before_ends_the_segment():
    with FakeServer(text="\nthree four") as server:
        engine = connect(server)
        kept, dropped = run(
            engine, request(stop=("\n\n",), stop_context="one\n"), request(stop=("\n\n",), stop_context="one\n", include_stop=False)
        )
    assert (kept.text, kept.finish, kept.n_tokens) == ("\n", Finish.STOP, 1)
    assert kept.n_tokens + kept.dropped == 4
    assert (dropped.text, dropped.finish, dropped.n_tokens, dropped.dropped) == ("", Finish.STOP, 0, 4)


def test_lengths_stop_tokens_and_further_parameters_are_sent():
    with FakeServer() as server:
        engine = connect(server)
        (two,) = server.tokenizer.encode(" two")
        cut, stopped = run(engine, request(max_tokens=2), request(stop_tokens=(two,), min_tokens=2, ignore_eos=True))
        bodies = {body["max_tokens"]: body for body in server.bodies}
    assert (cut.text, cut.finish) == ("one two", Finish.LENGTH)
    assert (stopped.text, stopped.finish, stopped.tokens[-1]) == ("one two", Finish.STOP, two)
    assert (bodies[50]["stop_token_ids"], bodies[50]["min_tokens"], bodies[50]["ignore_eos"]) == ([two], 2, True)


def test_the_servers_count_wins_and_is_noted():
    with FakeServer() as server:
        server.usage_offset = 3
        engine = connect(server)
        done = one(engine)
    assert (done.n_tokens, done.dropped) == (6, 3)
    assert "differs" in engine.info.details["usage"]


def test_a_servers_own_limit_is_a_full_context_and_not_the_requests_length():
    with FakeServer() as server:
        engine = connect(server)
        server.ceiling = 3
        short, asked = run(engine, request(max_tokens=50), request(max_tokens=3))
    assert (short.n_tokens, short.finish) == (3, Finish.CONTEXT)
    assert (asked.n_tokens, asked.finish) == (3, Finish.LENGTH)


def test_text_is_streamed_as_it_is_written():
    heard = []
    with FakeServer() as server:
        done = one(connect(server), on_tokens=lambda ids, text: heard.append((tuple(ids), text)))
    assert done.text == "one two\n\nthree four" == "".join(text for _, text in heard)
    assert done.tokens == tuple(token for ids, _ in heard for token in ids)
    assert len(heard) == 6


def test_a_stream_that_breaks_off_goes_on_without_repeating_itself():
    heard = []
    with FakeServer() as server:
        engine = connect(server)
        server.faults.append("half")
        done = one(engine, on_tokens=lambda ids, text: heard.append(text))
    assert "".join(heard) == done.text == "one two\n\nthree four"
    assert done.n_tokens == 6


def test_at_its_deadline_a_request_keeps_what_it_has():
    heard = []
    with FakeServer(text="and " * 200) as server:
        engine = connect(server)
        server.faults.append("hang")
        done = one(engine, max_tokens=400, deadline=0.5, on_tokens=lambda ids, text: heard.extend(ids))
    assert done.finish is Finish.LENGTH
    assert done.tokens == tuple(heard)
    assert done.n_tokens <= 3


def test_a_deadline_that_is_not_met_changes_nothing():
    with FakeServer() as server:
        assert one(connect(server), deadline=float("inf")).finish is Finish.EOS


def test_text_only_servers_go_on_from_text():
    with FakeServer("text") as server:
        engine = connect(server)
        done, stopped, again = run(engine, request(text="so far"), request(stop=("\n\n",)), request(max_tokens=3))
        prompts = {body["prompt"] for body in server.bodies}
    assert prompts == {"so far", "ask"}
    assert (done.text, done.tokens, done.n_tokens, done.finish) == ("one two\n\nthree four", (), 6, Finish.EOS)
    assert (stopped.text, stopped.finish, stopped.stop_matched) == ("one two\n\n", Finish.STOP, "\n\n")
    assert (again.n_tokens, again.finish) == (3, Finish.LENGTH)


def test_chat_servers_answer_conversations_and_only_those():
    with FakeServer("chat") as server:
        engine = connect(server)
        done = one(engine)
        with pytest.raises(MissingCapability, match="token_ids"):
            asyncio.run(engine.encode("x"))
        with pytest.raises(MissingCapability, match="peek"):
            asyncio.run(engine.peek([(1,)]))
        (body,) = server.bodies
    assert body["messages"] == [{"role": "user", "content": "ask"}]
    assert (done.text, done.finish, done.n_tokens) == ("one two\n\nthree four", Finish.EOS, 6)


def test_chat_models_that_took_the_old_name_of_the_limit_away_are_spoken_to_anew():
    with FakeServer("chat") as server:
        server.limit_name = "max_completion_tokens"
        engine = connect(server)
        assert one(engine).finish is Finish.EOS
        assert one(engine, max_tokens=2).n_tokens == 2
        assert len(server.bodies) == 3


def test_a_session_runs_on_a_server_and_its_budget_holds():
    preset = Preset("test", 1, "{question}")

    async def go(engine):
        session = Session(Problem("p", "2+2?"), engine, preset=preset)
        (path,) = await session.extend(await session.open(), stop=("\n\n",))
        path = await session.splice(path, " Wait")
        (path,) = await session.extend([path], max_tokens=1)
        await engine.aclose()
        return path

    with FakeServer() as server:
        path = asyncio.run(go(connect(server)))
        assert path.text == "one two\n\n Waitone"
        assert server.bodies[-1]["prompt"] == path.tokens[:-1]
    with FakeServer("text") as server:
        path = asyncio.run(go(connect(server)))
        assert server.bodies[-1]["prompt"] == "2+2?\n\none two\n\n Wait"


# ---- judging ----------------------------------------------------------------------------------------------------------------


def test_peek_score_render_encode_and_decode():
    async def go(engine):
        rendered = await engine.render([{"role": "user", "content": "hi"}])
        text = await engine.decode(rendered.tokens)
        peeked = await engine.peek([(1, 2), (3,)], top=1)
        scored = await engine.score([(4, 5, 6), (7,), ()])
        same = await engine.encode(text)
        await engine.aclose()
        return rendered, text, peeked, scored, same

    with FakeServer() as server:
        rendered, text, peeked, scored, same = asyncio.run(go(connect(server)))
    (first,) = server.tokenizer.encode("one")
    assert text == rendered.text == "hi <think>"
    assert same == rendered.tokens
    assert peeked == [{first: -0.25}, {first: -0.25}]
    assert scored == [[0.0, -0.1, -0.2], [0.0], []]


def test_a_logits_hook_is_refused():
    with FakeServer() as server, pytest.raises(MissingCapability, match="logits"):
        one(connect(server), hook=lambda logits, tokens: logits)


def test_a_token_bias_is_sent_to_a_server_that_has_our_processor_and_refused_elsewhere():
    wave = Bias(amplitude=5, period=8)  # at its height at t = 2
    with FakeServer(text="a b c d e") as server:
        server.biases = True
        engine = connect(server)
        (wait,) = server.tokenizer.encode("Wait")
        whole, later = run(
            engine,
            request("0", hook=TokenBias([wait], wave, start=3)),  # the prompt has three tokens
            request("1", hook=TokenBias([wait], wave, start=2)),  # one of them is the path's own already
        )
        server.biases = False
        blind = connect(server)
        with pytest.raises(MissingCapability, match="token_bias"):
            one(blind, hook=TokenBias([wait], wave))
    assert Capability.TOKEN_BIAS in engine.capabilities
    assert Capability.TOKEN_BIAS not in blind.capabilities
    assert Capability.SCORE in blind.capabilities
    assert [whole.text, later.text] == ["a bWait d e", "aWait c d e"]
    assert [body["vllm_xargs"]["thinkwell_bias_written"] for body in server.bodies] == [0, 1]


# ---- trouble ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["429", "429 after 0", "500", "disconnect", "garbage"])
def test_passing_trouble_is_tried_again(fault):
    with FakeServer() as server:
        engine = connect(server)
        server.faults.extend([fault] * 3)
        done = one(engine)
        assert len(server.bodies) == 4
    assert done.text == "one two\n\nthree four"


def test_a_slow_server_is_a_timeout_and_tried_again():
    with FakeServer() as server:
        engine = connect(server, timeout=0.5)
        server.faults.append("slow")
        assert one(engine).finish is Finish.EOS


def test_after_all_retries_the_last_trouble_is_told():
    with FakeServer() as server:
        engine = connect(server, retries=2)
        server.faults.extend(["500"] * 9)
        with pytest.raises(ServerError, match=r"failed 3 times.*engine dead"):
            one(engine)
        assert len(server.bodies) == 3


def test_a_refused_request_is_not_tried_again_and_the_servers_words_are_passed_on():
    with FakeServer() as server:
        engine = connect(server)
        server.faults.append("400")
        with pytest.raises(ServerError, match=r"status 400: the prompt is too long\."):
            one(engine)
        assert len(server.bodies) == 1


def test_one_failure_cancels_the_requests_beside_it():
    with FakeServer() as server:
        engine = connect(server)
        server.faults.extend(["slow", "400"])
        started = time.monotonic()
        with pytest.raises(ServerError):
            run(engine, request("0"), request("1"))
        assert time.monotonic() - started < 5


def test_three_hundred_requests_at_once_all_return_within_the_limit_of_concurrency():
    with FakeServer() as server:
        engine = connect(server, concurrency=32)
        server.faults.extend(["429", "500", "disconnect", "garbage"] * 10)
        done = run(engine, *(request(str(i)) for i in range(300)))
        assert {completion.text for completion in done} == {"one two\n\nthree four"}
        assert server.most_live <= 32
        assert server.answers == 300


def test_the_least_loaded_of_several_servers_is_asked_first():
    with FakeServer() as one_server, FakeServer() as other:
        run(connect([one_server, other]), *(request(str(i)) for i in range(40)))
        assert 15 <= len(one_server.bodies) <= 25
        assert len(one_server.bodies) + len(other.bodies) == 40


def test_a_dead_server_is_put_aside_and_used_again_when_it_is_back():
    with FakeServer() as alive, FakeServer() as dying:
        engine = connect([dying, alive], patience=30)
        dying.stop()
        run(engine, *(request(str(i)) for i in range(20)))
        assert len(alive.bodies) == 20
        dying.start()
        time.sleep(0.01)
        run(engine, *(request(str(i)) for i in range(20, 60)))
        assert len(dying.bodies) > 0
        assert alive.answers + dying.answers == 60


def test_a_server_that_is_down_at_connection_is_put_aside_if_another_answers():
    dead = FakeServer()
    with dead:
        pass
    with FakeServer() as alive:
        engine = connect([dead, alive])
        assert dead.url in engine.info.details["put aside at first"]
        assert one(engine).finish is Finish.EOS


def test_requests_wait_for_a_server_that_restarts_and_nothing_is_counted_twice():
    server = FakeServer(text="slow and slow")
    server.start()
    engine = connect(server, patience=30, backoff=0.01)
    counted = []

    def listen(ids, text):
        counted.extend(ids)

    def restart():
        time.sleep(0.15)
        server.stop()
        time.sleep(0.1)
        server.start()

    thread = threading.Thread(target=restart)
    thread.start()
    done = run(engine, *(request(str(i), on_tokens=listen) for i in range(4)))
    thread.join()
    server.stop()
    assert {completion.text for completion in done} == {"slow and slow"}
    assert len(counted) == sum(completion.n_tokens for completion in done) == 16


def test_patience_ends():
    with FakeServer() as server:
        engine = connect(server, patience=0.05)
    with pytest.raises(ServerUnreachable, match=r"for 0.05 s"):
        one(engine)


def test_the_time_a_server_asks_for_is_read_in_seconds_or_as_a_date():
    assert retry_after("3") == 3
    assert retry_after(None) is None
    assert retry_after("soon") is None
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
