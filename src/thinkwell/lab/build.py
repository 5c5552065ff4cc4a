"""Remakes the lab's models from a seed: world -> tokenizer -> policy -> samples -> prm -> card.

Every stage leaves its result in the work folder `<out>/.build` (written with a rename at the end) and is skipped when it is there, so a
build that was killed goes on where it was. The policy and the process reward model also save checkpoints about every minute.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import torch

from . import tokenizer as tokenizers
from .data import PolicyBatches
from .models import new_policy
from .train import Learned, Schedule, fit, policy_loss

STAGES = ("world", "tokenizer", "policy", "samples", "prm", "card")


@dataclass(frozen=True)
class Scale:
    """Sizes of one build."""

    width: int
    layers: int
    policy: Schedule
    policy_rows: int
    """Conversations a step, on average."""
    prm: Schedule
    prm_rows: int
    sample_problems: int
    """Train problems that the policy is sampled on for the process reward model."""
    samples_each: int
    card_problems: int
    card_samples: int
    compiled: bool


SCALES: dict[str, Scale] = {
    "full": Scale(128, 4, Schedule(3000), 32, Schedule(1500, rate=2e-3, adam_rate=1e-3), 32, 4000, 6, 300, 16, True),
    "mini": Scale(64, 2, Schedule(120, warmup=10), 12, Schedule(40, warmup=5), 12, 40, 2, 20, 4, False),
}


def build(
    out: Path,
    scale: Literal["full", "mini"] = "full",
    seed: int = 0,
    resume: bool = True,
    *,
    until: str = STAGES[-1],
    log: Callable[[str], None] = print,
) -> Path:
    """Build the lab's models into `out` (folders `policy` and `prm`, and `card.json`), up to and including the stage `until`."""
    if scale not in SCALES:
        raise ValueError(f"scale {scale!r} does not exist; expected one of {', '.join(SCALES)}")
    work = Work(Path(out), SCALES[scale], scale, seed, log)
    work.open(resume)
    for stage in STAGES[: STAGES.index(until) + 1]:
        log(f"stage {stage}")
        getattr(work, stage)()
    return Path(out)


class Work:
    """The stages of one build; each is a method that does nothing when its result is there."""

    def __init__(self, out: Path, sizes: Scale, scale: str, seed: int, log: Callable[[str], None]) -> None:
        self.out, self.sizes, self.scale, self.seed, self.log = out, sizes, scale, seed, log
        self.work = out / ".build"
        self.device = "cuda" if torch.cuda.is_available() else "cpu"

    def open(self, resume: bool) -> None:
        """Make the work folder; a folder of another build is refused."""
        plan = {"scale": self.scale, "seed": self.seed}
        marker = self.work / "plan.json"
        if marker.exists() and resume and json.loads(marker.read_text()) != plan:
            raise ValueError(f"{self.work} holds the build {marker.read_text()}; expected {json.dumps(plan)}; give another folder or resume=False")
        if self.work.exists() and not resume:
            for file in self.work.iterdir():
                file.unlink()
        self.work.mkdir(parents=True, exist_ok=True)
        write_json(marker, plan)

    def world(self) -> None:
        """The world is code; what is recorded is which code."""
        path = self.work / "world.json"
        if not path.exists():
            write_json(path, {"words": len(tokenizers.words()), "vocabulary": len(tokenizers.vocabulary())})

    def tokenizer(self) -> None:
        self.tokens = tokenizers.make()

    def policy(self) -> None:
        path = self.work / "policy.json"
        model = new_policy(self.tokens, self.seed, width=self.sizes.width, layers=self.sizes.layers).to(self.device)
        batches = PolicyBatches(self.tokens, self.seed, self.sizes.policy_rows)
        learned = fit(
            model,
            batches,
            policy_loss(model, compiled=self.sizes.compiled),
            self.sizes.policy,
            self.work / "policy.pt",
            pad_id=self.tokens.pad_token_id,
            log=self.log,
        )
        save_model(model, self.tokens, self.out / "policy")
        write_json(path, asdict(learned))


def save_model(model: torch.nn.Module, tokens: object, folder: Path) -> None:
    """A model and its tokenizer in Hugging Face format, float32."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)  # type: ignore[operator]
    tokens.save_pretrained(folder)  # type: ignore[attr-defined]


def write_json(path: Path, value: object) -> None:
    """Write JSON with a rename at the end."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(value, indent=1) + "\n")
    os.replace(partial, path)
