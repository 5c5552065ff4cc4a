"""Plain batched sampling from a lab policy, as the build and the model card need it (the engines do this in earnest)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedTokenizerFast, Qwen3ForCausalLM

from .tokenizer import prompt


@dataclass(frozen=True)
class Sample:
    """One reply of the policy: its token ids (with the end-of-turn token when it got there) and its text without that."""

    problem: int
    """Index of the problem in the list that was sampled."""
    ids: tuple[int, ...]
    text: str
    finished: bool


@torch.inference_mode()
def sample(
    model: Qwen3ForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    questions: Sequence[str],
    n: int,
    *,
    temperature: float = 0.8,
    max_tokens: int = 700,
    seed: int = 0,
    batch: int = 256,
) -> list[Sample]:
    """`n` replies to each question, in order of the questions."""
    model.eval()
    prompts = tokenizer([prompt(q) for q in questions], add_special_tokens=False)["input_ids"]
    jobs = sorted((i for i in range(len(questions)) for _ in range(n)), key=lambda i: (len(prompts[i]), i))
    out: list[Sample] = []
    for start in range(0, len(jobs), batch):
        rows = jobs[start : start + batch]
        generator = torch.Generator(device=model.device).manual_seed(seed * 1_000_003 + start)
        for job, ids in zip(rows, _batch(model, tokenizer, [prompts[i] for i in rows], temperature, max_tokens, generator), strict=True):
            finished = ids[-1] == tokenizer.eos_token_id
            text = tokenizer.decode(ids[:-1] if finished else ids)
            out.append(Sample(job, tuple(ids), text, finished))
    return sorted(out, key=lambda s: s.problem)


def _batch(
    model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, prompts: list[list[int]], temperature: float, max_tokens: int, generator: torch.Generator
) -> list[list[int]]:
    """Replies to prompts of about equal length; prompts are padded on the left, rows that end leave the batch now and then."""
    device, eos = model.device, tokenizer.eos_token_id
    longest = max(map(len, prompts))
    ids_BT = torch.tensor([[tokenizer.pad_token_id] * (longest - len(p)) + p for p in prompts], device=device)
    mask_BT = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=device)
    cache = DynamicCache(config=model.config)
    replies: list[list[int]] = [[] for _ in prompts]
    alive = list(range(len(prompts)))
    ended: Tensor = torch.zeros(len(prompts), dtype=torch.bool, device=device)
    positions_BT = (mask_BT.cumsum(1) - 1).clamp(min=0)
    for step in range(max_tokens):
        hidden = model.model(input_ids=ids_BT, attention_mask=mask_BT, position_ids=positions_BT, past_key_values=cache, use_cache=True).last_hidden_state
        logits_BV = model.lm_head(hidden[:, -1]).float()
        chosen_B = _choose(logits_BV, temperature, generator)
        for row, token in enumerate(chosen_B.tolist()):
            if not ended[row]:
                replies[alive[row]].append(token)
        ended = ended | (chosen_B == eos)
        if bool(ended.all()):
            break
        ids_BT, positions_BT = chosen_B[:, None], positions_BT[:, -1:] + 1
        mask_BT = torch.cat([mask_BT, mask_BT.new_ones(len(alive), 1)], dim=1)
        if step % 16 == 15 and int(ended.sum()) > len(alive) // 8:
            keep = (~ended).nonzero()[:, 0]
            cache.batch_select_indices(keep)
            ids_BT, positions_BT, mask_BT, ended = ids_BT[keep], positions_BT[keep], mask_BT[keep], ended[keep]
            alive = [alive[i] for i in keep.tolist()]
    return replies


def _choose(logits_BV: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    if temperature == 0:
        return logits_BV.argmax(-1)
    return torch.multinomial((logits_BV / temperature).softmax(-1), 1, generator=generator)[:, 0]
