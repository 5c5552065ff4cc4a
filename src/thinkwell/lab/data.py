"""Training batches as pure functions of (seed, step), so a resumed run sees exactly what an uninterrupted one would."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from .tokenizer import END, prompt
from .trace import NATURAL, Style, write
from .world import LEVELS, generate

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

LEVEL_WEIGHTS = (1.0, 1.0, 1.2, 1.2, 1.2, 1.2, 1.0, 1.0, 0.8, 0.6)
"""How often levels 1 to 10 are trained on."""
IGNORE = -100
"""Label of a token that carries no loss."""

Row = tuple[list[int], int]
"""Token ids of a whole conversation, and how many of them are prompt."""
AnyRow = TypeVar("AnyRow", bound=tuple[Any, ...])


def policy_rows(
    tokenizer: PreTrainedTokenizerFast,
    seed: int,
    block: int,
    count: int,
    levels: Sequence[int] = tuple(LEVELS),
    style: Style = NATURAL,
) -> list[Row]:
    """`count` conversations of train problems; a pure function of (seed, block)."""
    rng = random.Random(f"policy/{seed}/{block}")
    weights = [LEVEL_WEIGHTS[level - 1] for level in levels]
    problems = [generate(rng.getrandbits(48), level, "train") for level in rng.choices(levels, weights, k=count)]
    prompts = tokenizer([prompt(p.question) for p in problems], add_special_tokens=False)["input_ids"]
    replies = tokenizer([write(p, rng, style).text + END for p in problems], add_special_tokens=False)["input_ids"]
    return [(p + r, len(p)) for p, r in zip(prompts, replies, strict=True)]


def bucket(rows: Sequence[AnyRow], parts: int, rng: random.Random) -> list[list[AnyRow]]:
    """Rows (token ids first) cut into `parts` batches of like length and about equal numbers of tokens, in random order."""
    ordered = sorted(rows, key=lambda row: len(row[0]))
    share = sum(len(row[0]) for row in ordered) / parts
    batches: list[list[AnyRow]] = [[] for _ in range(parts)]
    seen = 0
    for row in ordered:
        batches[min(parts - 1, int(seen / share))].append(row)
        seen += len(row[0])
    batches = [b for b in batches if b] or [list(ordered)]
    while len(batches) < parts:
        batches.append(batches[-1])
    rng.shuffle(batches)
    return batches


def pad(rows: Sequence[Row], pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids (B, T) padded on the right, and labels (B, T): the ids where the policy learns them, else `IGNORE`."""
    longest = max(len(ids) for ids, _ in rows)
    ids_BT = torch.full((len(rows), longest), pad_id, dtype=torch.long)
    labels_BT = torch.full((len(rows), longest), IGNORE, dtype=torch.long)
    for i, (ids, prompt_length) in enumerate(rows):
        row = torch.tensor(ids)
        ids_BT[i, : len(ids)] = row
        labels_BT[i, prompt_length : len(ids)] = row[prompt_length:]
    return ids_BT, labels_BT


class PolicyBatches:
    """Batch of step t; blocks of steps share one pool of rows that is sorted into like lengths."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        seed: int,
        rows: int = 32,
        block: int = 16,
        levels: Sequence[int] = tuple(LEVELS),
        style: Style = NATURAL,
    ) -> None:
        self.tokenizer, self.seed, self.rows, self.block, self.levels, self.style = tokenizer, seed, rows, block, levels, style
        self._cached: tuple[int, list[list[Row]]] = (-1, [])

    def __call__(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        block = step // self.block
        if self._cached[0] != block:
            rows = policy_rows(self.tokenizer, self.seed, block, self.rows * self.block, self.levels, self.style)
            self._cached = block, bucket(rows, self.block, random.Random(f"order/{self.seed}/{block}"))
        return pad(self._cached[1][step % self.block], self.tokenizer.pad_token_id)
