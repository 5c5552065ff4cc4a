"""The lab's two models: the policy (Qwen3 shape) and the process reward model (that body, one more layer, one score a token)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM, Qwen3ForTokenClassification

MAX_POSITIONS = 2048


def config(tokenizer: PreTrainedTokenizerFast, *, width: int = 128, layers: int = 4, heads: int = 4, **more: object) -> Qwen3Config:
    """The lab's Qwen3 configuration: about 0.9 million parameters at the default width."""
    return Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads // 2,
        head_dim=width // heads,
        intermediate_size=3 * width,
        max_position_embeddings=MAX_POSITIONS,
        tie_word_embeddings=True,
        attention_bias=False,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **more,
    )


def new_policy(tokenizer: PreTrainedTokenizerFast, seed: int, *, width: int = 128, layers: int = 4) -> Qwen3ForCausalLM:
    """A policy with fresh weights, a pure function of the seed."""
    torch.manual_seed(seed)
    model = Qwen3ForCausalLM(config(tokenizer, width=width, layers=layers))
    model.generation_config = GenerationConfig(
        do_sample=True, temperature=0.8, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, max_new_tokens=700
    )
    return model


def new_prm(policy: Qwen3ForCausalLM, seed: int, *, extra_layers: int = 1, scores: int = 2) -> Qwen3ForTokenClassification:
    """A process reward model whose body starts as the policy's. Its scores: is the problem still solvable, is this calculation exact.

    Layers are added on top (they start as the identity), so that they can compare what the policy would have written, known at its last
    layer, with what the trace says.
    """
    torch.manual_seed(seed)
    layers = policy.config.num_hidden_layers
    model = Qwen3ForTokenClassification(_prm_config(policy.config, layers + extra_layers, scores))
    model.model.load_state_dict(policy.model.state_dict(), strict=False)
    _start_as_identity(model.model.layers[layers:])
    return model


def new_student(policy: Qwen3ForCausalLM, seed: int, *, extra_layers: int = 1) -> Qwen3ForCausalLM:
    """A language model that begins as the policy and has layers on top to judge with, for the same reason as the process reward model."""
    torch.manual_seed(seed)
    layers = policy.config.num_hidden_layers
    settings = {k: v for k, v in policy.config.to_dict().items() if k not in ("layer_types", "num_hidden_layers")}
    model = Qwen3ForCausalLM(Qwen3Config(**settings, num_hidden_layers=layers + extra_layers))
    model.load_state_dict(policy.state_dict(), strict=False)
    _start_as_identity(model.model.layers[layers:])
    model.generation_config = policy.generation_config
    return model


def _start_as_identity(layers: Iterable[nn.Module]) -> None:
    """Blocks that pass on what they get, until they are trained."""
    for layer in layers:
        nn.init.zeros_(layer.self_attn.o_proj.weight)
        nn.init.zeros_(layer.mlp.down_proj.weight)


def first_score(model: Qwen3ForTokenClassification) -> Qwen3ForTokenClassification:
    """The model with its first score only, as methods use it: sigmoid of its one logit is P(still solvable)."""
    slim = Qwen3ForTokenClassification(_prm_config(model.config, model.config.num_hidden_layers, 1))
    weights = {name: tensor[:1] if name.startswith("score.") else tensor for name, tensor in model.state_dict().items()}
    slim.load_state_dict(weights)
    return slim


def _prm_config(like: Qwen3Config, layers: int, scores: int) -> Qwen3Config:
    drop = ("architectures", "id2label", "label2id", "num_labels", "layer_types", "num_hidden_layers", "classifier_dropout")
    settings = {k: v for k, v in like.to_dict().items() if k not in drop}
    return Qwen3Config(**settings, num_hidden_layers=layers, num_labels=scores, classifier_dropout=0.0)
