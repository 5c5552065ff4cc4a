"""The forward passes of training: log-probs of given tokens under a causal language model, and values of a critic, in micro-batches without much padding.

Paths differ in length by ten times and more. Rows are sorted by length and cut into micro-batches of a bounded padded size, so hardly any padding is computed, and
logits are made only where a token carries the loss.

Axes: B rows, T tokens of a row (prompt included, padded on the right), H hidden, V vocabulary.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from thinkwell.core.errors import ModelError
from thinkwell.training.shared_prefix import bundles, hidden_states, line_of, possible

LOGITS = 1 << 24  # numbers of logits held at once: 64 MB in float32


class LogProbs(nn.Module):
    """Log-probs of tokens under a Hugging Face causal LM. One module, so that a wrapper that spreads the gradient over devices sees one forward."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids_BT: Tensor, mask_BT: Tensor, temperature: float = 1.0, entropy: bool = False) -> tuple[Tensor, Tensor | None]:
        """(B, T) log p(token t | tokens before it) where the mask is true, 0 elsewhere; and the entropy of those predictions in nats, if asked for.

        temperature: logits are divided by it, as the sampler's were. The first token of a row has no prediction: a true mask there is refused by `batch`.
        """
        body, head = parts(self.model)
        at_BT = mask_BT[:, 1:]
        if possible(body) and bool(at_BT.any()):
            line = line_of(ids_BT, mask_BT)
            hidden_MH = hidden_states(body, line).index_select(0, line.places_BT[:, 1:][at_BT])
        else:
            hidden_MH = body(input_ids=ids_BT, use_cache=False).last_hidden_state[:, :-1][at_BT]
        logp_M, entropy_M = _chosen(hidden_MH, ids_BT[:, 1:][at_BT], head, temperature, entropy)
        return _placed(logp_M, mask_BT), None if entropy_M is None else _placed(entropy_M, mask_BT)


class Values(nn.Module):
    """A critic: a copy of a causal LM's body with a scalar head that starts at zero."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        body, _ = parts(model)
        self.body = copy.deepcopy(body)
        width = int(getattr(self.body, "config").hidden_size)  # noqa: B009  nn.Module has no such attribute for the type checker
        like = next(self.body.parameters())
        self.head = nn.Linear(width, 1, bias=True, dtype=like.dtype, device=like.device)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, ids_BT: Tensor, mask_BT: Tensor) -> Tensor:
        """(B, T + 1): entry t is the value of the state before token t, entry t + 1 that after it, for the tokens of the mask; 0 elsewhere, and before the first token, where
        there is no state."""
        at_BT = around(mask_BT)
        if possible(self.body) and bool(at_BT.any()):
            line = line_of(nn.functional.pad(ids_BT, (0, 1)), at_BT)
            hidden_MH = hidden_states(self.body, line).index_select(0, line.places_BT[at_BT])
        else:
            hidden_MH = self.body(input_ids=ids_BT, use_cache=False).last_hidden_state[at_BT[:, 1:]]
        return _placed(self.head(hidden_MH)[..., 0], at_BT)


def around(mask_BT: Tensor) -> Tensor:
    """(B, T + 1): the states before and after the tokens of the mask, as places of the tokens that they come before."""
    before_BT, after_BT = nn.functional.pad(mask_BT, (0, 1)), nn.functional.pad(mask_BT, (1, 0))
    states_BT = before_BT | after_BT
    states_BT[:, 0] = False
    return states_BT


def parts(model: nn.Module) -> tuple[Any, Any]:
    """The body and the head of a causal LM, with whatever adapters sit inside. Raises `ModelError` for a model without them."""
    plain: Any = model.get_base_model() if hasattr(model, "get_base_model") else model
    if not hasattr(plain, "get_decoder") or not hasattr(plain, "get_output_embeddings") or plain.get_output_embeddings() is None:
        raise ModelError(
            f"{type(model).__name__} has no decoder with a language-model head; expected a Hugging Face causal LM. Load it with AutoModelForCausalLM."
        )
    return plain.get_decoder(), plain.get_output_embeddings()


def plain_of(forward: nn.Module) -> LogProbs:
    """`LogProbs` out of whatever spreads it over devices."""
    found = forward if isinstance(forward, LogProbs) else next(m for m in forward.modules() if isinstance(m, LogProbs))
    return found


def microbatches(lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """Indices of rows in micro-batches, like lengths together, each of at most `tokens` tokens padded (a longer row is alone); longest first, so that memory runs out early."""
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    found: list[list[int]] = []
    for index in order:
        if found and lengths[found[-1][0]] * (len(found[-1]) + 1) <= tokens:
            found[-1].append(index)
        else:
            found.append([index])
    return found


def cuts(model: nn.Module, rows: Sequence[Sequence[int]], masks: Sequence[Tensor], tokens: int) -> list[list[int]]:
    """Micro-batches for `LogProbs` of this model, or for a critic's `Values`: with one prompt's rows together where it computes a prompt once, else of like lengths."""
    if possible(model.body if isinstance(model, Values) else parts(model)[0]):
        return bundles(rows, [mask.tolist() for mask in masks], tokens)
    return microbatches([len(row) for row in rows], tokens)


def padded(rows: Sequence[Sequence[int]], fill: int, device: torch.device | str = "cpu") -> Tensor:
    """(B, T) int64, padded on the right."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *([fill] * (longest - len(row)))] for row in rows], dtype=torch.int64, device=device)


def stacked(rows: Sequence[Tensor], width: int, device: torch.device | str = "cpu") -> Tensor:
    """(B, width) of tensors (T_i,), padded on the right with zeros."""
    result = torch.zeros((len(rows), width), dtype=rows[0].dtype)
    for index, row in enumerate(rows):
        result[index, : len(row)] = row
    return result.to(device)


@torch.no_grad()
def logprobs_of(
    forward: nn.Module, rows: Sequence[Sequence[int]], masks: Sequence[Tensor], *, tokens: int, temperature: float = 1.0, pad: int = 0
) -> list[Tensor]:
    """Log-probs (T_i,) of each row's masked tokens, without a gradient, on the CPU; in micro-batches of `tokens`."""
    device = next(forward.parameters()).device
    result: list[Tensor] = [torch.empty(0)] * len(rows)
    for chosen in cuts(plain_of(forward).model, rows, masks, tokens):
        ids_BT = padded([rows[i] for i in chosen], pad, device)
        mask_BT = stacked([masks[i] for i in chosen], ids_BT.shape[1], device)
        logp_BT = forward(ids_BT, mask_BT, temperature)[0].cpu()
        for place, index in enumerate(chosen):
            result[index] = logp_BT[place, : len(rows[index])].clone()
    return result


@torch.no_grad()
def values_of(critic: nn.Module, rows: Sequence[Sequence[int]], masks: Sequence[Tensor], *, tokens: int, pad: int = 0) -> list[Tensor]:
    """Values (T_i + 1,) of each row: entry t before token t, the last after the last token, 0 away from the masked tokens; on the CPU."""
    device = next(critic.parameters()).device
    result: list[Tensor] = [torch.empty(0)] * len(rows)
    for chosen in cuts(critic_of(critic), rows, masks, tokens):
        ids_BT = padded([rows[i] for i in chosen], pad, device)
        mask_BT = stacked([masks[i] for i in chosen], ids_BT.shape[1], device)
        values_BT = critic(ids_BT, mask_BT).cpu()
        for place, index in enumerate(chosen):
            result[index] = values_BT[place, : len(rows[index]) + 1].clone()
    return result


def critic_of(critic: nn.Module) -> Values:
    """`Values` out of whatever spreads it over devices."""
    return critic if isinstance(critic, Values) else next(m for m in critic.modules() if isinstance(m, Values))


def _chosen(hidden_MH: Tensor, ids_M: Tensor, head: Any, temperature: float, entropy: bool) -> tuple[Tensor, Tensor | None]:
    """Log-probs and entropies (M,), a slice of the vocabulary's logits at a time."""
    rows = max(1, LOGITS // int(head.weight.shape[0]))
    logps: list[Tensor] = []
    entropies: list[Tensor] = []
    for hidden_SH, ids_S in _slices(hidden_MH, ids_M, rows):
        logits_SV = head(hidden_SH)
        logits_SV = logits_SV if logits_SV.dtype == torch.float64 else logits_SV.float()
        if temperature != 1.0:
            logits_SV = logits_SV / temperature
        total_S = logits_SV.logsumexp(-1)
        logps.append(logits_SV.gather(1, ids_S[:, None])[:, 0] - total_S)
        if entropy:
            entropies.append(total_S - (logits_SV.softmax(-1) * logits_SV).sum(-1))
    return torch.cat(logps), torch.cat(entropies) if entropy else None


def _slices(hidden_MH: Tensor, ids_M: Tensor, rows: int) -> Iterator[tuple[Tensor, Tensor]]:
    for start in range(0, max(1, len(ids_M)), rows):
        yield hidden_MH[start : start + rows], ids_M[start : start + rows]


def _placed(values_M: Tensor, mask_BT: Tensor) -> Tensor:
    """Values of the masked tokens at their places, 0 elsewhere; differentiable."""
    return values_M.new_zeros(mask_BT.shape).masked_scatter(mask_BT, values_M)
