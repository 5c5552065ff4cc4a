"""The engine benchmark's workload, free of our package so that a peer's Python can read it too: shapes, prompts and natural, ragged lengths."""

from __future__ import annotations

import random
from dataclasses import dataclass

SHAPES = {
    "lab": {
        "hidden_size": 128,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 32,
        "intermediate_size": 384,
    },
    "4.9M": {
        "hidden_size": 256,
        "num_hidden_layers": 6,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 32,
        "intermediate_size": 768,
    },
}
VOCAB, CONTEXT = 640, 1024
REQUESTS, MEAN, LONGEST = 256, 93, 400


@dataclass(frozen=True)
class Workload:
    """Prompts as ids, and how many tokens each is to be continued by (forced: end-of-text is ignored)."""

    prompts: list[list[int]]
    lengths: list[int]

    @property
    def tokens(self) -> int:
        return sum(self.lengths)


def workload(seed: int = 0) -> Workload:
    """256 distinct prompts of 20 to 60 tokens; lengths log-normal, cut at 400, mean 93, the longest exactly 400, in no order."""
    rng = random.Random(seed)
    while True:
        lengths = [min(LONGEST, max(4, round(rng.lognormvariate(4.3, 0.65)))) for _ in range(REQUESTS)]
        lengths[rng.randrange(REQUESTS)] = LONGEST
        if abs(sum(lengths) / REQUESTS - MEAN) < 0.5:
            break
    return Workload([[rng.randrange(3, VOCAB) for _ in range(rng.randint(20, 60))] for _ in range(REQUESTS)], lengths)
