"""The engine for OpenAI-compatible servers against a real vLLM on CPU; the local engine, on the same weights in float32, is the judge."""

import asyncio
import json
import threading

import pytest

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.noise import NoiseKey
from thinkwell.core.path import Finish
from thinkwell.core.sampling import GREEDY, Sampling
from thinkwell.engines.openai import OpenAIEngine
from thinkwell.engines.protocol import Request
from thinkwell.engines.registry import bundled
from thinkwell.runs.compare import Progress, compare_async
from thinkwell.runs.spec import CompareSpec
from thinkwell.tasks import TASKS
from thinkwell.tasks.presets import preset

LONGEST = 320


@pytest.fixture(scope="module")
def local():
    from thinkwell.engines.local.engine import LocalEngine

    return LocalEngine(bundled("policy"), dtype="float32")


@pytest.fixture(scope="module")
def prompts(local):
    """Ids of 100 problems of the lab."""
    problems = TASKS.get("lab/arithmetic").load(None, seed=11, limit=100, knobs={})

    async def go():
        return [(await local.render(preset("lab").messages(problem))).tokens for problem in problems]

    return asyncio.run(go())


def connect(server, **more):
    return OpenAIEngine.connect(server.url, **{"patience": 900.0, "concurrency": 128, **more})


def ask(prefix, path="0", **more):
    return Request(NoiseKey(0, "p#0", path), more.pop("max_tokens", LONGEST), tuple(prefix), sampling=more.pop("sampling", GREEDY), **more)


def run(engine, requests):
    async def go():
        try:
            return await engine.generate(requests)
        finally:
            if isinstance(engine, OpenAIEngine):
                await engine.aclose()

    return asyncio.run(go())


def test_everything_it_can_do_is_found(server):
    engine = connect(server)
    wanted = {"CONTINUE_PREFIX", "RESUME_OWN", "TOKEN_IDS", "LOGPROBS", "PEEK", "SCORE", "TOKEN_BIAS", "FRESH_SAMPLES"}
    assert engine.capabilities == {Capability[name] for name in wanted}
    assert engine.info.context == 2048
    assert engine.info.details["server"].startswith("vllm ")


def test_prompts_are_rendered_to_the_same_ids(server, local):
    messages = [{"role": "user", "content": "Tom has 3 bags of 4 apples.\nHow many? é漢"}]

    async def go():
        engine = connect(server)
        theirs, ours = await engine.render(messages), await local.render(messages)
        same = await engine.encode("Wait,\n\nno.") == await local.encode("Wait,\n\nno.")
        await engine.aclose()
        return theirs, ours, same

    theirs, ours, same = asyncio.run(go())
    assert theirs.tokens == ours.tokens
    assert theirs.text == ours.text
    assert same


def test_greedy_tokens_equal_the_local_engines_on_at_least_99_of_100_prompts(server, local, prompts):
    requests = [ask(prompt, str(i)) for i, prompt in enumerate(prompts)]
    theirs, ours = run(connect(server), requests), run(local, requests)
    same = sum(a.tokens == b.tokens and a.text == b.text and a.finish is b.finish for a, b in zip(theirs, ours, strict=True))
    print(f"greedy: {same} of {len(prompts)} equal, {sum(a.n_tokens for a in theirs)} tokens")
    assert same >= 99


def test_three_hundred_requests_at_once_all_return(server, prompts):
    requests = [ask(prompts[i % 100], str(i), max_tokens=48, sampling=Sampling(0.8)) for i in range(300)]
    done = run(connect(server, concurrency=300), requests)
    assert len(done) == 300
    assert all(1 <= completion.n_tokens <= 48 and completion.dropped == 0 for completion in done)
    assert all(completion.finish in (Finish.EOS, Finish.LENGTH) for completion in done)
    assert len({completion.tokens for completion in done}) > 150


def test_a_path_goes_on_from_its_ids_where_it_was_cut(server, prompts):
    requests = [ask(prompt, str(i)) for i, prompt in enumerate(prompts[:12])]
    whole = run(connect(server), requests)
    halves = run(connect(server), [ask(prompt, str(i), max_tokens=17) for i, prompt in enumerate(prompts[:12])])
    rest = run(
        connect(server), [ask((*prompt, *half.tokens), str(i)) for i, (prompt, half) in enumerate(zip(prompts, halves, strict=False))]
    )
    assert all(half.finish is Finish.LENGTH and half.n_tokens == 17 for half in halves)
    joined = [(*half.tokens, *tail.tokens) == full.tokens[: LONGEST + 17] for half, tail, full in zip(halves, rest, whole, strict=True)]
    assert sum(joined) >= 11
    assert whole[0].text == halves[0].text + rest[0].text


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("stop", [("\n\n",), ("= ", " so"), ("</think>",)])
def test_stop_strings_are_kept_or_dropped_as_by_the_local_engine(server, local, prompts, stop, include):
    requests = [ask(prompt, str(i), stop=stop, include_stop=include) for i, prompt in enumerate(prompts[:10])]
    for theirs, ours in zip(run(connect(server), requests), run(local, requests), strict=True):
        facts = [(c.text, c.tokens, c.dropped, c.finish, c.stop_matched) for c in (theirs, ours)]
        assert facts[0] == facts[1]


def test_further_parameters_mean_what_they_mean_to_the_local_engine(server, local, prompts):
    (blank,) = asyncio.run(local.encode("\n\n"))
    cases = [{"stop_tokens": (blank,)}, {"stop_tokens": (blank,), "min_tokens": 40}, {"ignore_eos": True, "max_tokens": LONGEST}]
    for case in cases:
        requests = [ask(prompt, str(i), **case) for i, prompt in enumerate(prompts[:4])]
        theirs, ours = run(connect(server), requests), run(local, requests)
        assert [c.tokens for c in theirs] == [c.tokens for c in ours], case
        assert [(c.text, c.finish) for c in theirs] == [(c.text, c.finish) for c in ours], case


def test_log_probs_are_those_of_the_model_at_temperature_one(server, local, prompts):
    requests = [ask(prompt, str(i), max_tokens=30, sampling=Sampling(0.6), logprobs=True) for i, prompt in enumerate(prompts[:5])]
    done = run(connect(server), requests)

    async def judge():
        engine = connect(server)
        sequences = [(*request.prefix, *completion.tokens) for request, completion in zip(requests, done, strict=True)]
        result = (
            await local.score(sequences),
            await engine.score(sequences),
            await local.peek(sequences, 5),
            await engine.peek(sequences, 5),
        )
        await engine.aclose()
        return result

    ours, theirs, peeks, their_peeks = asyncio.run(judge())
    for request, completion, row, same in zip(requests, done, ours, theirs, strict=True):
        assert completion.logprobs == pytest.approx(row[len(request.prefix) :], abs=2e-3)
        assert same == pytest.approx(row, abs=2e-3)
    for row, same in zip(peeks, their_peeks, strict=True):
        assert list(same.values()) == pytest.approx(list(row.values()), abs=2e-3)
        assert next(iter(same)) == next(iter(row))


def test_the_same_key_samples_the_same_tokens_and_another_key_others(server, prompts):
    first = run(connect(server), [ask(prompts[0], str(i), max_tokens=60, sampling=Sampling(1.0)) for i in range(8)])
    again = run(connect(server), [ask(prompts[0], str(i), max_tokens=60, sampling=Sampling(1.0)) for i in range(8)])
    assert sum(a.tokens == b.tokens for a, b in zip(first, again, strict=True)) >= 7
    assert len({completion.tokens for completion in first}) >= 6


def test_text_is_streamed(server, prompts):
    heard: list[tuple[tuple[int, ...], str]] = []
    (done,) = run(connect(server), [ask(prompts[0], on_tokens=lambda ids, text: heard.append((tuple(ids), text)))])
    (plain,) = run(connect(server), [ask(prompts[0])])
    assert done.tokens == plain.tokens == tuple(token for ids, _ in heard for token in ids)
    assert "".join(text for _, text in heard).startswith(done.text)
    assert len(heard) > 5


def test_killed_and_restarted_in_the_middle_every_request_finishes_with_the_same_tokens(server, prompts):
    requests = [ask(prompt, str(i)) for i, prompt in enumerate(prompts[:60])]
    calm = run(connect(server), requests)
    begun = threading.Event()
    counted: list[int] = []

    def listen(ids, text):
        counted.extend(ids)
        if len(counted) > 200:
            begun.set()

    def strike():
        begun.wait(300)
        server.kill()
        server.start()

    killer = threading.Thread(target=strike)
    killer.start()
    rough = run(connect(server), [ask(prompt, str(i), on_tokens=listen) for i, prompt in enumerate(prompts[:60])])
    killer.join()
    server.wait()
    same = sum(a.tokens == b.tokens for a, b in zip(calm, rough, strict=True))
    assert begun.is_set()
    assert same >= 59
    assert len(counted) == sum(completion.n_tokens for completion in rough)


def test_killed_and_restarted_in_the_middle_of_compare_the_table_is_the_same(server, tmp_path):
    def spec(out):
        return CompareSpec(
            task="lab/arithmetic",
            methods=("single", "self_consistency:n_paths=2"),
            limit=24,
            seed=3,
            budget=Budget(tokens=400),
            engine="openai",
            engine_options={"base_url": server.url, "patience": 900.0},
            preset="lab",
            sampling=GREEDY,
            out=tmp_path / out,
        )

    calm = asyncio.run(compare_async(spec("calm")))
    strikes: list[threading.Thread] = []

    def strike():
        server.kill()
        server.start()

    def watch(progress: Progress) -> None:
        if progress.done >= 10 and not strikes:
            strikes.append(threading.Thread(target=strike))
            strikes[0].start()

    rough = asyncio.run(compare_async(spec("rough"), progress=watch))
    assert strikes
    strikes[0].join()
    server.wait()
    columns = ("method", "accuracy", "generated_tokens", "prompt_tokens", "no_answer", "truncated", "errors")
    tables = [[{name: row[name] for name in columns} for row in json.loads(json.dumps(found.as_dict()))["rows"]] for found in (calm, rough)]
    print(json.dumps(tables[1]))
    assert tables[0] == tables[1]
    assert all(row["errors"] == 0 for row in tables[1])
