"""The forward passes of training against Hugging Face's own logits: with a prompt computed once or not, whatever the micro-batches and the padding."""

from __future__ import annotations

import copy
import random
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from thinkwell.core.errors import ModelError
from thinkwell.lab import artifacts
from thinkwell.training import policy as subject
from thinkwell.training.policy import LogProbs, Values, cuts, logprobs_of, microbatches, padded, stacked, values_of
from thinkwell.training.shared_prefix import bundles, line_of, possible, starts

GRADIENT = {
    "rtol": 1e-4,
    "atol": 1e-5,
}  # Hugging Face's norms compute in float32 in a model of float64 too, whose gradients here are of the size of 1


def small(kind: str = "qwen3", dtype: torch.dtype = torch.float64):
    import transformers as hf

    torch.manual_seed(1)
    sizes = {
        "vocab_size": 61,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 48,
    }
    more = {"head_dim": 16} if kind == "qwen3" else {}
    if kind == "gpt2":
        return hf.GPT2LMHeadModel(
            hf.GPT2Config(vocab_size=61, n_embd=32, n_layer=2, n_head=4, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0)
        ).to(dtype)
    config, model = {
        "qwen3": (hf.Qwen3Config, hf.Qwen3ForCausalLM),
        "qwen2": (hf.Qwen2Config, hf.Qwen2ForCausalLM),
        "llama": (hf.LlamaConfig, hf.LlamaForCausalLM),
    }[kind]
    return model(config(**sizes, **more, tie_word_embeddings=True, pad_token_id=0, bos_token_id=None, eos_token_id=2)).to(dtype)


@cache
def lab():
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(artifacts.path("policy"), dtype=torch.float32)


def batch(seed: int = 0, vocabulary: int = 60, longest: int = 40):
    """Groups of rows with one prompt, ragged, with a tool's tokens in the middle of one, a row without a loss and a prompt of its own."""
    rng = random.Random(seed)
    rows, masks = [], []
    for size in (4, 3, 1):
        prompt = [rng.randrange(3, vocabulary) for _ in range(rng.randint(2, 12))]
        for _ in range(size):
            own = rng.randint(1, longest)
            rows.append(prompt + [rng.randrange(3, vocabulary) for _ in range(own)])
            masks.append(torch.tensor([False] * len(prompt) + [True] * own))
    masks[1][len(masks[1]) // 2 : -1] = False
    masks[2][-1:] = False  # what comes after the last token of the loss
    masks[3][:] = False
    return rows, masks


def independent(model, rows, masks, temperature=1.0):
    """Each row alone, by the model's own logits; and the entropies."""
    logps, entropies = [], []
    for row, mask in zip(rows, masks, strict=True):
        logits = model(input_ids=torch.tensor([row]), use_cache=False).logits[0, :-1] / temperature
        every = logits.log_softmax(-1)
        logps.append(torch.cat([every.new_zeros(1), every[torch.arange(len(row) - 1), row[1:]]]) * mask)
        entropies.append(torch.cat([every.new_zeros(1), -(every.exp() * every).sum(-1)]) * mask)
    return logps, entropies


def through(model, rows, masks, tokens, temperature=1.0, wider=0, split=cuts):
    """The log-probs and the gradients of their weighted sum, in micro-batches."""
    model.zero_grad()
    found = [None] * len(rows)
    weights = torch.linspace(-1, 1, len(rows))
    for chosen in split(model, rows, masks, tokens):
        ids_BT = torch.nn.functional.pad(padded([rows[i] for i in chosen], 0), (0, wider), value=0)
        logp_BT, _ = LogProbs(model)(ids_BT, stacked([masks[i] for i in chosen], ids_BT.shape[1]), temperature)
        (logp_BT.sum(1) * weights[chosen].to(logp_BT)).sum().backward()
        for place, index in enumerate(chosen):
            found[index] = logp_BT[place, : len(rows[index])].detach()
    return found, {name: weight.grad.clone() for name, weight in model.named_parameters()}


def gradients_alone(model, rows, masks, temperature=1.0):
    model.zero_grad()
    logps, _ = independent(model, rows, masks, temperature)
    weights = torch.linspace(-1, 1, len(rows))
    sum((logp.sum() * weight.to(logp) for logp, weight in zip(logps, weights, strict=True)), torch.zeros(())).backward()
    return {name: weight.grad.clone() for name, weight in model.named_parameters()}


def same(one, other, **tolerance):
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b, **tolerance)


def test_the_bundled_models_log_probs_are_those_of_its_own_logits():
    rows, masks = batch(3, vocabulary=700, longest=60)
    found, gradients = through(lab(), rows, masks, 300)
    expected, _ = independent(lab(), rows, masks)
    same(found, expected, rtol=1e-5, atol=1e-5)
    alone = gradients_alone(lab(), rows, masks)
    largest = max(float(gradient.abs().max()) for gradient in alone.values())
    assert max(float((gradients[name] - alone[name]).abs().max()) for name in alone) < 1e-5 * largest


@pytest.mark.parametrize("kind", ["qwen3", "qwen2", "llama", "gpt2"])
def test_log_probs_and_gradients_in_float64_are_those_of_rows_alone(kind):
    model = small(kind)
    assert possible(subject.parts(model)[0]) == (kind != "gpt2")
    rows, masks = batch()
    found, gradients = through(model, rows, masks, 90, temperature=0.7)
    same(found, independent(model, rows, masks, 0.7)[0], rtol=1e-10, atol=1e-10)
    alone = gradients_alone(model, rows, masks, 0.7)
    same(gradients.values(), alone.values(), **GRADIENT)
    assert found[0].dtype is torch.float64


@pytest.mark.parametrize("tokens", [1, 64, 10_000])
@pytest.mark.parametrize("split", [cuts, lambda model, rows, masks, tokens: microbatches([len(row) for row in rows], tokens)])
def test_micro_batches_and_padding_change_nothing(tokens, split):
    model = small()
    rows, masks = batch(1)
    found, gradients = through(model, rows, masks, 200)
    other, other_gradients = through(model, rows, masks, tokens, wider=7, split=split)
    same(found, other, rtol=1e-10, atol=1e-10)
    same(gradients.values(), other_gradients.values(), **GRADIENT)


def test_entropies_are_those_of_the_predictions():
    model = small()
    rows, masks = batch(2)
    ids_BT = padded(rows, 0)
    mask_BT = stacked(masks, ids_BT.shape[1])
    _, entropy_BT = LogProbs(model)(ids_BT, mask_BT, 1.5, True)
    assert entropy_BT is not None
    expected = independent(model, rows, masks, 1.5)[1]
    same([entropy_BT[i, : len(row)] for i, row in enumerate(rows)], expected, rtol=1e-9, atol=1e-9)


def test_logits_in_slices_are_logits_at_once(monkeypatch):
    model = small()
    rows, masks = batch(4)
    whole, gradients = through(model, rows, masks, 10_000)
    monkeypatch.setattr(subject, "LOGITS", 61 * 3)
    sliced, sliced_gradients = through(model, rows, masks, 10_000)
    same(whole, sliced, rtol=1e-12, atol=1e-12)
    same(gradients.values(), sliced_gradients.values(), **GRADIENT)


def test_a_batch_without_any_loss_gives_zeros_and_can_be_learnt_from():
    model = small()
    ids_BT = torch.tensor([[3, 4, 5]])
    logp_BT, _ = LogProbs(model)(ids_BT, torch.zeros(1, 3, dtype=torch.bool))
    assert logp_BT.tolist() == [[0.0, 0.0, 0.0]]


def test_rows_come_back_in_their_order_without_a_gradient():
    model = small()
    rows, masks = batch(5)
    found = logprobs_of(LogProbs(model), rows, masks, tokens=50)
    assert not any(row.requires_grad for row in found)
    same(found, [row.detach() for row in independent(model, rows, masks)[0]], rtol=1e-10, atol=1e-10)


def test_the_model_attends_as_before_afterwards_also_after_an_error():
    model = small()
    rows, masks = batch(6)
    before = model.config._attn_implementation
    through(model, rows, masks, 100)
    assert model.config._attn_implementation == before
    with pytest.raises(IndexError):
        LogProbs(model)(torch.tensor([[3, 999, 4]]), torch.tensor([[False, True, True]]))
    assert model.config._attn_implementation == before


def test_models_that_do_not_look_at_all_earlier_tokens_or_drop_some_take_the_padded_forward():
    body = small().model
    assert possible(body)
    for name, value in (("attention_dropout", 0.1), ("layer_types", ["full_attention", "sliding_attention"]), ("model_type", "unheard_of")):
        other = copy.deepcopy(body)
        other.config.__dict__[name] = value
        assert not possible(other), name


def test_a_prompt_is_in_the_line_once_and_nothing_after_the_last_loss():
    rows = [[7, 8, 1, 2, 3], [7, 8, 4], [9, 5, 6]]
    masks = [[False, False, True, True, False], [False, False, True], [False, True, True]]
    line = line_of(padded(rows, 0), stacked([torch.tensor(mask) for mask in masks], 5))
    assert line.ids_N.tolist() == [7, 8, 1, 9, 5]  # token 2 of row 0, and 4 and 6, are only predicted
    assert line.positions_N.tolist() == [0, 1, 2, 0, 1]
    assert line.places_BT.tolist() == [[0, 0, 1, 2, 0], [0, 0, 1, 0, 0], [0, 3, 4, 0, 0]]
    assert starts([True, False, False]) == (0, 0)


def test_the_gradient_of_a_prompt_is_that_of_all_its_samples():
    model = small()
    rows = [[7, 8, 9, 11, 12], [7, 8, 9, 13]]
    masks = [torch.tensor([False, False, False, True, True]), torch.tensor([False, False, False, True])]
    _, gradients = through(model, rows, masks, 100)
    alone = gradients_alone(model, rows, masks)
    assert float(alone["model.embed_tokens.weight"][8].abs().sum()) > 0
    torch.testing.assert_close(gradients["model.embed_tokens.weight"][7:10], alone["model.embed_tokens.weight"][7:10], **GRADIENT)


def test_values_have_a_state_before_every_token_and_one_after_the_last():
    model = small()
    critic = Values(model)
    assert critic(torch.tensor([[3, 4, 5]]), torch.tensor([[False, True, True]])).tolist() == [[0.0] * 4]
    torch.nn.init.normal_(critic.head.weight)
    rows, masks = batch(7)
    found = values_of(critic, rows, masks, tokens=70)
    assert [len(values) for values in found] == [len(row) + 1 for row in rows]
    for row, mask, values in zip(rows, masks, found, strict=True):
        hidden = critic.body(input_ids=torch.tensor([row]), use_cache=False).last_hidden_state[0]
        every = torch.cat([hidden.new_zeros(1), (hidden @ critic.head.weight[0] + critic.head.bias)]).detach()
        near = torch.tensor(
            [place > 0 and bool(mask[place : place + 1].any() | mask[place - 1 : place].any()) for place in range(len(row) + 1)]
        )
        torch.testing.assert_close(values, torch.where(near, every, 0.0))
    assert not any(values.requires_grad for values in found)


def test_a_critic_learns_the_same_without_padding_as_with_it(monkeypatch):
    rows, masks = batch(7)

    def gradients() -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        critic = Values(small())
        torch.nn.init.normal_(critic.head.weight)
        ids = padded(rows, 0)
        critic(ids, stacked(masks, ids.shape[1])).square().sum().backward()
        return {name: weight.grad.clone() for name, weight in critic.named_parameters()}

    lined = gradients()
    monkeypatch.setattr("thinkwell.training.policy.possible", lambda body: False)
    plain = gradients()
    assert set(lined) == set(plain)
    for name, gradient in plain.items():
        torch.testing.assert_close(lined[name], gradient, rtol=1e-3, atol=1e-4)


def test_a_critic_is_a_copy():
    model = small()
    critic = Values(model)
    with torch.no_grad():
        next(critic.body.parameters()).add_(1.0)
    assert not torch.equal(next(critic.body.parameters()), next(model.model.parameters()))


def test_a_model_without_a_head_is_refused_with_what_to_do():
    with pytest.raises(ModelError, match="AutoModelForCausalLM"):
        LogProbs(small().model)(torch.tensor([[3, 4]]), torch.tensor([[False, True]]))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=30), st.integers(1, 120))
def test_microbatches_hold_every_row_once_within_their_size_longest_first(lengths, tokens):
    found = microbatches(lengths, tokens)
    assert sorted(index for micro in found for index in micro) == list(range(len(lengths)))
    widths = [max(lengths[i] for i in micro) for micro in found]
    assert all(len(micro) == 1 or width * len(micro) <= tokens for micro, width in zip(found, widths, strict=True))
    assert widths == sorted(widths, reverse=True)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), min_size=1, max_size=30), st.integers(1, 120))
def test_bundles_hold_every_row_once_and_lines_stay_within_their_size(groups, tokens):
    rows = [[3 + group] * (1 + 2 * group) + [1] * own for group, own in groups]
    masks = [[False] * (1 + 2 * group) + [True] * own for group, own in groups]
    found = bundles(rows, masks, tokens)
    assert sorted(index for micro in found for index in micro) == list(range(len(rows)))
    for micro in found:
        ids_BT = padded([rows[i] for i in micro], 0)
        line = line_of(ids_BT, stacked([torch.tensor(masks[i]) for i in micro], ids_BT.shape[1]))
        assert len(micro) == 1 or len(line.ids_N) <= tokens
