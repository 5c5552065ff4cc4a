"""Noise, filters, the shelf, loading: each against numbers worked out another way."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from tests.engines.local.conftest import byte_tokenizer, needs_compiler, request, tiny, write
from thinkwell.core.errors import ConfigError, ModelError, UnsupportedModel
from thinkwell.core.noise import NoiseKey, gumbel, uniform
from thinkwell.core.sampling import GREEDY, Sampling
from thinkwell.engines.local.engine import LocalEngine
from thinkwell.engines.local.forward import partition
from thinkwell.engines.local.native import load_native
from thinkwell.engines.local.noise import uniforms, uniforms_at
from thinkwell.engines.local.sampling import Sampler, draw_wide, filtered, filters_of, keyed_draw

KEYS = [NoiseKey(3, "problem", str(i)) for i in range(6)]
WORDS = torch.tensor([key.words() for key in KEYS])
POSITIONS = torch.tensor([0, 1, 17, 400, 70_000, 2**31])


def test_noise_is_the_cores_bit_for_bit():
    got = uniforms(WORDS, POSITIONS, 643, torch.float64)
    for row, (key, position) in enumerate(zip(KEYS, POSITIONS.tolist(), strict=True)):
        assert np.array_equal(got[row].numpy(), uniform(key, position, 643))
    assert torch.equal(uniforms(WORDS, POSITIONS, 643, torch.float32).double(), got)
    tokens = torch.tensor([0, 5, 642, 3, 100, 641])
    assert torch.equal(uniforms_at(WORDS, POSITIONS, tokens, torch.float64), got.gather(1, tokens[:, None])[:, 0])


@needs_compiler
def test_compiled_and_plain_draws_agree():
    logits, temperature = torch.randn(6, 643) * 3, torch.tensor([0.0, 0.3, 0.7, 1.0, 1.5, 10.0])
    logits[3, 5:] = -torch.inf
    native = load_native()
    assert native is not None
    got = native.draw(logits, temperature[:, None], WORDS, POSITIONS)
    for row, (key, position) in enumerate(zip(KEYS, POSITIONS.tolist(), strict=True)):
        noise = torch.from_numpy(gumbel(key, position, 643))
        assert got[row] == (logits[row].double() + temperature[row].double() * noise).argmax()


@needs_compiler
def test_compiled_and_plain_decoding_write_the_same(tokenizer, monkeypatch):
    for family in ("qwen2", "qwen3", "mistral"):
        model = tiny(family, torch.float32)
        asked = [request(str(i), range(2, 10 + 3 * i), 40, logprobs=True) for i in range(10)]
        native = write(LocalEngine(model, tokenizer), *asked)
        with monkeypatch.context() as patch:
            patch.setattr("thinkwell.engines.local.native.load_native", lambda: None)
            plain_engine = LocalEngine(model, tokenizer)
            plain = write(plain_engine, *asked)
        assert plain_engine.info.details["kernels"] == "torch"
        assert [d.tokens for d in native] == [d.tokens for d in plain]
        for one, other in zip(native, plain, strict=True):
            assert one.logprobs == pytest.approx(other.logprobs, abs=1e-4)


def test_a_wide_vocabulary_draws_the_same_with_noise_only_where_it_can_win():
    torch.manual_seed(0)
    logits = torch.randn(6, 9001, dtype=torch.float64) * 4
    temperature = torch.tensor([0.0, 0.2, 1.0, 1.0, 3.0, 8.0], dtype=torch.float64)[:, None]
    noise = torch.stack([torch.from_numpy(gumbel(key, position, 9001)) for key, position in zip(KEYS, POSITIONS.tolist(), strict=True)])
    assert torch.equal(draw_wide(logits, temperature, WORDS, POSITIONS), (logits + temperature * noise).argmax(-1))


def test_noise_made_ahead_is_the_noise_of_each_position_when_rows_leave():
    logits = torch.zeros(3, 50, dtype=torch.float64)
    sampler = Sampler(torch.device("cpu"), torch.float64)
    sampler.assign([key.words() for key in KEYS[:3]], [Sampling(1.0)] * 3)
    for step in range(3):
        got = sampler.draw(logits, torch.tensor([5, 9, 30]) + step)
        assert got.tolist() == [int(gumbel(key, at + step, 50).argmax()) for key, at in zip(KEYS, (5, 9, 30), strict=False)]
    sampler.move(2, 1)
    sampler.narrow(2)
    for step in range(3, 40):
        got = sampler.draw(logits[:2], torch.tensor([5, 30]) + step)
        assert got.tolist() == [int(gumbel(KEYS[0], 5 + step, 50).argmax()), int(gumbel(KEYS[2], 30 + step, 50).argmax())]


def kept(probs: list[float], sampling: Sampling) -> list[int]:
    filters = filters_of([sampling], torch.device("cpu"), torch.float64)
    logits = torch.tensor([probs], dtype=torch.float64).log()
    assert filters is not None
    return filtered(logits, filters)[0].isfinite().nonzero()[:, 0].tolist()


def test_filters_keep_what_their_definitions_say():
    probs = [0.05, 0.4, 0.3, 0.15, 0.1]
    assert kept(probs, Sampling(1.0, top_k=2)) == [1, 2]
    assert kept(probs, Sampling(1.0, top_p=0.69)) == [1, 2]
    assert kept(probs, Sampling(1.0, top_p=0.71)) == [1, 2, 3]
    assert kept(probs, Sampling(1.0, min_p=0.3)) == [1, 2, 3]
    assert kept(probs, Sampling(1.0, top_p=1e-9)) == [1]
    assert kept(probs, Sampling(1.0, top_k=99, min_p=1.0)) == [1]
    # top-p acts on what top-k left: 0.4 / 0.7 > 0.5
    assert kept(probs, Sampling(1.0, top_k=2, top_p=0.5)) == [1]
    # at temperature 0.5 probabilities are squared: 0.16 / (0.16 + 0.09 + 0.0225 + 0.01 + 0.0025) = 0.56
    assert kept(probs, Sampling(0.5, top_p=0.55)) == [1]
    assert filters_of([Sampling(1.0), GREEDY], torch.device("cpu"), torch.float64) is None


def test_draws_follow_the_tempered_distribution():
    logits = torch.tensor([[1.0, 0.0, -1.0]]).repeat(4000, 1)
    drawn = keyed_draw(logits, [NoiseKey(0, "p", str(i)) for i in range(4000)], [3] * 4000, Sampling(0.5))
    share = torch.bincount(drawn, minlength=3) / 4000
    assert share.tolist() == pytest.approx(torch.softmax(torch.tensor([2.0, 0.0, -2.0]), 0).tolist(), abs=0.03)


def test_attention_groups_split_only_where_padding_is_dear():
    assert partition([50] * 40) == [(0, 40)]
    assert partition([2000] * 16 + [50] * 16) == [(0, 16), (16, 32)]


@pytest.mark.parametrize("missing", ["config.json", "weights", "tokenizer"])
def test_a_folder_that_is_no_model_is_refused_naming_what_it_lacks(tmp_path, missing):
    files = {"config.json": json.dumps({"model_type": "qwen3"}), "weights": "", "tokenizer": "{}"}
    names = {"weights": "model.safetensors", "tokenizer": "tokenizer.json"}
    for name, content in files.items():
        if name != missing:
            (tmp_path / names.get(name, name)).write_text(content)
    with pytest.raises(ModelError, match=missing):
        LocalEngine(tmp_path)


def test_missing_folders_foreign_types_and_broken_configs_are_refused(tmp_path):
    with pytest.raises(ModelError, match="no model folder"):
        LocalEngine(tmp_path / "nowhere")
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (tmp_path / name).write_text('{"model_type": "mamba"}')
    with pytest.raises(UnsupportedModel, match="'mamba'"):
        LocalEngine(tmp_path)
    (tmp_path / "config.json").write_text("[")
    with pytest.raises(ModelError, match="JSON"):
        LocalEngine(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "qwen3"}')
    with pytest.raises(ModelError, match="cannot be loaded"):
        LocalEngine(tmp_path)
    with pytest.raises(ConfigError, match="rows"):
        LocalEngine(tiny("qwen3"), byte_tokenizer(), rows=0)
    with pytest.raises(ConfigError, match="dtype"):
        LocalEngine(tiny("qwen3"), byte_tokenizer(), dtype="int3")


def test_a_saved_model_loads_and_writes_what_the_module_writes(tmp_path, tokenizer):
    model = tiny("qwen3", torch.float32)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded = LocalEngine(tmp_path)
    asked = request("0", range(2, 30), 20)
    assert write(loaded, asked)[0].tokens == write(LocalEngine(model, tokenizer), asked)[0].tokens
    assert (
        loaded.info.fingerprint
        == LocalEngine(tmp_path).info.fingerprint
        != LocalEngine(tiny("qwen3", torch.float32, 1), tokenizer).info.fingerprint
    )
