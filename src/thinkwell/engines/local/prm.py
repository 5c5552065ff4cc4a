"""Runs a process reward model (a token classifier with one label) on growing paths: each call forwards only the tokens that are new.

The score of a position is the sigmoid of its logit: the probability that the path up to there is sound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from thinkwell.core.errors import ConfigError, EngineError, ModelError
from thinkwell.core.path import common_prefix
from thinkwell.engines.local.cache import BLOCK, Shelf, Slots, Stored
from thinkwell.engines.local.forward import chunk_queries, extend
from thinkwell.engines.local.loading import load
from thinkwell.engines.local.model import Decoder


@dataclass(slots=True)
class Judged:
    """Scores at token positions of a sequence, and how many tokens were forwarded for them."""

    scores: list[float]
    computed: int


@dataclass(slots=True, eq=False)
class _Order:
    tokens: tuple[int, ...]
    positions: tuple[int, ...]
    lineage: tuple[str, ...]
    future: asyncio.Future[Judged]
    known: dict[int, float]
    missing: tuple[int, ...] = ()
    done: int = 0
    computed: int = 0

    @property
    def left(self) -> int:
        """Tokens not forwarded yet, up to the last position whose score is missing."""
        return max(0, max(self.missing, default=-1) + 1 - self.done)


class TokenScorer:
    """Scores positions of token sequences with a Hugging Face token classifier of a supported family.

    `source`, `dtype`, `device`, `chunk`, `cache_bytes` as in `LocalEngine`.
    """

    def __init__(
        self,
        source: str | Path | nn.Module,
        tokenizer: Any = None,
        *,
        dtype: str = "auto",
        device: str = "auto",
        chunk: int = 1024,
        cache_bytes: int = 1 << 30,
    ) -> None:
        if chunk < 1 or cache_bytes < 1:
            raise ConfigError(f"chunk={chunk} and cache_bytes={cache_bytes} must be at least 1.")
        loaded = load(source, tokenizer, dtype=dtype, device=device, classifier=True)
        self.tokenizer, self.name, self.fingerprint = loaded.tokenizer, loaded.name, loaded.fingerprint
        self.decoder = Decoder(loaded.module)
        if self.decoder.head is None or self.decoder.head.shape[0] != 1:
            raise ModelError(f"{loaded.name!r} is no process reward model: expected a token classifier with one label.")
        self.chunk = chunk
        self.shelf = Shelf(cache_bytes)
        shape = self.decoder.shape
        self.slots = Slots(shape.layers, shape.kv_heads, shape.head_dim, self.decoder.dtype, self.decoder.device)
        self._known: dict[str, tuple[tuple[int, ...], dict[int, float]]] = {}  # lineage -> tokens, scores by position
        self._orders: list[_Order] = []
        self._pump: asyncio.Task[None] | None = None

    async def score(
        self, sequences: Sequence[Sequence[int]], positions: Sequence[Sequence[int]], lineages: Sequence[Sequence[str]] = ()
    ) -> list[Judged]:
        """Scores in [0, 1] at `positions` (0-based token indices) of each sequence. `lineages`: each path's name, then its ancestors', whose work is reused."""
        loop = asyncio.get_running_loop()
        orders = []
        for index, (tokens, asked) in enumerate(zip(sequences, positions, strict=True)):
            if asked and not 0 <= min(asked) <= max(asked) < min(len(tokens), self.decoder.shape.context):
                raise EngineError(
                    f"position {max(asked)} or {min(asked)} cannot be scored in a sequence of {len(tokens)} tokens (context {self.decoder.shape.context})."
                )
            lineage = tuple(lineages[index]) if lineages else ()
            orders.append(_Order(tuple(tokens), tuple(asked), lineage, loop.create_future(), {}))
        self._orders += orders
        if self._pump is None or self._pump.done() or self._pump.get_loop() is not loop:
            self._pump = loop.create_task(self._run())
        return list(await asyncio.gather(*(order.future for order in orders)))

    def release(self, lineages: Sequence[str]) -> None:
        self.shelf.drop(lineages)
        for name in lineages:
            self._known.pop(name, None)

    async def aclose(self) -> None:
        self.shelf.clear()
        self._known.clear()

    async def _run(self) -> None:
        await asyncio.sleep(0)  # callers that start together share batches
        while self._orders:
            orders, self._orders = self._orders, []
            try:
                for order in orders:
                    self._recall(order)
                # Paths that begin alike wait until one of them has been forwarded, and go on from its keys and values.
                first, others = self._leaders([order for order in orders if order.missing])
                for wave in (first, others):
                    for order in wave:
                        order.done = self._reusable(order)[1]
                    await self._forward_all(wave)
                self._resolve([order for order in orders if not order.missing])
            except Exception as error:
                failure = EngineError(f"the process reward model {self.name!r} failed: {type(error).__name__}: {error}")
                for order in [*orders, *self._orders]:
                    if not order.future.done():
                        order.future.set_exception(failure)
                self._orders = []
                raise

    def _recall(self, order: _Order) -> None:
        """Scores known from the path or its ancestors, and the positions whose scores are missing."""
        for name in order.lineage:
            if name in self._known:
                tokens, scores = self._known[name]
                shared = common_prefix(tokens, order.tokens)
                order.known |= {position: value for position, value in scores.items() if position < shared}
        order.missing = tuple(sorted(position for position in order.positions if position not in order.known))

    def _leaders(self, orders: list[_Order]) -> tuple[list[_Order], list[_Order]]:
        """One order of each new beginning, and the others."""
        seen: set[tuple[int, ...]] = set()
        first: list[_Order] = []
        others: list[_Order] = []
        for order in orders:
            beginning = order.tokens[: 2 * BLOCK]
            (others if beginning in seen or self._reusable(order)[1] >= len(beginning) else first).append(order)
            seen.add(beginning)
        return first, others

    def _reusable(self, order: _Order) -> tuple[Stored | None, int]:
        """Keys and values at rest that this order can go on from, and of how many tokens: of none that is still to be scored."""
        return self.shelf.find(order.tokens[: order.missing[0]], order.lineage)

    async def _forward_all(self, waiting: list[_Order]) -> None:
        """Forwards these in batches of about `chunk` new tokens, like lengths together."""
        waiting.sort(key=lambda order: order.left)
        while waiting:
            longest, batch = waiting[-1].left, [waiting.pop()]
            while waiting and longest * (len(batch) + 1) <= self.chunk:
                batch.append(waiting.pop())
            self._forward(batch)
            await asyncio.sleep(0)

    def _forward(self, batch: list[_Order]) -> None:
        """Scores what is missing in these sequences, keeps their caches, resolves their futures."""
        shape, decoder = self.decoder.shape, self.decoder
        longest = max(order.missing[-1] + 1 for order in batch)
        self.slots.reserve(len(batch), longest, live=0)
        for row, order in enumerate(batch):
            stored, order.done = self._reusable(order)
            if stored is not None:
                self.slots.load((row,), stored.data, order.done)
            order.computed = order.left
        while any(order.left for order in batch):
            queries = chunk_queries(shape, len(batch), longest, max(order.left for order in batch), self.chunk)
            tokens = [order.tokens[: order.done + order.left] for order in batch]
            hidden_NQH = extend(decoder, self.slots, tokens, [order.done for order in batch], queries)
            for order, scores in zip(batch, decoder.logits(hidden_NQH)[..., 0].double().sigmoid().tolist(), strict=True):
                stop = order.done + min(queries, order.left)
                order.known |= {position: scores[position - order.done] for position in order.missing if order.done <= position < stop}
                order.done = stop
        for row, order in enumerate(batch):
            if order.lineage:
                self.shelf.keep(order.lineage[0], order.tokens[: order.done], self.slots, row)
        self._resolve(batch)

    def _resolve(self, orders: list[_Order]) -> None:
        for order in orders:
            if order.lineage:
                self._known[order.lineage[0]] = (order.tokens, order.known)
            if not order.future.done():
                order.future.set_result(Judged([order.known[position] for position in order.positions], order.computed))
