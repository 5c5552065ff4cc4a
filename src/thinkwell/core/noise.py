"""Keyed noise: the randomness of a token is a pure function of who asks.

A sampled token is `argmax(log p + g)` with Gumbel noise `g` from the counter-based generator Philox4x32-10 (Salmon et al. 2011, "Parallel random
numbers: as easy as 1, 2, 3"), keyed by (seed, problem, path, position). So a run gives the same tokens whatever the batch, the order, a crash and resume, or
speculative decoding.

Key schedule: `stream_key(seed, problem, path)` is 128 bits of BLAKE2b over the three, split into the Philox key (two words) and the
upper counter words c2, c3. The counter is (c0 = vocabulary block, c1 = token position, c2, c3); block b gives the noise of
token ids 4b .. 4b+3. A 32-bit word w becomes u = ((w >> 9) + 0.5) / 2^23 in (0, 1), exact in float32, and g = -log(-log u), bounded by -2.82 < g < 16.64.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROUNDS = 10
MULTIPLIER_0, MULTIPLIER_1 = 0xD2511F53, 0xCD9E8D57  # Philox4x32 round multipliers
WEYL_0, WEYL_1 = 0x9E3779B9, 0xBB67AE85  # key increments: golden ratio, sqrt(3) - 1
GUMBEL_MAX, GUMBEL_MIN = 16.64, -2.82  # bounds of g, usable to prune tokens that cannot win

U32 = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class NoiseKey:
    """Names the noise of one path: the run's seed, the problem's id, the path's id."""

    seed: int
    problem: str
    path: str

    def words(self) -> tuple[int, int, int, int]:
        """(k0, k1, c2, c3), each an unsigned 32-bit word."""
        digest = hashlib.blake2b(f"{self.seed}\x1f{self.problem}\x1f{self.path}".encode(), digest_size=16).digest()
        k0, k1, c2, c3 = (int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4))
        return k0, k1, c2, c3


def philox4x32(counter: U32, key: U32) -> U32:
    """Philox4x32-10. counter: (..., 4) uint32; key: (..., 2) uint32, broadcast against it; returns (..., 4) uint32."""
    c0, c1, c2, c3 = (counter[..., i].astype(np.uint64) for i in range(4))
    k0, k1 = key[..., 0].astype(np.uint64), key[..., 1].astype(np.uint64)
    low = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    for _ in range(ROUNDS):
        product0 = np.uint64(MULTIPLIER_0) * c0
        product1 = np.uint64(MULTIPLIER_1) * c2
        c0, c1, c2, c3 = (product1 >> shift) ^ c1 ^ k0, product1 & low, (product0 >> shift) ^ c3 ^ k1, product0 & low
        k0, k1 = (k0 + np.uint64(WEYL_0)) & low, (k1 + np.uint64(WEYL_1)) & low
    return np.stack([c0, c1, c2, c3], axis=-1).astype(np.uint32)


def uniform(key: NoiseKey, position: int, vocab: int) -> NDArray[np.float64]:
    """One number in (0, 1) a token id: shape (vocab,). `position` is the absolute position in the path, prompt included."""
    k0, k1, c2, c3 = key.words()
    blocks = (vocab + 3) // 4
    counter = np.empty((blocks, 4), dtype=np.uint32)
    counter[:, 0] = np.arange(blocks, dtype=np.uint32)
    counter[:, 1], counter[:, 2], counter[:, 3] = position, c2, c3
    words = philox4x32(counter, np.array([k0, k1], dtype=np.uint32)).reshape(-1)[:vocab]
    return ((words >> np.uint32(9)).astype(np.float64) + 0.5) / float(1 << 23)


def gumbel(key: NoiseKey, position: int, vocab: int) -> NDArray[np.float64]:
    """Gumbel noise of one position: shape (vocab,), float64."""
    noise: NDArray[np.float64] = -np.log(-np.log(uniform(key, position, vocab)))
    return noise


def generator(key: NoiseKey) -> np.random.Generator:
    """A numpy generator for a method's own draws (ties, resampling), keyed like the tokens."""
    k0, k1, c2, c3 = key.words()
    return np.random.Generator(np.random.Philox(key=[k0 | k1 << 32, c2 | c3 << 32]))
