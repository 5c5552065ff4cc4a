"""Philox4x32-10 on torch tensors: the integers of `thinkwell.core.noise`, bit for bit, for many paths and positions at once.

Words live in int64 tensors, whose wrapping multiplication keeps the low 64 bits of a 32x32-bit product; so a high word is `(product >> 32) & MASK`.
Only the words that are multiplied next are masked: xor does not care about dirty upper bits, which saves a third of the operations.
"""

from __future__ import annotations

import torch
from torch import Tensor

from thinkwell.core.noise import MULTIPLIER_0, MULTIPLIER_1, ROUNDS, WEYL_0, WEYL_1

MASK = 0xFFFFFFFF


def philox(c0: Tensor, c1: Tensor, c2: Tensor, c3: Tensor, k0: Tensor, k1: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Philox4x32-10 on int64 tensors holding unsigned 32-bit words; all broadcast together. The results' upper halves are undefined: mask them."""
    for round in range(ROUNDS):
        low0, low1 = c0 * MULTIPLIER_0, c2 * MULTIPLIER_1
        high0, high1 = low0 >> 32, low1 >> 32
        if round < 3:  # words still broadcast against each other
            c0, c2 = (high1 ^ c1 ^ k0).bitwise_and_(MASK), (high0 ^ c3 ^ k1).bitwise_and_(MASK)
        else:
            c0 = high1.bitwise_xor_(c1).bitwise_xor_(k0).bitwise_and_(MASK)
            c2 = high0.bitwise_xor_(c3).bitwise_xor_(k1).bitwise_and_(MASK)
        c1, c3 = low1, low0
        k0, k1 = (k0 + WEYL_0) & MASK, (k1 + WEYL_1) & MASK
    return c0, c1, c2, c3


def uniforms(keys_R4: Tensor, positions_R: Tensor, vocab: int, dtype: torch.dtype) -> Tensor:
    """Numbers in (0, 1), exact in float32: shape (R, vocab). keys_R4: `NoiseKey.words()` a row; positions_R: absolute token positions; both int64."""
    k0, k1, c2, c3 = keys_R4[:, :, None].unbind(1)
    blocks = torch.arange((vocab + 3) // 4, device=keys_R4.device)[None]
    words = torch.stack(philox(blocks, positions_R[:, None], c2, c3, k0, k1), dim=-1)
    return _unit(words.flatten(1)[:, :vocab], dtype)


def uniforms_at(keys_N4: Tensor, positions_N: Tensor, tokens_N: Tensor, dtype: torch.dtype) -> Tensor:
    """The same numbers for single (path, position, token id) triples: shape (N,)."""
    k0, k1, c2, c3 = keys_N4.unbind(1)
    words = torch.stack(philox(tokens_N >> 2, positions_N, c2, c3, k0, k1), dim=-1)
    return _unit(words.gather(1, (tokens_N & 3)[:, None])[:, 0], dtype)


def gumbel_(u: Tensor) -> Tensor:
    """Turns uniforms into Gumbel noise, in place: -log(-log u)."""
    return u.log_().neg_().log_().neg_()


def _unit(words: Tensor, dtype: torch.dtype) -> Tensor:
    return ((words >> 9) & 0x7FFFFF).to(dtype).add_(0.5).mul_(2.0**-23)
