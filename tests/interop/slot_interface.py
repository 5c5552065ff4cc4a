"""Run by vLLM's own Python: the processor behind the interface of vLLM's newer model runner, with stand-ins for the runner's buffers, against the bias itself."""

import random
from types import SimpleNamespace

import numpy as np
import torch
from vllm import SamplingParams
from vllm.v1.sample.logits_processor import LogitsProcessor
from vllm.v1.worker.gpu.sample.logits_processor import LogitsContext
from vllm.v1.worker.gpu.sample.logits_processor import LogitsProcessor as SlotProcessor
from vllm.v1.worker.gpu.sample.logits_processor.loader import _load_v2_logitsprocs

from thinkwell.decoding.token_bias import Bias, Clock, TokenBias, wire
from thinkwell.decoding.vllm import InstalledTokenBias, TokenBiasProcessor

SLOTS, LENGTH, VOCABULARY, WAIT, END = 8, 64, 12, 7, 9
CONFIG = SimpleNamespace(model_config=SimpleNamespace(logits_processors=None))

assert _load_v2_logitsprocs([]) == [InstalledTokenBias]  # found by its entry point, and accepted
assert issubclass(InstalledTokenBias, LogitsProcessor)
assert issubclass(InstalledTokenBias, SlotProcessor)


def buffers():
    tokens = SimpleNamespace(gpu=torch.zeros((SLOTS, LENGTH), dtype=torch.int32))
    return SimpleNamespace(all_token_ids=tokens, prompt_len=SimpleNamespace(np=np.zeros(SLOTS, dtype=np.int32)))


def context(rows, slots):
    """rows: (slot, place among its request's rows, position, token fed)."""
    columns = [torch.tensor(column) for column in zip(*rows, strict=True)]
    return LogitsContext(columns[0], torch.tensor(slots), np.array(slots), columns[1], columns[3], columns[2], np.zeros(len(slots)))


def walk(rng, drafting):
    """Requests come and go in their slots; after every step each row's logits are compared with a bias that reads the row's own tokens."""
    state = buffers()
    processor = TokenBiasProcessor(CONFIG, state)
    paths, own = {}, {}
    for _ in range(60):
        if len(paths) < SLOTS and rng.random() < 0.4:
            slot = rng.choice([slot for slot in range(SLOTS) if slot not in paths])
            prompt = [rng.randrange(VOCABULARY) for _ in range(rng.randrange(3, 9))]
            written = rng.randrange(3)
            clock = rng.choice(list(Clock))
            bias = TokenBias([WAIT], Bias(amplitude=3, period=8), len(prompt) - written, [[END, 2]], clock)
            paths[slot], own[slot] = prompt, bias if rng.random() < 0.8 else None
            state.prompt_len.np[slot] = len(prompt)
            extra = wire(bias, len(prompt)) if own[slot] else None
            assert processor.add_request(slot, SamplingParams(extra_args=extra)) is bool(own[slot])
        if not paths:
            continue
        slots = rng.sample(sorted(paths), len(paths))
        rows, expected = [], []
        for slot in slots:
            state.all_token_ids.gpu[slot, : len(paths[slot])] = torch.tensor(paths[slot], dtype=torch.int32)
            drafts = [rng.choice([WAIT, END, 2, 3]) for _ in range(rng.randrange(3) if drafting else 0)]
            for place in range(len(drafts) + 1):
                seen = [*paths[slot], *drafts[:place]]
                rows.append((slot, place, len(seen) - 1, seen[-1]))
                expected.append(own[slot].read(tuple(seen)) if own[slot] else 0.0)
        logits = processor.apply(torch.zeros((len(rows), VOCABULARY)), context(rows, slots))
        assert logits[:, WAIT].tolist() == expected
        assert logits.abs().sum().item() == sum(map(abs, expected))
        for slot in slots:
            paths[slot].append(rng.choice([WAIT, END, 2, 3]))
            if len(paths[slot]) > 30 or rng.random() < 0.05:
                del paths[slot]


for seed in range(40):
    walk(random.Random(seed), drafting=seed % 2 == 1)

# The older interface: told ids, placeholders, and two instances of which one stands back.
output: list[int] = []
update = SimpleNamespace(added=[], removed=[], moved=[])
named = SimpleNamespace(model_config=SimpleNamespace(logits_processors=["thinkwell.decoding.vllm:TokenBiasProcessor"]))
pair = [InstalledTokenBias(named, "cpu", False), TokenBiasProcessor(named, "cpu", False)]
alone = InstalledTokenBias(CONFIG, "cpu", False)
bias = TokenBias([WAIT], Bias(amplitude=3, period=8), 2)
blind = TokenBias([WAIT], Bias(amplitude=3, period=8), 2, [[END]])
for processor in (*pair, alone):
    args = [SamplingParams(extra_args=wire(each, 2)) for each in (bias, blind)]
    update.added = [(row, each, [1, 2], output) for row, each in enumerate(args)]
    processor.update_state(update)
for t in range(9):
    logits = torch.zeros((2, VOCABULARY))
    for processor in pair:
        logits = processor.apply(logits)
    wave = Bias(amplitude=3, period=8).at(t)
    told = -1 not in output
    assert logits[:, WAIT].tolist() == [wave, wave if told else 0.0], (t, logits)
    assert torch.equal(alone.apply(torch.zeros((2, VOCABULARY))), logits)
    output.append(3 if t < 5 else -1)
refused = ""
try:
    TokenBiasProcessor.validate_params(SamplingParams(extra_args={"thinkwell_bias_idz": [1]}))
except ValueError as error:
    refused = str(error)
assert "thinkwell_bias_idz" in refused
print("as the bias itself")
