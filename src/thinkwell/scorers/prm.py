"""A process reward model in this process: the probability that each step of a path is still on the way to the right answer.

Any token classifier with one label on a body that the local engine runs; its score (a sigmoid) is read at the token that ends a step: one that holds a blank line, `</think>`, or
the end of the text. A step that is not finished has no score. All paths put to it at the same time share forward passes, and a path that has grown costs only its new
tokens: keys and values wait under the path's name, forks and cuts find their parent's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as Folder
from typing import Any

from thinkwell.core.errors import EngineError, MissingExtra, ModelError
from thinkwell.core.path import Origin, Path
from thinkwell.core.scores import Scores
from thinkwell.engines.protocol import Engine
from thinkwell.scorers.protocol import check

STEP = "\n\n"
UNTHINK = "</think>"
ROWS = 32  # paths in one forward
SAMPLE = "Tom has 12 apples.\n\n<think>\nSo 3 * 4 = 12, wait</think>\n\\boxed{7} é 漢 \t_x"  # equal ids here: the same tokenizer


@dataclass(slots=True)
class _Order:
    """One path to be scored. tokens: prompt included; first: where the prompt ends; names: whose cache may be used, its own first."""

    tokens: tuple[int, ...]
    first: int
    names: tuple[str, ...]
    future: asyncio.Future[Scores]


class ProcessRewardModel:
    """Scores steps with `module`. Make it with `load`. engine: whose paths are scored (their ids are used if the tokenizers agree, else their text)."""

    def __init__(
        self, module: Any, tokenizer: Any, engine: Engine | None = None, *, name: str = "prm", chunk: int = 2048, cache_bytes: int = 1 << 30
    ) -> None:
        from thinkwell.engines.local.cache import Shelf
        from thinkwell.engines.local.model import Decoder

        if getattr(module.config, "num_labels", None) != 1:
            raise ModelError(
                f"a process reward model has one label, this one {getattr(module.config, 'num_labels', 'none')}; expected a token classifier with num_labels=1."
            )
        self.name, self.engine, self.tokenizer, self.chunk = name, engine, tokenizer, chunk
        self.decoder = Decoder(module)
        self.shelf = Shelf(cache_bytes)
        self.ends = step_ends(tokenizer)
        self.calls = self.forwards = 0
        self._found: dict[str, list[tuple[int, float]]] = {}
        self._agree: bool | None = None
        self._orders: list[_Order] = []
        self._pump: asyncio.Task[None] | None = None

    @classmethod
    def load(
        cls, model: str | Folder | None = None, engine: Engine | None = None, *, dtype: str = "auto", device: str = "auto", **options: Any
    ) -> ProcessRewardModel:
        """model: a folder or hub id; None: the bundled one. Raises `ModelError`, `MissingExtra`."""
        try:
            from thinkwell.engines.local.loading import load
        except ImportError as error:
            raise MissingExtra(f"{error.name} (for a process reward model)", "local") from error
        from thinkwell.engines.registry import bundled

        loaded = load(bundled("prm") if model is None else model, dtype=dtype, device=device, classifier=True)
        return cls(loaded.module, loaded.tokenizer, engine, **options)

    async def score(self, problem: str, paths: Sequence[Path]) -> list[Scores]:
        loop = asyncio.get_running_loop()
        self.calls += 1
        orders = []
        for path in paths:
            tokens, first = await self._tokens(path)
            orders.append(_Order(tokens, first, tuple(f"{problem}:{name}" for name in ancestry(path.id)), loop.create_future()))
        self._orders += orders
        if self._pump is None or self._pump.done() or self._pump.get_loop() is not loop:
            self._pump = loop.create_task(self._run())
        return list(await asyncio.gather(*(order.future for order in orders)))

    def release(self, lineages: Sequence[str]) -> None:
        self.shelf.drop(lineages)
        for name in lineages:
            self._found.pop(name, None)

    async def aclose(self) -> None:
        if self._pump is not None and not self._pump.done():
            self._pump.cancel()
        self.shelf.clear()
        self._found.clear()

    # ---- inside -------------------------------------------------------------------------------------------------------------

    async def _tokens(self, path: Path) -> tuple[tuple[int, ...], int]:
        """A path's ids in this model's vocabulary, and how many of them are the prompt."""
        ids = path.tokens
        if len(ids) == len(path) and await self._tokenizers_agree():
            return tuple(ids), path.count(Origin.PROMPT)
        prompt = self.tokenizer.encode(path.prompt, add_special_tokens=False)
        text = self.tokenizer.encode(path.text, add_special_tokens=False)
        end = [self.tokenizer.eos_token_id] if path.complete and self.tokenizer.eos_token_id is not None else []
        return (*prompt, *text, *end), len(prompt)

    async def _tokenizers_agree(self) -> bool:
        if self._agree is None:
            theirs: Any = getattr(self.engine, "tokenizer", None)
            if self.engine is None:
                self._agree = True
            elif hasattr(theirs, "get_vocab"):
                self._agree = theirs.get_vocab() == self.tokenizer.get_vocab()
            else:
                self._agree = list(await self.engine.encode(SAMPLE)) == list(self.tokenizer.encode(SAMPLE, add_special_tokens=False))
        return self._agree

    async def _run(self) -> None:
        """Score whatever waits, alike lengths together, until nothing does."""
        await asyncio.sleep(0)  # callers that start together share the first forward
        while self._orders:
            waiting, self._orders = self._orders, []
            holders = {id(entry): name for name, entry in self.shelf.entries.items()}
            found = [(order, *self._known(order, holders)) for order in waiting if not order.future.done()]
            found.sort(key=lambda item: len(item[0].tokens) - item[2])
            for start in range(0, len(found), ROWS):
                batch = found[start : start + ROWS]
                try:
                    for (order, *_), scores in zip(batch, self._forward(batch), strict=True):
                        if not order.future.done():
                            order.future.set_result(scores)
                except Exception as error:  # noqa: BLE001  every caller must hear of it
                    failure = EngineError(f"the process reward model failed: {type(error).__name__}: {error}")
                    for order, *_ in found[start:]:
                        if not order.future.done():
                            order.future.set_exception(failure)
                    break
                await asyncio.sleep(0)

    def _known(self, order: _Order, holders: Mapping[int, str]) -> tuple[Any, int, list[tuple[int, float]]]:
        """The cache of the longest beginning of a path that was scored before, its length, and the scores in it."""
        stored, length = self.shelf.find(order.tokens, order.names)
        if stored is None:
            return None, 0, []
        return stored, length, [(place, score) for place, score in self._found.get(holders[id(stored)], ()) if place < length]

    def _forward(self, batch: Sequence[tuple[_Order, Any, int, list[tuple[int, float]]]]) -> list[Scores]:
        import torch

        from thinkwell.engines.local.cache import Slots
        from thinkwell.engines.local.forward import chunk_queries, extend

        shape, decoder = self.decoder.shape, self.decoder
        longest = max(len(order.tokens) for order, *_ in batch)
        if longest > shape.context:
            raise EngineError(
                f"a path of {longest} tokens does not fit its context of {shape.context}; expected a shorter one. Use a model with a longer context."
            )
        fresh = max(len(order.tokens) - done for order, _, done, _ in batch)
        parts: list[Any] = []
        slots = Slots(shape.layers, shape.kv_heads, shape.head_dim, decoder.dtype, decoder.device, len(batch), longest + 1)
        for row, (_, stored, done, _) in enumerate(batch):
            if stored is not None:
                slots.load(slice(row, row + 1), stored.data, done)
        forwarded = 0
        while forwarded < fresh:
            queries = chunk_queries(shape, len(batch), longest, fresh - forwarded, self.chunk)
            parts.append(
                extend(decoder, slots, [order.tokens for order, *_ in batch], [done + forwarded for _, _, done, _ in batch], queries)
            )
            forwarded += queries
            self.forwards += 1
        results = []
        with torch.inference_mode():
            hidden_NQH = torch.cat(parts, 1) if parts else None
            for row, (order, _, done, known) in enumerate(batch):
                places = [place for place in range(max(done, order.first), len(order.tokens)) if order.tokens[place] in self.ends]
                read: list[float] = []
                if places and hidden_NQH is not None:
                    picked = hidden_NQH[row, torch.tensor(places, device=decoder.device) - done]
                    read = decoder.logits(picked)[:, 0].float().sigmoid().tolist()
                steps = [(place, score) for place, score in known if place >= order.first] + list(zip(places, read, strict=True))
                if done < len(order.tokens) or order.names[0] not in self.shelf.entries:
                    self.shelf.put(order.names[0], order.tokens, slots.save(row, len(order.tokens)))
                self._found[order.names[0]] = steps
                results.append(Scores(check([score for _, score in steps], self.name), len(order.tokens) - done))
        self._found = {name: steps for name, steps in self._found.items() if name in self.shelf.entries}
        return results


def step_ends(tokenizer: Any) -> frozenset[int]:
    """Ids of the tokens that end a step."""
    ids = range(len(tokenizer))
    pieces = tokenizer.batch_decode([[i] for i in ids], skip_special_tokens=False, clean_up_tokenization_spaces=False)
    found = {i for i, piece in zip(ids, pieces, strict=True) if STEP in piece or piece == UNTHINK}
    return frozenset(found | ({tokenizer.eos_token_id} - {None}))


def ancestry(path: str) -> list[str]:
    """A path's id and those it came from, nearest first: "0.2~1" gives "0.2~1", "0.2", "0"."""
    names = [path]
    while (cut := max(path.rfind("."), path.rfind("~"))) > 0:
        path = path[:cut]
        names.append(path)
    return names
