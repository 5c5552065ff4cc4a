"""Compiled kernels beside torch's own operations."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.engines.local.conftest import needs_compiler, plain_logits, request, tiny, write
from thinkwell.engines.local.engine import LocalEngine
from thinkwell.engines.local.native import PANEL, load_native, pack

pytestmark = needs_compiler


@given(st.integers(1, 40), st.integers(1, 70), st.integers(1, 3 * PANEL), st.sampled_from(["nothing", "bias", "rows"]))
def test_a_product_of_few_rows_is_torchs_whatever_the_shape(rows, inner, width, added):
    native = load_native()
    assert native is not None
    rng = torch.Generator().manual_seed(rows * 10007 + inner * 101 + width)
    x, weight = torch.randn(rows, inner, generator=rng), torch.randn(width, inner, generator=rng)
    add = {"nothing": None, "bias": torch.randn(width, generator=rng), "rows": torch.randn(rows, width, generator=rng)}[added]
    expected = x.double() @ weight.double().t() + (0 if add is None else add.double())
    torch.testing.assert_close(native.linear(x, pack(weight), width, add).double(), expected, atol=1e-4, rtol=1e-4)


def test_a_row_is_the_same_to_the_last_bit_alone_and_among_others():
    native = load_native()
    assert native is not None
    x, weight = torch.randn(37, 96), torch.randn(50, 96)
    packed = pack(weight)
    together = native.linear(x, packed, 50)
    assert all(torch.equal(native.linear(x[i : i + 1].contiguous(), packed, 50)[0], together[i]) for i in range(37))


def test_a_token_is_drawn_with_its_owners_noise_and_temperature():
    native = load_native()
    assert native is not None
    logits, keys = torch.randn(5, 300), torch.randint(0, 2**31, (2, 4))
    owners, positions = torch.tensor([1, 0, 0, 1, 1]), torch.arange(5)
    temperatures = torch.tensor([[0.9], [0.0]])
    shared = native.draw(logits, temperatures, keys, positions, owners)
    assert torch.equal(shared, native.draw(logits, temperatures[owners], keys[owners], positions))
    assert torch.equal(shared[owners == 1], logits[owners == 1].argmax(-1))


def test_weights_that_changed_are_seen_after_a_refresh(tokenizer):
    model = tiny("qwen2", torch.float32)
    engine = LocalEngine(model, tokenizer)
    prompt = [5, 9, 12]
    write(engine, request("0", prompt, 3))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)
    engine.refresh()
    (done,) = write(engine, request("0", prompt, 1, logprobs=True))
    expected = plain_logits(model, prompt)[-1].log_softmax(-1)[done.tokens[0]]
    assert done.logprobs[0] == pytest.approx(float(expected), abs=1e-4)
