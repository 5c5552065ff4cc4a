"""The process reward model: where it reads a score, what it learns from, and how traces are scored with it.

It reads at the token that ends a step (blank line, `</think>`, end of turn); the label there is whether the problem can still be solved
from what the trace has stated, which the world knows exactly. It learns half from the policy's own samples, half from fresh written traces.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from .data import IGNORE, LEVEL_WEIGHTS
from .labels import label
from .tokenizer import END, UNTHINK, prompt
from .trace import STEP_END, Style, write
from .world import LabProblem, generate

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast, Qwen3ForTokenClassification

ScoredRow = tuple[list[int], list[tuple[int, int]]]
"""Token ids of a whole conversation, and (position, label 0 or 1) of each step end in it."""

WRITTEN = Style(slip=0.10, misread=0.5, reread=0.2)
"""Style of the written traces: more traps avoided and noticed than in the policy's, for balance."""
SLIPPERY = Style(slip=0.16, misread=0.3, reread=0.3, reflect_on_slip=0.6, notice_slip=0.7)
"""For the last steps of training: off results are harder to see than misreadings, so most mistakes are off results."""


def step_end_ids(tokenizer: PreTrainedTokenizerFast) -> frozenset[int]:
    """Ids of the tokens that end a step: where the model's score is read."""
    return frozenset(tokenizer.convert_tokens_to_ids([STEP_END, UNTHINK, END]))


def step_labels(tokenizer: PreTrainedTokenizerFast, problem: LabProblem, ids: Sequence[int]) -> list[tuple[int, int]]:
    """(position in `ids`, solvable 0 or 1) for each step end of a reply."""
    pieces = tokenizer.batch_decode([[i] for i in ids])
    if ids and ids[-1] == tokenizer.eos_token_id:
        pieces[-1] = ""
    labels = label(problem, "".join(pieces))
    ends, seen, step, boundary = step_end_ids(tokenizer), 0, 0, len(labels[0].text) if labels else 0
    out: list[tuple[int, int]] = []
    for position, (token, piece) in enumerate(zip(ids, pieces, strict=True)):
        seen += len(piece)
        while step + 1 < len(labels) and seen > boundary:
            step += 1
            boundary += len(labels[step].text)
        if token in ends and labels:
            out.append((position, int(labels[step].solvable)))
    return out


def scored_row(tokenizer: PreTrainedTokenizerFast, problem: LabProblem, reply: Sequence[int]) -> ScoredRow:
    """A conversation with its labels."""
    ids = tokenizer(prompt(problem.question), add_special_tokens=False)["input_ids"]
    return ids + list(reply), [(len(ids) + i, y) for i, y in step_labels(tokenizer, problem, reply)]


def written_rows(tokenizer: PreTrainedTokenizerFast, seed: int, block: int, count: int, style: Style = WRITTEN) -> list[ScoredRow]:
    """`count` written traces of train problems; a pure function of (seed, block)."""
    rng = random.Random(f"prm/{seed}/{block}")
    problems = [generate(rng.getrandbits(48), level, "train") for level in rng.choices(range(1, 11), LEVEL_WEIGHTS, k=count)]
    replies = tokenizer([write(p, rng, style).text + END for p in problems], add_special_tokens=False)["input_ids"]
    return [scored_row(tokenizer, p, r) for p, r in zip(problems, replies, strict=True)]


class PrmBatches:
    """Batch of step t, half sampled and half written rows, cut into like lengths within a block of steps.

    `lead` tokens before each step end (the last digits of a result) carry its label too.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        sampled: Sequence[ScoredRow],
        seed: int,
        rows: int = 32,
        block: int = 16,
        style: Style = WRITTEN,
        lead: int = 0,
    ) -> None:
        self.tokenizer, self.sampled, self.seed, self.rows, self.block = tokenizer, sampled, seed, rows, block
        self.style, self.lead = style, lead
        self._cached: tuple[int, list[list[ScoredRow]]] = (-1, [])

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        block = step // self.block
        if self._cached[0] != block:
            half = self.rows * self.block // 2
            rng = random.Random(f"prm-order/{self.seed}/{block}")
            rows = written_rows(self.tokenizer, self.seed, block, half, self.style) + rng.choices(self.sampled, k=half)
            rows.sort(key=lambda row: len(row[0]))
            batches = [rows[i : i + self.rows] for i in range(0, len(rows), self.rows)]
            rng.shuffle(batches)
            self._cached = block, batches
        batch = self._cached[1][step % self.block]
        ids_BT = pad_ids([ids for ids, _ in batch], self.tokenizer.pad_token_id)
        labels_BT = torch.full_like(ids_BT, IGNORE)
        for i, (_, labels) in enumerate(batch):
            for position, y in labels:
                labels_BT[i, position - self.lead : position + 1] = y
        return ids_BT, labels_BT


def pad_ids(rows: Sequence[Sequence[int]], pad_id: int) -> Tensor:
    """Ids (B, T) padded on the right."""
    longest = max(map(len, rows))
    return torch.tensor([list(ids) + [pad_id] * (longest - len(ids)) for ids in rows])


def prm_loss(model: Qwen3ForTokenClassification, *, compiled: bool = False) -> Callable[[Tensor, Tensor], Tensor]:
    """Mean binary cross-entropy at the step ends as a function of (ids_BT, labels_BT)."""
    if compiled:
        model.set_attn_implementation("eager")
    body = torch.compile(model.model, dynamic=True) if compiled else model.model

    def loss_of(ids_BT: Tensor, labels_BT: Tensor) -> Tensor:
        hidden_BTD = body(input_ids=ids_BT, use_cache=False).last_hidden_state
        ends = labels_BT != IGNORE
        return nn.functional.binary_cross_entropy_with_logits(model.score(hidden_BTD[ends]).float()[:, 0], labels_BT[ends].float())

    return loss_of


@torch.inference_mode()
def score(
    model: Qwen3ForTokenClassification, tokenizer: PreTrainedTokenizerFast, rows: Sequence[Sequence[int]], batch: int = 64
) -> list[Tensor]:
    """P(still solvable) at every token of each conversation (float32, one value a token); read it at the step ends."""
    model.eval()
    out: list[Tensor] = [torch.empty(0)] * len(rows)
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        ids_BT = pad_ids([rows[i] for i in chosen], tokenizer.pad_token_id).to(model.device)
        p_BT = model(input_ids=ids_BT, use_cache=False).logits[..., 0].float().sigmoid().cpu()
        for i, p_T in zip(chosen, p_BT, strict=True):
            out[i] = p_T[: len(rows[i])].clone()
    return out


def load_rows(tokenizer: PreTrainedTokenizerFast, path: Path) -> list[ScoredRow]:
    """Stored replies, one JSON list [problem seed, level, token ids] a line, as rows with labels."""
    rows = []
    for line in path.read_text().splitlines():
        seed, level, ids = json.loads(line)
        rows.append(scored_row(tokenizer, generate(seed, level, "train"), ids))
    return rows
