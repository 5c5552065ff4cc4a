"""Runs in a process of its own: 1,000 live paths of 512 tokens of the lab's shape. Prints peak memory of the whole process in bytes."""

from __future__ import annotations

import asyncio
import random
import resource
import sys

from _workload import CONTEXT, VOCAB

PATHS, LENGTH = 1000, 512


def main() -> None:
    from engine import random_model

    from thinkwell.core.noise import NoiseKey
    from thinkwell.core.sampling import GREEDY
    from thinkwell.engines.local.engine import LocalEngine
    from thinkwell.engines.protocol import Request

    rng = random.Random(0)
    engine = LocalEngine(random_model("lab"), NoTokenizer())
    paths = [[rng.randrange(3, VOCAB) for _ in range(LENGTH)] for _ in range(PATHS)]

    def go_on(ids: list[int], index: int) -> Request:
        return Request(NoiseKey(0, "memory", str(index)), 1, tuple(ids), lineage=(f"memory:{index}",), sampling=GREEDY, ignore_eos=True)

    for start in range(0, PATHS, 100):
        asyncio.run(engine.generate([go_on(paths[i], i) for i in range(start, start + 100)]))
    # Live means: going on computes one token each, nothing else.
    done = asyncio.run(engine.generate([go_on([*paths[i], 5], i) for i in range(PATHS)]))
    assert all(one.prefill_computed == 1 for one in done)
    assert CONTEXT > LENGTH
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(peak if sys.platform == "darwin" else peak * 1024)


class NoTokenizer:
    """Ids in, ids out: these models have random weights and no words."""

    eos_token_id = None

    def decode(self, ids: list[int], **_: object) -> str:
        return ""

    def batch_decode(self, sequences: list[list[int]], **_: object) -> list[str]:
        return [""] * len(sequences)


if __name__ == "__main__":
    main()
