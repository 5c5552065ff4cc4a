"""The training loop that both lab models share: Muon, cosine schedule, bf16 on demand, checkpoints, exact resume.

Muon (orthogonalised momentum) moves the hidden matrices, AdamW the embeddings and gains. Measured on this world: after 200 steps of
5,000 tokens the policy's loss is 0.42 with Muon and 0.90 with AdamW alone, at the same seconds a step.

Step t sees `batches(t)`, a pure function, so a run that was killed and resumed ends in the same weights as one that was not.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from .data import IGNORE

if TYPE_CHECKING:
    from transformers import Qwen3ForCausalLM

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Schedule:
    """How long and how fast one model learns."""

    steps: int
    rate: float = 4e-3
    """Peak learning rate of the hidden matrices (Muon, scaled to AdamW's update size)."""
    adam_rate: float = 2e-3
    """Peak learning rate of embeddings, gains and heads (AdamW)."""
    warmup: int = 100
    """Steps until the peak; the rates then fall as a cosine to 2 % of it."""
    weight_decay: float = 0.1
    clip: float = 1.0
    """Largest gradient norm."""
    save_every: float = 60.0
    """Seconds between checkpoints."""

    def at(self, step: int) -> float:
        """Share of the peak rates at a step."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


@dataclass(frozen=True)
class Learned:
    """What a training run leaves behind beside the weights."""

    steps: int
    tokens: int
    """Tokens of all batches without padding on which there was a loss or which were context."""
    seconds: float
    losses: list[float]
    """Mean loss of each stretch of ten steps."""


def save_atomic(value: Any, path: Path) -> None:
    """Write with a rename at the end, so a kill leaves the old file or the new one."""
    partial = path.with_name(path.name + ".partial")
    torch.save(value, partial)
    os.replace(partial, path)


def fit(
    model: nn.Module,
    batches: Callable[[int], Batch],
    loss_of: Callable[[Tensor, Tensor], Tensor],
    schedule: Schedule,
    checkpoint: Path,
    *,
    pad_id: int,
    autocast: bool = True,
    snapshot: Callable[[int], None] | None = None,
    log: Callable[[str], None] = print,
) -> Learned:
    """Train `model` in place. `loss_of(ids_BT, labels_BT)` is the mean loss; `snapshot(step)` is called after each checkpoint. autocast: products in bfloat16."""
    device = next(model.parameters()).device
    optimizers = _optimizers(model, schedule)
    step, tokens, seconds, losses = 0, 0, 0.0, []
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        for optimizer, saved_state in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved_state)
        step, tokens, seconds, losses = state["step"], state["tokens"], state["seconds"], state["losses"]
        log(f"resumed at step {step}")
    model.train()
    began = saved = time.monotonic()
    recent: list[float] = []
    while step < schedule.steps:
        ids, labels = (x.to(device) for x in batches(step))
        for optimizer, peak in zip(optimizers, (schedule.rate, schedule.adam_rate), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = peak * schedule.at(step)
            optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=autocast):
            loss = loss_of(ids, labels)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), schedule.clip)
        for optimizer in optimizers:
            optimizer.step()
        step += 1
        tokens += int((ids != pad_id).sum())
        recent.append(loss.item())
        if step % 10 == 0 or step == schedule.steps:
            losses.append(sum(recent) / len(recent))
            recent.clear()
        now = time.monotonic()
        # A checkpoint only falls between stretches of losses, so that the record is the same with and without a kill.
        if not recent and (now - saved > schedule.save_every or step == schedule.steps):
            state = {"model": model.state_dict(), "optimizers": [o.state_dict() for o in optimizers]}
            save_atomic({**state, "step": step, "tokens": tokens, "seconds": seconds + now - began, "losses": losses}, checkpoint)
            saved = now
            log(f"step {step}/{schedule.steps} loss {losses[-1]:.4f} tokens {tokens / 1e6:.2f}M seconds {seconds + now - began:.0f}")
            if snapshot:
                snapshot(step)
                model.train()
    return Learned(step, tokens, seconds + time.monotonic() - began, losses)


def policy_loss(model: Qwen3ForCausalLM, *, compiled: bool = False) -> Callable[[Tensor, Tensor], Tensor]:
    """Mean cross-entropy of the assistant's tokens (labels other than `IGNORE`) as a function of (ids_BT, labels_BT)."""
    if compiled:
        model.set_attn_implementation("eager")  # inductor fuses it; faster than sdpa on a CPU at these lengths
    body = torch.compile(model.model, dynamic=True) if compiled else model.model

    def loss_of(ids_BT: Tensor, labels_BT: Tensor) -> Tensor:
        # Padding is on the right and attention causal, so no mask is needed; logits are computed only where there is a label.
        hidden_BTD = body(input_ids=ids_BT, use_cache=False).last_hidden_state[:, :-1]
        target_BT = labels_BT[:, 1:]
        learnt = target_BT != IGNORE
        return nn.functional.cross_entropy(model.lm_head(hidden_BTD[learnt]).float(), target_BT[learnt])

    return loss_of


def _optimizers(model: nn.Module, schedule: Schedule) -> list[torch.optim.Optimizer]:
    """Muon for the hidden matrices, AdamW for the rest."""
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    hidden = [p for n, p in named if p.ndim == 2 and ".layers." in n]
    other = [p for n, p in named if not (p.ndim == 2 and ".layers." in n)]
    muon = torch.optim.Muon(hidden, lr=schedule.rate, weight_decay=schedule.weight_decay, adjust_lr_fn="match_rms_adamw")
    return [muon, torch.optim.AdamW(other, lr=schedule.adam_rate, betas=(0.9, 0.95), weight_decay=0.0)]
