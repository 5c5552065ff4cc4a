"""Policy gradient on hidden states: the closed form, the optimisers, and what they do to numbers of low precision."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from thinkwell.core.errors import ConfigError
from thinkwell.decoding import latent_seek
from thinkwell.decoding.latent_seek import Head, Latents, gradient, log_likelihood


def world(seed: int, n: int = 3, hidden: int = 5, vocab: int = 7, bias: bool = False):
    draw = torch.Generator().manual_seed(seed)
    weight, states = (torch.randn(rows, hidden, generator=draw, dtype=torch.float64) for rows in (vocab, n))
    head = Head(weight, torch.randn(vocab, generator=draw, dtype=torch.float64) if bias else None)
    tokens = torch.randint(vocab, (n,), generator=draw).tolist()
    return head, states, tokens


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), reward=st.floats(-2, 2), bias=st.booleans())
def test_the_closed_form_is_what_autograd_gives(seed, reward, bias):
    head, states, tokens = world(seed, bias=bias)
    z = states.clone().requires_grad_()
    (reward * log_likelihood(head, z, tokens)).backward()
    assert torch.allclose(gradient(head, states, tokens, reward), z.grad, atol=1e-12)


def test_the_closed_form_is_what_finite_differences_give():
    head, states, tokens = world(3, bias=True)
    slope = gradient(head, states, tokens, -0.5)
    for n in range(3):
        for h in range(5):
            step = torch.zeros_like(states)
            step[n, h] = 1e-6
            rise = log_likelihood(head, states + step, tokens) - log_likelihood(head, states - step, tokens)
            assert slope[n, h].item() == pytest.approx(-0.5 * rise.item() / 2e-6, abs=1e-7)


def test_a_gradient_worked_out_by_hand():
    """W = 1, z = (ln 3, 0): p = (3/4, 1/4). For token 0: (1, 0) - (3/4, 1/4)."""
    head = Head(torch.eye(2, dtype=torch.float64))
    slope = gradient(head, torch.tensor([[math.log(3), 0.0]], dtype=torch.float64), [0], -1.0)
    assert slope.tolist()[0] == pytest.approx([-0.25, 0.25])


def test_a_head_larger_than_a_block_is_the_same_head(monkeypatch):
    head, states, tokens = world(5, vocab=11, bias=True)
    whole = head.logits(states), gradient(head, states, tokens, -1)
    monkeypatch.setattr(latent_seek, "BLOCK", 4)
    assert torch.allclose(head.logits(states), whole[0])
    assert torch.allclose(gradient(head, states, tokens, -1), whole[1])


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_steps_are_those_of_the_library_optimiser(optimizer):
    head, states, tokens = world(7)
    ours = Latents(states, head, tokens, lr=0.1, optimizer=optimizer)
    z = states.clone().requires_grad_()
    library = torch.optim.Adam([z], lr=0.1) if optimizer == "adam" else torch.optim.SGD([z], lr=0.1)
    for reward in (-1.0, -0.5, -1 / 6, -0.5):
        library.zero_grad()
        (-reward * log_likelihood(head, z, ours.tokens)).backward()
        library.step()
        ours.ascend(reward)
        ours.decode()
        assert torch.allclose(ours.z_NH, z.detach(), atol=1e-12)


def test_the_first_step_of_adam_does_not_know_the_size_of_the_reward():
    head, states, tokens = world(11)
    moved = []
    for reward in (-1.0, -0.2):
        latents = Latents(states, head, tokens, lr=0.03)
        latents.ascend(reward)
        moved.append(latents.z_NH - states)
    assert torch.allclose(moved[0], moved[1], atol=1e-7)
    assert torch.allclose(moved[0], 0.03 * gradient(head, states, tokens, -1.0).sign(), atol=1e-6)


def test_a_step_of_sgd_is_in_proportion_to_the_reward():
    head, states, tokens = world(11)
    moved = []
    for reward in (-1.0, -0.2):
        latents = Latents(states, head, tokens, lr=0.03, optimizer="sgd")
        latents.ascend(reward)
        moved.append(latents.z_NH - states)
    assert torch.allclose(0.2 * moved[0], moved[1])


def test_a_reward_of_zero_moves_nothing():
    head, states, tokens = world(2)
    for optimizer in ("adam", "sgd"):
        latents = Latents(states, head, tokens, lr=1.0, optimizer=optimizer)
        latents.ascend(0.0)
        assert torch.equal(latents.z_NH, states)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_negative_reward_makes_the_present_tokens_less_likely(optimizer):
    head, states, _ = world(13)
    latents = Latents(states, head, head.logits(states).argmax(-1).tolist(), lr=0.01, optimizer=optimizer)
    before = log_likelihood(head, latents.z_NH, latents.tokens)
    latents.ascend(-1.0)
    assert log_likelihood(head, latents.z_NH, latents.tokens) < before


def test_latents_of_a_bfloat16_model_move_although_bfloat16_would_not():
    """bfloat16 near 20 has steps of 0.125: ten steps of 0.03 are lost one by one, in float32 they add up to 0.3."""
    low = torch.tensor([20.0], dtype=torch.bfloat16)
    for _ in range(10):
        low = low + torch.tensor([0.03], dtype=torch.bfloat16)
    assert low.item() == 20.0
    weight = torch.tensor([[0.125, 0.0], [0.0, 0.125]], dtype=torch.bfloat16)
    latents = Latents(torch.tensor([[20.0, 20.0]], dtype=torch.bfloat16), Head(weight), [0], lr=0.03)
    for _ in range(10):
        latents.ascend(-1.0)
    assert latents.z_NH.dtype == torch.float32
    assert latents.z_NH[0].tolist() == pytest.approx([19.7, 20.3], abs=0.01)


def test_decoding_counts_what_changed_and_never_gives_a_banned_token():
    head = Head(torch.eye(4))
    latents = Latents(torch.tensor([[3.0, 2.0, 1.0, 0.0], [0.0, 1.0, 2.0, 3.0]]), head, [0, 3], lr=0.1, banned=(3,))
    assert latents.decode() == 1
    assert latents.tokens == [0, 2]
    assert latents.decode() == 0
    assert latents.second_best() == [1, 1]


def test_sampled_decoding_follows_the_tempered_distribution_and_its_seed():
    head = Head(torch.eye(2))
    latents = Latents(torch.tensor([[math.log(3), 0.0]] * 4000), head, [0] * 4000, lr=0.1)
    latents.decode(0.5, seed=1)  # at temperature 0.5 odds of 3 are odds of 9
    drawn = list(latents.tokens)
    assert drawn.count(0) / 4000 == pytest.approx(0.9, abs=0.02)
    latents.decode(0.5, seed=1)
    assert latents.tokens == drawn


def test_noise_has_the_variance_asked_for():
    latents = Latents(torch.zeros(400, 50), Head(torch.zeros(3, 50)), [0] * 400, lr=0.1)
    latents.shake(0.5, seed=3)
    assert latents.z_NH.var().item() == pytest.approx(0.5, rel=0.05)
    latents.shake(0.5, seed=4)  # not on top of the first
    assert latents.z_NH.var().item() == pytest.approx(0.5, rel=0.05)


def test_what_cannot_be_is_refused():
    head, states, tokens = world(0)
    with pytest.raises(ConfigError, match="3 states for 2 tokens"):
        Latents(states, head, tokens[:2], lr=0.1)
    with pytest.raises(ConfigError, match="expected adam or sgd"):
        Latents(states, head, tokens, lr=0.1, optimizer="lion")
