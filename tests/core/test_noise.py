"""Keyed noise against the published Philox vectors, and the properties that the package stands on."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.core.noise import GUMBEL_MAX, GUMBEL_MIN, NoiseKey, generator, gumbel, philox4x32, uniform

# Known-answer vectors of Random123 1.14, file kat_vectors, lines "philox4x32 10": counter, key, result.
VECTORS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text: str) -> np.ndarray:
    return np.array([int(word, 16) for word in text.split()], dtype=np.uint32)


@pytest.mark.parametrize(("counter", "key", "expected"), VECTORS)
def test_philox_gives_the_published_vectors(counter: str, key: str, expected: str) -> None:
    assert philox4x32(words(counter), words(key)).tolist() == words(expected).tolist()


def test_philox_of_a_batch_is_philox_of_each_row() -> None:
    counters = np.stack([words(counter) for counter, _, _ in VECTORS])
    keys = np.stack([words(key) for _, key, _ in VECTORS])
    expected = np.stack([words(result) for _, _, result in VECTORS])
    assert (philox4x32(counters, keys) == expected).all()


def test_noise_is_gumbel_distributed() -> None:
    noise = gumbel(NoiseKey(3, "p", "0"), position=7, vocab=200_000)
    assert noise.mean() == pytest.approx(0.5772, abs=0.01)  # Euler-Mascheroni
    assert noise.std() == pytest.approx(math.pi / math.sqrt(6), abs=0.01)


def test_noise_of_a_smaller_vocabulary_is_a_prefix() -> None:
    key = NoiseKey(0, "p", "0")
    assert (gumbel(key, 5, 1000)[:37] == gumbel(key, 5, 37)).all()


@given(seed=st.integers(0, 2**31), position=st.integers(0, 2**31), problem=st.text(max_size=8), path=st.text(max_size=8))
def test_uniforms_are_open_and_noise_is_bounded(seed: int, position: int, problem: str, path: str) -> None:
    key = NoiseKey(seed, problem, path)
    numbers = uniform(key, position, 64)
    assert ((numbers > 0) & (numbers < 1)).all()
    assert (numbers.astype(np.float32) == numbers).all(), "exact in float32, so CPU and GPU agree"
    noise = gumbel(key, position, 64)
    assert (noise < GUMBEL_MAX).all()
    assert (noise > GUMBEL_MIN).all()


@pytest.mark.parametrize("other", [NoiseKey(1, "p", "0"), NoiseKey(0, "q", "0"), NoiseKey(0, "p", "1")])
def test_every_part_of_the_key_changes_the_noise(other: NoiseKey) -> None:
    assert (gumbel(NoiseKey(0, "p", "0"), 0, 16) != gumbel(other, 0, 16)).all()


def test_positions_have_different_noise() -> None:
    key = NoiseKey(0, "p", "0")
    assert (gumbel(key, 0, 16) != gumbel(key, 1, 16)).all()


def test_key_parts_cannot_run_into_each_other() -> None:
    assert NoiseKey(1, "a", "b.c").words() != NoiseKey(1, "a.b", "c").words()


def test_generator_repeats_for_the_same_key_only() -> None:
    draws = [generator(NoiseKey(seed, "p", "ties")).random(4).tolist() for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]
