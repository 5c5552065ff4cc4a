"""A step of preference training: new pairs where a round begins, then one update with MPO's loss. The trainer's side of `pairs.py`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError
from thinkwell.training.experience import OnError
from thinkwell.training.learner import Learner, Means, NotFinite, rate_at
from thinkwell.training.pairs import Made, Pair, Pairs, preference_loss
from thinkwell.training.policy import LogProbs, logprobs_of, microbatches, padded, stacked
from thinkwell.training.sample import Sample
from thinkwell.training.stage import Draw, Preference, Writer


async def preference_step(
    learner: Learner,
    stage: Preference,
    step: int,
    writer: Writer,
    draw: Draw,
    *,
    share: Callable[[list[Sample]], list[Sample]] = list,
    on_error: OnError = "stop",
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """One step of a stage, counted from 0 in it: at the start of a round new pairs, then one update. Metrics, and at a new round pairs for people to read.

    A round without a pair makes no update: its steps say so with `pairs` 0.
    """
    maker: Pairs = stage.make
    length = math.ceil(stage.steps / stage.rounds)
    row: dict[str, Any] = {}
    shown: list[dict[str, Any]] = []
    if step % length == 0:
        began = time.perf_counter()
        made = await maker.renew(writer, draw, step, share, on_error)
        row = _seen(made) | {"time/rollout": time.perf_counter() - began}
        shown = [_shown(pair, side) for pair in made.pairs[:3] for side in ("chosen", "rejected")]
    pairs = maker.batch(step % length, stage.batch)
    if pairs:
        metrics, maker.shift = update(learner, stage, pairs, step, maker.shift)
        row |= metrics
    return row | {"pairs": len(pairs), "shift": maker.shift}, shown


def update(learner: Learner, stage: Preference, pairs: Sequence[Pair], step: int, shift: float) -> tuple[dict[str, float], float]:
    """One optimiser step on the pairs: metrics and the next shift. Raises `NotFinite`."""
    began, total, accelerator = time.perf_counter(), Means(), learner.accelerator
    if learner.reference is None:
        raise ConfigError(
            "the policy of the stage's start is not there; expected it as the reference of log-ratios. Begin the stage first."
        )
    for group in learner.optimiser.param_groups:
        group["lr"] = stage.optimiser.rate * rate_at(stage.optimiser, step, stage.steps)
    learner.optimiser.zero_grad(set_to_none=True)
    mine = pairs[accelerator.process_index :: accelerator.num_processes]
    cuts = microbatches([2 * max(len(p.chosen.path), len(p.rejected.path)) for p in mine], learner.micro_tokens)
    loss_sum, implicit = 0.0, 0.0
    for number, cut in enumerate(cuts):
        last = number == len(cuts) - 1 or accelerator.num_processes == 1
        with nullcontext() if last else accelerator.no_sync(learner.forward):
            ids_BT, mask_BT, ref_BT = _stacked(learner, learner.reference, [mine[i] for i in cut])
            with accelerator.autocast():
                logp_BT, _ = learner.forward(ids_BT, mask_BT)
            loss, metrics = preference_loss(logp_BT, ref_BT.to(logp_BT.dtype), mask_BT, shift=shift, batch_pairs=len(pairs), **stage.loss)
            if not bool(torch.isfinite(loss)):
                raise NotFinite("loss", {"ids": ids_BT, "mask": mask_BT, "logp": logp_BT.detach(), "ref_logp": ref_BT})
            accelerator.backward(loss * accelerator.num_processes)
        loss_sum += float(loss.detach())
        # The next shift is linear in the mean reward, so that of the whole batch is the mean over its parts.
        implicit += metrics.pop("next_shift") * len(cut) / len(pairs)
        whole = {name: metrics.pop(name) * len(pairs) / len(cut) for name in ("loss_pref", "loss_quality", "loss_gen")}
        total.add(metrics | whole, len(cut))
    norm = float(accelerator.clip_grad_norm_(learner.module.parameters(), stage.optimiser.clip))
    if not math.isfinite(norm):
        raise NotFinite("gradient", {"ids": [pair.chosen.path.tokens for pair in pairs]})
    learner.optimiser.step()
    learner.version += 1
    total.add({"loss": loss_sum, "grad_norm": norm, "rate": learner.optimiser.param_groups[0]["lr"]}, 1)
    total.seconds("loss", began)
    if accelerator.num_processes > 1:
        implicit = float(accelerator.reduce(torch.tensor(implicit, device=accelerator.device), "sum"))
    return total.result(), implicit


def _stacked(learner: Learner, reference: LogProbs, pairs: Sequence[Pair]) -> tuple[Tensor, Tensor, Tensor]:
    """Ids, mask and the reference's log-probs (2P, T): chosen responses first."""
    samples = [pair.chosen for pair in pairs] + [pair.rejected for pair in pairs]
    ids, masks = [sample.path.tokens for sample in samples], [torch.tensor(sample.mask()) for sample in samples]
    with learner.accelerator.autocast():
        ref = logprobs_of(reference, ids, masks, tokens=learner.micro_tokens, pad=learner.pad)
    device, width = learner.accelerator.device, max(map(len, ids))
    return padded(ids, learner.pad, device), stacked(masks, width, device), stacked(ref, width, device)


def _seen(made: Made) -> dict[str, Any]:
    """What a new round saw, before pairs were made."""
    batch = made.batch
    means = {"accuracy": batch.correct, "tokens": batch.lengths, "cut": batch.cut, "reward": made.rewards}
    found = {name: float(values.double().mean()) if len(batch) else None for name, values in means.items()}
    return found | {"samples": len(batch), "reward_errors": made.errors} | made.metrics


def _shown(pair: Pair, side: str) -> dict[str, Any]:
    """One side of a pair as a row of the table of samples."""
    sample = pair.chosen if side == "chosen" else pair.rejected
    return {
        "problem": sample.problem.id,
        "question": sample.problem.question,
        "text": sample.path.text,
        "reward": None,
        "parts": {side: 1.0, "gap": pair.gap},
        "advantage": None,
        "right": sample.correct,
        "tokens": sample.length,
    }
