"""The training benchmark's work, the same for our trainer and for TRL's: a folder with model, questions and the length that each sample is forced to have.

Read by both Pythons. The lab model's lengths are those that it writes by itself (sampled once, temperature 1); the 4.9 M model has random weights and no words of its own, so its
lengths are those of the engine's benchmark. Samples are forced to the same lengths on both sides, so that both write, pad and learn from the same numbers of tokens.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SIZE = 8  # samples of a question
LONGEST = 400
RATE, BETAS, CLIP, TEMPERATURE = 1e-6, (0.9, 0.95), 1.0, 1.0  # so small a rate that a round finds the model of the round before
THREADS = 2


@dataclass(frozen=True)
class Work:
    """questions: (messages, reference answer); lengths: of each sample, question by question."""

    model: str
    questions: list[tuple[list[dict[str, str]], str]]
    lengths: list[int]

    def save(self, file: Path) -> None:
        file.write_text(json.dumps(asdict(self)))

    @staticmethod
    def read(file: Path) -> Work:
        held: dict[str, Any] = json.loads(file.read_text())
        return Work(held["model"], [(messages, answer) for messages, answer in held["questions"]], held["lengths"])

    @property
    def tokens(self) -> int:
        return sum(self.lengths)


def parity(length: int) -> float:
    """A part of the reward that differs inside a group, so that there is something to learn on both sides."""
    return float(length % 2)
