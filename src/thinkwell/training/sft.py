"""Supervised fine-tuning: rows of token ids with a flag a token, one step on a batch of them, and the files that users bring.

    loss = - sum over learnt tokens of the whole batch log p(token | tokens before it) / their number

Micro-batches add up to that mean, whatever the split. By default rows of like length share a micro-batch, which leaves little padding; `Packed` puts rows one after the
other instead and keeps them apart by a mask. Both give the same loss and gradients. A mask over (T, T) costs more on a CPU than the padding that it saves.

Axes: B packed or padded rows, T tokens of one.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path as Folder
from typing import Any

import torch
from torch import Tensor, nn

from thinkwell.core.errors import ConfigError, DataError, ModelError
from thinkwell.core.path import Origin, Path
from thinkwell.training.aggregation import aggregate
from thinkwell.training.policy import LogProbs, cuts, padded, parts, plain_of, stacked

Row = tuple[Sequence[int], Sequence[bool]]
"""Token ids of a conversation; does each token carry the loss?"""
Backward = Callable[[Tensor], None]
Around = Callable[[bool], AbstractContextManager[None]]

TRIES = 1000
ROLES = ("system", "user", "assistant", "tool")


def row_of(path: Path, trained: frozenset[Origin] = frozenset({Origin.MODEL})) -> Row:
    """A path as a row: what the model wrote carries the loss; prompt, injected text and observations do not."""
    flags = [segment.origin in trained for segment in path.segments for _ in range(segment.n_tokens)]
    return path.tokens, flags


def row_of_pieces(tokenizer: Any, messages: Sequence[Mapping[str, str]], pieces: Sequence[tuple[str, bool]]) -> Row:
    """A prompt and a reply in pieces, each with whether the model writes it; the end-of-text token, learnt, follows.

    Prompt and pieces are encoded one by one, as they come together when a method splices. Raises `ModelError` for a tokenizer without a chat template.
    """
    prompt = _encode(tokenizer, _render(tokenizer, messages, open_reply=True))
    ids, flags = list(prompt), [False] * len(prompt)
    for text, learnt in pieces:
        more = _encode(tokenizer, text)
        ids += more
        flags += [learnt] * len(more)
    return [*ids, tokenizer.eos_token_id], [*flags, True]


def rows_of(tokenizer: Any, messages: Sequence[Mapping[str, str]]) -> list[Row]:
    """A conversation as rows: the assistant's turns carry the loss, each up to its end-of-text token.

    One row where the chat template writes earlier turns as they were written. A template that changes them later (it drops the thinking of all but the last turn, say) gives a
    row for each assistant turn, with the conversation before it as the model will see it.
    """
    turns = [i for i, message in enumerate(messages) if message["role"] == "assistant"]
    whole = _render(tokenizer, messages)
    spans = [_span(tokenizer, messages, i) for i in turns]
    if all(whole.startswith(text) for text, _ in spans):
        return [_row(tokenizer, whole, [(begin, len(text)) for text, begin in spans])]
    return [_row(tokenizer, text, [(begin, len(text))]) for text, begin in spans]


def _span(tokenizer: Any, messages: Sequence[Mapping[str, str]], turn: int) -> tuple[str, int]:
    """The text up to the end of an assistant turn, and where what the model writes begins: after what the template has put before it."""
    text = _render(tokenizer, messages[: turn + 1])
    opened = _render(tokenizer, messages[:turn], open_reply=True)
    begin = next((i for i, (a, b) in enumerate(zip(text, opened, strict=False)) if a != b), min(len(text), len(opened)))
    return text, begin


def _row(tokenizer: Any, text: str, spans: Sequence[tuple[int, int]]) -> Row:
    """Ids of a text whose spans are learnt, each up to its last end-of-text token if it has one (what the template adds after it, the model never writes)."""
    ids: list[int] = []
    flags: list[bool] = []
    at = 0
    for begin, end in spans:
        before, said = _encode(tokenizer, text[at:begin]), _encode(tokenizer, text[begin:end])
        last = max((i for i, token in enumerate(said) if token == tokenizer.eos_token_id), default=len(said) - 1)
        ids += [*before, *said]
        flags += [*[False] * len(before), *(i <= last for i in range(len(said)))]
        at = end
    rest = _encode(tokenizer, text[at:])
    return ids + rest, flags + [False] * len(rest)


def read_rows(file: Folder, tokenizer: Any) -> list[Row]:
    """The rows of a JSONL file. A line is `{"messages": [{"role": ..., "content": ...}, ...]}` or `{"prompt": ..., "response": ...}`, in the model's chat template.

    Raises `DataError` that names the line: no JSON, neither form, a role that does not exist, a content that is no text, no assistant turn; and for a file that is not there
    or empty.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {file}: {error}; expected a JSONL file in UTF-8. Give another file.") from None
    rows: list[Row] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            rows += rows_of(tokenizer, _messages(line, f"{file}, line {number}"))
    if not rows:
        raise DataError(f"{file} has no conversation; expected one JSON object a line. Give another file.")
    return rows


def _messages(line: str, where: str) -> list[dict[str, str]]:
    """The messages of one line."""
    try:
        found = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{where} is no JSON ({error.msg} at column {error.colno}); expected one object a line. Mend the line.") from None
    if isinstance(found, dict) and "messages" not in found and {"prompt", "response"} <= found.keys():
        found = {"messages": [{"role": "user", "content": found["prompt"]}, {"role": "assistant", "content": found["response"]}]}
    messages = found.get("messages") if isinstance(found, dict) else None
    if not isinstance(messages, list) or not messages:
        raise DataError(f'{where} has no conversation; expected "messages", or "prompt" and "response". Mend the line.')
    for message in messages:
        if not isinstance(message, dict) or message.get("role") not in ROLES or not isinstance(message.get("content"), str):
            raise DataError(
                f"{where} has a message {message!r}; expected a role of {', '.join(ROLES)} and a content that is text. Mend the line."
            )
    if not any(message["role"] == "assistant" and message["content"] for message in messages):
        raise DataError(f"{where} has no turn of the assistant; expected one at least, since only those are learnt. Mend the line.")
    return [{"role": message["role"], "content": message["content"]} for message in messages]


@dataclass(frozen=True)
class Shuffled:
    """`rows` of an `Sft` stage from given ones: `count` a step, in a new order every epoch; a pure function of (seed, step)."""

    given: Sequence[Row]
    count: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.given or self.count < 1:
            raise ConfigError(
                f"{len(self.given)} rows, {self.count} a step: nothing to learn from; expected at least one of both. Give more rows."
            )

    def __call__(self, step: int) -> list[Row]:
        wanted = range(step * self.count, (step + 1) * self.count)
        return [self.given[self._order(i // len(self.given))[i % len(self.given)]] for i in wanted]

    def _order(self, epoch: int) -> list[int]:
        shuffled = torch.randperm(len(self.given), generator=torch.Generator().manual_seed(self.seed * 1_000_003 + epoch))
        return [int(i) for i in shuffled]


class Drawn:
    """`rows` of an `Sft` stage that are made as they are needed: `count` a step, what is filtered out drawn again; a pure function of name (with the seed in it) and step."""

    def __init__(self, draw: Callable[[random.Random], Row | None], count: int, name: str) -> None:
        self.draw, self.count, self.name = draw, count, name

    def __call__(self, step: int) -> list[Row]:
        rng, rows, refused = random.Random(f"{self.name}/{step}"), list[Row](), 0
        while len(rows) < self.count:
            row = self.draw(rng)
            refused = refused + 1 if row is None else 0
            if refused > TRIES:
                raise ConfigError(
                    f"{self.name}: {TRIES} draws in a row were filtered out; expected one to keep at least. Choose a milder filter."
                )
            rows += [row] if row is not None else []
        return rows


def sft_step(
    forward: nn.Module,
    rows: Sequence[Row],
    micro_tokens: int,
    *,
    pad: int = 0,
    packing: bool = False,
    backward: Backward = torch.Tensor.backward,
    around: Around = lambda last: nullcontext(),
    share: tuple[int, int] = (0, 1),
) -> tuple[float, dict[str, float]]:
    """Loss of a batch of rows, with its gradient added to the weights' `.grad`: the mean of -log p over all learnt tokens. No optimiser step.

    forward: `LogProbs`, or `Packed` with `packing`. micro_tokens: of one forward and backward, padding included. backward: what to do with the loss of a
    micro-batch. around: what its forward and backward stand in, told whether it is the last one (where processes exchange gradients once). share: (which, of how many)
    processes this is; loss and gradient are then of this one's rows, divided by what the whole batch learns.
    Metrics: loss; learnt_tokens of the whole batch; padding, the share of the computed tokens that is. Raises `ConfigError` where no token is learnt.
    """
    masks = [torch.tensor([False, *list(flags)[1:]]) for _, flags in rows]  # nothing comes before a row's first token
    learnt = sum(int(mask.sum()) for mask in masks)
    if not learnt:
        raise ConfigError(f"none of the tokens of {len(rows)} rows is learnt; expected one at least. Look at the flags.")
    device = next(forward.parameters()).device
    mine = list(range(share[0], len(rows), share[1]))
    ids, lengths = [rows[i][0] for i in mine], [len(rows[i][0]) for i in mine]
    masks = [masks[i] for i in mine]
    micros = (
        _packs(lengths, micro_tokens)
        if packing
        else [[[i] for i in cut] for cut in cuts(plain_of(forward).model, ids, masks, micro_tokens)]
    )
    total, computed = 0.0, 0
    for number, chosen in enumerate(micros):
        ids_BT = padded([[token for i in together for token in ids[i]] for together in chosen], pad, device)
        mask_BT = stacked([torch.cat([masks[i] for i in together]) for together in chosen], ids_BT.shape[1], device)
        with around(number == len(micros) - 1):
            if packing:
                owner = [torch.cat([torch.full((lengths[i],), place + 1) for place, i in enumerate(together)]) for together in chosen]
                logp_BT, _ = forward(ids_BT, mask_BT, stacked(owner, ids_BT.shape[1], device))
            else:
                logp_BT, _ = forward(ids_BT, mask_BT)
            loss = aggregate(-logp_BT, mask_BT, batch_tokens=learnt)
            backward(loss)
        total += float(loss.detach())
        computed += ids_BT.numel()
    return total, {"loss": total, "learnt_tokens": float(learnt), "padding": 1 - sum(lengths) / computed if computed else 0.0}


def _packs(lengths: Sequence[int], tokens: int) -> list[list[list[int]]]:
    """Micro-batches of packed rows: as wide as the longest row, filled longest first wherever there is room (first fit)."""
    width = max(lengths)
    packs: list[list[int]] = []
    room: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        place = next((p for p, left in enumerate(room) if left >= lengths[index]), len(packs))
        if place == len(packs):
            packs.append([])
            room.append(width)
        packs[place].append(index)
        room[place] -= lengths[index]
    each = max(1, tokens // width)
    return [packs[i : i + each] for i in range(0, len(packs), each)]


class Packed(nn.Module):
    """Log-probs as `LogProbs` gives them, of rows packed one after the other: positions begin again and attention stays inside each row."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids_BT: Tensor, mask_BT: Tensor, owner_BT: Tensor, temperature: float = 1.0) -> tuple[Tensor, Tensor | None]:
        """owner_BT: which row of its pack a token belongs to, counted from 1; 0 for padding."""
        same_BTT = owner_BT[:, :, None] == owner_BT[:, None, :]
        allowed_BTT = same_BTT.tril()
        dtype = next(self.model.parameters()).dtype
        bias_B1TT = torch.zeros(allowed_BTT.shape, dtype=dtype, device=ids_BT.device).masked_fill(~allowed_BTT, torch.finfo(dtype).min)[
            :, None
        ]
        positions_BT = allowed_BTT.sum(-1) - 1
        return LogProbs(_Placed(self.model, bias_B1TT, positions_BT))(ids_BT, mask_BT, temperature)


class _Placed(nn.Module):
    """A causal LM whose decoder is given mask and positions."""

    def __init__(self, model: nn.Module, bias_B1TT: Tensor, positions_BT: Tensor) -> None:
        super().__init__()
        self.body, self.head = parts(model)
        self.bias_B1TT, self.positions_BT = bias_B1TT, positions_BT

    def get_decoder(self) -> Callable[..., Any]:
        return partial(self.body, attention_mask=self.bias_B1TT, position_ids=self.positions_BT)

    def get_output_embeddings(self) -> Any:
        return self.head


def _render(tokenizer: Any, messages: Sequence[Mapping[str, str]], *, open_reply: bool = False) -> str:
    if not getattr(tokenizer, "chat_template", None) or tokenizer.eos_token_id is None:
        raise ModelError(
            "the tokenizer has no chat template or no end-of-text token; expected those of a chat model. Give such a tokenizer."
        )
    return str(tokenizer.apply_chat_template(list(messages), add_generation_prompt=open_reply, tokenize=False))


def _encode(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer.encode(text, add_special_tokens=False)) if text else []
