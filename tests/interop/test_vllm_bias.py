"""Token biases inside vLLM: our logits processor, found by its entry point in a real server on CPU; the local engine is the judge."""

import asyncio
import subprocess
from pathlib import Path

import httpx
import pytest

from thinkwell.core.capability import Capability
from thinkwell.core.method import METHODS
from thinkwell.core.noise import NoiseKey
from thinkwell.core.sampling import GREEDY
from thinkwell.decoding.markers import closings_of, markers_of
from thinkwell.decoding.token_bias import Bias, Clock, Schedule, TokenBias
from thinkwell.engines.openai import OpenAIEngine
from thinkwell.engines.protocol import Request
from thinkwell.engines.registry import bundled
from thinkwell.methods._steering import LAB_WORDS
from thinkwell.session import Session
from thinkwell.tasks import TASKS
from thinkwell.tasks.presets import preset

from .conftest import PYTHON, installed

BIASES = {
    "wave": (Bias(amplitude=6, period=40), Clock.PATH),
    "up": (Bias(Schedule.CONSTANT, 4), Clock.PATH),
    "falling": (Bias(Schedule.LINEAR, 6, horizon=120), Clock.PATH),
    "noise": (Bias(Schedule.NOISE, 6, seed=3), Clock.PATH),
    "tip": (Bias(Schedule.CONSTANT, 6, windows=((20, 60),)), Clock.THOUGHT),
}


def connect(server):
    return OpenAIEngine.connect(server.url, patience=900.0, concurrency=128)


@pytest.fixture(scope="module")
def local():
    from thinkwell.engines.local.engine import LocalEngine

    return LocalEngine(bundled("policy"), dtype="float32")


@pytest.fixture(scope="module")
def problems():
    return TASKS.get("lab/arithmetic").load(None, seed=23, limit=24, knobs={})


@pytest.fixture(scope="module")
def prompts(local, problems):
    async def go():
        return [(await local.render(preset("lab").messages(problem))).tokens for problem in problems]

    return asyncio.run(go())


@pytest.fixture(scope="module")
def targets(local):
    async def go():
        return (await markers_of(local, LAB_WORDS)).ids, await closings_of(local, "</think>")

    return asyncio.run(go())


def run(engine, prompts, hooks, max_tokens=240):
    asked = [
        Request(NoiseKey(0, "p#0", str(i)), max_tokens, tuple(prompt), sampling=GREEDY, hook=hook)
        for i, (prompt, hook) in enumerate(zip(prompts, hooks, strict=True))
    ]

    async def go():
        try:
            return await engine.generate(asked)
        finally:
            if isinstance(engine, OpenAIEngine):
                await engine.aclose()

    return asyncio.run(go())


@pytest.mark.parametrize("name", BIASES)
def test_biased_tokens_equal_the_local_engines(server, local, prompts, targets, name):
    ids, ends = targets
    bias, clock = BIASES[name]
    hooks = [[TokenBias(ids, bias, len(prompt), ends, clock) for prompt in prompts] for _ in range(2)]
    theirs, ours = run(connect(server), prompts, hooks[0]), run(local, prompts, hooks[1])
    same = sum(a.tokens == b.tokens for a, b in zip(theirs, ours, strict=True))
    plain = run(local, prompts, [None] * len(prompts))
    changed = sum(a.tokens != b.tokens for a, b in zip(plain, ours, strict=True))
    print(f"{name}: {same} of {len(prompts)} equal, {changed} changed by the bias")
    assert same >= len(prompts) - 1
    assert changed >= len(prompts) // 4


def test_a_pause_does_not_restart_the_wave(server, prompts, targets):
    ids, ends = targets
    bias, _ = BIASES["wave"]
    hook = [TokenBias(ids, bias, len(prompt), ends) for prompt in prompts]
    whole = run(connect(server), prompts, hook)
    halves = run(connect(server), prompts, hook, max_tokens=33)
    longer = [(*prompt, *half.tokens) for prompt, half in zip(prompts, halves, strict=True)]
    rest = run(connect(server), longer, hook, max_tokens=207)
    joined = [(*half.tokens, *tail.tokens) == full.tokens for half, tail, full in zip(halves, rest, whole, strict=True)]
    assert sum(joined) >= len(prompts) - 1


def test_requests_with_and_without_a_bias_share_a_batch(server, local, prompts, targets):
    ids, ends = targets
    bias, _ = BIASES["up"]
    hooks = [TokenBias(ids, bias, len(prompt), ends) if i % 2 else None for i, prompt in enumerate(prompts)]
    theirs, ours = run(connect(server), prompts, hooks), run(local, prompts, hooks)
    assert sum(a.tokens == b.tokens for a, b in zip(theirs, ours, strict=True)) >= len(prompts) - 1


def test_parameters_that_do_not_fit_are_refused_by_the_server(server):
    body = {"model": "lab", "prompt": [5, 6], "max_tokens": 2, "vllm_xargs": {"thinkwell_bias_ids": [3], "thinkwell_bias_period": 0}}
    answer = httpx.post(f"{server.url}/completions", json=body, timeout=60, trust_env=False)
    assert answer.status_code == 400
    assert "period 0" in answer.text


def test_the_method_runs_on_the_server(server, problems):
    async def go():
        engine = connect(server)
        assert Capability.TOKEN_BIAS in engine.capabilities
        found = {}
        for name, knobs in {"up": {"schedule": "constant", "amplitude": 3}, "down": {"schedule": "constant", "amplitude": -3}}.items():
            cls = METHODS.get("cyclic_reflex")
            sessions = [Session(problem, engine, preset=preset("lab"), seed=1) for problem in problems]
            outcomes = await asyncio.gather(*(session.run(cls(cls.Config(**knobs))) for session in sessions))
            found[name] = sum(o.facts["markers"] for o in outcomes) / sum(o.facts["sampled"] for o in outcomes)
        await engine.aclose()
        return found

    found = asyncio.run(go())
    print(found)
    assert found["up"] > 3 * found["down"]


def test_both_of_vllms_interfaces_are_served(tmp_path):
    script = Path(__file__).with_name("slot_interface.py")
    done = subprocess.run([PYTHON, str(script)], env=installed(tmp_path), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "as the bias itself" in done.stdout
