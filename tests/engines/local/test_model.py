from __future__ import annotations

import asyncio

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from tests.engines.local.conftest import FAMILIES, SIZES, exact, plain_logits, request, tiny, write
from thinkwell.core.errors import UnsupportedModel
from thinkwell.core.sampling import GREEDY
from thinkwell.engines.local.engine import LocalEngine

IDS = [5, 9, 200, 17, 31, 8, 300, 44, 45, 46, 12, 13, 77, 78, 6, 2, 90, 91, 92, 93, 94, 95]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 2e-4)])
def test_every_family_scores_tokens_as_its_own_forward_does(family, dtype, tolerance, tokenizer):
    model = tiny(family, dtype)
    expected = plain_logits(model, IDS).log_softmax(-1)
    got = asyncio.run(LocalEngine(model, tokenizer, chunk=7).score([IDS, IDS[:5]]))  # 22 tokens in chunks of 3
    want = [0.0, *(expected[i, token].item() for i, token in enumerate(IDS[1:]))]
    assert got[0] == pytest.approx(want, abs=tolerance)
    assert got[1] == pytest.approx(want[:5], abs=tolerance)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_writes_greedily_what_a_plain_loop_writes(family, tokenizer):
    model = tiny(family)
    ids = list(IDS)
    for _ in range(25):
        ids.append(int(plain_logits(model, ids)[-1].argmax()))
    done = write(LocalEngine(model, tokenizer), request("0", IDS, 25, sampling=GREEDY), request("1", IDS[:3], 9, sampling=GREEDY))
    assert list(done[0].tokens) == ids[len(IDS) :]


@pytest.mark.parametrize("family", FAMILIES)
def test_hidden_states_are_those_of_hugging_face(family, tokenizer):
    model = tiny(family)
    with torch.inference_mode():
        expected = model(torch.tensor([IDS]), output_hidden_states=True).hidden_states
    got = asyncio.run(LocalEngine(model, tokenizer).hidden([IDS[:4], IDS], layers=(0, 1, 2, -1)))[1]
    for index, layer in enumerate((0, 1, 2, -1)):
        torch.testing.assert_close(got[index], expected[layer][0], atol=1e-9, rtol=1e-9)


def test_weights_are_shared_with_the_module_so_training_in_place_shows(tokenizer):
    model = tiny("qwen3")
    engine = LocalEngine(model, tokenizer)
    before = asyncio.run(engine.score([IDS]))[0]
    with torch.no_grad():
        model.model.layers[1].self_attn.k_proj.weight.mul_(1.5)
        model.model.layers[0].mlp.up_proj.weight.mul_(0.5)
    engine.refresh()
    expected = plain_logits(model, IDS).log_softmax(-1)
    after = asyncio.run(engine.score([IDS]))[0]
    assert after == pytest.approx([0.0, *(expected[i, token].item() for i, token in enumerate(IDS[1:]))], abs=1e-9)
    assert after != pytest.approx(before, abs=1e-3)


def test_other_model_types_are_refused_by_name(tokenizer):
    model = GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=2, n_embd=16, vocab_size=320))
    with pytest.raises(UnsupportedModel, match=r"'gpt2'.*llama, mistral, qwen2, qwen3"):
        LocalEngine(model, tokenizer)


def test_rope_that_depends_on_length_is_refused_by_name(tokenizer):
    rope = {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0}
    with pytest.raises(UnsupportedModel, match="'dynamic'"):
        LocalEngine(LlamaForCausalLM(LlamaConfig(**SIZES, rope_parameters=rope)), tokenizer)


def test_yarn_and_linear_rope_agree_with_hugging_face(tokenizer):
    for rope in ({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}, {"rope_type": "linear", "factor": 2.0}):
        torch.manual_seed(1)
        model = exact(LlamaForCausalLM(LlamaConfig(**SIZES, rope_parameters={"rope_theta": 10000.0, **rope})).eval().double())
        expected = plain_logits(model, IDS).log_softmax(-1)
        got = asyncio.run(LocalEngine(model, tokenizer).score([IDS]))[0]
        assert got == pytest.approx([0.0, *(expected[i, token].item() for i, token in enumerate(IDS[1:]))], abs=1e-9)
