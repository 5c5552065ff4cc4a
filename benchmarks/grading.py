"""Grading integer answers: our chain against math-verify's parse and verify, on the same completions, in one run.

Both read completions such as a reasoning model writes for AIME and give right or wrong. Ours: `thinkwell.answers.grade(..., kind="integer")`, the whole chain from
extraction to verdict. Peer: `verify(parse("$gold$"), parse(tail))`, in this process, without a time limit (its fastest use), on the text after the thinking. Both are timed in
seconds of this process, so that other work on the machine does not count.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable

TARGET = 50.0
COMMAND = "python benchmarks/grading.py"


def completions(n: int, seed: int = 0) -> list[tuple[str, str]]:
    """`n` (completion, reference) pairs, half of them right; a thinking of about 150 words, then a boxed integer."""
    rng = random.Random(seed)
    pairs = []
    for _ in range(n):
        gold = rng.randrange(1000)
        said = gold if rng.random() < 0.5 else rng.randrange(1000)
        thought = "\n\n".join(
            f"Step {i}: {rng.randrange(99)} plus {rng.randrange(99)} gives the next value, so we go on." for i in range(12)
        )
        pairs.append((f"<think>\n{thought}\n</think>\n\nThe sum is $m+n$, hence the answer is\n\n\\boxed{{{said}}}", str(gold)))
    return pairs


def rate(judge: Callable[[str, str], bool], pairs: list[tuple[str, str]], seconds: float = 2.0) -> tuple[float, list[bool]]:
    """(pairs a second of computing, verdicts of the first round), the best of three rounds or as many as fit."""
    judge(*pairs[0])
    best, end = 0.0, time.process_time() + seconds
    verdicts: list[bool] = []
    for turn in range(3):
        start = time.process_time()
        judged = [judge(*pair) for pair in pairs]
        best = max(best, len(pairs) / (time.process_time() - start))
        verdicts = verdicts or judged
        if turn and time.process_time() > end:
            break
    return best, verdicts


def ours(completion: str, reference: str) -> bool:
    from thinkwell.answers.grade import grade

    return grade(completion, reference, "integer").correct


def peers(completion: str, reference: str) -> bool:
    from math_verify import parse, verify

    tail = completion.rpartition("</think>")[2]
    return bool(verify(parse(f"${reference}$", parsing_timeout=None), parse(tail, parsing_timeout=None), timeout_seconds=None))


def rows() -> list[dict[str, object]]:
    """The row of this benchmark. Raises RuntimeError if the two graders disagree on a pair: then the speeds do not compare."""
    import logging

    logging.getLogger("math_verify").setLevel(logging.ERROR)
    pairs = completions(20_000)
    sample = pairs[:500]
    fast, our_verdicts = rate(ours, pairs)
    slow, peer_verdicts = rate(peers, sample)
    if our_verdicts[: len(sample)] != peer_verdicts:
        raise RuntimeError("the graders disagree on an integer answer; mend the grader before timing it.")
    return [
        {
            "name": "grading integer answers",
            "ours": round(fast, 1),
            "peer": round(slow, 1),
            "ratio": round(fast / slow, 1),
            "target": TARGET,
            "unit": "answers/s",
            "command": COMMAND,
        }
    ]


if __name__ == "__main__":
    print(json.dumps(rows(), indent=2))
