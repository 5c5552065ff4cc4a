"""A lean forward pass for the Qwen2, Qwen3, Llama and Mistral families, straight on a Hugging Face module's weights.

The fused projections (query-key-value, gate-up) are made once, and the module's own parameters become views of them: no second copy of the
weights, but for small models, of which the compiled kernels get one; after a training step call `pack`. Everything works on flat rows of tokens `M`,
which may be one new token of each of many paths (decoding) or many tokens of a few paths (prefill); only attention knows the difference.

Axes: M tokens in this forward, N paths, Q new tokens a path, T cached positions, H hidden, V vocabulary, A query heads, K key-value heads, G = A / K, D head size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from thinkwell.core.errors import UnsupportedModel
from thinkwell.engines.local.cache import Slots
from thinkwell.engines.local.native import Native, native_for, pack

SUPPORTED = ("llama", "mistral", "qwen2", "qwen3")
ELSEWHERE = "Serve it (vLLM, SGLang, Ollama) and use the openai engine."
FEW = 128  # rows up to which the compiled product is faster than the library's
PACKED = 64 << 20  # bytes of weights up to which a model's are copied for it
STATIC_ROPE = ("default", "linear", "llama3", "yarn")  # frequencies that do not depend on the length seen so far


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a decoder. `windows` has one entry a layer: how many positions it sees, or None for all."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    context: int
    windows: tuple[int | None, ...]

    @property
    def cache_width(self) -> int:
        """Numbers of cache a token."""
        return 2 * self.layers * self.kv_heads * self.head_dim


@dataclass(slots=True)
class Linear:
    """y = x W^T (+ bias), with the Hugging Face module's own weight (N, K). packed: a copy for the compiled kernel, which is faster where x has few rows."""

    weight: Tensor
    bias: Tensor | None
    native: Native | None = None
    packed: Tensor | None = None

    def __call__(self, x_MK: Tensor) -> Tensor:
        if self.native is not None and self.packed is not None and x_MK.shape[0] <= FEW:
            return self.native.linear(x_MK, self.packed, self.weight.shape[0], self.bias)
        return F.linear(x_MK, self.weight, self.bias)

    def added(self, x_MN: Tensor, y_MK: Tensor) -> Tensor:
        """x + y W^T (+ bias) in one pass."""
        if self.native is not None and self.packed is not None and y_MK.shape[0] <= FEW and self.bias is None:
            return self.native.linear(y_MK, self.packed, self.weight.shape[0], x_MN)
        return torch.addmm(x_MN if self.bias is None else x_MN + self.bias, y_MK, self.weight.t())

    def pack(self, native: Native) -> None:
        self.native, self.packed = native, pack(self.weight.detach())


@dataclass(slots=True)
class Layer:
    """Weights of one block, as views shared with the Hugging Face module."""

    norm_attention: Tensor
    norm_mlp: Tensor
    qkv: Linear  # ((A + 2K) D, H)
    out: Linear  # (H, A D)
    gate_up: Linear  # (2F, H)
    down: Linear  # (H, F)
    norm_q: Tensor | None
    norm_k: Tensor | None


@dataclass(frozen=True, slots=True)
class Group:
    """Consecutive cache rows [start, stop) that attend together over positions [0, length).

    bias: what is added to the scores, 0 where a query may look and -inf elsewhere: (N K, G, T) when every path has one query, else
    (N, 1, G Q, T). windowed: the same for layers with a sliding window.
    """

    start: int
    stop: int
    length: int
    bias: Tensor
    windowed: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What one forward works on: tokens with their rope positions and their places in the cache, and groups that cover all rows in order."""

    ids_M: Tensor
    positions_M: Tensor
    write: tuple[Tensor, Tensor]  # cache row and cache position of each token, (M,) each
    queries: int  # Q
    groups: Sequence[Group]
    dense: bool = False  # each path's one token sees every position of its row up to its own, which is its rope position
    parents_M: Tensor | None = None  # trees of tokens, for the compiled kernel: the token that each hangs on, -1 for the first of a tree


class Decoder:
    """Runs a Hugging Face causal LM (or token classifier) of a supported family.

    Raises `UnsupportedModel`, naming the model type and the supported ones.
    """

    def __init__(self, module: nn.Module) -> None:
        config: Any = module.config
        body: Any = getattr(module, "model", None)
        check_supported(config)
        self.module = module
        self.shape = shape_of(config)
        self.eps = float(config.rms_norm_eps)
        self.embedding: Tensor = body.embed_tokens.weight
        self.final_norm: Tensor = body.norm.weight
        head = getattr(module, "lm_head", None) or getattr(module, "score", None)
        self.head: Tensor | None = None if head is None else head.weight
        self.head_bias: Tensor | None = getattr(head, "bias", None)
        self.to_logits = None if head is None else Linear(head.weight, self.head_bias)
        self.dtype, self.device = self.embedding.dtype, self.embedding.device
        self.layers = [fuse(layer) for layer in body.layers]
        self.inv_freq: Tensor = body.rotary_emb.inv_freq.float()
        self.rope_scale = float(getattr(body.rotary_emb, "attention_scaling", 1.0))
        self.rope: tuple[Tensor, Tensor] = self._rope_table(512)
        self.native = native_for(self.device, self.dtype, self.shape.heads, self.shape.kv_heads, self.shape.head_dim)
        self.pack()

    def pack(self) -> None:
        """Copies the weights of a small model for the compiled kernel; again after they have changed."""
        linears = [linear for layer in self.layers for linear in (layer.qkv, layer.out, layer.gate_up, layer.down)]
        linears += [] if self.to_logits is None else [self.to_logits]
        if self.native is not None and sum(linear.weight.nbytes for linear in linears) <= PACKED:
            for linear in linears:
                linear.pack(self.native)

    @torch.inference_mode()
    def hidden(self, batch: Batch, slots: Slots, keep: list[Tensor] | None = None) -> Tensor:
        """Final hidden states (M, H), after the last norm. Writes keys and values into `slots`. `keep` collects the embedding and every layer's output,
        the last one normed (Hugging Face's `output_hidden_states`)."""
        x_MH = F.embedding(batch.ids_M, self.embedding)
        rope = None if self.decodes_natively(batch) else self._rope_at(batch.positions_M)
        for index, layer in enumerate(self.layers):
            if keep is not None:
                keep.append(x_MH)
            qkv = layer.qkv(self._norm(x_MH, layer.norm_attention))
            mixed_M = self._attend_native(qkv, index, batch, slots) if rope is None else self._attend(qkv, index, batch, slots, rope)
            x_MH = layer.out.added(x_MH, mixed_M)
            gate_up = layer.gate_up(self._norm(x_MH, layer.norm_mlp))
            x_MH = layer.down.added(x_MH, self._gated(gate_up))
        x_MH = self._norm(x_MH, self.final_norm)
        if keep is not None:
            keep.append(x_MH)
        return x_MH

    def decodes_natively(self, batch: Batch) -> bool:
        """Whether a compiled kernel does this batch's attention: one new token of each of some rows, or trees of tokens. It needs no groups."""
        return self.native is not None and ((batch.queries == 1 and batch.dense) or batch.parents_M is not None)

    def _norm(self, x_MH: Tensor, weight_H: Tensor) -> Tensor:
        if self.native is not None:
            return self.native.rms(x_MH, weight_H, self.eps)
        return F.rms_norm(x_MH, x_MH.shape[-1:], weight_H, self.eps)

    def _gated(self, gate_up: Tensor) -> Tensor:
        if self.native is not None:
            return self.native.silu_mul(gate_up)
        gate, up = gate_up.chunk(2, dim=-1)
        return F.silu(gate).mul_(up)

    def _attend_native(self, qkv: Tensor, index: int, batch: Batch, slots: Slots) -> Tensor:
        assert self.native is not None
        layer, window = self.layers[index], self.shape.windows[index]
        norms = None if layer.norm_q is None or layer.norm_k is None else (layer.norm_q, layer.norm_k)
        if batch.parents_M is not None:
            return self.native.attend_trees(
                qkv, norms, self.rope, slots.keys[index], slots.values[index], batch.positions_M, *batch.write, batch.parents_M, self.shape.heads, window, self.eps
            )  # fmt: skip
        return self.native.attend(
            qkv, norms, self.rope, slots.keys[index], slots.values[index], batch.positions_M, batch.write[0], self.shape.heads, window, self.eps
        )  # fmt: skip

    def _attend(self, qkv: Tensor, index: int, batch: Batch, slots: Slots, rope: tuple[Tensor, Tensor]) -> Tensor:
        """Norms and turns queries and keys, writes the cache, attends: (M, A D)."""
        shape, layer, (cos_M1D, sin_M1D) = self.shape, self.layers[index], rope
        q_MAD, k_MKD, v_MKD = qkv.view(-1, shape.heads + 2 * shape.kv_heads, shape.head_dim).split(
            [shape.heads, shape.kv_heads, shape.kv_heads], 1
        )
        if layer.norm_q is not None and layer.norm_k is not None:
            q_MAD = F.rms_norm(q_MAD, (shape.head_dim,), layer.norm_q, self.eps)
            k_MKD = F.rms_norm(k_MKD, (shape.head_dim,), layer.norm_k, self.eps)
        q_MAD = rotate(q_MAD, cos_M1D, sin_M1D)
        keys, values = slots.keys[index], slots.values[index]
        rows, places = batch.write
        keys[rows, :, places] = rotate(k_MKD, cos_M1D, sin_M1D)
        values[rows, :, places] = v_MKD
        windowed = shape.windows[index] is not None
        mixed = [attend(q_MAD, keys, values, group, batch.queries, shape.kv_heads, windowed) for group in batch.groups]
        return (mixed[0] if len(mixed) == 1 else torch.cat(mixed)).reshape(-1, shape.heads * shape.head_dim)

    @torch.inference_mode()
    def logits(self, hidden_MH: Tensor) -> Tensor:
        """The head on hidden states: (M, V) for a language model, (M, labels) for a classifier."""
        if self.to_logits is None:
            raise UnsupportedModel(
                f"model type {self.module.config.model_type!r} has no language-model or classifier head; load one that has."
            )
        return self.to_logits(hidden_MH) if hidden_MH.dim() == 2 else F.linear(hidden_MH, self.to_logits.weight, self.to_logits.bias)

    def _rope_at(self, positions_M: Tensor) -> tuple[Tensor, Tensor]:
        cos, sin = self.rope
        return F.embedding(positions_M, cos)[:, None], F.embedding(positions_M, sin)[:, None]

    def reserve(self, length: int) -> None:
        """Makes sure that positions below `length` have rope entries."""
        if length > self.rope[0].shape[0]:
            self.rope = self._rope_table(max(length, 2 * self.rope[0].shape[0]))

    @torch.inference_mode()
    def _rope_table(self, length: int) -> tuple[Tensor, Tensor]:
        """Cosines and signed sines (T, D): float32 like Hugging Face's, whatever the weights' type, so that float64 runs agree too."""
        angles = torch.arange(length, device=self.device).float()[:, None] * self.inv_freq[None].to(self.device)
        cos, sin = angles.cos() * self.rope_scale, angles.sin() * self.rope_scale
        return torch.cat([cos, cos], -1).to(self.dtype), torch.cat([-sin, sin], -1).to(self.dtype)


def rotate(x_MXD: Tensor, cos_M1D: Tensor, sin_M1D: Tensor) -> Tensor:
    """Rotary embedding. Rolling by half a head and signing the sine is `rotate_half` in one pass."""
    return torch.addcmul(x_MXD * cos_M1D, x_MXD.roll(x_MXD.shape[-1] // 2, -1), sin_M1D)


def attend(q_MAD: Tensor, keys_NKTD: Tensor, values_NKTD: Tensor, group: Group, queries: int, kv_heads: int, windowed: bool) -> Tensor:
    """Attention of one group, keys never repeated: the G query heads of a key head ride as extra queries. Returns (rows * Q, A, D)-ordered numbers."""
    start, stop, length = group.start, group.stop, group.length
    rows, head_dim = stop - start, q_MAD.shape[-1]
    bias = group.windowed if windowed and group.windowed is not None else group.bias
    q = q_MAD[start * queries : stop * queries]
    k_NKTD, v_NKTD = keys_NKTD[start:stop, :, :length], values_NKTD[start:stop, :, :length]
    if queries == 1:
        k = k_NKTD.as_strided((rows * kv_heads, head_dim, length), (k_NKTD.stride(1), 1, head_dim))
        v = v_NKTD.as_strided((rows * kv_heads, length, head_dim), (v_NKTD.stride(1), head_dim, 1))
        scores = torch.baddbmm(bias, q.reshape(rows * kv_heads, -1, head_dim), k, alpha=head_dim**-0.5)
        return torch.bmm(torch.softmax(scores, -1), v).view(rows, -1)
    grouped = q.view(rows, queries, kv_heads, -1, head_dim).permute(0, 2, 3, 1, 4).reshape(rows, kv_heads, -1, head_dim)
    out = F.scaled_dot_product_attention(grouped, k_NKTD, v_NKTD, attn_mask=bias)
    return out.view(rows, kv_heads, -1, queries, head_dim).permute(0, 3, 1, 2, 4).reshape(rows * queries, -1)


def fuse(layer: Any) -> Layer:
    """One block's weights with fused projections; the module's parameters are re-pointed to views of them."""
    attention, mlp = layer.self_attn, layer.mlp
    qkv, qkv_bias = _stack([attention.q_proj, attention.k_proj, attention.v_proj])
    gate_up, gate_up_bias = _stack([mlp.gate_proj, mlp.up_proj])
    return Layer(
        norm_attention=layer.input_layernorm.weight,
        norm_mlp=layer.post_attention_layernorm.weight,
        qkv=Linear(qkv, qkv_bias),
        out=Linear(attention.o_proj.weight, attention.o_proj.bias),
        gate_up=Linear(gate_up, gate_up_bias),
        down=Linear(mlp.down_proj.weight, mlp.down_proj.bias),
        norm_q=attention.q_norm.weight if hasattr(attention, "q_norm") else None,
        norm_k=attention.k_norm.weight if hasattr(attention, "k_norm") else None,
    )


@torch.no_grad()
def _stack(linears: Sequence[nn.Linear]) -> tuple[Tensor, Tensor | None]:
    def share(parameters: Sequence[Tensor]) -> Tensor:
        fused = torch.cat([parameter.data for parameter in parameters])
        for parameter, part in zip(parameters, fused.split([p.shape[0] for p in parameters]), strict=True):
            parameter.data = part
        return fused

    biases = [linear.bias for linear in linears if linear.bias is not None]
    return share([linear.weight for linear in linears]), share(biases) if biases else None


def refuse_type(kind: object) -> None:
    """Raises `UnsupportedModel` unless the model type is a supported one."""
    if kind not in SUPPORTED:
        raise UnsupportedModel(f"model type {kind!r} cannot run in the local engine; supported: {', '.join(SUPPORTED)}. {ELSEWHERE}")


def check_supported(config: Any) -> None:
    """Raises `UnsupportedModel` for a configuration that the lean forward would compute wrongly."""
    kind = getattr(config, "model_type", None)
    refuse_type(kind)
    rope = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
    rope_type = rope.get("rope_type", rope.get("type", "default"))
    if rope_type not in STATIC_ROPE or rope.get("partial_rotary_factor", 1.0) != 1.0:
        raise UnsupportedModel(
            f"model type {kind!r} with rope type {rope_type!r} cannot run in the local engine; supported: {', '.join(STATIC_ROPE)}. {ELSEWHERE}"
        )
    activation = getattr(config, "hidden_act", "silu")
    if activation != "silu":
        raise UnsupportedModel(
            f"model type {kind!r} with activation {activation!r} cannot run in the local engine; supported: silu. {ELSEWHERE}"
        )


def shape_of(config: Any) -> Shape:
    """Sizes from a Hugging Face configuration."""
    layers, window = config.num_hidden_layers, getattr(config, "sliding_window", None)
    kinds = getattr(config, "layer_types", None)
    if kinds is None:
        kinds = ["sliding_attention" if window is not None and config.model_type == "mistral" else "full_attention"] * layers
    return Shape(
        layers=layers,
        hidden=config.hidden_size,
        heads=config.num_attention_heads,
        kv_heads=config.num_key_value_heads,
        head_dim=getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads,
        vocab=config.vocab_size,
        context=config.max_position_embeddings,
        windows=tuple(window if kind == "sliding_attention" else None for kind in kinds),
    )
