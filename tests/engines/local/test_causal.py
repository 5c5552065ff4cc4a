"""Compiled attention of training against the same written out in float64, forward and gradient."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from thinkwell.engines.local.native import CAUSAL_DIMS, Native, load_native
from thinkwell.training.shared_prefix import _Compiled

RUNS = ((0, 0, 0, 37), (0, 37, 37, 100), (0, 37, 137, 1), (0, 0, 138, 50), (138, 50, 188, 112))
"""Two prompts, one of which two rows share, one of them a single token; the other has one row. Sizes are no multiples of a block."""
TOKENS = 300


@pytest.fixture(scope="module")
def native() -> Native:
    found = load_native()
    if found is None:
        pytest.skip("no C compiler is here, so the torch operations are used")
    return found


def written_out(q_NHD: Tensor, k_NKD: Tensor, v_NKD: Tensor) -> Tensor:
    found = []
    for shared, known, own, size in RUNS:
        seen = [*range(shared, shared + known), *range(own, own + size)]
        group = q_NHD.shape[1] // k_NKD.shape[1]
        keys, values = (states[seen].transpose(0, 1).repeat_interleave(group, 0) for states in (k_NKD, v_NKD))
        scores = q_NHD[own : own + size].transpose(0, 1) @ keys.transpose(1, 2) * q_NHD.shape[2] ** -0.5
        later = torch.arange(known + size)[None] > torch.arange(known, known + size)[:, None]
        found.append((scores.masked_fill(later, float("-inf")).softmax(-1) @ values).transpose(0, 1))
    return torch.cat(found)


@pytest.mark.parametrize("dim", CAUSAL_DIMS)
@pytest.mark.parametrize(("heads", "kv_heads"), [(4, 2), (3, 1), (2, 2)])
@pytest.mark.parametrize("scale", [1.0, 30.0])  # large scores: softmax is nearly one-hot, and exponentials reach the smallest numbers
def test_attention_and_its_gradient_are_those_of_the_formula(native: Native, dim: int, heads: int, kv_heads: int, scale: float) -> None:
    random = torch.Generator().manual_seed(dim)
    states = [torch.randn(TOKENS, count, dim, generator=random, dtype=torch.float64) for count in (heads, kv_heads, kv_heads)]
    states[0] *= scale
    slope = torch.randn(TOKENS, heads, dim, generator=random, dtype=torch.float64)
    exact = [each.clone().requires_grad_() for each in states]
    expected = written_out(*exact)
    gradients = torch.autograd.grad((expected * slope).sum(), exact)
    mine = [each.float().requires_grad_() for each in states]
    found = _Compiled.apply(*mine, torch.tensor(RUNS), dim**-0.5, native)
    ours = torch.autograd.grad((found * slope.float()).sum(), mine)
    torch.testing.assert_close(found.double(), expected, rtol=1e-4 * scale, atol=1e-5 * scale)
    for gradient, wanted in zip(ours, gradients, strict=True):
        torch.testing.assert_close(gradient.double(), wanted, rtol=1e-4 * scale, atol=1e-5 * scale * float(wanted.abs().max()))


def test_threads_change_nothing(native: Native) -> None:
    states = [torch.randn(TOKENS, count, 32, requires_grad=True) for count in (4, 2, 2)]
    before = torch.get_num_threads()

    def all_of() -> list[Tensor]:
        found = _Compiled.apply(*states, torch.tensor(RUNS), 0.2, native)
        return [found, *torch.autograd.grad(found.square().sum(), states)]

    try:
        torch.set_num_threads(1)
        alone = all_of()
        torch.set_num_threads(2)
        both = all_of()
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, two) for one, two in zip(alone, both, strict=True))
