"""Makes a starting point: supervised training on its conversations, from the policy's weights, resumable and a pure function of the seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors.torch import load_file
from torch import Tensor

from thinkwell.lab.data import bucket
from thinkwell.lab.skills.conversation import Conversation
from thinkwell.lab.skills.mixture import encode, stack
from thinkwell.lab.starts.store import pack
from thinkwell.lab.starts.traces import STARTS
from thinkwell.lab.train import Batch, Learned, Schedule, fit, policy_loss

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

RATE, WARMUP = 1e-3, 20
"""Peak rate of the hidden matrices and steps to it: those of the policy's own last steps."""


class StartBatches:
    """Batch of step t; blocks of steps share one pool of rows that is sorted into like lengths."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        make: Callable[[random.Random], Conversation],
        seed: str,
        rows: int = 32,
        block: int = 16,
    ) -> None:
        self.tokenizer, self.make, self.seed, self.rows, self.block = tokenizer, make, seed, rows, block
        self._cached: tuple[int, list[Batch]] = (-1, [])

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        block = step // self.block
        if self._cached[0] != block:
            rng = random.Random(f"{self.seed}/{block}")
            rows = [encode(self.tokenizer, self.make(rng)) for _ in range(self.rows * self.block)]
            parts = bucket(rows, self.block, random.Random(f"order/{self.seed}/{block}"))
            batches = [stack(part, self.tokenizer.pad_token_id) for part in parts]
            self._cached = block, [(ids, labels[..., 0]) for ids, labels in batches]
        return self._cached[1][step % self.block]


def learn(
    name: str,
    policy: Path,
    file: Path,
    checkpoint: Path,
    tokenizer: PreTrainedTokenizerFast,
    *,
    seed: int = 0,
    rows: int | None = None,
    steps: int | None = None,
    compiled: bool = False,
    half: bool = True,
    log: Callable[[str], None] = print,
) -> Learned:
    """Train the start `name` and pack it into `file`. policy: folder of the policy. rows, steps: instead of the start's own numbers. half: products
    in bfloat16, where the start's own way of training has them."""
    from transformers import AutoModelForCausalLM

    start = STARTS[name]
    model = AutoModelForCausalLM.from_pretrained(policy)
    schedule = Schedule(start.steps if steps is None else steps, rate=RATE, adam_rate=start.adam_rate, warmup=WARMUP)
    batches = StartBatches(tokenizer, start.make, f"start/{name}/{seed}", start.rows if rows is None else rows)
    learned = fit(
        model, batches, policy_loss(model, compiled=compiled), schedule, checkpoint,
        pad_id=tokenizer.pad_token_id, autocast=start.autocast and half, log=log,
    )  # fmt: skip
    base = load_file(policy / "model.safetensors")
    weights = {key: weight.detach().cpu() for key, weight in model.state_dict().items() if key in base}
    pack(weights, base, file)
    return learned
