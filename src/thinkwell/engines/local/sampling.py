"""Drawing tokens: argmax(logits / temperature + Gumbel noise), the noise keyed by (seed, problem, path, position).

The Gumbel-max trick draws exactly from softmax(logits / temperature); multiplying by the temperature gives argmax(logits + temperature * noise), one
pass that is greedy at temperature 0. Filters act on the tempered distribution in the order top-k, top-p, min-p, and only on the rows that ask.

Axes: N rows (paths), V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from thinkwell.core.noise import GUMBEL_MAX, NoiseKey
from thinkwell.core.sampling import Sampling
from thinkwell.engines.local.native import native_for
from thinkwell.engines.local.noise import gumbel_, uniforms, uniforms_at

AHEAD = 128  # rows x positions whose noise is made in one go: small batches make it for several positions ahead
WIDE = 4096  # vocabularies from here on make noise only for tokens that can win


@dataclass(frozen=True, slots=True)
class Filters:
    """Rows that filter, and their settings: rows_F, and one value a row in the others (0, 1 and 0 mean off)."""

    rows: Tensor
    temperature: Tensor
    top_k: Tensor
    top_p: Tensor
    min_p: Tensor


class Sampler:
    """Draws the next token of every row of a batch. `add` when paths join, `move` and `narrow` when some leave, `draw` once a step."""

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self.device = device
        self.dtype = dtype if dtype == torch.float64 else torch.float32
        self.native = native_for(device, self.dtype)
        self.noise_WNV: Tensor | None = None
        self.used = 0
        self.clear()

    def assign(self, keys: Sequence[tuple[int, int, int, int]], sampling: Sequence[Sampling]) -> None:
        """Says who sits in each row: the key of its noise and how it samples."""
        self.clear()
        self.add(keys, sampling)

    def clear(self) -> None:
        """No rows."""
        self.noise_WNV = None
        self.sampling: list[Sampling] = []
        self.keys_N4 = torch.empty((0, 4), dtype=torch.int64, device=self.device)
        self.temperature_N1 = torch.empty((0, 1), dtype=self.dtype, device=self.device)
        self.random = False
        self.filters: Filters | None = None

    def add(self, keys: Sequence[tuple[int, int, int, int]], sampling: Sequence[Sampling]) -> None:
        """Rows after those there are."""
        self.noise_WNV = None
        self.sampling = [*self.sampling, *sampling]
        self.keys_N4 = torch.cat([self.keys_N4, torch.tensor(keys, dtype=torch.int64, device=self.device).view(-1, 4)])
        temperatures = torch.tensor([s.temperature for s in sampling], dtype=self.dtype, device=self.device)
        self.temperature_N1 = torch.cat([self.temperature_N1, temperatures[:, None]])
        self.random |= any(not s.greedy for s in sampling)
        self.filters = filters_of(self.sampling, self.device, self.dtype)

    def move(self, last: int, hole: int) -> None:
        """Row `hole` is from now on what row `last` was; noise made ahead stays with its path. `narrow` must follow before the next draw."""
        self.sampling[hole] = self.sampling[last]
        self.keys_N4[hole], self.temperature_N1[hole] = self.keys_N4[last], self.temperature_N1[last]
        if self.noise_WNV is not None:
            self.noise_WNV[:, hole] = self.noise_WNV[:, last]

    def narrow(self, count: int) -> None:
        """The first `count` rows stay."""
        self.sampling = self.sampling[:count]
        self.keys_N4, self.temperature_N1 = self.keys_N4[:count], self.temperature_N1[:count]
        if self.noise_WNV is not None:
            self.noise_WNV = self.noise_WNV[:, :count] if self.used < len(self.noise_WNV) and count else None
        self.random = self.random and count > 0
        if self.filters is not None:
            self.filters = filters_of(self.sampling, self.device, self.dtype)

    def draw(self, logits_NV: Tensor, positions_N: Tensor) -> Tensor:
        """One token a row: (N,) int64. positions_N: the absolute position each token will have in its path."""
        logits_NV = logits_NV.to(self.dtype)
        if not self.random:
            return logits_NV.argmax(-1)
        if self.filters is not None:
            logits_NV = logits_NV.index_copy(0, self.filters.rows, filtered(logits_NV[self.filters.rows], self.filters))
        if self.native is not None:
            return self.native.draw(logits_NV.contiguous(), self.temperature_N1, self.keys_N4, positions_N)
        if logits_NV.shape[1] >= WIDE:
            return draw_wide(logits_NV, self.temperature_N1, self.keys_N4, positions_N)
        return torch.addcmul(logits_NV, self._noise(positions_N, logits_NV.shape[1]), self.temperature_N1).argmax(-1)

    def draw_nodes(self, logits_MV: Tensor, rows_M: Tensor, positions_M: Tensor) -> Tensor:
        """One token a node of the rows' draft trees: (M,) int64, each what `draw` would give its row at that position."""
        logits_MV = logits_MV.to(self.dtype)
        self.noise_WNV = None  # made ahead for one position a step
        if not self.random:
            return logits_MV.argmax(-1)
        if self.filters is not None:
            filters = filters_of([self.sampling[row] for row in rows_M.tolist()], self.device, self.dtype)
            if filters is not None:
                logits_MV = logits_MV.index_copy(0, filters.rows, filtered(logits_MV[filters.rows], filters))
        if self.native is not None:
            return self.draw_of(logits_MV, rows_M, positions_M)
        temperature_M1, keys_M4 = self.temperature_N1[rows_M], self.keys_N4[rows_M]
        if logits_MV.shape[1] >= WIDE:
            return draw_wide(logits_MV, temperature_M1, keys_M4, positions_M)
        noise_MV = gumbel_(uniforms(keys_M4, positions_M, logits_MV.shape[1], self.dtype))
        return torch.addcmul(logits_MV, noise_MV, temperature_M1).argmax(-1)

    def draw_of(self, logits_MV: Tensor, rows_M: Tensor, positions_M: Tensor) -> Tensor:
        """`draw_nodes` by the compiled kernel, which must be there, for rows without filters."""
        assert self.native is not None
        return self.native.draw(logits_MV.contiguous(), self.temperature_N1, self.keys_N4, positions_M.contiguous(), rows_M.contiguous())

    def _noise(self, positions_N: Tensor, vocab: int) -> Tensor:
        if self.noise_WNV is None or self.used >= len(self.noise_WNV):
            rows = len(positions_N)
            ahead = max(1, min(16, AHEAD // rows))
            steps = torch.arange(ahead, device=self.device)[:, None]
            positions = (positions_N[None] + steps).flatten()
            self.noise_WNV = gumbel_(uniforms(self.keys_N4.repeat(ahead, 1), positions, vocab, self.dtype)).view(ahead, rows, vocab)
            self.used = 0
        self.used += 1
        return self.noise_WNV[self.used - 1]


def filters_of(sampling: Sequence[Sampling], device: torch.device, dtype: torch.dtype) -> Filters | None:
    """The filters of the rows that have any (greedy rows need none)."""
    rows = [row for row, s in enumerate(sampling) if not s.greedy and (s.top_k > 0 or s.top_p < 1 or s.min_p > 0)]
    if not rows:
        return None

    def column(values: list[float] | list[int], kind: torch.dtype) -> Tensor:
        return torch.tensor(values, dtype=kind, device=device)

    return Filters(
        rows=column(rows, torch.int64),
        temperature=column([sampling[row].temperature for row in rows], dtype),
        top_k=column([sampling[row].top_k for row in rows], torch.int64),
        top_p=column([sampling[row].top_p for row in rows], dtype),
        min_p=column([sampling[row].min_p for row in rows], dtype),
    )


def filtered(logits_FV: Tensor, filters: Filters) -> Tensor:
    """Logits with what the filters remove at -inf. Ties at the k-th value all stay; the likeliest token always stays."""
    vocab = logits_FV.shape[1]
    top_k = torch.where(filters.top_k > 0, filters.top_k.clamp(max=vocab), vocab)[:, None]
    ordered, order = (logits_FV / filters.temperature[:, None]).sort(-1, descending=True)
    ordered = ordered.masked_fill(ordered < ordered.gather(1, top_k - 1), -torch.inf)
    probs = ordered.softmax(-1)
    above = probs.cumsum(-1) - probs  # mass of the likelier tokens; a token stays while that is below top_p
    drop = (above >= filters.top_p[:, None]) & (filters.top_p < 1)[:, None]
    drop |= probs < filters.min_p[:, None] * probs[:, :1]
    drop |= ordered == -torch.inf
    drop[:, 0] = False
    return logits_FV.masked_fill(torch.zeros_like(drop).scatter(1, order, drop), -torch.inf)


def draw_wide(logits_NV: Tensor, temperature_N1: Tensor, keys_N4: Tensor, positions_N: Tensor) -> Tensor:
    """The same draw for a large vocabulary: noise only for tokens that can still win, exact because Gumbel noise is bounded by `GUMBEL_MAX`."""
    top, tokens = logits_NV.topk(32, -1)
    rows, count = torch.arange(len(logits_NV), device=logits_NV.device)[:, None], top.shape[1]

    def noise(row: Tensor, token: Tensor) -> Tensor:
        return gumbel_(uniforms_at(keys_N4[row], positions_N[row], token, logits_NV.dtype))

    best = (top + temperature_N1 * noise(rows.expand(-1, count).flatten(), tokens.flatten()).view_as(top)).max(-1)
    winner = tokens.gather(1, best.indices[:, None])[:, 0]
    alive = logits_NV >= best.values[:, None] - temperature_N1 * GUMBEL_MAX
    alive.scatter_(1, tokens, False)
    row, token = alive.nonzero(as_tuple=True)
    if len(row) == 0:
        return winner
    score = logits_NV[row, token] + temperature_N1[row, 0] * noise(row, token)
    challenger = best.values.scatter_reduce(0, row, score, "amax")
    beaten = (score == challenger[row]) & (score > best.values[row])
    return winner.index_put((row[beaten],), token[beaten])


def keyed_draw(logits_NV: Tensor, keys: Sequence[NoiseKey], positions: Sequence[int], sampling: Sampling) -> Tensor:
    """What the engine would sample at these positions from these logits: (N,). For methods that verify drafts."""
    sampler = Sampler(logits_NV.device, logits_NV.dtype)
    sampler.assign([key.words() for key in keys], [sampling] * len(keys))
    return sampler.draw(logits_NV, torch.tensor(positions, device=logits_NV.device))


def logprob_of(logits_NV: Tensor, tokens_N: Tensor) -> Tensor:
    """Natural log-prob of each row's token under the model itself: temperature 1, no filter, no hook."""
    wide = logits_NV.to(torch.float64 if logits_NV.dtype == torch.float64 else torch.float32)
    return wide.gather(1, tokens_N[:, None])[:, 0] - wide.logsumexp(-1)
