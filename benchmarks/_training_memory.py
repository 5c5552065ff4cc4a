"""Runs in a process of its own: one GRPO step of the lab model on 1,024 rollouts of 256 tokens. Prints peak memory of the whole process in bytes."""

from __future__ import annotations

import resource
import sys
import tempfile
from pathlib import Path


def main() -> None:
    import torch
    from _training_work import SIZE, THREADS, Work
    from training import MEMORY_LENGTH, MEMORY_SAMPLES, made, steps

    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as scratch:
        work = made(Path(scratch), "lab", "equal", MEMORY_SAMPLES)
        assert len(work.questions) * SIZE == MEMORY_SAMPLES
        steps(Work(work.model, work.questions, [MEMORY_LENGTH - index % 2 for index in range(MEMORY_SAMPLES)]), 1, lambda row: None)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(peak if sys.platform == "darwin" else peak * 1024)


if __name__ == "__main__":
    main()
