from __future__ import annotations

import asyncio
import random

import pytest
import torch

from tests.engines.local.conftest import plain_logits, request, tiny, write
from thinkwell.core.errors import EngineError
from thinkwell.core.noise import NoiseKey, gumbel
from thinkwell.core.path import Finish
from thinkwell.core.sampling import GREEDY, Sampling
from thinkwell.engines.local.engine import LocalEngine
from thinkwell.engines.protocol import Capability, Engine

PROMPT = [5, 9, 200, 17, 31, 8, 100, 44, 45, 46, 12, 13, 77, 78, 6, 2, 90, 91]


def ragged(count: int, seed: int = 0, **more: object) -> list:
    rng = random.Random(seed)
    return [request(str(i), [rng.randrange(2, 294) for _ in range(rng.randint(1, 40))], rng.randint(1, 40), **more) for i in range(count)]


def test_the_engine_is_an_engine_that_can_do_all_but_chat_only(engine):
    assert isinstance(engine, Engine)
    assert set(Capability) - engine.capabilities == {Capability.CHAT_ONLY}


def test_sampled_tokens_are_the_argmax_of_tempered_logits_plus_the_keyed_noise(tokenizer):
    model, ids = tiny("qwen3"), list(PROMPT)
    for _ in range(15):
        noise = torch.from_numpy(gumbel(NoiseKey(7, "p", "a"), len(ids), 320))
        ids.append(int((plain_logits(model, ids)[-1] / 0.7 + noise).argmax()))
    done = write(LocalEngine(model, tokenizer), request("a", PROMPT, 15, sampling=Sampling(0.7)))[0]
    assert list(done.tokens) == ids[len(PROMPT) :]


def test_float64_writes_identical_tokens_alone_and_in_a_batch_of_64(tokenizer):
    model = tiny("qwen3")
    asked = ragged(70)
    together = write(LocalEngine(model, tokenizer, rows=64), *asked)
    alone = LocalEngine(model, tokenizer, rows=1)
    for one, done in zip(asked, together, strict=True):
        assert write(alone, one)[0].tokens == done.tokens


def test_float32_writes_the_same_sequences_alone_and_in_a_batch_of_64(tokenizer):
    model = tiny("qwen3", torch.float32)
    asked = ragged(220, seed=1)
    together = write(LocalEngine(model, tokenizer, rows=64), *asked)
    alone = write(LocalEngine(model, tokenizer, rows=1), *asked)
    same = sum(one.tokens == other.tokens for one, other in zip(together, alone, strict=True))
    assert same >= 0.999 * len(asked)


def test_paths_that_join_and_leave_a_small_batch_write_as_if_alone(tokenizer):
    model, asked = tiny("llama"), ragged(40, seed=2, lineage=())
    busy = write(LocalEngine(model, tokenizer, rows=5, chunk=33), *asked)
    assert [done.tokens for done in busy] == [write(LocalEngine(model, tokenizer), one)[0].tokens for one in asked]
    assert [len(done.tokens) for done in busy] == [one.max_tokens for one in asked]


def test_log_probs_are_the_models_own_whatever_the_temperature_and_filters(tokenizer):
    model = tiny("qwen3")
    done = write(LocalEngine(model, tokenizer), request("0", PROMPT, 12, sampling=Sampling(0.3, top_p=0.5, top_k=7), logprobs=True))[0]
    ids = [*PROMPT, *done.tokens]
    expected = plain_logits(model, ids).log_softmax(-1)
    assert done.logprobs == pytest.approx([expected[i - 1, ids[i]].item() for i in range(len(PROMPT), len(ids))], abs=1e-9)


def test_samples_of_one_prompt_compute_it_once(engine):
    done = write(engine, *(request(str(i), PROMPT, 3) for i in range(6)))
    assert [d.prefill_computed for d in done] == [len(PROMPT), 1, 1, 1, 1, 1]
    assert all(d.prefill_computed + d.prefill_reused == len(PROMPT) for d in done)
    assert len({d.tokens for d in done}) == 6


def test_a_path_goes_on_without_recomputation_and_writes_what_it_would_have_written(tokenizer):
    model = tiny("qwen3")
    whole = write(LocalEngine(model, tokenizer), request("0", PROMPT, 24))[0].tokens
    engine = LocalEngine(model, tokenizer)
    first = write(engine, request("0", PROMPT, 9, lineage=("p:0",)))[0]
    rest = write(engine, request("0", [*PROMPT, *first.tokens], 15, lineage=("p:0",)))[0]
    assert first.tokens + rest.tokens == whole
    assert (rest.prefill_computed, rest.prefill_reused) == (1, len(PROMPT) + 8)


def test_forks_cuts_and_splices_compute_only_what_is_new(tokenizer):
    model = tiny("mistral")
    engine = LocalEngine(model, tokenizer)
    first = write(engine, request("0", PROMPT, 20, lineage=("p:0",)))[0]
    ids = [*PROMPT, *first.tokens]
    fork, cut, splice = write(
        engine,
        request("0.0", ids, 10, lineage=("p:0.0", "p:0")),
        request("0~1", ids[:25], 10, lineage=("p:0~1", "p:0")),
        request("0.1", [*ids, 7, 8, 9], 10, lineage=("p:0.1", "p:0")),
    )
    assert (fork.prefill_computed, cut.prefill_computed, splice.prefill_computed) == (1, 1, 4)
    fresh = LocalEngine(model, tokenizer)
    assert write(fresh, request("0.0", ids, 10))[0].tokens == fork.tokens
    assert write(fresh, request("0~1", ids[:25], 10))[0].tokens == cut.tokens
    assert write(fresh, request("0.1", [*ids, 7, 8, 9], 10))[0].tokens == splice.tokens


def test_released_paths_are_forgotten_and_computed_again(engine):
    first = write(engine, request("0", PROMPT, 5, lineage=("p:0",)))[0]
    engine.release(["p:0"])
    assert len(engine.shelf) == 0
    again = write(engine, request("0", [*PROMPT, *first.tokens], 5, lineage=("p:0",)))[0]
    assert again.prefill_reused == 0


def test_when_the_cache_is_full_the_longest_unused_paths_go_and_results_stay(tokenizer):
    model = tiny("qwen3")
    small = LocalEngine(model, tokenizer, cache_bytes=200_000)
    first = write(small, *(request(str(i), [*PROMPT, i + 2], 9, lineage=(f"p:{i}",)) for i in range(8)))
    assert small.shelf.used <= 200_000
    assert 0 < len(small.shelf) < 8
    again = write(small, *(request(str(i), [*PROMPT, i + 2, *d.tokens], 9, lineage=(f"p:{i}",)) for i, d in enumerate(first)))
    fresh = write(LocalEngine(model, tokenizer), *(request(str(i), [*PROMPT, i + 2], 18) for i in range(8)))
    assert [a.tokens + b.tokens for a, b in zip(first, again, strict=True)] == [d.tokens for d in fresh]


def test_end_of_text_ends_a_path_unless_ignored(tokenizer):
    def eager(logits_V: torch.Tensor, tokens: object) -> torch.Tensor:
        return logits_V + 5 * torch.eye(1, len(logits_V), dtype=logits_V.dtype)[0]

    engine = LocalEngine(tiny("qwen3"), tokenizer)
    asked = [request(str(i), PROMPT, 60, ignore_eos=False, sampling=Sampling(3.0), hook=eager) for i in range(6)]
    ended = [d for d in write(engine, *asked) if d.finish is Finish.EOS]
    assert ended
    assert all(d.tokens[-1] == 0 and 0 not in d.tokens[:-1] and "<eos>" not in d.text for d in ended)
    late = write(engine, request("0", PROMPT, 60, ignore_eos=False, min_tokens=30, sampling=Sampling(3.0), hook=eager))[0]
    assert len(late.tokens) >= 30
    assert 0 not in late.tokens[:29]


def test_stop_tokens_end_a_path_and_stay(engine):
    free = write(engine, request("0", PROMPT, 20))[0].tokens
    stop = free[6]
    done = write(engine, request("0", PROMPT, 20, stop_tokens=(stop,)))[0]
    assert done.finish is Finish.STOP
    assert done.tokens == free[: free.index(stop) + 1]


def test_the_context_window_ends_a_path(engine):
    done = write(engine, request("0", PROMPT * 28, 20))[0]  # 504 of 512 positions
    assert (len(done.tokens), done.finish) == (8, Finish.CONTEXT)
    full = write(engine, request("0", (PROMPT * 29)[:512], 20))[0]
    assert (len(full.tokens), full.finish) == (0, Finish.CONTEXT)


def test_zero_tokens_asked_is_zero_tokens_written(engine):
    done = write(engine, request("0", PROMPT, 0))[0]
    assert (done.tokens, done.finish, done.text) == ((), Finish.LENGTH, "")


def test_a_request_without_prefix_is_an_error(engine):
    with pytest.raises(EngineError, match="without prefix"):
        write(engine, request("0", [], 5))


def test_hooks_steer_their_own_path_only_and_may_keep_state(tokenizer):
    model = tiny("qwen3")

    class Alternate:
        def __init__(self) -> None:
            self.lengths: list[int] = []

        def __call__(self, logits_V: torch.Tensor, tokens: list[int]) -> torch.Tensor:
            self.lengths.append(len(tokens))
            forced = torch.full_like(logits_V, -torch.inf)
            forced[40 + len(self.lengths) % 2] = 0
            return forced

    hook, engine = Alternate(), LocalEngine(model, tokenizer)
    steered, free = write(engine, request("0", PROMPT, 4, hook=hook), request("1", PROMPT, 4))
    assert steered.tokens == (41, 40, 41, 40)
    assert hook.lengths == [18, 19, 20, 21]
    assert free.tokens == write(LocalEngine(model, tokenizer), request("1", PROMPT, 4))[0].tokens


def test_a_failing_hook_fails_its_request_and_no_other(engine):
    def broken(logits: object, tokens: object) -> object:
        raise ZeroDivisionError("in the hook")

    async def both() -> tuple[object, object]:
        bad = asyncio.ensure_future(engine.generate([request("0", PROMPT, 5, hook=broken)]))
        good = asyncio.ensure_future(engine.generate([request("1", PROMPT, 5)]))
        return await asyncio.gather(bad, good, return_exceptions=True)

    bad, good = asyncio.run(both())
    assert isinstance(bad, ZeroDivisionError)
    assert len(good[0].tokens) == 5


def test_a_cancelled_request_leaves_the_batch(engine):
    async def cancel() -> int:
        task = asyncio.ensure_future(engine.generate([request("0", PROMPT, 400)]))
        other = asyncio.ensure_future(engine.generate([request("1", PROMPT, 30)]))
        await asyncio.sleep(0.01)
        task.cancel()
        done = await other
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0.01)
        return len(done[0].tokens) + 100 * len(engine.scheduler.active)

    assert asyncio.run(cancel()) == 30


def test_requests_of_many_callers_share_steps(engine):
    async def callers() -> list[object]:
        return await asyncio.gather(*(engine.generate([request(str(i), [*PROMPT, i + 2], 10)]) for i in range(8)))

    steps = engine.scheduler.step
    count = 0

    def counted() -> bool:
        nonlocal count
        count += 1
        return steps()

    engine.scheduler.step = counted
    asyncio.run(callers())
    assert count <= 13


def test_the_engine_serves_one_event_loop_after_another(engine):
    first = write(engine, request("0", PROMPT, 5))[0]
    assert write(engine, request("0", PROMPT, 5))[0].tokens == first.tokens


def test_a_deadline_ends_a_request_between_steps(engine):
    done = write(engine, request("0", PROMPT, 400, deadline=0.0))[0]
    assert len(done.tokens) == 1
    assert done.finish is Finish.LENGTH


def test_greedy_and_sampled_paths_share_a_batch(tokenizer):
    model = tiny("qwen2")
    asked = [
        request("0", PROMPT, 12, sampling=GREEDY),
        request("1", PROMPT, 12),
        request("2", PROMPT, 12, sampling=Sampling(0.8, 0.9, 20, 0.05)),
    ]
    together = write(LocalEngine(model, tokenizer), *asked)
    for one, done in zip(asked, together, strict=True):
        assert write(LocalEngine(model, tokenizer), one)[0].tokens == done.tokens
