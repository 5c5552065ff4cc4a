"""Tiny random models of every supported family, a tokenizer of bytes and words, and plain loops to compare with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from tests.conftest import lacking
from thinkwell.core.noise import NoiseKey
from thinkwell.core.sampling import Sampling
from thinkwell.engines.local.engine import LocalEngine
from thinkwell.engines.local.native import load_native
from thinkwell.engines.protocol import Request

needs_compiler = pytest.mark.usefixtures("compiler")
"""For tests that put the compiled kernels beside the torch ones, which do the same where there is no C compiler (see docs/engines-local.md)."""

SIZES = {
    "vocab_size": 320, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
    "max_position_embeddings": 512, "initializer_range": 0.4, "bos_token_id": None, "eos_token_id": 0, "pad_token_id": 1,
}  # fmt: skip
FAMILIES: dict[str, Callable[[], Any]] = {
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**SIZES)),
    "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(**SIZES, head_dim=16, tie_word_embeddings=True)),
    "llama": lambda: LlamaForCausalLM(
        LlamaConfig(
            **SIZES,
            rope_parameters={
                "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
            },
        )
    ),
    "mistral": lambda: MistralForCausalLM(MistralConfig(**SIZES, sliding_window=12)),
}  # fmt: skip


def tiny(family: str, dtype: torch.dtype = torch.float64, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    model = FAMILIES[family]().eval()
    with torch.no_grad():  # biases and norms start as zeros and ones, which would hide a mistake in them
        for name, parameter in model.named_parameters():
            if "norm" in name or name.endswith("bias"):
                parameter.add_(torch.randn_like(parameter) * 0.2)
    return exact(model.to(dtype)) if dtype == torch.float64 else model.to(dtype)


def exact(model: Any) -> Any:
    """The same model with norms in its own precision: Hugging Face's drop to float32 inside, even in a float64 model."""
    for module in model.modules():
        if type(module).__name__.endswith("RMSNorm"):
            module.forward = partial(_norm, module)
    return model


def _norm(module: Any, x: torch.Tensor) -> torch.Tensor:
    return module.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + module.variance_epsilon))


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """Ids 0-1 special, 2-257 bytes, then words: a vocabulary with byte fallback, as the lab's."""
    pieces = [
        "<eos>",
        "<pad>",
        *(f"<0x{b:02X}>" for b in range(256)),
        *" abcdefghijklmnopqrstuvwxyz.",
        "\n",
        "\n\n",
        "ab",
        "\nQ",
        "the",
        " the",
        ".\n",
        "é",
    ]
    vocab = {piece: index for index, piece in enumerate(pieces)}
    inner = Tokenizer(models.BPE(vocab=vocab, merges=[], byte_fallback=True, unk_token=None))
    inner.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    inner.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    return PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<eos>", pad_token="<pad>")


def request(path: str, prefix: Sequence[int], max_tokens: int = 20, **more: Any) -> Request:
    more.setdefault("sampling", Sampling(1.0))
    more.setdefault("ignore_eos", True)
    return Request(NoiseKey(7, "p", path), max_tokens, tuple(prefix), **more)


def write(engine: LocalEngine, *requests: Request) -> list[Any]:
    return asyncio.run(engine.generate(requests))


def plain_logits(model: Any, ids: Sequence[int]) -> torch.Tensor:
    """Hugging Face's own forward, no cache: (T, V)."""
    with torch.inference_mode():
        return model(torch.tensor([list(ids)])).logits[0]


@pytest.fixture(scope="session")
def compiler() -> None:
    if load_native() is None:
        lacking("no C compiler, or THINKWELL_NATIVE=0: there is nothing to put beside the torch kernels")


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return byte_tokenizer()


@pytest.fixture
def engine(tokenizer: PreTrainedTokenizerFast) -> LocalEngine:
    return LocalEngine(tiny("qwen3"), tokenizer, rows=8)
